// SPDX-License-Identifier: Apache-2.0

internal import Rules
internal import SQLite
internal import Wire

/// What the tables of a ledger say about each other: nothing without its owner, nothing twice.
extension Verification {
    /// A question to the tables, and what its rows are in words.
    ///
    /// Content of an event may be erased, so it is not missed; the rows of cases stay and are emptied.
    /// What is there must belong to something.
    private static let orphans = [
        (
            "SELECT c.position FROM content c LEFT JOIN journal j USING (position) "
                + "WHERE j.position IS NULL",
            "The content at position % belongs to no record."
        ),
        (
            "SELECT c.position FROM event_content c LEFT JOIN journal j USING (position) "
                + "WHERE j.position IS NULL",
            "The content of an event at position % belongs to no record."
        ),
        (
            "SELECT f.serial FROM file f LEFT JOIN cases c USING (serial) WHERE c.serial IS NULL",
            "The case file % belongs to no case."
        ),
        (
            "SELECT c.serial FROM cases c LEFT JOIN file f USING (serial) "
                + "WHERE f.serial IS NULL",
            "Case % has no case file."
        ),
        (
            "SELECT c.serial FROM cases c JOIN file f USING (serial) WHERE c.id != f.id",
            "Case % has another id than its case file."
        ),
        (
            "SELECT f.number FROM fork f LEFT JOIN cases c USING (serial) "
                + "WHERE coalesce(c.closed, 1) != 0",
            "The fork at position % belongs to no open case."
        ),
        (
            "SELECT s.position FROM submission s LEFT JOIN journal j USING (position) "
                + "WHERE j.position IS NULL",
            "A key names the record at position %, which is not there."
        ),
    ]

    mutating func compareReferences(_ connection: Connection) throws {
        for (question, finding) in Self.orphans {
            let rows = try Statement(question, on: connection)
            while try rows.step() {
                report(finding.replacing("%", with: "\(rows.int64(0))"))
            }
        }
        try compareKeys(connection)
    }

    /// Every submission has its key, under the agency that sent it.
    private mutating func compareKeys(_ connection: Connection) throws {
        let rows = try Statement(
            """
            SELECT s.agency, j.record FROM submission s JOIN journal j USING (position)
            """,
            on: connection
        )
        var keyed: UInt64 = 0
        while try rows.step() {
            let agency = UInt32(truncatingIfNeeded: rows.int64(0))
            guard let record = rows.withBlob(1, { JournalRecord(reading: $0) }) else { continue }
            let isKeyed = [Act.submitted, .acted, .noted, .published, .asked].contains(record.act)
            guard isKeyed, record.agency == agency else {
                report("A key names the record at position \(record.position), which is another's.")
                continue
            }
            if record.act == .submitted || record.act == .acted { keyed += 1 }
        }
        if keyed != submissions {
            report("The journal has \(submissions) submissions, \(keyed) of them have a key.")
        }
    }

    /// Every index agrees with its table, and every page of the file is sound.
    mutating func compareIndexes(_ connection: Connection) throws {
        let rows = try Statement("PRAGMA integrity_check(100)", on: connection)
        while try rows.step() {
            let text = rows.string(0)
            if text != "ok" { report("The database file: \(text).") }
        }
    }
}
