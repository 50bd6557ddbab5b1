// SPDX-License-Identifier: Apache-2.0

internal import SQLite

/// Inserts rows into one table, sixteen with one statement where there are that many.
///
/// Starting and ending a statement costs about as much as a row: sixteen to a statement saved a
/// sixth of the instructions of a hop's rows (SQLite 3.40.1).
///
/// A row that fails ends its statement and leaves the rows before it (`OR FAIL`). To take those back as
/// well, SQLite would copy every page before its first row of each statement; whoever inserts rolls
/// back the transaction or the savepoint around it instead.
struct RowInserter {
    /// Rows of one statement.
    static let rowsMax = 16

    /// The parameters of one row.
    struct Parameters {
        fileprivate let statement: Statement
        fileprivate let first: Int32

        /// Binds a number to a column, counted from 0.
        func bind(_ column: Int32, _ value: Int64) { statement.bind(first + column, value) }

        /// Lends bytes to a column until the rows are inserted.
        func bind(_ column: Int32, _ bytes: UnsafeRawBufferPointer) {
            statement.bind(first + column, bytes)
        }
    }

    private let one: Statement
    private let group: Statement
    private let columns: Int32

    /// Prepares the statements for `target`, a table with its columns: `name (a, b)`.
    init(_ target: String, columns: Int32, _ connection: Connection) throws(SQLiteFault) {
        self.columns = columns
        let row = "(" + Array(repeating: "?", count: Int(columns)).joined(separator: ", ") + ")"
        let rows = Array(repeating: row, count: Self.rowsMax).joined(separator: ", ")
        one = try Statement("INSERT OR FAIL INTO \(target) VALUES \(row)", on: connection)
        group = try Statement("INSERT OR FAIL INTO \(target) VALUES \(rows)", on: connection)
    }

    /// Inserts rows in order.
    ///
    /// - Parameters:
    ///   - count: How many.
    ///   - bind: Binds all columns of the row of this index; what it lends must stay until the end.
    /// - Throws: `SQLiteFault` of the first statement that failed; some of the rows may be there.
    func insert(
        _ count: Int,
        _ bind: (Int, Parameters) -> Void
    ) throws(SQLiteFault) {
        var index = 0
        while count - index >= Self.rowsMax {
            var first: Int32 = 1
            for row in index..<index + Self.rowsMax {
                bind(row, Parameters(statement: group, first: first))
                first += columns
            }
            try group.runKeepingParameters()
            index += Self.rowsMax
        }
        while index < count {
            bind(index, Parameters(statement: one, first: 1))
            try one.runKeepingParameters()
            index += 1
        }
    }
}
