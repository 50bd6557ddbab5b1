// SPDX-License-Identifier: Apache-2.0

internal import Rules
internal import SQLite
internal import Wire

/// The statements of topics, events and durable subscriptions: one method a row operation, no policy.
struct EventTables {
    private let connection: Connection
    private let topicStatement: Statement
    private let insertTopicStatement: Statement
    private let insertPublishedStatement: Statement
    private let countTopicStatement: Statement
    private let insertSubscriptionStatement: Statement
    private let deleteSubscriptionStatements: [Statement]
    private let setFloorStatement: Statement
    private let insertSettledStatement: Statement
    private let deleteSettledStatement: Statement
    private let isSettledStatement: Statement
    private let settledStatement: Statement
    private let setFailedStatement: Statement
    private let deleteFailedStatement: Statement
    private let deleteFailedBelowStatement: Statement
    private let failedStatement: Statement
    private let insertDeadStatement: Statement
    private let isDeadStatement: Statement
    private let recordedAtStatement: Statement

    init(_ connection: Connection) throws(SQLiteFault) {
        func prepare(_ sql: String) throws(SQLiteFault) -> Statement {
            try Statement(sql, on: connection)
        }
        self.connection = connection
        topicStatement = try prepare("SELECT number FROM topic WHERE name = ?")
        insertTopicStatement = try prepare("INSERT INTO topic (name) VALUES (?)")
        insertPublishedStatement = try prepare(
            "INSERT INTO published (topic, position, at, bytes) VALUES (?, ?, ?, ?)"
        )
        countTopicStatement = try prepare(
            "UPDATE topic SET events = events + ?, bytes = bytes + ? WHERE number = ?"
        )
        insertSubscriptionStatement = try prepare(
            """
            INSERT INTO subscription (number, agency, name, pattern, ack, attempts, floor, last)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """
        )
        deleteSubscriptionStatements = [
            try prepare("DELETE FROM subscription WHERE number = ?"),
            try prepare("DELETE FROM settled WHERE subscription = ?"),
            try prepare("DELETE FROM failed WHERE subscription = ?"),
            try prepare("DELETE FROM dead_event WHERE subscription = ?"),
        ]
        setFloorStatement = try prepare("UPDATE subscription SET floor = ? WHERE number = ?")
        insertSettledStatement = try prepare(
            "INSERT OR IGNORE INTO settled (subscription, position) VALUES (?, ?)"
        )
        deleteSettledStatement = try prepare(
            "DELETE FROM settled WHERE subscription = ? AND position <= ?"
        )
        isSettledStatement = try prepare(
            "SELECT 1 FROM settled WHERE subscription = ? AND position = ?"
        )
        settledStatement = try prepare(
            """
            SELECT position FROM settled WHERE subscription = ? AND position > ? AND position <= ?
            """
        )
        setFailedStatement = try prepare(
            """
            INSERT INTO failed (subscription, position, attempts, until) VALUES (?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET attempts = excluded.attempts, until = excluded.until
            """
        )
        deleteFailedStatement = try prepare(
            "DELETE FROM failed WHERE subscription = ? AND position = ?"
        )
        deleteFailedBelowStatement = try prepare(
            "DELETE FROM failed WHERE subscription = ? AND position <= ?"
        )
        failedStatement = try prepare(
            """
            SELECT position, attempts, until FROM failed
            WHERE subscription = ? AND position > ? AND position <= ?
            """
        )
        insertDeadStatement = try prepare(
            """
            INSERT OR IGNORE INTO dead_event (subscription, position, attempts, reason, cause, at)
            VALUES (?, ?, ?, ?, ?, ?)
            """
        )
        isDeadStatement = try prepare(
            "SELECT 1 FROM dead_event WHERE subscription = ? AND position = ?"
        )
        recordedAtStatement = try prepare("SELECT record FROM journal WHERE position = ?")
    }

    // MARK: Topics and events

    /// The number of a topic; nil if nothing was published on it yet.
    func topic(_ name: String) throws(SQLiteFault) -> UInt32? {
        defer { topicStatement.reset() }
        topicStatement.bind(1, name)
        return try topicStatement.step() ? UInt32(topicStatement.int64(0)) : nil
    }

    /// Writes a new topic and returns its number.
    func insertTopic(_ name: String) throws(SQLiteFault) -> UInt32 {
        insertTopicStatement.bind(1, name)
        try insertTopicStatement.run()
        return UInt32(truncatingIfNeeded: connection.lastInsertRow)
    }

    /// The highest number of a topic; 0 if there is none.
    func highestTopic() throws(SQLiteFault) -> UInt32 {
        let statement = try Statement("SELECT max(number) FROM topic", on: connection)
        return try statement.step() ? UInt32(statement.int64(0)) : 0
    }

    func insertPublished(
        topic: UInt32,
        position: UInt64,
        at instant: Int64,
        bytes: Int
    ) throws(SQLiteFault) {
        insertPublishedStatement.bind(1, Int64(topic))
        insertPublishedStatement.bind(2, Int64(position))
        insertPublishedStatement.bind(3, instant)
        insertPublishedStatement.bind(4, Int64(bytes))
        try insertPublishedStatement.run()
        countTopicStatement.bind(1, 1)
        countTopicStatement.bind(2, Int64(bytes))
        countTopicStatement.bind(3, Int64(topic))
        try countTopicStatement.run()
    }

    // MARK: Subscriptions

