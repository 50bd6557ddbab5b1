// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Sole possession of a data directory, until dropped or the process ends.
///
/// Held by `flock(2)` on the file `lock` in it, which the kernel gives up even where the process
/// is killed; the file itself stays, holding the number of the last process that had it.
package struct DirectoryLock: ~Copyable {
    /// The directory.
    package let path: String
    private let descriptor: FileDescriptor

    /// Takes possession of the directory at `path`, making it (mode 0750) if there is none.
    ///
    /// - Throws: `SystemFault`: `EWOULDBLOCK` if another process has it, with advice that names
    ///   the process; else why the directory cannot be made or written to.
    package init(path: String) throws(SystemFault) {
        guard mkdir(path, 0o750) == 0 || errno == EEXIST else {
            throw .latest(
                "make the data directory",
                path,
                advice: "Make it yourself and give it to the user this process runs as."
            )
        }
        let file = path + "/lock"
        let number = open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o640)
        guard number >= 0 else {
            throw .latest(
                "write to",
                file,
                advice: "\(path) must be a directory the user this process runs as may write to."
            )
        }
        let descriptor = FileDescriptor(number)
        guard uninterrupted({ Int(flock(number, LOCK_EX | LOCK_NB)) }) == 0 else {
            let lockErrno = errno
            throw SystemFault(
                errno: lockErrno,
                operation: "lock the data directory",
                path: path,
                advice: Self.advice(holderIn: number)
            )
        }
        let text = Array("\(getpid())\n".utf8)
        guard ftruncate(number, 0) == 0,
            uninterrupted({ pwrite(number, text, text.count, 0) }) == text.count
        else {
            throw .latest("write to", file)
        }
        self.path = path
        self.descriptor = descriptor
    }

    private static func advice(holderIn number: Int32) -> String {
        var text = [UInt8](repeating: 0, count: 16)
        let count = uninterrupted { pread(number, &text, text.count, 0) }
        let digits = text.prefix(max(0, count)).prefix { $0 >= 0x30 && $0 <= 0x39 }
        let holder =
            digits.isEmpty
            ? "Another process" : "Process \(String(decoding: digits, as: UTF8.self))"
        return "\(holder) is using it; stop that process or choose another directory."
    }
}
