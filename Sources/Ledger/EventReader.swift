// SPDX-License-Identifier: Apache-2.0

internal import Rules
internal import SQLite
internal import Wire

/// What an event is about, without its content.
struct EventOutline {
    var key: EventKey
    var topic: String
    /// Number of an agency's topic; 0 for an act of a case.
    var topicNumber: UInt32
    /// The agencies an act of a case concerns; nil for an event of an agency's topic.
    var concerned: [String]?
}

/// Tells the events in the journal: those agencies published, and the acts of cases.
///
/// One a connection, on its thread. What it remembers never changes once it is committed: the names
/// of agencies, offices, procedures and topics, so it must not read what a transaction under way has
/// written.
final class EventReader {
    /// Topics and cases remembered at most, each.
    private static let rememberedMax = 16_384

    private let recordStatement: Statement
    private let scanStatement: Statement
    private let contentStatement: Statement
    private let hasContentStatement: Statement
    private let topicStatement: Statement
    private let caseStatement: Statement
    private let procedureStatement: Statement
    private let officeStatement: Statement
    private let agencyStatement: Statement
    private var topics: [UInt32: String] = [:]
    private var cases: [UInt64: (agency: String, procedure: String)] = [:]
    private var offices: [UInt32: (name: String, agency: String)] = [:]
    private var agencies: [UInt32: String] = [:]

    init(_ connection: Connection) throws(SQLiteFault) {
        func prepare(_ sql: String) throws(SQLiteFault) -> Statement {
            try Statement(sql, on: connection)
        }
        recordStatement = try prepare("SELECT record FROM journal WHERE position = ?")
        scanStatement = try prepare(
            """
            SELECT record FROM journal WHERE position > ? AND position <= ?
            ORDER BY position LIMIT ?
            """
        )
        contentStatement = try prepare(
            "SELECT envelope, body FROM event_content WHERE position = ?"
        )
        hasContentStatement = try prepare("SELECT 1 FROM event_content WHERE position = ?")
        topicStatement = try prepare("SELECT name FROM topic WHERE number = ?")
        caseStatement = try prepare("SELECT agency, procedure FROM cases WHERE serial = ?")
        procedureStatement = try prepare("SELECT name FROM procedure WHERE number = ?")
        officeStatement = try prepare("SELECT name, agency FROM office WHERE number = ?")
        agencyStatement = try prepare("SELECT name FROM agency WHERE number = ?")
    }

    // MARK: Records

    /// The record at a position, or nil.
    func record(at position: UInt64) throws(SQLiteFault) -> JournalRecord? {
        defer { recordStatement.reset() }
        recordStatement.bind(1, Int64(bitPattern: position))
        guard try recordStatement.step() else { return nil }
        return recordStatement.withBlob(0) { JournalRecord(reading: $0) }
    }

    /// Hands over the records behind one position up to another, in order, until `each` says no.
    ///
    /// - Returns: The position of the last record handed over, `end` if all were.
    func scan(
        after position: UInt64,
        upTo end: UInt64,
        limit: Int,
        each: (JournalRecord) throws(SQLiteFault) -> Bool
    ) throws(SQLiteFault) -> UInt64 {
        defer { scanStatement.reset() }
        scanStatement.bind(1, Int64(bitPattern: position))
        scanStatement.bind(2, Int64(bitPattern: end))
        scanStatement.bind(3, Int64(limit))
        var last = position
        var count = 0
        while try scanStatement.step() {
            count += 1
            guard let record = scanStatement.withBlob(0, { JournalRecord(reading: $0) }) else {
                continue
            }
            last = record.position
            guard try each(record) else { return last }
        }
        return count < limit ? end : last
    }

    // MARK: Events

