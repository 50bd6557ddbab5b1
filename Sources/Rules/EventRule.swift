// SPDX-License-Identifier: Apache-2.0

package import Wire

/// The rules for what an agency may publish, and for what the bus says of the acts of cases.
package enum EventRule {
    /// CloudEvents source of the acts of cases.
    package static let source = "barid:journal"
    /// What stands before the act in the type of such an event.
    package static let typePrefix = "barid.case."
    /// The word for the office in the topic of an act that no office did and no queue was entered by.
    package static let noOffice = "-"

    /// Checks an event that an agency publishes.
    ///
    /// - Throws: `topicInvalid`, `topicReserved` or `sourceForeign`.
    package static func check(
        _ event: Envelope.Event,
        publishedBy agency: String
    ) throws(RefusalCode) {
        guard Topic.isLegal(event.topic) else { throw .topicInvalid }
        // An agency may be named as the first word of the bus's own topics; those stay the bus's.
        guard !event.topic.hasPrefix(Topic.cases + "."), event.topic != Topic.cases,
            Topic.owner(of: event.topic) == agency
        else { throw .topicReserved }
        let path = event.source.hasPrefix("/") ? event.source.dropFirst() : event.source[...]
        guard path.prefix(while: { $0 != "/" && $0 != "?" && $0 != "#" }) == agency else {
            throw .sourceForeign
        }
    }

    /// The topic of an act of a case, `case.procedure.office.act`; the office may be empty.
    package static func topic(of act: Act, procedure: String, office: String) -> String {
        let procedure = Topic.word(of: procedure)
        let office = office.isEmpty ? noOffice : Topic.word(of: office)
        return "\(Topic.cases).\(procedure).\(office).\(act.word)"
    }

    /// The envelope of an act of a case.
    package static func envelope(of act: Act, topic: String, serial: UInt64) -> Envelope.Event {
        var event = Envelope.Event()
        event.topic = topic
        event.type = typePrefix + act.word
        event.source = source
        event.subject = CaseNumber(serial: serial)?.text ?? ""
        return event
    }

    /// The office an act of a case is told under: where it was done, or the first one entered by it.
    package static func office(of record: JournalRecord) -> UInt32 {
        record.office != 0 ? record.office : record.entries.first?.office ?? 0
    }

    /// Where a subscription begins, and what it will not be told because of that.
    package struct Start: Equatable, Sendable {
        /// The last position before the first event it may be told.
        package var floor: UInt64
        /// Up to where only the last event of each topic counts; 0 if all do.
        package var lastUntil: UInt64 = 0
        /// Whether the start lies ahead of what is recorded.
        package var isAhead = false

        /// A start behind a position.
        package init(floor: UInt64) { self.floor = floor }
    }

    /// Where a new durable subscription begins.
    ///
    /// - Parameters:
    ///   - request: As asked.
    ///   - head: Position of the last record.
    ///   - now: ms since 1970.
    ///   - positionBefore: The last position recorded before an instant.
    /// - Returns: The start, or `startInvalid`.
    /// - Throws: What `positionBefore` throws.
    package static func start<Fault: Error>(
        of request: Envelope.Subscribe,
        head: UInt64,
        now: Int64,
        positionBefore: (Int64) throws(Fault) -> UInt64
    ) throws(Fault) -> Result<Start, RefusalCode> {
        guard request.from == .sequence || request.sequence == 0,
            request.from == .instant || request.instant == 0
        else { return .failure(.startInvalid) }
        var start = Start(floor: head)
        switch request.from {
        case .now: break
        case .beginning: start.floor = 0
        case .sequence:
            guard (1...UInt64(Int64.max)).contains(request.sequence) else {
                return .failure(.startInvalid)
            }
            start.floor = request.sequence - 1
            start.isAhead = start.floor > head
        case .instant:
            guard request.instant > 0 else { return .failure(.startInvalid) }
            start.isAhead = request.instant > now
            if !start.isAhead { start.floor = try positionBefore(request.instant) }
        case .last:
            start.floor = 0
            start.lastUntil = head
        case .UNRECOGNIZED: return .failure(.startInvalid)
        }
        return .success(start)
    }
}
