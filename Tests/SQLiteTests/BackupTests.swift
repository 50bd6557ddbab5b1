// SPDX-License-Identifier: Apache-2.0
// Goal: a copy made in slices is the database as of its last slice. Method: write between slices,
// before and behind what was copied, and compare.

import SQLite
import TestKit
import Testing

@Suite("A copy in slices")
struct BackupTests {
    private static func rows(_ connection: Connection) throws -> [Int64] {
        let statement = try Statement("SELECT value FROM pair ORDER BY number", on: connection)
        var rows: [Int64] = []
        while try statement.step() { rows.append(statement.int64(0)) }
        return rows
    }

    @Test("what its connection writes between slices is in the copy, a log notwithstanding")
    func written() throws {
        let directory = TemporaryDirectory()
        let source = try Connection(path: directory.path + "/source", access: .readWriteCreate)
        try source.execute(
            """
            PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;
            CREATE TABLE pair (number INTEGER PRIMARY KEY, value INTEGER, filling BLOB);
            """
        )
        for number in 0..<200 {
            try source.execute("INSERT INTO pair VALUES (\(number), 1, randomblob(3000))")
        }
        let path = directory.path + "/copy"
        var slices = 0
        do {
            let backup = try Backup(of: source, to: path)
            while try !backup.step(pages: 8) {
                slices += 1
                // The first page is copied long ago, the last is not yet.
                try source.execute(
                    """
                    BEGIN; UPDATE pair SET value = value + 1 WHERE number IN (0, 100, 199);
                    INSERT INTO pair VALUES (\(1_000 + slices), 5, randomblob(3000)); COMMIT
                    """
                )
                if slices.isMultiple(of: 5) { _ = try source.checkpoint() }
            }
        }
        #expect(slices > 10)
        let copy = try Connection(path: path, access: .readWriteCreate)
        #expect(try Self.rows(copy) == Self.rows(source))
        #expect(try Self.rows(copy).first == Int64(1 + slices))
        #expect(try copy.pragma("integrity_check") == "ok")
    }
}
