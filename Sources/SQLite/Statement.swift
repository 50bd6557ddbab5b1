// SPDX-License-Identifier: Apache-2.0

internal import CSQLite

/// A prepared statement, made once and run many times; finalised when dropped.
///
/// Parameters count from 1 and columns from 0, as in SQLite. Belongs to its connection's thread.
/// A parameter or column out of range, and a binding between the first `step` and `reset`, are
/// defects and trap.
package final class Statement {
    let handle: OpaquePointer
    private let connection: Connection

    /// Prepares the one statement in `sql` for long use (`SQLITE_PREPARE_PERSISTENT`).
    ///
    /// - Throws: `SQLiteFault` if it is malformed or names what does not exist.
    package init(_ sql: String, on connection: Connection) throws(SQLiteFault) {
        var prepared: OpaquePointer?
        let status = sqlite3_prepare_v3(
            connection.handle,
            sql,
            -1,
            UInt32(SQLITE_PREPARE_PERSISTENT),
            &prepared,
            nil
        )
        guard status == SQLITE_OK else { throw connection.fault(sql) }
        guard let prepared else { preconditionFailure("a statement without any SQL: \(sql)") }
        handle = prepared
        self.connection = connection
    }

    deinit {
        sqlite3_finalize(handle)
    }

    /// The text this statement was prepared from.
    package var sql: String { String(cString: sqlite3_sql(handle)) }

    /// Goes to the next row.
    ///
    /// - Returns: True on a row, false at the end; then `reset` before the next use.
    /// - Throws: `SQLiteFault`; the statement is already reset and its parameters unbound.
    package func step() throws(SQLiteFault) -> Bool {
        let status = sqlite3_step(handle)
        if status == SQLITE_ROW { return true }
        if status == SQLITE_DONE { return false }
        precondition(status != SQLITE_MISUSE, "a statement was stepped out of turn: \(sql)")
        let fault = connection.fault(sql)
        reset()
        throw fault
    }

    /// Makes the statement ready for its next use: no row, no parameter bound.
    package func reset() {
        // The status repeats that of the last step, which step() has reported.
        sqlite3_reset(handle)
        sqlite3_clear_bindings(handle)
    }

    /// Runs to the end and resets, but leaves the parameters as they are: for a statement that is never
    /// run without binding every parameter anew, since bytes that were lent may be gone by then.
    ///
    /// - Throws: `SQLiteFault`; the statement is reset all the same.
    package func runKeepingParameters() throws(SQLiteFault) {
        while try step() {}
        sqlite3_reset(handle)
    }

    /// Runs to the end, passing over any rows, and resets.
    ///
    /// - Throws: `SQLiteFault`; the statement is reset all the same.
    package func run() throws(SQLiteFault) {
        while try step() {}
        reset()
    }
}
