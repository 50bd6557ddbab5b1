// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// What the system calls this process.
enum ThisProcess {
    static var number: Int32 { getpid() }
    static var uid: UInt32 { geteuid() }
}

/// What the system says of this process and its files.
enum ProcessFigures {
    /// Memory resident now, in bytes; 0 if the system does not tell.
    static var residentBytes: Int {
        let file = open("/proc/self/statm", O_RDONLY)
        guard file >= 0 else { return 0 }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 128)
        let count = read(file, &bytes, bytes.count)
        guard count > 0 else { return 0 }
        let fields = bytes[..<count].split(separator: UInt8(ascii: " "))
        guard fields.count > 1, let pages = Int(String(decoding: fields[1], as: UTF8.self)) else {
            return 0
        }
        return pages * sysconf(Int32(_SC_PAGESIZE))
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
