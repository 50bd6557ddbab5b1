// SPDX-License-Identifier: Apache-2.0

internal import Rules
internal import SQLite

/// The part of a check that is about events, subscriptions, questions and the catalogue.
extension Verification {
    /// Rows that have lost what they belong to: what is counted, and what that says.
    private static let orphans = [
        (
            "SELECT count(*) FROM published p LEFT JOIN topic t ON t.number = p.topic"
                + " WHERE t.number IS NULL",
            "events have no topic"
        ),
        (
            "SELECT count(*) FROM published p LEFT JOIN event_content c ON c.position = p.position"
                + " WHERE c.position IS NULL",
            "events have lost their content without a record of it"
        ),
        (
            "SELECT count(*) FROM subscription s LEFT JOIN agency a ON a.number = s.agency"
                + " WHERE a.number IS NULL",
            "subscriptions have no agency"
        ),
        (
            "SELECT count(*) FROM settled r LEFT JOIN subscription s ON s.number = r.subscription"
                + " WHERE s.number IS NULL OR r.position <= s.floor",
            "settled events have no subscription or lie below its floor"
        ),
        (
            "SELECT count(*) FROM failed r LEFT JOIN subscription s ON s.number = r.subscription"
                + " WHERE s.number IS NULL OR r.position <= s.floor",
            "failed events have no subscription or lie below its floor"
        ),
        (
            "SELECT count(*) FROM failed f JOIN settled s"
                + " ON s.subscription = f.subscription AND s.position = f.position",
            "failed events are settled too"
        ),
        (
            "SELECT count(*) FROM dead_event r LEFT JOIN subscription s"
                + " ON s.number = r.subscription WHERE s.number IS NULL",
            "dead events have no subscription"
        ),
        (
            "SELECT count(*) FROM dead_event d JOIN subscription s ON s.number = d.subscription"
                + " LEFT JOIN settled r ON r.subscription = d.subscription"
                + " AND r.position = d.position"
                + " WHERE d.position > s.floor AND r.position IS NULL",
            "dead events are still to be delivered"
        ),
        (
            "SELECT count(*) FROM catalogue c LEFT JOIN agency a ON a.number = c.agency"
                + " WHERE a.number IS NULL",
            "catalogues have no agency"
        ),
        (
            "SELECT count(*) FROM question q LEFT JOIN event_content c ON c.position = q.position"
                + " WHERE c.position IS NULL",
            "questions have lost their content"
        ),
    ]

    mutating func compareEvents(_ connection: Connection) throws {
        for (sql, what) in Self.orphans {
            let rows = try Statement(sql, on: connection)
            if try rows.step(), rows.int64(0) > 0 { report("\(rows.int64(0)) \(what).") }
        }
        try compareTopics(connection)
        try comparePublished(connection)
        try compareQuestions(connection)
    }

    private mutating func compareTopics(_ connection: Connection) throws {
        let rows = try Statement(
            """
            SELECT t.name, t.events, coalesce(p.n, 0), t.bytes, coalesce(p.bytes, 0)
            FROM topic t LEFT JOIN
                (SELECT topic, count(*) n, sum(bytes) bytes FROM published GROUP BY topic) p
                ON p.topic = t.number
            """,
            on: connection
        )
        while try rows.step() {
            if rows.int64(1) != rows.int64(2) || rows.int64(3) != rows.int64(4) {
                report("The counts of topic \(rows.string(0)) are not those of its events.")
            }
        }
    }

    /// Every event that has a row is an event of the journal, on this topic.
    private mutating func comparePublished(_ connection: Connection) throws {
        let rows = try Statement(
            """
            SELECT p.position, p.topic, p.bytes, j.record, length(c.envelope) + length(c.body)
            FROM published p LEFT JOIN journal j ON j.position = p.position
            LEFT JOIN event_content c ON c.position = p.position
            """,
            on: connection
        )
        while try rows.step() {
            let record = rows.withBlob(3) { JournalRecord(reading: $0) }
            guard let record, record.act == .published,
                Int64(record.topic) == rows.int64(1), rows.int64(2) == rows.int64(4)
            else {
                report("The event at position \(rows.int64(0)) is not what the journal says.")
                continue
            }
        }
    }

    /// Every question is one of the journal, and what settled it says so.
    private mutating func compareQuestions(_ connection: Connection) throws {
        let rows = try Statement(
            """
            SELECT q.position, q.settled, j.record, s.record FROM question q
            LEFT JOIN journal j ON j.position = q.position
            LEFT JOIN journal s ON s.position = q.settled
            """,
            on: connection
        )
        while try rows.step() {
            let asked = rows.withBlob(2) { JournalRecord(reading: $0) }
            let settled = rows.withBlob(3) { JournalRecord(reading: $0) }
            let position = UInt64(bitPattern: rows.int64(0))
            let isSettled =
                rows.int64(1) == 0
                || ([.answered, .expired].contains(settled?.act) && settled?.subject == position)
            guard asked?.act == .asked, isSettled else {
                report("The question at position \(position) is not what the journal says.")
                continue
            }
        }
    }
}
