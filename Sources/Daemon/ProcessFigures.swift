// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Platform

/// What the system calls this process.
enum ThisProcess {
    static var number: Int32 { getpid() }
    static var uid: UInt32 { geteuid() }
}

/// What the system says of this process and its files.
enum ProcessFigures {
    /// Memory resident now, in bytes; 0 if the system does not tell.
    static var residentBytes: Int {
        Int(clamping: (try? ResidentMemory())?.bytes ?? 0)
    }

    /// When a file was last changed, in seconds since 1970; 0 if there is none.
    static func changed(_ path: String) -> Int {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mtim.tv_sec : 0
    }

    /// Size of a file in bytes; 0 if there is none.
    ///
    /// Asks by name, so that no descriptor of the ledger is ever closed beside SQLite, which would
    /// drop its locks.
    static func size(of path: String) -> Int {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : 0
    }
}
