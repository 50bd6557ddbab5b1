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
}
