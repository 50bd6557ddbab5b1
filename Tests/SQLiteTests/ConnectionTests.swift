// SPDX-License-Identifier: Apache-2.0

import SQLite
import Synchronization
import Testing
import TestKit

/// Counts without end.
private let endless = """
    WITH RECURSIVE count(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM count)
    SELECT max(n) FROM count
    """

/// Tells another thread that something has happened.
private final class Flag: Sendable {
    let isSet = Atomic(false)
}

@Suite struct ConnectionTests {
    let directory = TemporaryDirectory()
    var path: String { "\(directory.path)/ledger.db" }

    @Test("a full database says so, and what was there before can still be read")
    func full() throws {
        let connection = try Connection(path: path, access: .readWriteCreate)
        try connection.execute("CREATE TABLE paper (body BLOB)")
        try connection.execute("INSERT INTO paper VALUES (x'01')")
        #expect(try connection.pragma("max_page_count = 8") == "8")
        let insert = try Statement("INSERT INTO paper VALUES (zeroblob(?))", on: connection)
        insert.bind(1, 100_000)
        let fault = #expect(throws: SQLiteFault.self) { try insert.run() }
        #expect(fault?.isFull == true)
        let select = try Statement("SELECT count(*) FROM paper", on: connection)
        #expect(try select.step())
        #expect(select.int64(0) == 1)
    }

    @Test("a read-only connection reads, and refuses to write")
    func readOnly() throws {
        let writer = try Connection(path: path, access: .readWriteCreate)
        try writer.execute("CREATE TABLE paper (number); INSERT INTO paper VALUES (5)")
        let reader = try Connection(path: path, access: .readOnly)
        let select = try Statement("SELECT number FROM paper", on: reader)
        #expect(try select.step())
        #expect(select.int64(0) == 5)
        select.reset()
        let fault = #expect(throws: SQLiteFault.self) {
            try reader.execute("INSERT INTO paper VALUES (6)")
        }
        #expect(fault?.isReadOnly == true)
    }

    @Test("a missing file is not made for a reader, and the fault names it")
    func missingFile() {
        let fault = #expect(throws: SQLiteFault.self) {
            _ = try Connection(path: path, access: .readOnly)
        }
        #expect(fault?.sql == path)
        #expect(fault?.primaryCode == 14)
    }

    @Test("a file that is no database is found damaged")
    func damaged() throws {
        let other = "\(directory.path)/lock"
        try writeFile(other, [UInt8](repeating: 0x55, count: 4096))
        let connection = try Connection(path: other, access: .readWriteCreate)
        let fault = #expect(throws: SQLiteFault.self) {
            try connection.execute("SELECT * FROM sqlite_schema")
        }
        #expect(fault?.isDamaged == true)
    }

    @Test("a connection knows whether it is in a transaction")
    func transaction() throws {
        let connection = try Connection(path: path, access: .readWriteCreate)
        #expect(!connection.isInTransaction)
        try connection.execute("BEGIN IMMEDIATE")
        #expect(connection.isInTransaction)

        let other = try Connection(path: path, access: .readWriteCreate)
        other.setBusyTimeout(milliseconds: 0)
        let fault = #expect(throws: SQLiteFault.self) { try other.execute("BEGIN IMMEDIATE") }
        #expect(fault?.isBusy == true)

        try connection.execute("COMMIT")
        #expect(!connection.isInTransaction)
    }

    @Test("a checkpoint tells the frames of the log and how many were copied")
    func checkpoint() throws {
        let connection = try Connection(path: path, access: .readWriteCreate)
        #expect(try connection.pragma("journal_mode = WAL") == "wal")
        #expect(try connection.pragma("journal_mode") == "wal")
        try connection.execute("PRAGMA wal_autocheckpoint = 0; CREATE TABLE paper (number)")
        let first = try connection.checkpoint(.passive)
        #expect(first.walFrames > 0)
        #expect(first.checkpointed == first.walFrames)

        let reader = try Connection(path: path, access: .readOnly)
        try reader.execute("BEGIN; SELECT * FROM paper")
        try connection.execute("INSERT INTO paper VALUES (zeroblob(50000))")
        try connection.execute("BEGIN; INSERT INTO paper VALUES (1); COMMIT")
        let held = try connection.checkpoint(.passive)
        #expect(held.checkpointed < held.walFrames)
        try reader.execute("COMMIT")
        let emptied = try connection.checkpoint(.truncate)
        #expect(emptied.walFrames == 0)
    }

    @Test("a deadline ends a statement that would run for ever, and can be lifted")
    func deadline() throws {
        let connection = try Connection(path: ":memory:", access: .readOnly)
        connection.setDeadline(monotonicMilliseconds: 0)
        let fault = #expect(throws: SQLiteFault.self) { try connection.execute(endless) }
        #expect(fault?.isInterrupted == true)
        connection.setDeadline(monotonicMilliseconds: nil)
        try connection.execute(
            endless.replacing("FROM count)", with: "FROM count LIMIT 100000)")
        )
    }

    @Test("another thread can stop a statement")
    func interrupt() async throws {
        let connection = try Connection(path: ":memory:", access: .readOnly)
        let interrupter = connection.interrupter
        let flag = Flag()
        try await withThrowingTaskGroup { group in
            group.addTask { () -> Void in
                while !flag.isSet.load(ordering: .relaxed) {
                    interrupter.interrupt()
                    await Task.yield()
                }
            }
            let fault = #expect(throws: SQLiteFault.self) { try connection.execute(endless) }
            flag.isSet.store(true, ordering: .relaxed)
            #expect(fault?.isInterrupted == true)
            try await group.waitForAll()
        }
    }
}
