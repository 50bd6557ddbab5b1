// SPDX-License-Identifier: Apache-2.0

internal import Rules
internal import SQLite

/// The rows of the ready queue.
///
/// What enters gathers and is inserted some at a time: `flush` before a commit. Reading and deleting
/// here see what gathered. Ledger thread only.
final class ReadyRows {
    private let inserter: RowInserter
    private let deleteOne: Statement
    private let selectAfter: Statement
    private let selectOne: Statement
    @Confined private var gathered: [Referral] = []
    /// Lowest number among them; one that was delayed comes back under its old number.
    @Confined private var lowest = UInt64.max
    private let slips = UnsafeMutableRawBufferPointer.allocate(
        byteCount: RowInserter.rowsMax * Referral.slipBytes,
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
        gathered.reserveCapacity(RowInserter.rowsMax)
    }

    deinit { slips.deallocate() }

    /// Puts a referral into the queue of its office.
    func insert(_ referral: Referral) throws(SQLiteFault) {
        if gathered.count == RowInserter.rowsMax { try flush() }
        referral.writeSlip(to: slip(gathered.count))
        gathered.append(referral)
        lowest = min(lowest, referral.number)
    }

    /// Writes the rows of what entered.
    func flush() throws(SQLiteFault) {
        guard !gathered.isEmpty else { return }
        try inserter.insert(gathered.count) { index, row in
            row.bind(0, Int64(gathered[index].office))
            row.bind(1, Int64(gathered[index].lane))
            row.bind(2, Int64(gathered[index].number))
            row.bind(3, Int64(gathered[index].serial))
            row.bind(4, UnsafeRawBufferPointer(slip(index)))
        }
        discard()
    }

    /// Forgets what gathered, after a rollback.
    func discard() {
        gathered.removeAll(keepingCapacity: true)
        lowest = .max
    }

    /// Takes a referral out of the queue.
    func delete(_ referral: Referral) throws(SQLiteFault) {
        if referral.number >= lowest { try flush() }
        deleteOne.bind(1, Int64(referral.office))
        deleteOne.bind(2, Int64(referral.lane))
        deleteOne.bind(3, Int64(referral.number))
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
