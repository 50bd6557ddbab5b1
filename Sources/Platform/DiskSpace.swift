// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Room on the disks.
package enum DiskSpace {
    /// Bytes that a process without privileges may still write to the file system of `path`.
    ///
    /// - Throws: `SystemFault` if there is no such path.
    package static func freeBytes(_ path: String) throws(SystemFault) -> Int64 {
        var status = statvfs()
        guard uninterrupted({ Int(statvfs(path, &status)) }) == 0 else {
            throw .latest("ask for the free space of", path)
        }
        let (bytes, isOver) = UInt64(status.f_bavail)
            .multipliedReportingOverflow(by: UInt64(status.f_frsize))
        return isOver ? .max : Int64(clamping: bytes)
    }

    /// Whether a directory lies in memory (tmpfs, ramfs), where nothing outlives a loss of power.
    ///
    /// - Throws: `SystemFault` if there is no such path.
    package static func isInMemory(_ path: String) throws(SystemFault) -> Bool {
        var answer = [Int](repeating: 0, count: 32)
        let status = uninterrupted {
            answer.withUnsafeMutableBytes { bytes in
                bytes.baseAddress.map { Int(LinuxCalls.statfs(path, $0)) } ?? -1
            }
        }
        guard status == 0 else { throw .latest("ask for the kind of file system of", path) }
        return answer[0] == 0x0102_1994 || answer[0] == 0x8584_58F6
    }
}
