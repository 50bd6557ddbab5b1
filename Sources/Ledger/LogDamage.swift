// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Damage in the write-ahead log that recovery would take for the end of the log.
///
/// Recovery reads frames until a checksum is wrong, because that is how a write looks that a crash
/// cut off. If a bit of an older frame has changed, it would drop every transaction from there on,
/// acknowledged ones too, without a word. The two are told apart by what follows: a crash cuts off
/// two transactions at most, the one that is being synced and the one that is applied beside it, so
/// from the first wrong frame on there are two frames at most that end one. Each frame's checksum goes
/// on from that of the frame before, so those behind the wrong one prove themselves by what it says
/// its checksum is. Damage to the newest transactions of the log cannot be told from a write that was
/// cut off.
///
/// ```
/// log    header (32): magic │ version │ page size │ sequence │ salts (8) │ checksum (8)
/// frame  header (24): page │ size in pages, if it ends a transaction │ salts │ checksum; then the page
/// ```
package struct LogDamage: Equatable, Sendable {
    /// The first frame that cannot be read, counted from 1; 0 for the header of the log.
    package var frame: Int
    /// Transactions of the log from there on.
    package var transactions: Int

    /// Transactions that may be in the log and not yet synced: what the courier hands over at once.
    private static let unsyncedMax = 2
    private static let headerBytes = 32
    private static let frameHeaderBytes = 24
    private static let pageBytes = 4_096
    private static let frameBytes = frameHeaderBytes + pageBytes

    /// Looks through the bytes of a log.
    ///
    /// - Returns: The damage; nil if there is none.
    package static func find(in log: UnsafeRawBufferPointer) -> LogDamage? {
        guard log.count >= headerBytes + frameBytes else { return nil }
        let frames = (log.count - headerBytes) / frameBytes
        let isBigEndian = log[3] & 1 == 1
        var sum = checksum(log, 0..<24, isBigEndian, from: (0, 0))
        if sum != words(log, at: 24) {
            // The header of a log that begins anew may be garbage after a crash, but then it is that
            // of none of the frames.
            let salts = words(log, at: 16)
            let ends = (0..<frames).count { frame in
                let (_, size) = words(log, at: start(of: frame))
                let found = words(log, at: start(of: frame) + 8)
                return size != 0 && (found.0 == salts.0 || found.1 == salts.1)
            }
            return ends > unsyncedMax ? LogDamage(frame: 0, transactions: ends) : nil
        }
        let salts = words(log, at: 16)
        for frame in 0..<frames {
            let next = checksum(log, ofFrame: frame, isBigEndian, from: sum)
            if words(log, at: start(of: frame) + 8) == salts,
                words(log, at: start(of: frame) + 16) == next
            {
                sum = next
                continue
            }
            return damage(log, from: frame, of: frames, salts, isBigEndian)
        }
        return nil
    }

    /// What follows the first frame that is wrong.
    private static func damage(
        _ log: UnsafeRawBufferPointer,
        from wrong: Int,
        of frames: Int,
        _ salts: (UInt32, UInt32),
        _ isBigEndian: Bool
    ) -> LogDamage? {
        var ends = 0
        var largest: UInt32 = 0
        for frame in (wrong + 1)..<max(frames, wrong + 1) {
            let before = words(log, at: start(of: frame - 1) + 16)
            let (_, size) = words(log, at: start(of: frame))
            guard size != 0, words(log, at: start(of: frame) + 8) == salts,
                words(log, at: start(of: frame) + 16)
                    == checksum(log, ofFrame: frame, isBigEndian, from: before)
            else { continue }
            ends += 1
            largest = max(largest, size)
        }
        // The wrong one may have ended a transaction itself; garbage hardly says so plausibly.
        let (page, size) = words(log, at: start(of: wrong))
        let found = words(log, at: start(of: wrong) + 8)
        let isEnd = size != 0 && page != 0 && page <= size && size / 2 <= largest
        if isEnd, found.0 == salts.0 || found.1 == salts.1 { ends += 1 }
        return ends > unsyncedMax ? LogDamage(frame: wrong + 1, transactions: ends) : nil
    }

    private static func checksum(
        _ log: UnsafeRawBufferPointer,
        ofFrame frame: Int,
        _ isBigEndian: Bool,
        from sum: (UInt32, UInt32)
    ) -> (UInt32, UInt32) {
        let start = start(of: frame)
        return checksum(
            log,
            start + frameHeaderBytes..<start + frameBytes,
            isBigEndian,
            from: checksum(log, start..<start + 8, isBigEndian, from: sum)
        )
    }

    private static func start(of frame: Int) -> Int { headerBytes + frame * frameBytes }

    private static func words(_ log: UnsafeRawBufferPointer, at offset: Int) -> (UInt32, UInt32) {
        (
            UInt32(bigEndian: log.loadUnaligned(fromByteOffset: offset, as: UInt32.self)),
            UInt32(bigEndian: log.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self))
        )
    }

    /// SQLite's checksum over a multiple of 8 bytes, in the byte order the log was begun with.
    private static func checksum(
        _ log: UnsafeRawBufferPointer,
        _ range: Range<Int>,
        _ isBigEndian: Bool,
        from sum: (UInt32, UInt32)
    ) -> (UInt32, UInt32) {
        var (first, second) = sum
        var offset = range.lowerBound
        while offset < range.upperBound {
            let one = log.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
            let two = log.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self)
            first &+= (isBigEndian ? one.bigEndian : one.littleEndian) &+ second
            second &+= (isBigEndian ? two.bigEndian : two.littleEndian) &+ first
            offset += 8
        }
        return (first, second)
    }

    // MARK: The file

    /// Refuses the log beside a database, before anybody reads either, if it is damaged.
    ///
    /// - Throws: `LedgerFault.damaged`; both files stay as they are.
    static func refuse(beside path: String) throws(LedgerFault) {
        let number = open(path + "-wal", O_RDONLY | O_CLOEXEC)
        guard number >= 0 else { return }
        defer { close(number) }
        var status = stat()
        guard fstat(number, &status) == 0, status.st_size > 0 else { return }
        let size = Int(status.st_size)
        let memory = mmap(nil, size, PROT_READ, MAP_PRIVATE, number, 0)
        guard let memory, memory != MAP_FAILED else { return }
        defer { munmap(memory, size) }
        madvise(memory, size, MADV_SEQUENTIAL)
        guard let damage = find(in: UnsafeRawBufferPointer(start: memory, count: size)) else {
            return
        }
        let place = damage.frame == 0 ? "its header" : "frame \(damage.frame)"
        throw .damaged(
            "the write-ahead log ledger.db-wal cannot be read from \(place) on, and holds "
                + "\(damage.transactions) transactions from there that had been acknowledged"
        )
    }
}