    /// What the event of a record is about; nil if the record is none.
    func outline(of record: JournalRecord) throws(SQLiteFault) -> EventOutline? {
        if record.act == .published {
            return EventOutline(
                key: EventKey(position: record.position, serial: 0),
                topic: try topic(record.topic),
                topicNumber: record.topic
            )
        }
        guard record.serial != 0 else { return nil }
        let (agency, procedure) = try self.case(record.serial)
        let office = try self.office(EventRule.office(of: record))
        var concerned = [agency]
        for number in [record.office] + record.entries.map(\.office) where number != 0 {
            let owner = try self.office(number).agency
            if !concerned.contains(owner) { concerned.append(owner) }
        }
        return EventOutline(
            key: EventKey(position: record.position, serial: record.serial),
            topic: EventRule.topic(of: record.act, procedure: procedure, office: office.name),
            topicNumber: 0,
            concerned: concerned
        )
    }

    /// Whether the content of a published event is kept.
    func hasContent(_ position: UInt64) throws(SQLiteFault) -> Bool {
        defer { hasContentStatement.reset() }
        hasContentStatement.bind(1, Int64(bitPattern: position))
        return try hasContentStatement.step()
    }

    /// Lends an event as it is told: verb `event` without subject and generation, envelope, body.
    ///
    /// Nil if its content was erased.
    func withEvent<Result>(
        _ record: JournalRecord,
        _ outline: EventOutline,
        _ use: (Header, UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Result
    ) throws(SQLiteFault) -> Result? {
        var header = Header(.event)
        header.flags = Header.durableFlag
        header.instant = record.occurredAt
        header.serial = record.position
        guard record.act == .published else {
            header.id = Identifier(high: 0, low: record.position)
            let envelope = EventRule.envelope(
                of: record.act,
                topic: outline.topic,
                serial: record.serial
            )
            return Envelope.bytes(of: envelope).withUnsafeBytes { use(header, $0, .empty) }
        }
        header.id = record.key
        return try withContent(record.position) { use(header, $0, $1) }
    }

    /// Lends the content kept beside a record; nil if there is none.
    func withContent<Result>(
        _ position: UInt64,
        _ use: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Result
    ) throws(SQLiteFault) -> Result? {
        defer { contentStatement.reset() }
        contentStatement.bind(1, Int64(bitPattern: position))
        guard try contentStatement.step() else { return nil }
        return contentStatement.withBlob(0) { envelope in
            contentStatement.withBlob(1) { body in use(envelope, body) }
        }
    }

    // MARK: Names

    private func topic(_ number: UInt32) throws(SQLiteFault) -> String {
        if let known = topics[number] { return known }
        if topics.count >= Self.rememberedMax { topics.removeAll(keepingCapacity: true) }
        let name = try Self.text(topicStatement, UInt64(number))
        topics[number] = name
        return name
    }

    private func `case`(
        _ serial: UInt64
    ) throws(SQLiteFault) -> (agency: String, procedure: String) {
        if let known = cases[serial] { return known }
        if cases.count >= Self.rememberedMax { cases.removeAll(keepingCapacity: true) }
        defer { caseStatement.reset() }
        caseStatement.bind(1, Int64(bitPattern: serial))
        guard try caseStatement.step() else { return ("", "") }
        let names = (
            agency: try agency(UInt32(caseStatement.int64(0))),
            procedure: try Self.text(procedureStatement, UInt64(caseStatement.int64(1)))
        )
        cases[serial] = names
        return names
    }

    private func office(
        _ number: UInt32
    ) throws(SQLiteFault) -> (name: String, agency: String) {
        guard number != 0 else { return ("", "") }
        if let known = offices[number] { return known }
        defer { officeStatement.reset() }
        officeStatement.bind(1, Int64(number))
        guard try officeStatement.step() else { return ("", "") }
        let names = (
            name: officeStatement.string(0),
            agency: try agency(UInt32(officeStatement.int64(1)))
        )
        offices[number] = names
        return names
    }

    private func agency(_ number: UInt32) throws(SQLiteFault) -> String {
        if let known = agencies[number] { return known }
        let name = try Self.text(agencyStatement, UInt64(number))
        agencies[number] = name
        return name
    }

    private static func text(
        _ statement: Statement,
        _ number: UInt64
    ) throws(SQLiteFault) -> String {
        defer { statement.reset() }
        statement.bind(1, Int64(bitPattern: number))
        return try statement.step() ? statement.string(0) : ""
    }
}