    func insertSubscription(_ row: SubscriptionRecord) throws(SQLiteFault) {
        insertSubscriptionStatement.bind(1, Int64(row.number))
        insertSubscriptionStatement.bind(2, Int64(row.agency))
        insertSubscriptionStatement.bind(3, row.name)
        insertSubscriptionStatement.bind(4, row.pattern.text)
        insertSubscriptionStatement.bind(5, row.ackMilliseconds)
        insertSubscriptionStatement.bind(6, Int64(row.attemptsMax))
        insertSubscriptionStatement.bind(7, Int64(row.queue.floor))
        insertSubscriptionStatement.bind(8, Int64(row.lastUntil))
        try insertSubscriptionStatement.run()
    }

    /// Deletes a subscription with all that belongs to it.
    func deleteSubscription(_ number: UInt64) throws(SQLiteFault) {
        for statement in deleteSubscriptionStatements {
            statement.bind(1, Int64(number))
            try statement.run()
        }
    }

    /// Moves a floor, and drops the rows it has passed.
    func setFloor(
        _ floor: UInt64,
        of number: UInt64,
        hasSettled: Bool,
        hasFailed: Bool
    ) throws(SQLiteFault) {
        setFloorStatement.bind(1, Int64(floor))
        setFloorStatement.bind(2, Int64(number))
        try setFloorStatement.run()
        for (statement, isNeeded) in [
            (deleteSettledStatement, hasSettled), (deleteFailedBelowStatement, hasFailed),
        ] where isNeeded {
            statement.bind(1, Int64(number))
            statement.bind(2, Int64(floor))
            try statement.run()
        }
    }

    func insertSettled(_ position: UInt64, of number: UInt64) throws(SQLiteFault) {
        insertSettledStatement.bind(1, Int64(number))
        insertSettledStatement.bind(2, Int64(position))
        try insertSettledStatement.run()
    }

    func isSettled(_ position: UInt64, of number: UInt64) throws(SQLiteFault) -> Bool {
        try exists(isSettledStatement, position, number)
    }

    /// Positions settled above the floor, behind one position up to another.
    func settled(
        of number: UInt64,
        after: UInt64,
        upTo end: UInt64
    ) throws(SQLiteFault) -> Set<UInt64> {
        defer { settledStatement.reset() }
        settledStatement.bind(1, Int64(number))
        settledStatement.bind(2, Int64(after))
        settledStatement.bind(3, Int64(end))
        var positions: Set<UInt64> = []
        while try settledStatement.step() {
            positions.insert(UInt64(settledStatement.int64(0)))
        }
        return positions
    }

    func setFailed(_ event: FailedEvent, of number: UInt64) throws(SQLiteFault) {
        setFailedStatement.bind(1, Int64(number))
        setFailedStatement.bind(2, Int64(event.position))
        setFailedStatement.bind(3, Int64(event.attempts))
        setFailedStatement.bind(4, event.until)
        try setFailedStatement.run()
    }

    func deleteFailed(_ position: UInt64, of number: UInt64) throws(SQLiteFault) {
        deleteFailedStatement.bind(1, Int64(number))
        deleteFailedStatement.bind(2, Int64(position))
        try deleteFailedStatement.run()
    }

    func failed(
        of number: UInt64,
        after: UInt64,
        upTo end: UInt64
    ) throws(SQLiteFault) -> [FailedEvent] {
        defer { failedStatement.reset() }
        failedStatement.bind(1, Int64(number))
        failedStatement.bind(2, Int64(after))
        failedStatement.bind(3, Int64(end))
        var rows: [FailedEvent] = []
        while try failedStatement.step() {
            rows.append(
                FailedEvent(
                    position: UInt64(failedStatement.int64(0)),
                    attempts: UInt32(failedStatement.int64(1)),
                    until: failedStatement.int64(2)
                )
            )
        }
        return rows
    }

    func insertDead(
        _ position: UInt64,
        of number: UInt64,
        attempts: UInt32,
        reason: DeadReason,
        cause: String,
        at instant: Int64
    ) throws(SQLiteFault) {
        insertDeadStatement.bind(1, Int64(number))
        insertDeadStatement.bind(2, Int64(position))
        insertDeadStatement.bind(3, Int64(attempts))
        insertDeadStatement.bind(4, Int64(reason.rawValue))
        insertDeadStatement.bind(5, cause)
        insertDeadStatement.bind(6, instant)
        try insertDeadStatement.run()
    }

    func isDead(_ position: UInt64, of number: UInt64) throws(SQLiteFault) -> Bool {
        try exists(isDeadStatement, position, number)
    }

    // MARK: The journal

    /// The last position recorded before an instant, by bisection up to `head`.
    ///
    /// Where the clock was set back, one of the places where it fits.
    func position(before instant: Int64, head: UInt64) throws(SQLiteFault) -> UInt64 {
        var low: UInt64 = 0
        var high = head
        while low < high {
            let middle = low + (high - low + 1) / 2
            recordedAtStatement.bind(1, Int64(middle))
            let recorded =
                try recordedAtStatement.step()
                ? recordedAtStatement.withBlob(0) { JournalRecord(reading: $0)?.recordedAt } : nil
            recordedAtStatement.reset()
            if (recorded ?? .max) < instant { low = middle } else { high = middle - 1 }
        }
        return low
    }

    private func exists(
        _ statement: Statement,
        _ position: UInt64,
        _ number: UInt64
    ) throws(SQLiteFault) -> Bool {
        defer { statement.reset() }
        statement.bind(1, Int64(number))
        statement.bind(2, Int64(bitPattern: position))
        return try statement.step()
    }
}
