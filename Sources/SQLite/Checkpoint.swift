// SPDX-License-Identifier: Apache-2.0

internal import CSQLite

/// How far a checkpoint goes (`sqlite3_wal_checkpoint_v2`).
package enum CheckpointMode: Sendable {
    /// Copies what no reader holds back; waits for nobody.
    case passive
    /// Waits for writers and copies everything.
    case full
    /// As `full`, then waits for readers so that the next write starts the log anew.
    case restart
    /// As `restart`, then cuts the log file to nothing.
    case truncate
}

extension Connection {
    /// Copies pages from the write-ahead log into the database file.
    ///
    /// Only the connection that commits may call this: with SQLite before 3.51.3 a checkpoint
    /// beside another connection's commit can corrupt the file
    /// (<https://sqlite.org/wal.html#walresetbug>).
    ///
    /// - Returns: Frames in the log, and how many of them are in the database file now; both -1
    ///   if the database has no write-ahead log.
    /// - Throws: `SQLiteFault`; `isBusy` if readers or writers were waited for in vain.
    package func checkpoint(
        _ mode: CheckpointMode = .passive
    ) throws(SQLiteFault) -> (walFrames: Int, checkpointed: Int) {
        let number =
            switch mode {
            case .passive: SQLITE_CHECKPOINT_PASSIVE
            case .full: SQLITE_CHECKPOINT_FULL
            case .restart: SQLITE_CHECKPOINT_RESTART
            case .truncate: SQLITE_CHECKPOINT_TRUNCATE
            }
        var walFrames: Int32 = 0
        var checkpointed: Int32 = 0
        let status = sqlite3_wal_checkpoint_v2(handle, nil, number, &walFrames, &checkpointed)
        guard status == SQLITE_OK else { throw fault("checkpoint") }
        return (Int(walFrames), Int(checkpointed))
    }

    /// Reads a setting of the database, such as `journal_mode`.
    ///
    /// - Parameter name: The setting, with ` = value` after it to change it first.
    /// - Returns: The value as text; empty if there is no such setting or it has no value.
    /// - Throws: `SQLiteFault` if SQLite cannot read or change the setting.
    package func pragma(_ name: String) throws(SQLiteFault) -> String {
        let statement = try Statement("PRAGMA \(name)", on: self)
        return try statement.step() ? statement.string(0) : ""
    }
}

extension Connection {
    /// Pages this connection has written since it was opened: with a write-ahead log, the frames
    /// it appended.
    package var pagesWritten: Int {
        var current: Int32 = 0
        var highest: Int32 = 0
        sqlite3_db_status(handle, SQLITE_DBSTATUS_CACHE_WRITE, &current, &highest, 0)
        return Int(current)
    }
}
