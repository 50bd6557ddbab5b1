// SPDX-License-Identifier: Apache-2.0

import Foundation
import SQLite
import TestKit
import Testing

/// Goal: the log of gathered frames is the log SQLite would have written.
///
/// Method: after every commit the files are copied as a kill would have left them, and the copy must
/// hold what was committed; transactions spill, roll back, and begin the log anew meanwhile.
@Suite("frames of a commit are gathered") struct GatheredFramesTests {
    let directory = TemporaryDirectory()
    var path: String { "\(directory.path)/ledger.db" }

    /// With savepoints that are rolled back nothing may spill, as in a ledger: SQLite 3.40.1 loses
    /// commits when both meet.
    @Test(
        "files copied at any commit hold just what was committed",
        arguments: [1, 2, 3],
        [false, true]
    )
    func copies(of seed: UInt64, spills: Bool) throws {
        var random = SeededGenerator(seed: seed)
        let connection = try open(cachePages: 12)
        _ = try connection.pragma("cache_spill = \(spills ? 12 : 0)")
        let log = try LogFile(of: connection, gathersFrames: true)
        let reader = try Connection(path: path, access: .readOnly)
        let insert = try Statement("INSERT OR REPLACE INTO paper VALUES (?, ?)", on: connection)
        var kept: [Int64: Int64] = [:]
        for turn in 0..<120 {
            var model = kept
            try connection.execute("BEGIN IMMEDIATE")
            // More pages than the cache holds.
            for _ in 0..<Int.random(in: 1...60, using: &random) {
                try Self.put(insert, &model, &random)
            }
            if Bool.random(using: &random) {
                let before = model
                try connection.execute("SAVEPOINT inner")
                for _ in 0..<30 { try Self.put(insert, &model, &random) }
                if !spills, Bool.random(using: &random) {
                    try connection.execute("ROLLBACK TO inner")
                    model = before
                }
                try connection.execute("RELEASE inner")
            }
            if turn % 5 == 4 {
                try connection.execute("ROLLBACK")
            } else {
                try connection.execute("COMMIT")
                kept = model
            }
            #expect(try Self.content(reader) == kept, "seed \(seed), turn \(turn)")
            let copy = "\(directory.path)/copy-\(turn)"
            try FileManager.default.copyItem(atPath: path, toPath: copy)
            try FileManager.default.copyItem(atPath: path + "-wal", toPath: copy + "-wal")
            let recovered = try Connection(path: copy, access: .readWriteCreate)
            #expect(try Self.content(recovered) == kept, "seed \(seed), turn \(turn)")
            #expect(try recovered.pragma("integrity_check") == "ok")
            if turn % 17 == 16 {
                try log.sync()
                _ = try connection.checkpoint(.restart)
            }
        }
    }

    @Test("a commit of fifty pages takes few writes")
    func writes() throws {
        let gathered = try writesOfOneCommit(gathersFrames: true)
        let plain = try writesOfOneCommit(gathersFrames: false)
        #expect(plain >= 100)
        #expect(gathered <= 4)
    }

    @Test(
        "a page that was written often counts once, until a checkpoint",
        arguments: [false, true]
    )
    func counts(gathersFrames: Bool) throws {
        let connection = try open(cachePages: 1_000)
        let log = try LogFile(of: connection, gathersFrames: gathersFrames)
        for size in 1...20 {
            try connection.execute("INSERT OR REPLACE INTO paper VALUES (0, zeroblob(\(size)))")
        }
        #expect(log.frameCount == 20)
        #expect(log.pageCount == 1)
        try log.checkpoint(.passive)
        #expect(log.frameCount == 0)
        #expect(log.pageCount == 0)
    }

    private func writesOfOneCommit(gathersFrames: Bool) throws -> Int {
        let connection = try open(cachePages: 1_000)
        let log = try LogFile(of: connection, gathersFrames: gathersFrames)
        try connection.execute("INSERT OR REPLACE INTO paper VALUES (0, x'00')")
        let before = try Self.writeCalls()
        try connection.execute(
            """
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50)
            INSERT OR REPLACE INTO paper SELECT i, randomblob(4000) FROM n
            """
        )
        let after = try Self.writeCalls()
        try log.sync()
        return after - before
    }

    private func open(cachePages: Int) throws -> Connection {
        let connection = try Connection(path: path, access: .readWriteCreate)
        _ = try connection.pragma("journal_mode = WAL")
        _ = try connection.pragma("synchronous = NORMAL")
        _ = try connection.pragma("wal_autocheckpoint = 0")
        _ = try connection.pragma("cache_size = \(cachePages)")
        try connection.execute(
            "CREATE TABLE IF NOT EXISTS paper (number INTEGER PRIMARY KEY, body BLOB)"
        )
        return connection
    }

    private static func put(
        _ insert: Statement,
        _ model: inout [Int64: Int64],
        _ random: inout SeededGenerator
    ) throws {
        let number = Int64.random(in: 0..<400, using: &random)
        let size = Int64.random(in: 1...1_500, using: &random)
        insert.bind(1, number)
        try [UInt8](repeating: 7, count: Int(size)).withUnsafeBytes { bytes in
            insert.bind(2, bytes)
            try insert.run()
        }
        model[number] = size
    }

    private static func content(_ connection: Connection) throws -> [Int64: Int64] {
        let select = try Statement("SELECT number, length(body) FROM paper", on: connection)
        var found: [Int64: Int64] = [:]
        while try select.step() { found[select.int64(0)] = select.int64(1) }
        return found
    }

    /// Writing system calls of this thread so far.
    private static func writeCalls() throws -> Int {
        let text = try String(contentsOfFile: "/proc/thread-self/io", encoding: .utf8)
        let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("syscw: ") })
        return try #require(Int(line.dropFirst("syscw: ".count)))
    }
}
