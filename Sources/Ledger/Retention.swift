// SPDX-License-Identifier: Apache-2.0

package import Rules
internal import SQLite
internal import Wire

/// How long and how much of the events on some topics is kept.
///
/// Where several fit a topic, each holds. What no rule fits is kept for ever.
package struct RetentionRule: Sendable {
    /// The topics; of agencies only, since the acts of cases are the journal itself.
    package var pattern: TopicPattern
    /// Content older than this is erased, in milliseconds; 0 for no limit.
    package var ageMilliseconds: Int64
    /// Bytes of envelopes and bodies kept of each topic, the newest; 0 for no limit.
    package var bytes: Int64

    /// A rule.
    package init(pattern: TopicPattern, ageMilliseconds: Int64, bytes: Int64) {
        self.pattern = pattern
        self.ageMilliseconds = ageMilliseconds
        self.bytes = bytes
    }

    /// All rules of a ledger, by pattern.
    static func all(_ connection: Connection) throws(SQLiteFault) -> [RetentionRule] {
        let rows = try Statement(
            "SELECT pattern, age, bytes FROM retention ORDER BY pattern",
            on: connection
        )
        var rules: [RetentionRule] = []
        while try rows.step() {
            guard let pattern = try? TopicPattern(rows.string(0)) else { continue }
            rules.append(
                RetentionRule(
                    pattern: pattern,
                    ageMilliseconds: rows.int64(1),
                    bytes: rows.int64(2)
                )
            )
        }
        return rules
    }
}

/// Erasing in slices, so that no batch waits long for it.
extension LedgerWriter {
    /// Events and questions erased in one slice at most.
    private static let erasedPerSlice = 256
    /// Topics looked at in one slice at most.
    private static let topicsPerSlice = 1_000

    /// Erases what retention and the age of settled questions say, up to the limits of a slice.
    ///
    /// - Returns: Whether there is more to erase at once.
    /// - Throws: `LedgerFault.storage`; the process must end.
    package func erase(wall: Int64) throws(LedgerFault) -> Bool {
        now = wall
        let questions: [(position: UInt64, settled: UInt64)]
        let topics: [TopicToErase]
        do throws(SQLiteFault) {
            questions = try events.questionTables.over(
                at: now - Self.questionKeptMilliseconds,
                limit: Self.erasedPerSlice
            )
            topics = try overdueTopics()
        } catch {
            throw LedgerFault(error)
        }
        guard !questions.isEmpty || !topics.isEmpty else { return false }
        var room = Self.erasedPerSlice
        try inTransaction { () throws(SQLiteFault) in
            try connection.execute("PRAGMA secure_delete = ON")
            defer { restoreSecureDelete() }
            for question in questions {
                try events.questionTables.remove(question.position, settled: question.settled)
            }
            for topic in topics where room > 0 { try erase(topic, &room) }
        }
        hasErasedEvents = true
        return room == 0 || questions.count == Self.erasedPerSlice
    }

    private struct TopicToErase {
        var number: UInt32
        var bytes: Int64
        /// Events recorded before this instant go.
        var before: Int64
        /// Events beyond this many bytes go, the oldest first.
        var bytesMax: Int64
    }

    /// The next topics that a rule fits and that hold something it does not want.
    private func overdueTopics() throws(SQLiteFault) -> [TopicToErase] {
        guard !events.retention.isEmpty else { return [] }
        let rows = try Statement(
            """
            SELECT t.number, t.name, t.bytes,
                (SELECT at FROM published WHERE topic = t.number ORDER BY position LIMIT 1)
            FROM topic t WHERE t.number > ? ORDER BY t.number LIMIT \(Self.topicsPerSlice)
            """,
            on: connection
        )
        rows.bind(1, Int64(events.erasedTopic))
        var found: [TopicToErase] = []
        var count = 0
        while try rows.step() {
            count += 1
            let number = UInt32(rows.int64(0))
            events.erasedTopic = number
            guard !rows.isNull(3) else { continue }
            let name = rows.string(1)
            var topic = TopicToErase(
                number: number,
                bytes: rows.int64(2),
                before: .min,
                bytesMax: .max
            )
            for rule in events.retention where rule.pattern.matches(name) {
                if rule.ageMilliseconds > 0 {
                    topic.before = max(topic.before, now - rule.ageMilliseconds)
                }
                if rule.bytes > 0 { topic.bytesMax = min(topic.bytesMax, rule.bytes) }
            }
            guard rows.int64(3) < topic.before || topic.bytes > topic.bytesMax else { continue }
            found.append(topic)
        }
        if count < Self.topicsPerSlice { events.erasedTopic = 0 }
        // Come back to a topic that may have more than fits a slice.
        if let first = found.first {
            events.erasedTopic = min(events.erasedTopic, first.number - 1)
        }
        return found
    }

    private func erase(_ topic: TopicToErase, _ room: inout Int) throws(SQLiteFault) {
        let rows = try Statement(
            """
            SELECT position, at, bytes FROM published
            WHERE topic = ? ORDER BY position LIMIT \(room)
            """,
            on: connection
        )
        rows.bind(1, Int64(topic.number))
        var bytes: Int64 = 0
        var count = 0
        var last: UInt64 = 0
        while try rows.step() {
            let isOld = rows.int64(1) < topic.before
            guard isOld || topic.bytes - bytes > topic.bytesMax else { break }
            last = UInt64(rows.int64(0))
            bytes += rows.int64(2)
            count += 1
        }
        rows.reset()
        guard count > 0 else { return }
        room -= count
        for sql in [
            """
            DELETE FROM event_content WHERE position IN
                (SELECT position FROM published WHERE topic = ?1 AND position <= ?2)
            """,
            "DELETE FROM published WHERE topic = ?1 AND position <= ?2",
        ] {
            let delete = try Statement(sql, on: connection)
            delete.bind(1, Int64(topic.number))
            delete.bind(2, Int64(last))
            try delete.run()
        }
        let update = try Statement(
            "UPDATE topic SET events = events - ?, bytes = bytes - ? WHERE number = ?",
            on: connection
        )
        update.bind(1, Int64(count))
        update.bind(2, bytes)
        update.bind(3, Int64(topic.number))
        try update.run()
        var record = JournalRecord(.erased)
        record.topic = topic.number
        record.subject = last
        record.code = UInt16(clamping: count)
        _ = try append(record, occurredAt: now)
    }
}
