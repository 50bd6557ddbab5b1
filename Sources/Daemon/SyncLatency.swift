// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Platform

/// How long the disk takes to answer a sync, and whether that can be the truth.
package struct SyncLatency: Sendable {
    /// Half of the syncs took at most this long, in microseconds.
    package private(set) var median: Double
    /// All but one in a hundred took at most this long, in microseconds.
    package private(set) var percentile99: Double
    /// Syncs that were measured.
    package let count: Int
    /// Whether the directory lies in memory, not on a disk.
    package let isInMemory: Bool

    /// Below this no disk answers truly: one crossing of the PCIe bus with a command, its data and
    /// its completion takes about 10 µs, and the file system adds its own commit.
    static let plausibleMicroseconds = 20.0
    /// Below this only a disk with a write cache that outlives a loss of power answers.
    static let cachedMicroseconds = 200.0

    /// Writes and syncs a file in a directory, and removes it.
    ///
    /// - Throws: `SystemFault` if the file cannot be written.
    init(directory: String, count: Int) throws(SystemFault) {
        self.count = count
        let path = directory + "/sync-latency"
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .latest("open", path) }
        defer {
            close(descriptor)
            unlink(path)
        }
        isInMemory = try DiskSpace.isInMemory(directory)
        let page = [UInt8](repeating: 0xBA, count: 4_096)
        var nanoseconds: [Int64] = []
        for index in 0..<count {
            guard pwrite(descriptor, page, page.count, off_t(index * page.count)) == page.count
            else { throw .latest("write", path) }
            let start = Clock.monotonicNanoseconds()
            guard fdatasync(descriptor) == 0 else { throw .latest("synchronise", path) }
            nanoseconds.append(Clock.monotonicNanoseconds() - start)
        }
        nanoseconds.sort()
        median = Double(nanoseconds[count / 2]) / 1_000
        percentile99 = Double(nanoseconds[min(count - 1, count * 99 / 100)]) / 1_000
    }

    /// For tests of the words.
    package init(median: Double, isInMemory: Bool) {
        self.median = median
        percentile99 = median
        count = 1
        self.isInMemory = isInMemory
    }

    /// Whether the figures can be those of a disk that keeps the word of `fdatasync`.
    package var isPlausible: Bool { !isInMemory && median >= Self.plausibleMicroseconds }

    /// What the figures mean, for people.
    package var verdict: String {
        if isInMemory {
            return "This directory lies in memory: a loss of power loses everything in it."
        }
        if median < Self.plausibleMicroseconds {
            return "No disk answers a sync this fast. Something between the daemon and the disk (a "
                + "virtual disk's cache, an unsafe mount option, a RAID controller without battery) "
                + "answers before the data is safe; a loss of power can lose what was acknowledged."
        }
        if median < Self.cachedMicroseconds {
            return "Plausible for a disk whose write cache outlives a loss of power. If this disk "
                + "has none, the sync is not honoured: ask its data sheet for power-loss protection."
        }
        return "Plausible for a disk that keeps its word. Only cutting the power proves it."
    }
}
