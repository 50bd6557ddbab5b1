// SPDX-License-Identifier: Apache-2.0

package import Rules
internal import SQLite
package import Wire

/// A case as its trail tells: what a person or a backend may want to know of it.
package struct CaseTrail: Sendable {
    /// Where one open branch is.
    package struct Place: Sendable {
        package var referral: UInt64
        package var office: String
        package var step: String
        package var state: String
        package var since: Int64
        package var due: Int64
        package var lane: UInt8
        package var attempts: UInt32
        /// The outcomes its step may close with, in order.
        package var outcomes: [String]
        /// Not before this instant, where it is delayed.
        package var until: Int64 = 0
    }

    /// One record of the trail, with names for numbers and its content.
    package struct Act: Sendable {
        package var position: UInt64
        package var act: String
        package var office: String
        package var officeTitle: String
        package var step: String
        package var outcome: String
        package var agency: String
        package var occurredAt: Int64
        package var recordedAt: Int64
        package var text = ""
        package var person = ""
        package var activity = ""
        package var entered: [String]
        package var hash: String
        package var referral: UInt64
        /// Who did it; nil for the bus itself, and where it was not asked for.
        package var actor: Actor?
    }

    /// Who did an act.
    package enum Actor: Sendable {
        /// A connection without a key.
        case connection(UInt64)
        /// A connection with the key it proved, by number and fingerprint, and where it came from.
        case keyed(UInt64, key: UInt32, fingerprint: String, address: String)
        /// An operator at the control socket.
        case person(uid: UInt32, pid: UInt32)
    }

    package var serial: UInt64
    package var id: String
    package var procedure: String
    package var version: UInt32
    /// How far it may be known, as its procedure declares.
    package var classification: Classification
    package var isOpen: Bool
    package var result: String
    package var submittedBy: String
    package var openedAt: Int64
    package var dueAt: Int64
    package var closedAt: Int64
    /// When its content was erased; 0 while it is kept.
    package var erasedAt: Int64 = 0
    package var reference: String
    package var subject: String
    package var attributes: [(name: String, value: String)]
    package var places: [Place]
    package var acts: [Act]
}

