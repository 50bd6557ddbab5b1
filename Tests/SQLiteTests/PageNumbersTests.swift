// SPDX-License-Identifier: Apache-2.0

import SQLite
import TestKit
import Testing

/// Goal: pages that are put in order under a lent number are found again under their own.
///
/// Method: a tree much larger than its cache grows, shrinks and is rolled back at random, so that
/// pages are split, joined, freed and used again; it must hold what a dictionary holds.
@Suite("pages are lent a number that keeps commits cheap") struct PageNumbersTests {
    @Test("nothing is lost while pages are put in order", arguments: [1, 2])
    func order(seed: UInt64) throws {
        let directory = TemporaryDirectory()
        let connection = try Connection(
            path: "\(directory.path)/tree.db",
            access: .readWriteCreate
        )
        try connection.execute(
            """
            PRAGMA page_size = 4096; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;
            PRAGMA synchronous = OFF; PRAGMA cache_size = 40;
            CREATE TABLE paper (number INTEGER, side INTEGER, text BLOB,
                PRIMARY KEY (number, side)) WITHOUT ROWID
            """
        )
        let insert = try Statement("INSERT OR REPLACE INTO paper VALUES (?, 0, ?)", on: connection)
        let delete = try Statement(
            "DELETE FROM paper WHERE number BETWEEN ? AND ?",
            on: connection
        )
        var random = SeededGenerator(seed: seed)
        var kept: [Int64: Int] = [:]
        for turn in 0..<200 {
            var model = kept
            try connection.execute("BEGIN IMMEDIATE")
            for _ in 0..<60 {
                let number = Int64.random(in: 0..<4_000, using: &random)
                let size = Int.random(in: 1...900, using: &random)
                insert.bind(1, number)
                try [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: size)
                    .withUnsafeBytes { bytes in
                        insert.bind(2, bytes)
                        _ = try insert.step()
                    }
                insert.reset()
                model[number] = size
            }
            if turn % 3 == 0 {
                let first = Int64.random(in: 0..<4_000, using: &random)
                delete.bind(1, first)
                delete.bind(2, first + 300)
                _ = try delete.step()
                delete.reset()
                model = model.filter { !(first...first + 300).contains($0.key) }
            }
            if turn % 7 == 6 {
                try connection.execute("ROLLBACK")
            } else {
                try connection.execute("COMMIT")
                kept = model
            }
            if turn % 10 == 9 { try connection.execute("PRAGMA incremental_vacuum(20)") }
        }
        let check = try Statement("PRAGMA integrity_check", on: connection)
        #expect(try check.step() && check.string(0) == "ok")
        var found: [Int64: Int] = [:]
        let rows = try Statement("SELECT number, length(text) FROM paper", on: connection)
        while try rows.step() { found[rows.int64(0)] = Int(rows.int64(1)) }
        #expect(found == kept)
    }
}
