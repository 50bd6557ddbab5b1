// SPDX-License-Identifier: Apache-2.0

internal import Rules
internal import SQLite
internal import Wire

/// A closed case whose content may be erased, as a plan names it.
package struct ErasableCase: Equatable, Sendable {
    package var serial: UInt64
    /// When it was closed, ms since 1970; another instant means that it was opened since.
    package var closed: Int64
    /// Bytes of envelopes and bodies that it has.
    package var bytes: UInt64
    package var procedure: String

    /// A closed case.
    package init(serial: UInt64, closed: Int64, bytes: UInt64 = 0, procedure: String = "") {
        self.serial = serial
        self.closed = closed
        self.bytes = bytes
        self.procedure = procedure
    }
}

/// How many cases are closed, and of those how many are erased; or a change of these counts.
struct CaseTally: Equatable {
    var closed = 0
    var erased = 0
}

/// Erasing the content of closed cases: what was submitted, and every reason, remark and name in the
/// trail. The records stay, and with them the digests of what is gone.
extension LedgerWriter {
    /// Erases the content of cases that are still as they were planned.
    ///
    /// - Returns: How many were erased.
    /// - Throws: `DeskRefusal.planStale` if none is as planned; `SQLiteFault`.
    func erase(_ cases: [ErasableCase], _ who: Operator) throws -> Int {
        try flushRows()
        // Freed pages are overwritten too; FAST leaves that out, which spares the daily work.
        try connection.execute("PRAGMA secure_delete = ON")
        defer { restoreSecureDelete() }
        // Emptied where they are, see `ErasureSchema`.
        let emptying = try [
            "UPDATE file SET envelope = x'', body = x'' WHERE serial = ?",
            """
            UPDATE content SET envelope = x'', body = x''
            WHERE position IN (SELECT position FROM trail WHERE serial = ?)
            """,
        ].map { try Statement($0, on: connection) }
        let marking = try Statement(
            "UPDATE cases SET erased = ? WHERE serial = ?",
            on: connection
        )
        let measuring = try Statement(LedgerReader.contentBytesQuery, on: connection)
        var count = 0
        for erasable in cases {
            guard let row = try tables.caseRow(erasable.serial), row.closed != 0,
                row.closed == erasable.closed, row.erased == 0, !standing.isHeld(erasable.serial)
            else { continue }
            let key = Int64(bitPattern: erasable.serial)
            measuring.bind(1, key)
            let bytes = try measuring.step() ? measuring.int64(0) : 0
            measuring.reset()
            for statement in emptying {
                statement.bind(1, key)
                try statement.run()
            }
            marking.bind(1, now)
            marking.bind(2, key)
            try marking.run()
            var record = record(.caseErased, who)
            record.serial = erasable.serial
            record.agency = row.agency
            record.generation = UInt64(bitPattern: bytes)
            _ = try append(record, content: who)
            tally.erased += 1
            count += 1
        }
        guard count > 0 else { throw DeskRefusal.planStale }
        wantsEmptyLog = true
        return count
    }

    /// Sets back what erasing has set; it asks nothing of the disk, so that it cannot fail.
    func restoreSecureDelete() {
        do throws(SQLiteFault) {
            try connection.execute("PRAGMA secure_delete = FAST")
        } catch {
            Fatal.end("A setting of SQLite could not be set back: \(error.description).")
        }
    }
}

/// What can be erased.
extension LedgerReader {
    /// Bytes of the content of a case, its serial to be bound.
    static let contentBytesQuery = """
        SELECT (SELECT length(envelope) + length(body) FROM file WHERE serial = ?1)
            + (SELECT coalesce(sum(length(c.envelope) + length(c.body)), 0)
               FROM trail t JOIN content c ON c.position = t.position WHERE t.serial = ?1)
        """

    /// Closed cases that were not erased and that nobody holds, with the period of their procedure
    /// over, in order of their numbers.
    ///
    /// - Parameters:
    ///   - serial: Where to begin: behind this case.
    ///   - count: Cases looked at, at most.
    ///   - isOver: Says of a procedure whether a case of it that closed then may be erased.
    /// - Returns: What was found, and the last case looked at; nil if there is no other behind it.
    /// - Throws: `SQLiteFault`.
    package func erasable(
        after serial: UInt64,
        upTo count: Int,
        isOver: (_ procedure: String, _ closed: Int64) -> Bool
    ) throws -> (found: [ErasableCase], last: UInt64?) {
        let rows = try Statement(
            """
            SELECT c.serial, c.closed, c.erased, p.name,
                EXISTS (SELECT 1 FROM hold h WHERE h.serial = c.serial)
            FROM cases c JOIN procedure p ON p.number = c.procedure
            WHERE c.serial > ?1 ORDER BY c.serial LIMIT ?2
            """,
            on: connection
        )
        rows.bind(1, Int64(bitPattern: serial))
        rows.bind(2, Int64(count))
        let measuring = try Statement(Self.contentBytesQuery, on: connection)
        var found: [ErasableCase] = []
        var last: UInt64?
        while try rows.step() {
            last = UInt64(bitPattern: rows.int64(0))
            let closed = rows.int64(1)
            guard closed != 0, rows.int64(2) == 0, rows.int64(4) == 0 else { continue }
            let procedure = rows.string(3)
            guard isOver(procedure, closed) else { continue }
            measuring.bind(1, rows.int64(0))
            let bytes = try measuring.step() ? measuring.int64(0) : 0
            measuring.reset()
            found.append(
                ErasableCase(
                    serial: UInt64(bitPattern: rows.int64(0)),
                    closed: closed,
                    bytes: UInt64(clamping: bytes),
                    procedure: procedure
                )
            )
        }
        return (found, last)
    }

    /// Whether a case can be erased, and what for: the case, or why not; nil if there is none.
    package func erasable(_ serial: UInt64) throws -> Result<ErasableCase, DeskRefusal>? {
        let rows = try Statement(
            """
            SELECT c.closed, c.erased, p.name FROM cases c
            JOIN procedure p ON p.number = c.procedure WHERE c.serial = ?
            """,
            on: connection
        )
        rows.bind(1, Int64(bitPattern: serial))
        guard try rows.step() else { return nil }
        guard rows.int64(0) != 0 else { return .failure(.caseOpen) }
        guard rows.int64(1) == 0 else { return .failure(.caseErased) }
        guard try hold(serial) == nil else { return .failure(.caseHeld) }
        let measuring = try Statement(Self.contentBytesQuery, on: connection)
        measuring.bind(1, Int64(bitPattern: serial))
        return .success(
            ErasableCase(
                serial: serial,
                closed: rows.int64(0),
                bytes: try measuring.step() ? UInt64(clamping: measuring.int64(0)) : 0,
                procedure: rows.string(2)
            )
        )
    }
}