/// Reads trails on a connection of its own, or on the writer's.
package final class TrailReader {
    private let caseStatement: Statement
    private let serialStatement: Statement
    private let trailStatement: Statement
    private let contentStatement: Statement
    private let officeStatement: Statement
    private let agencyStatement: Statement
    private let procedureStatement: Statement
    private let connectionStatement: Statement
    /// Whether acts are told with who did them: to operators, not to other agencies.
    var namesActors = false
    private let reading: @Sendable (String) -> Procedure?
    private var procedures: [UInt32: (procedure: Procedure, version: UInt32)] = [:]

    init(
        _ connection: Connection,
        reading: @escaping @Sendable (String) -> Procedure?
    ) throws(SQLiteFault) {
        self.reading = reading
        caseStatement = try Statement(
            """
            SELECT c.id, c.procedure, c.agency, c.opened, c.due, c.closed, c.result, f.envelope
            FROM cases c JOIN file f ON f.serial = c.serial WHERE c.serial = ?
            """,
            on: connection
        )
        serialStatement = try Statement("SELECT serial FROM cases WHERE id = ?", on: connection)
        trailStatement = try Statement(
            """
            SELECT j.record, j.hash FROM trail t JOIN journal j ON j.position = t.position
            WHERE t.serial = ? ORDER BY t.position
            """,
            on: connection
        )
        contentStatement = try Statement(
            "SELECT envelope FROM content WHERE position = ?",
            on: connection
        )
        officeStatement = try Statement(
            "SELECT name, title FROM office WHERE number = ?",
            on: connection
        )
        agencyStatement = try Statement("SELECT name FROM agency WHERE number = ?", on: connection)
        connectionStatement = try Statement(
            """
            SELECT k.number, k.fingerprint, c.address FROM connection c
            JOIN key k ON k.number = c.key WHERE c.number = ?
            """,
            on: connection
        )
        procedureStatement = try Statement(
            "SELECT source, version FROM procedure WHERE number = ?",
            on: connection
        )
    }

    /// The serial of a case id, or nil.
    package func serial(of id: Identifier) throws -> UInt64? {
        defer { serialStatement.reset() }
        var bytes: [UInt8] = []
        for word in [id.high, id.low] {
            withUnsafeBytes(of: word.bigEndian) { bytes.append(contentsOf: $0) }
        }
        serialStatement.bind(1, copying: bytes)
        return try serialStatement.step() ? UInt64(serialStatement.int64(0)) : nil
    }

    /// A case with its trail, or nil if there is none of this serial.
    package func trail(of serial: UInt64) throws -> CaseTrail? {
        defer { caseStatement.reset() }
        caseStatement.bind(1, Int64(bitPattern: serial))
        guard try caseStatement.step() else { return nil }
        let id = caseStatement.withBlob(0) { bytes in
            Identifier(high: bytes.bigEndian(at: 0), low: bytes.bigEndian(at: 8))
        }
        let envelope = try caseStatement.withBlob(7) {
            try Envelope.read(Envelope.Case.self, from: $0)
        }
        let (procedure, version) = try self.procedure(UInt32(caseStatement.int64(1)))
        let closed = caseStatement.int64(5)
        var trail = CaseTrail(
            serial: serial,
            id: id.text,
            procedure: procedure.name,
            version: version,
            classification: procedure.classification,
            isOpen: true,
            result: caseStatement.string(6),
            submittedBy: try agency(UInt32(caseStatement.int64(2))),
            openedAt: caseStatement.int64(3),
            dueAt: caseStatement.int64(4),
            closedAt: closed,
            reference: envelope.reference,
            subject: envelope.subject,
            attributes: envelope.attributes.map { ($0.name, $0.value) },
            places: [],
            acts: []
        )
        var fold = TrailFold()
        for (record, hash) in try records(of: serial) {
            fold.read(record)
            trail.acts.append(try act(record, hash))
        }
        trail.isOpen = !fold.isClosed
        trail.erasedAt = fold.erasedAt
        trail.places = try fold.places.map { place in
            CaseTrail.Place(
                referral: place.referral,
                office: try office(place.office).name,
                step: try step(place.step),
                state: place.state.rawValue,
                since: place.since,
                due: place.due,
                lane: place.lane,
                attempts: place.attempts,
                outcomes: try outcomes(of: place.step)
            )
        }
        return trail
    }

    private func records(of serial: UInt64) throws -> [(JournalRecord, [UInt8])] {
        defer { trailStatement.reset() }
        trailStatement.bind(1, Int64(bitPattern: serial))
        var records: [(JournalRecord, [UInt8])] = []
        while try trailStatement.step() {
            guard let record = trailStatement.withBlob(0, { JournalRecord(reading: $0) }) else {
                throw LedgerFault.damaged("a record of case \(serial) cannot be read")
            }
            records.append((record, trailStatement.bytes(1)))
        }
        return records
    }

    func act(_ record: JournalRecord, _ hash: [UInt8]) throws -> CaseTrail.Act {
        let office = record.office == 0 ? ("", "") : try office(record.office)
        var act = CaseTrail.Act(
            position: record.position,
            act: record.act.word,
            office: office.0,
            officeTitle: office.1,
            step: try step(record.step),
            outcome: "",
            agency: record.agency == 0 ? "" : try agency(record.agency),
            occurredAt: record.occurredAt,
            recordedAt: record.recordedAt,
            entered: try record.entries.map { try self.office($0.office).name },
            hash: Self.hexadecimal(hash),
            referral: record.referral
        )
        if record.act == .completed { act.outcome = try outcome(record) }
        if namesActors { act.actor = try actor(of: record) }
        try describe(record, &act)
        return act
    }

    private func actor(of record: JournalRecord) throws -> CaseTrail.Actor? {
        guard record.actor != 0 else { return nil }
        guard !record.flags.contains(.byOperator) else {
            return .person(
                uid: UInt32(truncatingIfNeeded: record.actor >> 32),
                pid: UInt32(truncatingIfNeeded: record.actor)
            )
        }
        defer { connectionStatement.reset() }
        connectionStatement.bind(1, Int64(record.actor))
        guard try connectionStatement.step() else { return .connection(record.actor) }
        return .keyed(
            record.actor,
            key: UInt32(truncatingIfNeeded: connectionStatement.int64(0)),
            fingerprint: connectionStatement.string(1),
            address: connectionStatement.string(2)
        )
    }

    private func describe(_ record: JournalRecord, _ act: inout CaseTrail.Act) throws {
        defer { contentStatement.reset() }
        contentStatement.bind(1, Int64(record.position))
        guard record.act != .submitted, try contentStatement.step() else { return }
        try contentStatement.withBlob(0) { bytes in
            switch record.act {
            case .noted:
                let note = try Envelope.read(Envelope.Note.self, from: bytes)
                (act.activity, act.person, act.text) = (note.activity, note.person, note.text)
            case .acted:
                act.activity = try Envelope.read(Envelope.Case.self, from: bytes).action
            default:
                let reason = try Envelope.read(Envelope.Reason.self, from: bytes)
                (act.person, act.text) = (reason.person, reason.text)
            }
        }
    }

    // MARK: Names

    private func office(_ number: UInt32) throws -> (name: String, title: String) {
        defer { officeStatement.reset() }
        officeStatement.bind(1, Int64(number))
        guard try officeStatement.step() else { return ("", "") }
        return (officeStatement.string(0), officeStatement.string(1))
    }

    private func agency(_ number: UInt32) throws -> String {
        defer { agencyStatement.reset() }
        agencyStatement.bind(1, Int64(number))
        return try agencyStatement.step() ? agencyStatement.string(0) : ""
    }

    private func procedure(_ number: UInt32) throws -> (procedure: Procedure, version: UInt32) {
        if let known = procedures[number] { return known }
        defer { procedureStatement.reset() }
        procedureStatement.bind(1, Int64(number))
        guard try procedureStatement.step(),
            let procedure = reading(procedureStatement.string(0))
        else { throw LedgerFault.damaged("procedure version \(number) cannot be read") }
        let found = (procedure, UInt32(procedureStatement.int64(1)))
        procedures[number] = found
        return found
    }

    /// The name of a step, for tables of places.
    package func step(_ number: StepNumber) throws -> String {
        guard number != .none else { return "" }
        let steps = try procedure(number.procedure).procedure.steps
        return steps.indices.contains(number.place) ? steps[number.place].name : ""
    }

    private func outcomes(of number: StepNumber) throws -> [String] {
        guard number != .none else { return [] }
        let steps = try procedure(number.procedure).procedure.steps
        return steps.indices.contains(number.place)
            ? steps[number.place].outcomes.map(\.name) : []
    }

    private func outcome(_ record: JournalRecord) throws -> String {
        let outcomes = try outcomes(of: record.step)
        return outcomes.indices.contains(Int(record.code)) ? outcomes[Int(record.code)] : ""
    }

    static func hexadecimal(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] },
            as: UTF8.self
        )
    }
}
