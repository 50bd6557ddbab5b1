// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// How much memory this process has, read again and again through one open file (`proc(5)`).
package final class ResidentMemory: Sendable {
    private let file: FileDescriptor

    /// Opens the file.
    ///
    /// - Throws: `SystemFault` if there is no `/proc`, or no descriptor left.
    package init() throws(SystemFault) {
        let number = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
        guard number >= 0 else { throw .latest("read this process's memory", "/proc/self/statm") }
        file = FileDescriptor(number)
    }

    /// Resident memory in bytes; 0 if the system does not say.
    package var bytes: UInt64 {
        withUnsafeTemporaryAllocation(byteCount: 128, alignment: 1) { buffer in
            let count = pread(file.number, buffer.baseAddress, buffer.count, 0)
            guard count > 0 else { return 0 }
            // Pages in all, then pages that are resident.
            let fields = buffer[..<count].split(separator: UInt8(ascii: " "))
            guard fields.count > 1, let pages = UInt64(String(decoding: fields[1], as: UTF8.self))
            else { return 0 }
            return pages * UInt64(sysconf(Int32(_SC_PAGESIZE)))
        }
    }
}
