// SPDX-License-Identifier: Apache-2.0

import Foundation
import Ledger
import SQLite
import TestKit
import Testing
import Wire

/// Goal: a file that is not ours is refused in clear words and stays as it was; a changed ledger is
/// found out.
///
/// Method: foreign files compared byte by byte; one flipped byte at a time.
@Suite("Opening and verifying")
struct OpeningTests {
    private func refused(_ directory: TemporaryDirectory) throws -> LedgerFault? {
        let file = directory.path + "/" + Ledger.fileName
        let before = try Data(contentsOf: URL(filePath: file))
        var fault: LedgerFault?
        do { _ = try LedgerBench.open(directory.path) } catch { fault = error as? LedgerFault }
        #expect(try Data(contentsOf: URL(filePath: file)) == before, "the file was touched")
        let names = try FileManager.default.contentsOfDirectory(atPath: directory.path)
        #expect(names == [Ledger.fileName])
        return fault
    }

    private func made(_ sql: String) throws -> TemporaryDirectory {
        let directory = TemporaryDirectory()
        try Connection(path: directory.path + "/" + Ledger.fileName, access: .readWriteCreate)
            .execute(sql)
        return directory
    }

    @Test(
        "a database of another program is refused and stays as it was",
        arguments: [
            "PRAGMA application_id = 7; CREATE TABLE t (a)", "CREATE TABLE t (a)",
            "PRAGMA user_version = 1; CREATE TABLE t (a)",
        ]
    )
    func foreign(sql: String) throws {
        #expect(try refused(made(sql)) == .foreign)
    }

    @Test("a ledger of a later version is refused and stays as it was")
    func later() throws {
        let directory = try made(
            "PRAGMA application_id = \(0x4252_4944); PRAGMA user_version = 99; CREATE TABLE t (a)"
        )
        #expect(try refused(directory) == .later(version: 99, known: 5))
    }

    @Test("a file that is no database is refused and stays as it was")
    func noDatabase() throws {
        let directory = TemporaryDirectory()
        try Data(repeating: 0x41, count: 8_192).write(
            to: URL(filePath: directory.path + "/" + Ledger.fileName)
        )
        let fault = try #require(try refused(directory))
        #expect(fault.description.contains("not a database"))
    }

    @Test("a new ledger can be opened again and counts its starts")
    func again() throws {
        let directory = TemporaryDirectory()
        _ = try LedgerBench.open(directory.path)
        _ = try LedgerBench.open(directory.path)
        let statement = try Statement(
            "SELECT max(epoch) FROM daemon",
            on: Connection(path: directory.path + "/" + Ledger.fileName, access: .readOnly)
        )
        #expect(try statement.step() && statement.int64(0) == 2)
    }

