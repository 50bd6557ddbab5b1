// SPDX-License-Identifier: Apache-2.0

internal import Rules
internal import SQLite
internal import Wire

/// `publish` with the flag durable: an event is a record of the journal with its content.
extension LedgerWriter {
    func publish(_ request: Request, into effects: inout Effects) throws(SQLiteFault) {
        let header = request.header
        guard header.flags & Header.durableFlag != 0, header.id != .none else {
            return effects.refuse(.malformed, request)
        }
        let event: Envelope.Event
        let occurredAt: Int64
        do throws(RefusalCode) {
            (event, occurredAt) = try admit(publication: request)
        } catch {
            try refuseUnlessRepeated(error, request, as: .published, into: &effects)
            return
        }
        guard case .new = try keepKey(of: request, as: .published, into: &effects) else { return }
        guard let topic = try events.topicNumber(event.topic) else {
            preconditionFailure("a topic was admitted that has no room")
        }
        var record = record(.published, request)
        record.key = header.id
        record.topic = topic
        record.digest = Journal.digest(envelope: request.envelope, body: request.body)
        let receipt = try append(record, occurredAt: occurredAt)
        try tables.insertEventContent(
            receipt.position,
            envelope: request.envelope,
            body: request.body
        )
        try events.tables.insertPublished(
            topic: topic,
            position: receipt.position,
            at: now,
            bytes: request.envelope.count + request.body.count
        )
        effects.answer(request, receipt, commits: commits)
    }

    private func admit(
        publication request: Request
    ) throws(RefusalCode) -> (Envelope.Event, Int64) {
        guard !isStorageLow else { throw .storageFull }
        let event = try Envelope.read(Envelope.Event.self, from: request.envelope)
        let agency = directory.agency(request.session.agency)
        try EventRule.check(event, publishedBy: agency?.name ?? "")
        try demand(.publish, on: event.topic, of: request)
        let occurredAt = try Admission.occurredAt(
            claimed: request.header.instant,
            now: now,
            // An event is of no procedure, so the right must be on all.
            mayBackdate: mayBackdate("*", request)
        )
        return (event, occurredAt)
    }

    // MARK: Keys

    /// What the key of a request says.
    enum KeyVerdict: Equatable {
        case new
        /// Used before, for the same content; the position of the record.
        case repeated(UInt64)
        /// Used before for something else.
        case conflict
    }

    /// Refuses a keyed request, unless it repeats one that was taken: that gets its first answer,
    /// even if today it would be refused.
    @discardableResult
    func refuseUnlessRepeated(
        _ code: RefusalCode,
        _ request: Request,
        as act: Act,
        into effects: inout Effects
    ) throws(SQLiteFault) -> KeyVerdict {
        let agency = request.session.agency
        if request.header.id != .none,
            let position = try tables.submission(agency: agency, key: request.header.id)
        {
            return try answerAgain(request, position, as: act, into: &effects)
        }
        let retryAt = code == .storageFull || code == .busy ? now + 30_000 : 0
        effects.refuse(code, request, retryAt: retryAt)
        return .new
    }

    /// Keeps the key of a request whose record is the next one; answers the request if the key was
    /// used before.
    func keepKey(
        of request: Request,
        as act: Act,
        into effects: inout Effects
    ) throws(SQLiteFault) -> KeyVerdict {
        let agency = request.session.agency
        let isNew = try tables.insertSubmission(
            agency: agency,
            key: request.header.id,
            position: journal.next,
            on: connection
        )
        guard !isNew else { return .new }
        let position = try tables.submission(agency: agency, key: request.header.id) ?? 0
        return try answerAgain(request, position, as: act, into: &effects)
    }

    /// Answers a repetition: the first answer, or a conflict.
    private func answerAgain(
        _ request: Request,
        _ position: UInt64,
        as act: Act,
        into effects: inout Effects
    ) throws(SQLiteFault) -> KeyVerdict {
        guard let (record, receipt) = try journal.record(at: position), record.act == act,
            record.digest == Journal.digest(envelope: request.envelope, body: request.body)
        else {
            effects.refuse(.keyConflict, request)
            return .conflict
        }
        effects.answer(request, receipt, commits: commits, isRepeated: true)
        return .repeated(position)
    }
}
