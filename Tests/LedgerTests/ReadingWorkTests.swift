// SPDX-License-Identifier: Apache-2.0

import CSQLite
import Declarations
import Foundation
@testable import Ledger
import Rules
@testable import SQLite
import TestKit
import Testing

/// Goal: what operators look at most costs as much as there are offices or rows shown, never as much
/// as there are cases.
///
/// Method: a ledger filled by SQL with many cases waiting in a thousand offices, and the instructions
/// of SQLite's machine counted, which no load of the machine changes.
@Suite("The work of looking")
struct ReadingWorkTests {
    private static let offices = 1_000

    /// A ledger with so many waiting cases, a tenth as many dead letters and delayed ones.
    private func filled(_ cases: Int) throws -> TemporaryDirectory {
        let directory = TemporaryDirectory()
        do {
            let bench = try LedgerBench()
            try bench.publish(Samples.line)
            let session = try bench.staff(["a/one"], credit: 0)
            try bench.submitted(session, "line")
            try bench.writer.finish()
            try FileManager.default.copyItem(
                atPath: bench.file,
                toPath: directory.path + "/" + Ledger.fileName
            )
        }
        try Connection(path: directory.path + "/" + Ledger.fileName, access: .readWriteCreate)
            .execute(
                """
                BEGIN;
                CREATE TEMP TABLE n AS WITH RECURSIVE n(i) AS (
                    SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < \(cases)) SELECT i FROM n;
                INSERT INTO office (number, name, agency, title)
                    SELECT 100 + i, 'a/o' || i, 1, '' FROM n WHERE i <= \(Self.offices);
                INSERT INTO cases SELECT 1000 + i, randomblob(16), procedure, 1, opened, 0, 0, '', x'', 0
                    FROM n, (SELECT procedure, opened FROM cases LIMIT 1);
                INSERT INTO ready SELECT 101 + i % \(Self.offices), 1, 1000000 + i, 1000 + i, slip
                    FROM n, (SELECT slip FROM ready LIMIT 1);
                INSERT INTO dead SELECT 9000000 + i, 101 + i % \(Self.offices), 1, 1000 + i, slip, 1,
                    '', 1000 + i FROM n, (SELECT slip FROM ready LIMIT 1) WHERE i % 10 = 0;
                INSERT INTO delayed SELECT 1000 + i, 8000000 + i, 101 + i % \(Self.offices), 1,
                    1000 + i, slip FROM n, (SELECT slip FROM ready LIMIT 1) WHERE i % 10 = 1;
                UPDATE office SET
                    waiting = (SELECT count(*) FROM ready r WHERE r.office = number),
                    dead = (SELECT count(*) FROM dead d WHERE d.office = number),
                    delayed = (SELECT count(*) FROM delayed d WHERE d.office = number);
                COMMIT
                """
            )
        return directory
    }

    /// Hundreds of instructions of SQLite's machine that reading takes.
    private func steps(
        _ directory: TemporaryDirectory,
        _ read: (LedgerReader) throws -> Void
    ) throws -> Int {
        let reader = try LedgerReader(directory: directory.path) {
            try? ProcedureDeclaration.read($0)
        }
        let count = UnsafeMutablePointer<Int>.allocate(capacity: 1)
        count.initialize(to: 0)
        defer { count.deallocate() }
        sqlite3_progress_handler(
            reader.connection.handle,
            10,
            { count in
                count?.assumingMemoryBound(to: Int.self).pointee += 1
                return 0
            },
            count
        )
        try read(reader)
        return count.pointee
    }

    @Test(
        "status, top, office list, case show, dead list and peek cost no more with ten times the cases"
    )
    func flat() throws {
        let few = try filled(10_000)
        let many = try filled(100_000)
        typealias Look = (LedgerReader) throws -> Int
        let looks: [(name: String, rows: Int, look: Look)] = [
            (
                "top", 20,
                { reader in
                    _ = try reader.officeTotals()
                    _ = try reader.pauses()
                    return try reader.offices(.busiest(20)).count
                }
            ),
            ("status", 1, { try $0.totals().offices / (Self.offices + 3) }),
            ("office list", Self.offices + 3, { try $0.offices().count }),
            ("office show", 1, { try $0.offices(.named("a/o7")).count }),
            (
                "case show", 1,
                { reader in
                    _ = try reader.hold(1)
                    return try reader.trail(of: 1)?.places.count ?? 0
                }
            ),
            ("dead list of an office", 1, { try $0.dead(.office(101), limit: 1).count }),
            ("dead list", 1_000, { try $0.dead(.all, limit: 1_000).count }),
            (
                "the next page of the dead", 500,
                { reader in
                    let first = try reader.dead(.all, limit: 500)
                    let next = try reader.dead(.all, after: first.last, limit: 500)
                    #expect(next.first?.at ?? 0 > first.last?.at ?? 0)
                    return next.count
                }
            ),
            ("queue peek", 5, { try $0.ready(office: 111, lane: nil, limit: 5).count }),
            ("what is delayed", 1, { try $0.delayed(office: 102, limit: 1).count }),
            ("events", 2, { try $0.entries(after: 0, limit: 2).count }),
        ]
        for (name, rows, look) in looks {
            var found = 0
            let small = try steps(few) { found = try look($0) }
            #expect(found == rows, "\(name)")
            let large = try steps(many) { found = try look($0) }
            #expect(found == rows, "\(name)")
            print("\(name): \(small * 10) instructions, then \(large * 10)")
            #expect(large <= small + small / 20 + 20, "\(name): \(small) grew to \(large)")
            #expect(large * 10 <= 100 * Self.offices, "\(name) takes \(large * 10)")
        }
    }
}
