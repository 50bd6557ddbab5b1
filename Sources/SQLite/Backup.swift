// SPDX-License-Identifier: Apache-2.0

internal import CSQLite

/// A copy of a database that is made in slices while its connection goes on working
/// (`sqlite3_backup_init`).
///
/// What the source's own connection writes between slices goes into the copy as well, so the copy is
/// the database as of its last slice. A change by any other connection, and a transaction that is
/// rolled back, begin it anew.
package struct Backup: ~Copyable {
    private let handle: OpaquePointer
    // Both must outlive the copying.
    private let source: Connection
    private let target: Connection

    /// Begins a copy to a file that does not exist yet; nothing of it is synchronised.
    ///
    /// - Throws: `SQLiteFault` if the file cannot be made.
    package init(of source: Connection, to path: String) throws(SQLiteFault) {
        let target = try Connection(path: path, access: .readWriteCreate)
        try target.execute("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")
        guard let handle = sqlite3_backup_init(target.handle, "main", source.handle, "main") else {
            throw target.fault("backup to " + path)
        }
        self.handle = handle
        self.source = source
        self.target = target
    }

    deinit { sqlite3_backup_finish(handle) }

    /// Copies up to so many pages; outside of transactions of the source.
    ///
    /// - Returns: Whether the copy is whole.
    /// - Throws: `SQLiteFault`; the copy is of no use then.
    package borrowing func step(pages: Int) throws(SQLiteFault) -> Bool {
        let status = sqlite3_backup_step(handle, Int32(clamping: pages))
        switch status {
        case SQLITE_DONE: return true
        case SQLITE_OK, SQLITE_BUSY, SQLITE_LOCKED: return false
        default:
            throw SQLiteFault(
                extendedCode: status,
                message: String(cString: sqlite3_errstr(status)),
                sql: "backup"
            )
        }
    }
}
