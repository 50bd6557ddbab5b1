// SPDX-License-Identifier: Apache-2.0

internal import Platform
internal import Rules
internal import SQLite
internal import Wire

/// The rows a flow writes, in bare SQLite: the rate no ledger of these rows can exceed.
///
/// Schema, settings, statements and grouping are the ledger's own (`Schema`, `Tables`, `RowInserter`);
/// rules, chaining, leases, deliveries and sessions are left out. Cases move in lockstep: a
/// transaction moves every case of the window by one act, and its commit is waited for.
///
/// - A submission: `cases` with its index, `file`, `submission`, `journal`, `trail`, `ready`.
/// - A hop: `journal` (hash and a record of 120 bytes), `trail`, a row of `ready` deleted and one
///   inserted; the last hop of a case updates `cases` instead of inserting.
/// - A transaction: the counts of the offices whose queue became longer or shorter.
///
/// One thread only.
package final class RowFloor {
    private struct Walker {
        /// Where the case waits; `number` is 0 before it is submitted.
        var referral: Referral
        var visited = 0
    }

    private let connection: Connection
    private let log: LogFile
    private let tables: Tables
    private let records: RowInserter
    private let trails: RowInserter
    private var upkeep: Upkeep
    private let offices: Int
    private let envelope: [UInt8]
    private let body: [UInt8]
    private let record = [UInt8](repeating: 0x5A, count: 120)
    private let hash = [UInt8](repeating: 0xA5, count: Journal.hashBytes)
    private var position: UInt64 = 0
    private var serial: UInt64 = 0
    /// Journal rows of the transaction that are not inserted yet, by serial.
    private var gathered: [UInt64] = []
    private var waiting: [Int]
    private var random = Randomness.system

    /// Makes a ledger of its own in a directory.
    ///
    /// - Parameters:
    ///   - directory: An existing directory on the disk that is to be measured.
    ///   - offices: Offices a case visits.
    ///   - envelopeBytes: Bytes of a case's envelope.
    ///   - bodyBytes: Bytes of a case's body.
    /// - Throws: `LedgerFault`.
    package init(
        directory: String,
        offices: Int,
        envelopeBytes: Int,
        bodyBytes: Int
    ) throws(LedgerFault) {
        upkeep = Upkeep(
            directory: directory,
            marks: SharedDiskMarks(DiskMarks(warn: 0, reserve: 0, stop: 0))
        )
        self.offices = offices
        envelope = [UInt8](repeating: 0x45, count: envelopeBytes)
        body = [UInt8](repeating: 0x78, count: bodyBytes)
        waiting = Array(repeating: 0, count: offices + 1)
        do {
            connection = try Connection(
                path: directory + "/" + Ledger.fileName,
                access: .readWriteCreate
            )
        } catch {
            throw LedgerFault(error)
        }
        try Schema.prepare(connection)
        do {
            tables = try Tables(connection)
            records = try RowInserter("journal (position, hash, record)", columns: 3, connection)
            trails = try RowInserter("trail (serial, position)", columns: 2, connection)
            for office in 1...offices {
                try connection.execute(
                    """
                    INSERT INTO office (number, name, agency, title)
                    VALUES (\(office), 'bench/o\(office)', 1, '')
                    """
                )
            }
            log = try LogFile(of: connection, gathersFrames: false)
            try growLog()
        } catch {
            throw LedgerFault(error)
        }
    }

    /// Brings the log to the size it stays at: while it grows, every commit must also make the length
    /// of the file durable.
    private func growLog() throws(SQLiteFault) {
        var walkers = Array(repeating: Walker(referral: emptyReferral), count: 500)
        try begin(&walkers)
        while connection.pagesWritten < Upkeep.framesMax {
            _ = try turn(&walkers)
            try upkeep.checkpointIfDue(log)
        }
    }

    /// Moves a window of cases for so long.
    ///
    /// - Returns: Hops committed, and the nanoseconds they took.
    /// - Throws: `LedgerFault`.
    package func run(
        window: Int,
        seconds: Double
    ) throws(LedgerFault) -> (hops: UInt64, nanoseconds: Int64) {
        var walkers = Array(repeating: Walker(referral: emptyReferral), count: window)
        do {
            try begin(&walkers)
            let start = Clock.monotonicNanoseconds()
            let end = start + Int64(seconds * 1e9)
            var hops: UInt64 = 0
            var now = start
            while now < end {
                hops += try turn(&walkers)
                try upkeep.checkpointIfDue(log)
                now = Clock.monotonicNanoseconds()
            }
            return (hops, now - start)
        } catch {
            throw LedgerFault(error)
        }
    }

    /// Submits cases for so long, `window` to a commit.
    ///
    /// - Returns: Submissions committed, and the nanoseconds they took.
    /// - Throws: `LedgerFault`.
    package func runSubmissions(
        window: Int,
        seconds: Double
    ) throws(LedgerFault) -> (submissions: UInt64, nanoseconds: Int64) {
        do {
            let start = Clock.monotonicNanoseconds()
            let end = start + Int64(seconds * 1e9)
            var submissions: UInt64 = 0
            var now = start
            while now < end {
                try tables.begin()
                for _ in 0..<window {
                    var walker = Walker(referral: emptyReferral)
                    try submit(&walker)
                }
                try commit()
                submissions += UInt64(window)
                try upkeep.checkpointIfDue(log)
                now = Clock.monotonicNanoseconds()
            }
            return (submissions, now - start)
        } catch {
            throw LedgerFault(error)
        }
    }

    private var emptyReferral: Referral {
        Referral(
            number: 0,
            serial: 0,
            office: 1,
            lane: Lane.normal.rawValue,
            step: StepNumber(procedure: 1, place: 0),
            entered: Clock.wallMilliseconds()
        )
    }

    /// Brings the cases under way, to one office after the other, so that every transaction holds
    /// submissions and hops alike.
    private func begin(_ walkers: inout [Walker]) throws(SQLiteFault) {
        try tables.begin()
        for index in walkers.indices {
            for _ in 0...index % (offices + 1) { _ = try act(&walkers[index]) }
        }
        try commit()
    }

    private func turn(_ walkers: inout [Walker]) throws(SQLiteFault) -> UInt64 {
        var hops: UInt64 = 0
        try tables.begin()
        for index in walkers.indices where try act(&walkers[index]) { hops += 1 }
        try commit()
        return hops
    }

    private func commit() throws(SQLiteFault) {
        try writeGathered()
        for office in 1...offices where waiting[office] != 0 {
            try tables.count(OfficeCounts(waiting: waiting[office]), office: UInt32(office))
            waiting[office] = 0
        }
        try tables.commit()
        try log.sync()
    }

    /// The next act of a case; whether it was a hop.
    private func act(_ walker: inout Walker) throws(SQLiteFault) -> Bool {
        guard walker.referral.number != 0 else {
            try submit(&walker)
            return false
        }
        try journal(walker.referral.serial)
        try tables.ready.delete(walker.referral)
        waiting[Int(walker.referral.office)] -= 1
        walker.visited += 1
        guard walker.visited < offices else {
            try tables.closeCase(
                walker.referral.serial,
                at: walker.referral.entered,
                result: "done"
            )
            walker = Walker(referral: emptyReferral)
            return true
        }
        walker.referral.office = UInt32(walker.visited + 1)
        try enter(&walker)
        return true
    }

    private func submit(_ walker: inout Walker) throws(SQLiteFault) {
        serial += 1
        walker.visited = 0
        walker.referral.serial = serial
        let id = Identifier(
            version7At: walker.referral.entered,
            random: (random.next(), random.next())
        )
        _ = try tables.insertSubmission(
            agency: 1,
            key: Identifier(high: 1, low: serial),
            position: position + 1,
            on: connection
        )
        try tables.insertCase(
            CaseRow(
                serial: serial,
                id: id,
                procedure: 1,
                agency: 1,
                opened: walker.referral.entered,
                due: 0,
                itinerary: (1...offices).map { UInt32($0) }
            )
        )
        try envelope.withBytes { envelope throws(SQLiteFault) in
            try body.withBytes { body throws(SQLiteFault) in
                try tables.insertFile(serial, id: id, envelope: envelope, body: body)
            }
        }
        try journal(serial)
        try enter(&walker)
    }

    private func enter(_ walker: inout Walker) throws(SQLiteFault) {
        walker.referral.number = position << 8
        try tables.ready.insert(walker.referral)
        waiting[Int(walker.referral.office)] += 1
    }

    private func journal(_ serial: UInt64) throws(SQLiteFault) {
        position += 1
        gathered.append(serial)
        if gathered.count == RowInserter.rowsMax { try writeGathered() }
    }

    private func writeGathered() throws(SQLiteFault) {
        let first = position - UInt64(gathered.count) + 1
        try hash.withBytes { hash throws(SQLiteFault) in
            try record.withBytes { record throws(SQLiteFault) in
                try records.insert(gathered.count) { index, row in
                    row.bind(0, Int64(first) + Int64(index))
                    row.bind(1, hash)
                    row.bind(2, record)
                }
            }
        }
        try trails.insert(gathered.count) { index, row in
            row.bind(0, Int64(gathered[index]))
            row.bind(1, Int64(first) + Int64(index))
        }
        gathered.removeAll(keepingCapacity: true)
        try tables.ready.flush()
    }
}
