// SPDX-License-Identifier: Apache-2.0

internal import Rules
internal import SQLite
internal import Wire

/// A check of the whole ledger against its own journal, while the daemon works.
///
/// It reads one snapshot: the journal is replayed from the first record, the chain recomputed, and
/// what the trails say is held against the queues. Promise 3 (exactly one holder) is decided here.
/// It never waits for the writer nor makes it wait; the log only starts anew once it has ended.
package struct Verification: Sendable {
    package private(set) var records: UInt64 = 0
    package private(set) var cases: UInt64 = 0
    package private(set) var referrals: UInt64 = 0
    /// Records that opened a case or acted on a closed one.
    private(set) var submissions: UInt64 = 0
    package private(set) var isChainIntact = true
    package private(set) var hasOneHolder = true
    /// What is wrong, in words; at most `findingsMax`.
    package private(set) var findings: [String] = []

    /// Findings kept at most.
    package static let findingsMax = 1_000

    /// Checks the ledger that a reader has open.
    ///
    /// - Throws: `SQLiteFault` if it cannot be read at all.
    package init(_ reader: LedgerReader) throws {
        try compare(reader.connection)
        // A snapshot of its own: the log may start anew in between.
        try compareIndexes(reader.connection)
    }

    private mutating func compare(_ connection: Connection) throws {
        try connection.execute("BEGIN")
        defer { try? connection.execute("COMMIT") }
        var folds = try replay(connection)
        try compareQueues(connection, &folds)
        try compareCases(connection, folds)
        try compareCounts(connection)
        try compareContent(connection, folds)
        try compareEvents(connection)
        try compareReferences(connection)
        try compareDeclared(connection)
        try compareSchema(connection)
    }

    mutating func report(_ finding: String) {
        guard findings.count < Self.findingsMax else { return }
        findings.append(finding)
    }

    // MARK: Journal

    private mutating func replay(_ connection: Connection) throws -> [UInt64: TrailFold] {
        var folds: [UInt64: TrailFold] = [:]
        var hash = [UInt8](repeating: 0, count: Journal.hashBytes)
        var ofCases: Int64 = 0
        let journal = try Statement(
            "SELECT position, hash, record FROM journal ORDER BY position",
            on: connection
        )
        let trail = try Statement(
            "SELECT 1 FROM trail WHERE serial = ? AND position = ?",
            on: connection
        )
        while try journal.step() {
            records &+= 1
            let position = UInt64(bitPattern: journal.int64(0))
            if position != records {
                isChainIntact = false
                report("The journal has no record at position \(records).")
                records = position
            }
            let bytes = journal.bytes(2)
            hash = Journal.chain(hash, bytes)
            if hash != journal.bytes(1) {
                isChainIntact = false
                report("The record at position \(position) does not fit the chain.")
                hash = journal.bytes(1)
            }
            guard let record = bytes.withUnsafeBytes({ JournalRecord(reading: $0) }),
                record.position == position
            else {
                isChainIntact = false
                report("The record at position \(position) cannot be read.")
                continue
            }
            if record.act == .submitted || record.act == .acted { submissions += 1 }
            guard record.serial != 0 else { continue }
            folds[record.serial, default: TrailFold()].read(record)
            ofCases += 1
            trail.bind(1, Int64(bitPattern: record.serial))
            trail.bind(2, Int64(bitPattern: position))
            if try !trail.step() {
                report("The trail of case \(record.serial) lacks the record at \(position).")
            }
            trail.reset()
        }
        let entries = try Statement("SELECT count(*) FROM trail", on: connection)
        if try entries.step(), entries.int64(0) != ofCases {
            report("The trails have \(entries.int64(0)) records, the journal \(ofCases) of cases.")
        }
        return folds
    }

    // MARK: Queues

    private mutating func compareQueues(
        _ connection: Connection,
        _ folds: inout [UInt64: TrailFold]
    ) throws {
        var found: [UInt64: Int] = [:]
        for (table, state) in [
            ("ready", TrailPlace.State.waiting), ("delayed", .waiting), ("custody", .custody),
            ("dead", .dead),
        ] {
            let rows = try Statement(
                "SELECT referral, serial, office, lane, slip FROM \(table)",
                on: connection
            )
            while try rows.step() {
                referrals += 1
                let number = UInt64(bitPattern: rows.int64(0))
                let serial = UInt64(bitPattern: rows.int64(1))
                found[number, default: 0] += 1
                let place = folds[serial]?.places.first { $0.referral == number }
                let referral = rows.withBlob(4) { slip in
                    Referral(
                        number: number,
                        serial: serial,
                        office: UInt32(truncatingIfNeeded: rows.int64(2)),
                        lane: UInt8(truncatingIfNeeded: rows.int64(3)),
                        slip: slip
                    )
                }
                guard let place, let referral, place.state == state,
                    place.office == referral.office, place.step == referral.step,
                    place.lane == referral.lane, place.fork == referral.fork,
                    agrees(referral, place)
                else {
                    hasOneHolder = false
                    report("Referral \(number) in \(table) is not where its trail puts it.")
                    continue
                }
            }
        }
        for (serial, fold) in folds {
            for place in fold.places where found[place.referral] != 1 {
                hasOneHolder = false
                report(
                    "Referral \(place.referral) of case \(serial) is in "
                        + "\(found[place.referral] ?? 0) queues instead of one."
                )
            }
        }
    }

    private mutating func compareCases(
        _ connection: Connection,
        _ folds: [UInt64: TrailFold]
    ) throws {
        let rows = try Statement("SELECT serial, closed, erased FROM cases", on: connection)
        var closed: Int64 = 0
        var erased: Int64 = 0
        var highest: UInt64 = 0
        while try rows.step() {
            cases += 1
            let serial = UInt64(bitPattern: rows.int64(0))
            let isClosed = rows.int64(1) != 0
            guard let fold = folds[serial], fold.isClosed == isClosed,
                !isClosed || fold.closedAt == rows.int64(1)
            else {
                report(
                    "Case \(serial) is open, or closed when, by the ledger, and not by its trail."
                )
                continue
            }
            if fold.erasedAt != rows.int64(2) {
                report("Case \(serial) is erased, or when, by the ledger, and not by its trail.")
            }
            if fold.erasedAt != 0, !isClosed {
                report("Case \(serial) is open, and its content was erased.")
            }
            highest = max(highest, serial)
            closed += isClosed ? 1 : 0
            erased += fold.erasedAt != 0 ? 1 : 0
            if !isClosed, fold.places.isEmpty {
                hasOneHolder = false
                report("Case \(serial) is open and nobody holds it.")
            }
        }
        if cases != UInt64(folds.count) {
            report("The journal knows \(folds.count) cases, the ledger \(cases).")
        }
        let tally = try Statement("SELECT closed, erased FROM tally", on: connection)
        guard try tally.step(), tally.int64(0) == closed, tally.int64(1) == erased,
            try !tally.step(), highest == cases
        else { return report("The counts of cases are not those of the cases.") }
    }

    private mutating func compareCounts(_ connection: Connection) throws {
        let rows = try Statement(
            """
            SELECT o.name, o.waiting, coalesce(r.n, 0), o.custody, coalesce(c.n, 0),
                o.delayed, coalesce(l.n, 0), o.dead, coalesce(d.n, 0)
            FROM office o
            LEFT JOIN (SELECT office, count(*) n FROM ready GROUP BY office) r
                ON r.office = o.number
            LEFT JOIN (SELECT office, count(*) n FROM custody GROUP BY office) c
                ON c.office = o.number
            LEFT JOIN (SELECT office, count(*) n FROM delayed GROUP BY office) l
                ON l.office = o.number
            LEFT JOIN (SELECT office, count(*) n FROM dead GROUP BY office) d
                ON d.office = o.number
            """,
            on: connection
        )
        while try rows.step() {
            let isRight = [Int32(1), 3, 5, 7].allSatisfy { rows.int64($0) == rows.int64($0 + 1) }
            if !isRight {
                report("The counts of office \(rows.string(0)) are not those of its queue.")
            }
        }
    }

    // MARK: Content

    private mutating func compareContent(
        _ connection: Connection,
        _ folds: [UInt64: TrailFold]
    ) throws {
        for table in ["content", "event_content"] {
            let kept = try Statement(
                """
                SELECT j.record, c.envelope, c.body FROM \(table) c
                JOIN journal j ON j.position = c.position
                """,
                on: connection
            )
            while try kept.step() { compare(kept, "content", folds) }
        }
        let files = try Statement(
            """
            SELECT j.record, f.envelope, f.body FROM file f
            JOIN journal j ON j.position =
                (SELECT min(position) FROM trail t WHERE t.serial = f.serial)
            """,
            on: connection
        )
        while try files.step() { compare(files, "case file", folds) }
    }

    private mutating func compare(
        _ row: Statement,
        _ what: String,
        _ folds: [UInt64: TrailFold]
    ) {
        guard let record = row.withBlob(0, { JournalRecord(reading: $0) }) else { return }
        // Of an erased case only the word of who erased it is kept.
        if let fold = folds[record.serial], fold.erasedAt != 0, record.act != .caseErased {
            guard row.withBlob(1, { $0.isEmpty }), row.withBlob(2, { $0.isEmpty }) else {
                return report(
                    "The \(what) of the record at position \(record.position) should be erased."
                )
            }
            return
        }
        let digest = row.withBlob(1) { envelope in
            row.withBlob(2) { body in Journal.digest(envelope: envelope, body: body) }
        }
        if digest != record.digest {
            report("The \(what) of the record at position \(record.position) was changed.")
        }
    }
}