    @Test("a ledger of version 1 is brought up to this one with all that is in it")
    func versionOne() throws {
        let bench = try LedgerBench()
        try bench.publish(Samples.line)
        let session = try bench.staff(["a/one"])
        let serial = try bench.submitted(session, "line")
        let tables = [
            "topic", "published", "retention", "subscription", "settled", "failed",
            "dead_event", "question", "catalogue", "key", "suspension", "rule", "role", "quota",
            "connection", "pause", "hold", "event_content", "tally",
        ]
        try bench.vandalize(
            tables.map { "DROP TABLE \($0);" }.joined()
                + ["delayed_referral", "delayed_office", "dead_at", "dead_office", "dead_serial"]
                .map { "DROP INDEX \($0);" }.joined()
                + "ALTER TABLE agency DROP COLUMN observing; "
                + "ALTER TABLE cases DROP COLUMN erased; PRAGMA user_version = 1"
        )
        try bench.reopen()
        #expect(try bench.number("PRAGMA user_version") == 5)
        #expect(try bench.acts(serial) == ["submitted"])
        let again = try bench.staff(["a/one"])
        try bench.subscribe(again, ">") { $0.from = .beginning }
        bench.publish(again, "a.b", "new")
        #expect(
            try bench.events().map(\.topic) == ["case.line.a/one.submitted", "a.b"]
        )
        try bench.verify()
    }

    // MARK: Tampering

    /// A ledger with something in every table that is checked.
    private func worked() throws -> LedgerBench {
        let bench = try LedgerBench()
        try bench.publish(Samples.line)
        let one = try bench.staff(["a/one"])
        for index in 0..<4 { bench.submit(one, "line", body: "body \(index)") }
        try bench.turn()
        let held = bench.deliveries
        bench.note(held[0], "a remark")
        bench.settle(.accept, held[1])
        bench.settle(.release, held[2])
        try bench.turn()
        try bench.verify()
        return bench
    }

    @Test(
        "any flipped byte of a record, a hash, a remark or a case file is found",
        arguments: [
            ("journal", "record"), ("journal", "hash"), ("content", "envelope"),
            ("file", "envelope"), ("file", "body"),
        ]
    )
    func flipped(table: String, column: String) throws {
        let bench = try worked()
        let connection = try Connection(path: bench.file, access: .readWriteCreate)
        let rows = try Statement("SELECT rowid, \(column) FROM \(table)", on: connection)
        let update = try Statement(
            "UPDATE \(table) SET \(column) = ? WHERE rowid = ?",
            on: connection
        )
        var blobs: [(Int64, [UInt8])] = []
        while try rows.step() { blobs.append((rows.int64(0), rows.bytes(1))) }
        rows.reset()
        #expect(!blobs.isEmpty)
        func write(_ bytes: [UInt8], _ row: Int64) throws {
            update.bind(1, copying: bytes)
            update.bind(2, row)
            try update.run()
        }
        for (row, bytes) in blobs {
            for place in stride(from: 0, to: bytes.count, by: column == "record" ? 5 : 1) {
                var changed = bytes
                changed[place] ^= 1 << UInt8(place % 8)
                try write(changed, row)
                let findings = try bench.findings()
                #expect(!findings.isEmpty, "byte \(place) of \(column) in row \(row)")
            }
            try write(bytes, row)
        }
        try bench.verify()
    }

    @Test(
        "what does not agree with the journal is found",
        arguments: [
            "DELETE FROM ready", "DELETE FROM custody", "DELETE FROM delayed",
            "DELETE FROM journal WHERE position = 3", "DELETE FROM journal WHERE position = 1",
            "INSERT INTO ready SELECT office, lane, 7, serial, slip FROM ready LIMIT 1",
            "INSERT INTO ready SELECT office, lane, -7, -1, slip FROM ready LIMIT 1",
            "INSERT INTO ready SELECT -1, 700, referral, serial, slip FROM ready LIMIT 1",
            "INSERT INTO ready SELECT office, lane, referral, serial, slip FROM custody",
            "INSERT INTO dead SELECT referral, office, lane, serial, slip, 1, '', 1 FROM custody",
            "UPDATE ready SET lane = 0", "UPDATE ready SET slip = zeroblob(52)",
            "UPDATE ready SET slip = zeroblob(3)", "UPDATE office SET waiting = waiting + 1",
            "UPDATE cases SET closed = 1 WHERE serial = 1", "DELETE FROM cases WHERE serial = 2",
            "INSERT INTO cases SELECT -5, zeroblob(16), 1, 1, 1, 1, 1, '', '', 0 FROM cases LIMIT 1",
            "INSERT INTO journal VALUES (-1, zeroblob(32), zeroblob(80))",
            "INSERT INTO journal VALUES (999, zeroblob(32), zeroblob(80))",
            "DELETE FROM trail WHERE serial = 1",
            "INSERT INTO trail VALUES (1, 2)",
            "INSERT INTO content VALUES (9999, x'00', x'00')", "DELETE FROM file WHERE serial = 1",
            "INSERT INTO file VALUES (9999, zeroblob(16), x'00', x'00')",
            "INSERT INTO fork VALUES (9999, 9999, 0, 1, 1, 1, 0)",
            "UPDATE cases SET id = zeroblob(16) WHERE serial = 1",
            "DELETE FROM submission", "UPDATE submission SET position = 9999",
            "UPDATE submission SET position = 1", "UPDATE submission SET agency = agency + 1",
        ]
    )
    func tampered(sql: String) throws {
        let bench = try worked()
        try bench.vandalize(sql)
        #expect(try !bench.findings().isEmpty)
    }

    @Test("an index that does not agree with its table is found")
    func index() throws {
        let bench = try worked()
        // Without its index the table changes alone; then the index comes back as it was.
        try bench.vandalize(
            """
            PRAGMA writable_schema = ON;
            CREATE TABLE kept AS SELECT * FROM sqlite_master WHERE name = 'cases_id';
            DELETE FROM sqlite_master WHERE name = 'cases_id'
            """
        )
        try bench.vandalize(
            "UPDATE cases SET id = zeroblob(16) WHERE serial = 1; "
                + "UPDATE file SET id = zeroblob(16) WHERE serial = 1"
        )
        try bench.vandalize(
            """
            PRAGMA writable_schema = ON;
            INSERT INTO sqlite_master SELECT * FROM kept; DROP TABLE kept
            """
        )
        #expect(try bench.findings().contains { $0.contains("cases_id") })
    }
}
