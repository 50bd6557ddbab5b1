// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Ledger
internal import Platform

/// A directory for measuring, removed afterwards.
struct Scratch {
    let path: String

    /// Makes the directory inside `parent`.
    ///
    /// - Throws: `SystemFault` if it cannot be made.
    init(in parent: String) throws(SystemFault) {
        path = "\(parent)/bench-\(getpid())"
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw SystemFault(errno: errno, operation: "make the directory", path: path)
        }
    }

    /// Removes the directory and the files of a ledger in it.
    func remove() {
        for suffix in ["", "-wal", "-shm"] { unlink("\(path)/\(Ledger.fileName)\(suffix)") }
        rmdir(path)
    }
}
