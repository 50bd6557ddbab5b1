// SPDX-License-Identifier: Apache-2.0

internal import Rules
internal import SQLite

/// The rows of the ready queue.
///
/// What leaves and what enters gathers, and `flush` writes it before a commit: first what leaves, then
/// what enters. Referrals leave an office mostly in the order they came, so that those of a batch lie
/// side by side in the table; such a run is deleted by one statement. Reading here sees what gathered.
/// Ledger thread only.
final class ReadyRows {
    /// Rows that gather at most, of those that enter and of those that leave.
    private static let rowsMax = 512
    /// Rows of one run, so that looking in vain whether they lie side by side costs little.
    private static let runMax = 32
    /// A shorter run is deleted row by row.
    private static let runMin = 4

    /// The key of a row.
    private struct Key: Comparable {
        let office: UInt32
        let lane: UInt8
        let number: UInt64

        init(_ referral: Referral) {
            office = referral.office
            lane = referral.lane
            number = referral.number
        }

        static func < (left: Key, right: Key) -> Bool {
            guard left.office == right.office else { return left.office < right.office }
            guard left.lane == right.lane else { return left.lane < right.lane }
            return left.number < right.number
        }
    }

    private let inserter: RowInserter
    private let deleteOne: Statement
    private let deleteRun: Statement
    private let selectLast: Statement
    private let selectAfter: Statement
    private let selectOne: Statement
    @Confined private var leaving: [Key] = []
    @Confined private var entering: [(key: Key, serial: UInt64)] = []
    /// Lowest number among those that enter; one that was delayed comes back under its old number.
    @Confined private var lowest = UInt64.max
    private let slips = UnsafeMutableRawBufferPointer.allocate(
        byteCount: rowsMax * Referral.slipBytes,
        alignment: 8
    )

    /// Prepares the statements.
    init(_ connection: Connection) throws(SQLiteFault) {
        inserter = try RowInserter(
            "ready (office, lane, referral, serial, slip)",
            columns: 5,
            connection
        )
        deleteOne = try Statement(
            "DELETE FROM ready WHERE office = ? AND lane = ? AND referral = ?",
            on: connection
        )
        deleteRun = try Statement(
            "DELETE FROM ready WHERE office = ? AND lane = ? AND referral BETWEEN ? AND ?",
            on: connection
        )
        selectLast = try Statement(
            """
            SELECT 1 FROM ready
            WHERE office = ? AND lane = ? AND referral BETWEEN ? AND ? LIMIT 2 OFFSET ?
            """,
            on: connection
        )
        selectAfter = try Statement(
            """
            SELECT referral, serial, slip FROM ready
            WHERE office = ? AND lane = ? AND referral > ? ORDER BY referral LIMIT ?
            """,
            on: connection
        )
        selectOne = try Statement(
            "SELECT serial, slip FROM ready WHERE office = ? AND lane = ? AND referral = ?",
            on: connection
        )
        entering.reserveCapacity(Self.rowsMax)
        leaving.reserveCapacity(Self.rowsMax)
    }

    deinit { slips.deallocate() }

    /// Puts a referral into the queue of its office.
    func insert(_ referral: Referral) throws(SQLiteFault) {
        if entering.count == Self.rowsMax { try flush() }
        referral.writeSlip(to: slip(entering.count))
        entering.append((Key(referral), referral.serial))
        lowest = min(lowest, referral.number)
    }

    /// Takes a referral that is in the queue out of it.
    func delete(_ referral: Referral) throws(SQLiteFault) {
        if leaving.count == Self.rowsMax || referral.number >= lowest { try flush() }
        leaving.append(Key(referral))
    }

    /// Writes what left and what entered.
    func flush() throws(SQLiteFault) {
        if !leaving.isEmpty { try flushLeaving() }
        guard !entering.isEmpty else { return }
        try inserter.insert(entering.count) { index, row in
            let (key, serial) = entering[index]
            row.bind(0, Int64(key.office))
            row.bind(1, Int64(key.lane))
            row.bind(2, Int64(key.number))
            row.bind(3, Int64(serial))
            row.bind(4, UnsafeRawBufferPointer(slip(index)))
        }
        entering.removeAll(keepingCapacity: true)
        lowest = .max
    }

    /// Forgets what gathered, after a rollback.
    func discard() {
        leaving.removeAll(keepingCapacity: true)
        entering.removeAll(keepingCapacity: true)
        lowest = .max
    }

    private func flushLeaving() throws(SQLiteFault) {
        leaving.sort()
        var start = 0
        while start < leaving.count {
            let first = leaving[start]
            var end = start + 1
            while end < leaving.count, end - start < Self.runMax,
                leaving[end].office == first.office, leaving[end].lane == first.lane
            {
                end += 1
            }
            if end - start >= Self.runMin, try isRun(start, end) {
                bindRun(deleteRun, start, end)
                try deleteRun.run()
            } else {
                for place in start..<end { try deleteRow(leaving[place]) }
            }
            start = end
        }
        leaving.removeAll(keepingCapacity: true)
    }

    /// Whether the rows of these places in `leaving` are all there, and no other among them.
    private func isRun(_ start: Int, _ end: Int) throws(SQLiteFault) -> Bool {
        defer { selectLast.reset() }
        bindRun(selectLast, start, end)
        selectLast.bind(5, Int64(end - start - 1))
        guard try selectLast.step() else { return false }
        return try !selectLast.step()
    }

    private func bindRun(_ statement: Statement, _ start: Int, _ end: Int) {
        statement.bind(1, Int64(leaving[start].office))
        statement.bind(2, Int64(leaving[start].lane))
        statement.bind(3, Int64(leaving[start].number))
        statement.bind(4, Int64(leaving[end - 1].number))
    }

    private func deleteRow(_ key: Key) throws(SQLiteFault) {
        deleteOne.bind(1, Int64(key.office))
        deleteOne.bind(2, Int64(key.lane))
        deleteOne.bind(3, Int64(key.number))
        try deleteOne.run()
    }

    /// Up to `limit` ready referrals of a lane above a number, in order.
    func after(
        _ number: UInt64,
        office: UInt32,
        lane: UInt8,
        limit: Int
    ) throws(SQLiteFault) -> [Referral] {
        try flush()
        defer { selectAfter.reset() }
        selectAfter.bind(1, Int64(office))
        selectAfter.bind(2, Int64(lane))
        selectAfter.bind(3, Int64(number))
        selectAfter.bind(4, Int64(limit))
        var found: [Referral] = []
        while try selectAfter.step() {
            found.append(
                Tables.row(selectAfter, number: 0, office: office, lane: lane, serial: 1, slip: 2)
            )
        }
        return found
    }

    /// The ready referral of this number, or nil.
    func referral(
        _ number: UInt64,
        office: UInt32,
        lane: UInt8
    ) throws(SQLiteFault) -> Referral? {
        try flush()
        defer { selectOne.reset() }
        selectOne.bind(1, Int64(office))
        selectOne.bind(2, Int64(lane))
        selectOne.bind(3, Int64(number))
        guard try selectOne.step() else { return nil }
        return Referral(
            number: number,
            serial: UInt64(selectOne.int64(0)),
            office: office,
            lane: lane,
            slip: selectOne.blob(1)
        )
    }

    private func slip(_ index: Int) -> UnsafeMutableRawBufferPointer {
        let start = index * Referral.slipBytes
        return UnsafeMutableRawBufferPointer(rebasing: slips[start..<start + Referral.slipBytes])
    }
}
