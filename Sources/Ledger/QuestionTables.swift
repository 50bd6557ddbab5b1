// SPDX-License-Identifier: Apache-2.0

internal import Rules
internal import SQLite
internal import Wire

/// A durable question.
///
/// Its envelope and body, and those of its answer, are the content of the records.
struct QuestionRow {
    var position: UInt64
    var agency: UInt32
    var key: Identifier
    var service: String
    var deadline: Int64
    /// The record that answered it or said that its deadline passed; 0 while it is open.
    var settled: UInt64 = 0
}

/// The statements of durable questions.
struct QuestionTables {
    private let insertStatement: Statement
    private let selectStatement: Statement
    private let settleStatement: Statement
    private let openStatement: Statement
    private let firstDeadlineStatement: Statement
    private let dueStatement: Statement
    private let overStatement: Statement
    private let deleteStatement: Statement
    private let deleteContentStatement: Statement
    private let countsStatement: Statement

    init(_ connection: Connection) throws(SQLiteFault) {
        func prepare(_ sql: String) throws(SQLiteFault) -> Statement {
            try Statement(sql, on: connection)
        }
        insertStatement = try prepare(
            """
            INSERT INTO question (position, agency, key, service, deadline, settled)
            VALUES (?, ?, ?, ?, ?, 0)
            """
        )
        selectStatement = try prepare(
            "SELECT agency, key, service, deadline, settled FROM question WHERE position = ?"
        )
        settleStatement = try prepare("UPDATE question SET settled = ? WHERE position = ?")
        openStatement = try prepare(
            """
            SELECT position, deadline FROM question
            WHERE settled = 0 AND service = ? AND position > ? ORDER BY position LIMIT ?
            """
        )
        firstDeadlineStatement = try prepare(
            "SELECT min(deadline) FROM question WHERE settled = 0"
        )
        dueStatement = try prepare(
            """
            SELECT position FROM question WHERE settled = 0 AND deadline <= ?
            ORDER BY deadline LIMIT ?
            """
        )
        overStatement = try prepare(
            """
            SELECT position, settled FROM question WHERE settled <> 0 AND deadline <= ?
            ORDER BY deadline LIMIT ?
            """
        )
        deleteStatement = try prepare("DELETE FROM question WHERE position = ?")
        deleteContentStatement = try prepare("DELETE FROM event_content WHERE position = ?")
        countsStatement = try prepare(
            "SELECT agency, count(*) FROM question WHERE settled = 0 GROUP BY agency"
        )
    }

    func insert(_ row: QuestionRow) throws(SQLiteFault) {
        insertStatement.bind(1, Int64(row.position))
        insertStatement.bind(2, Int64(row.agency))
        insertStatement.bind(3, copying: row.key.bytes)
        insertStatement.bind(4, row.service)
        insertStatement.bind(5, row.deadline)
        try insertStatement.run()
    }

    func question(_ position: UInt64) throws(SQLiteFault) -> QuestionRow? {
        defer { selectStatement.reset() }
        selectStatement.bind(1, Int64(bitPattern: position))
        guard try selectStatement.step() else { return nil }
        return QuestionRow(
            position: position,
            agency: UInt32(selectStatement.int64(0)),
            key: Journal.prefix(of: selectStatement.blob(1)),
            service: selectStatement.string(2),
            deadline: selectStatement.int64(3),
            settled: UInt64(selectStatement.int64(4))
        )
    }

    func settle(_ position: UInt64, by record: UInt64) throws(SQLiteFault) {
        settleStatement.bind(1, Int64(record))
        settleStatement.bind(2, Int64(position))
        try settleStatement.run()
    }

    /// Open questions to a service behind a position, oldest first.
    func open(
        _ service: String,
        after position: UInt64,
        limit: Int
    ) throws(SQLiteFault) -> [(position: UInt64, deadline: Int64)] {
        defer { openStatement.reset() }
        openStatement.bind(1, service)
        openStatement.bind(2, Int64(position))
        openStatement.bind(3, Int64(limit))
        var rows: [(position: UInt64, deadline: Int64)] = []
        while try openStatement.step() {
            rows.append((UInt64(openStatement.int64(0)), openStatement.int64(1)))
        }
        return rows
    }

    /// When the next deadline passes; nil if no question is open.
    func firstDeadline() throws(SQLiteFault) -> Int64? {
        defer { firstDeadlineStatement.reset() }
        guard try firstDeadlineStatement.step(), !firstDeadlineStatement.isNull(0) else {
            return nil
        }
        return firstDeadlineStatement.int64(0)
    }

    /// Open questions whose deadline has passed.
    func due(at instant: Int64, limit: Int) throws(SQLiteFault) -> [UInt64] {
        defer { dueStatement.reset() }
        dueStatement.bind(1, instant)
        dueStatement.bind(2, Int64(limit))
        var positions: [UInt64] = []
        while try dueStatement.step() { positions.append(UInt64(dueStatement.int64(0))) }
        return positions
    }

    /// Settled questions whose deadline lies before an instant, with the records that settled them.
    func over(
        at instant: Int64,
        limit: Int
    ) throws(SQLiteFault) -> [(position: UInt64, settled: UInt64)] {
        defer { overStatement.reset() }
        overStatement.bind(1, instant)
        overStatement.bind(2, Int64(limit))
        var rows: [(position: UInt64, settled: UInt64)] = []
        while try overStatement.step() {
            rows.append((UInt64(overStatement.int64(0)), UInt64(overStatement.int64(1))))
        }
        return rows
    }

    /// Removes a question with its content and that of its answer.
    func remove(_ position: UInt64, settled: UInt64) throws(SQLiteFault) {
        for content in [position, settled] {
            deleteContentStatement.bind(1, Int64(content))
            try deleteContentStatement.run()
        }
        deleteStatement.bind(1, Int64(position))
        try deleteStatement.run()
    }

    /// Open questions by agency.
    func openCounts() throws(SQLiteFault) -> [(agency: UInt32, count: Int)] {
        defer { countsStatement.reset() }
        var counts: [(agency: UInt32, count: Int)] = []
        while try countsStatement.step() {
            counts.append((UInt32(countsStatement.int64(0)), Int(countsStatement.int64(1))))
        }
        return counts
    }
}

extension Identifier {
    /// The sixteen bytes, big-endian.
    var bytes: [UInt8] {
        [high, low].flatMap { word in withUnsafeBytes(of: word.bigEndian) { Array($0) } }
    }
}
