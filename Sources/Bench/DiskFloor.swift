// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Platform

/// How often a disk makes 4 KiB durable, one after the other: the rate no acknowledgement of single
/// acts can exceed.
enum DiskFloor {
    private static let pageBytes = 4_096
    /// The file is this long from the start, as the write-ahead log is once it has grown.
    private static let pages = 1_024

    /// Writes a page and waits for `fdatasync`, again and again.
    ///
    /// - Parameters:
    ///   - directory: Where to make the file; it is removed again.
    ///   - seconds: For how long.
    /// - Returns: Synchronisations, and the nanoseconds they took.
    /// - Throws: `SystemFault` if the file cannot be made or written.
    static func run(
        directory: String,
        seconds: Double
    ) throws(SystemFault) -> (count: UInt64, nanoseconds: Int64) {
        let path = directory + "/floor.bin"
        let file = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw fault("make", path) }
        defer {
            close(file)
            unlink(path)
        }
        let page = [UInt8](repeating: 0x2A, count: pageBytes)
        for place in 0..<pages { try write(page, at: place, of: file, path) }
        guard fsync(file) == 0 else { throw fault("synchronise", path) }
        let start = Clock.monotonicNanoseconds()
        let end = start + Int64(seconds * 1e9)
        var count: UInt64 = 0
        var now = start
        while now < end {
            try write(page, at: Int(count % UInt64(pages)), of: file, path)
            guard fdatasync(file) == 0 else { throw fault("synchronise", path) }
            count += 1
            now = Clock.monotonicNanoseconds()
        }
        return (count, now - start)
    }

    private static func fault(_ operation: String, _ path: String) -> SystemFault {
        SystemFault(errno: errno, operation: operation, path: path)
    }

    private static func write(
        _ page: [UInt8],
        at place: Int,
        of file: Int32,
        _ path: String
    ) throws(SystemFault) {
        let written = pwrite(file, page, page.count, off_t(place * pageBytes))
        guard written == page.count else { throw fault("write", path) }
    }
}
