// SPDX-License-Identifier: Apache-2.0

import SQLite
import Testing

@Suite struct StatementTests {
    let connection: Connection

    init() throws {
        connection = try Connection(path: ":memory:", access: .readWriteCreate)
        try connection.execute(
            "CREATE TABLE paper (number INTEGER PRIMARY KEY, body BLOB, title TEXT UNIQUE)"
        )
    }

    @Test("bytes, texts and numbers come back as they were bound")
    func values() throws {
        let insert = try Statement("INSERT INTO paper VALUES (?, ?, ?)", on: connection)
        let body = [UInt8](0...255) + [0, 0]
        insert.bind(1, Int64.min)
        try body.withUnsafeBytes {
            insert.bind(2, $0)
            insert.bind(3, "البريد\0post")
            try insert.run()
        }
        let select = try Statement("SELECT number, body, title FROM paper", on: connection)
        #expect(try select.step())
        #expect(select.int64(0) == .min)
        #expect(select.bytes(1) == body)
        #expect(select.withBlob(1) { $0.count } == 258)
        #expect(select.string(2) == "البريد\0post")
        #expect(try !select.step())
    }

    @Test("an empty blob and an empty text are not NULL")
    func emptyValues() throws {
        let insert = try Statement("INSERT INTO paper VALUES (?, ?, ?)", on: connection)
        insert.bind(1, 1)
        insert.bind(2, UnsafeRawBufferPointer(start: nil, count: 0))
        insert.bind(3, "")
        try insert.run()
        insert.bind(1, 2)
        insert.bind(2, copying: [])
        insert.bindNull(3)
        try insert.run()

        let select = try Statement("SELECT body, title FROM paper ORDER BY number", on: connection)
        #expect(try select.step())
        #expect(!select.isNull(0) && select.bytes(0) == [])
        #expect(!select.isNull(1) && select.string(1) == "")
        #expect(try select.step())
        #expect(!select.isNull(0) && select.isNull(1))
        #expect(select.string(1) == "")
    }

    @Test("reset forgets every parameter")
    func forgetting() throws {
        let select = try Statement("SELECT ?, ?", on: connection)
        select.bind(1, 7)
        select.bind(2, nil)
        #expect(try select.step())
        #expect(select.int64(0) == 7 && select.isNull(1))
        select.reset()
        #expect(try select.step())
        #expect(select.isNull(0) == true)
    }

    @Test("a refused row is a constraint fault with its SQL, and the statement works on")
    func constraint() throws {
        let insert = try Statement("INSERT INTO paper (title) VALUES (?)", on: connection)
        insert.bind(1, "deed")
        try insert.run()
        #expect(connection.changes == 1)
        let row = connection.lastInsertRow

        insert.bind(1, "deed")
        let fault = #expect(throws: SQLiteFault.self) { try insert.run() }
        #expect(fault?.isConstraint == true && fault?.isFull == false)
        #expect(fault?.extendedCode == 2067)
        #expect(fault?.primaryCode == 19)
        #expect(
            fault?.description
                == "the row would break a rule of its table: UNIQUE constraint failed: paper.title"
                + " (SQLite 2067), in: INSERT INTO paper (title) VALUES (?)"
        )

        insert.bind(1, "will")
        try insert.run()
        #expect(connection.lastInsertRow == row + 1)
    }

    @Test("malformed SQL is a fault when prepared")
    func malformed() {
        #expect(throws: SQLiteFault.self) { _ = try Statement("SELEC 1", on: connection) }
    }

    @Test("a statement keeps its connection open")
    func ownership() throws {
        func prepared() throws -> Statement {
            let short = try Connection(path: ":memory:", access: .readWriteCreate)
            return try Statement("SELECT 41 + 1", on: short)
        }
        let statement = try prepared()
        #expect(try statement.step())
        #expect(statement.int64(0) == 42)
    }

    @Test("reading a column without a row is a defect and traps")
    func missingRow() async {
        await #expect(processExitsWith: .failure) {
            let connection = try Connection(path: ":memory:", access: .readWriteCreate)
            let statement = try Statement("SELECT 1", on: connection)
            _ = statement.int64(0)
        }
    }
}
