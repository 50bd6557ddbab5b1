// SPDX-License-Identifier: Apache-2.0

internal import CSQLite

/// The write-ahead log of a database, to be brought to disk by its owner.
///
/// Under `synchronous=NORMAL` a commit writes the log and does not sync it. `sync` does what
/// `synchronous=FULL` would have done, through the file that SQLite has open, and may do so on
/// another thread while the connection goes on: what was written before the call is on disk once
/// it returns.
package struct LogFile: Sendable {
    // Holds the file open. Only its file is used, and `xSync` of it touches nothing that a write
    // beside it touches: it is one `fdatasync`.
    private nonisolated(unsafe) let connection: Connection
    private nonisolated(unsafe) let file: UnsafeMutablePointer<sqlite3_file>
    private nonisolated(unsafe) let methods: UnsafePointer<sqlite3_io_methods>
    // In place while the file is open; for the thread of the connection.
    private nonisolated(unsafe) let frames: UnsafeMutablePointer<GatheredFrames>

    /// The log of a connection that has read or written something already.
    ///
    /// - Parameters:
    ///   - connection: The only one that writes; it has one log file.
    ///   - gathersFrames: Whether the pages of a commit go to the log with one call of the system.
    /// - Throws: `SQLiteFault` if the database has no open write-ahead log.
    package init(of connection: Connection, gathersFrames: Bool) throws(SQLiteFault) {
        guard let file = barid_log_file(connection.handle), let methods = file.pointee.pMethods
        else {
            throw SQLiteFault(
                extendedCode: SQLITE_MISUSE,
                message: "the write-ahead log is not open",
                sql: "sync"
            )
        }
        self.connection = connection
        self.file = file
        self.methods = methods
        frames = GatheredFrames.install(in: file, gathers: gathersFrames)
    }

    /// Frames written since the last checkpoint; the thread of the connection only, as the next two.
    package var frameCount: Int { frames.pointee.frameCount }

    /// Pages written since the last checkpoint, each counted once: those the next one copies.
    package var pageCount: Int { frames.pointee.pages.count }

    /// Copies pages into the database file, as `Connection.checkpoint`, and counts anew.
    ///
    /// - Throws: `SQLiteFault`, and the counts stay.
    package func checkpoint(_ mode: CheckpointMode) throws(SQLiteFault) {
        _ = try connection.checkpoint(mode)
        frames.pointee.countAnew()
    }

    /// Brings to disk what was committed before the call.
    ///
    /// One at a time, and not beside a checkpoint: the system tells a failed write to one of them
    /// only.
    ///
    /// - Throws: `SQLiteFault`; nobody knows then what is on disk, and trying again proves nothing.
    package func sync() throws(SQLiteFault) {
        // As SQLite does at each commit under synchronous=FULL; with Debian's build an fdatasync.
        let status = methods.pointee.xSync(file, SQLITE_SYNC_NORMAL)
        guard status == SQLITE_OK else {
            throw SQLiteFault(
                extendedCode: status,
                message: String(cString: sqlite3_errstr(status)),
                sql: "sync"
            )
        }
    }
}
