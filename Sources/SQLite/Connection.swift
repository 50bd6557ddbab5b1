// SPDX-License-Identifier: Apache-2.0

internal import CSQLite

/// An open database, closed when it and its last statement are gone.
///
/// A class, because each `Statement` holds its connection alive. Opened without SQLite's mutexes
/// (`SQLITE_OPEN_NOMUTEX`): one thread at a time may use a connection and its statements, which
/// is why it is not `Sendable`. Make it on the thread that uses it.
package final class Connection {
    /// What a connection may do with its file.
    package enum Access: Sendable {
        /// Reads and writes; makes the file if there is none.
        case readWriteCreate
        /// Reads only; the file must exist.
        case readOnly
    }

    /// SQLite keeps no tally of its memory, which cost two locks and 7 % of the instructions of a
    /// hop's rows; nobody asks for it.
    ///
    /// Once a process, before the first connection; in vain if somebody else has used SQLite before.
    private static let isConfigured =
        barid_keep_no_memory_statistics() == SQLITE_OK && PageNumbers.configure()

    let handle: OpaquePointer
    private let deadline: UnsafeMutablePointer<Int64>

    /// Opens the database at `path`; `:memory:` is a private one without a file.
    ///
    /// - Throws: `SQLiteFault` naming the path if the file cannot be opened. A file that is no
    ///   database is only found out by the first statement.
    package init(path: String, access: Access) throws(SQLiteFault) {
        _ = Self.isConfigured
        let mode =
            switch access {
            case .readWriteCreate: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
            case .readOnly: SQLITE_OPEN_READONLY
            }
        var opened: OpaquePointer?
        let status = sqlite3_open_v2(
            path,
            &opened,
            mode | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
            nil
        )
        guard let opened, status == SQLITE_OK else {
            let message = String(cString: sqlite3_errstr(status))
            sqlite3_close_v2(opened)
            throw SQLiteFault(extendedCode: status, message: message, sql: path)
        }
        handle = opened
        deadline = .allocate(capacity: 1)
        deadline.initialize(to: .max)
    }

    deinit {
        sqlite3_close_v2(handle)
        deadline.deallocate()
    }

    /// Runs one or more statements without parameters, ignoring their rows.
    ///
    /// - Throws: `SQLiteFault` of the first statement that fails; the later ones are not run.
    package func execute(_ sql: String) throws(SQLiteFault) {
        guard sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK else { throw fault(sql) }
    }

    /// The row number the last successful insert of this connection was given.
    package var lastInsertRow: Int64 { sqlite3_last_insert_rowid(handle) }

    /// Rows inserted, changed or deleted by the last such statement.
    package var changes: Int { Int(sqlite3_changes64(handle)) }

    /// True between `BEGIN` and its `COMMIT` or `ROLLBACK`; an error can end a transaction too.
    package var isInTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }

    /// Waits up to `milliseconds` for locks of other connections; 0 does not wait.
    package func setBusyTimeout(milliseconds: Int32) {
        sqlite3_busy_timeout(handle, milliseconds)
    }

    /// Stops statements that are still running at `instant`, by the monotonic clock; nil lifts it.
    ///
    /// For readers, so that none can hold back a checkpoint for ever. Looked at every
    /// 1,000 instructions of SQLite's machine, some microseconds apart.
    package func setDeadline(monotonicMilliseconds instant: Int64?) {
        deadline.pointee = instant ?? .max
        guard instant != nil else { return sqlite3_progress_handler(handle, 0, nil, nil) }
        sqlite3_progress_handler(
            handle,
            1000,
            { instant in
                let isOver = instant.map {
                    monotonicMilliseconds() >= $0.load(as: Int64.self)
                }
                return isOver == true ? 1 : 0
            },
            deadline
        )
    }

    /// What can stop this connection's statements from another thread.
    package var interrupter: Interrupter { Interrupter(self) }

    /// The fault of the call that just failed on this connection.
    func fault(_ sql: String) -> SQLiteFault {
        SQLiteFault(
            extendedCode: sqlite3_extended_errcode(handle),
            message: String(cString: sqlite3_errmsg(handle)),
            sql: sql
        )
    }
}

/// Stops the statements a connection is running, from any thread.
///
/// Holds the connection open, so the call cannot meet a closed one; `sqlite3_interrupt` is the
/// one function that may be called beside the owner's.
package struct Interrupter: Sendable {
    private nonisolated(unsafe) let connection: Connection

    fileprivate init(_ connection: Connection) {
        self.connection = connection
    }

    /// Makes the running statements end with a fault that `isInterrupted`.
    package func interrupt() {
        sqlite3_interrupt(connection.handle)
    }
}
