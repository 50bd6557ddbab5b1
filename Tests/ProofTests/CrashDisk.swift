// SPDX-License-Identifier: Apache-2.0

import TestKit

/// A disk in memory that knows what a loss of power would leave of it.
///
/// Every file has what was synced and the writes since. A crash keeps what was synced; of the
/// writes it keeps all, none, or some of the sectors of some of them.
final class CrashDisk {
    /// What becomes of writes that were not synced.
    enum Fate: String, CaseIterable {
        /// None of them reached the disk.
        case lost
        /// All of them did, as when only the process was killed.
        case kept
        /// Each sector of each of them did or did not, or holds garbage.
        case torn
    }

    /// How the disk keeps the word it gives by answering a sync.
    enum Honesty {
        /// What was synced is on disk.
        case honest
        /// Syncs of the log do nothing outside of checkpoints, as with `synchronous=NORMAL`.
        case onlyInCheckpoints
        /// A sync of the log is done when the next one is asked for: whoever trusts the answer tells
        /// of a commit before it is on disk.
        case oneBehind
    }

    /// A call that changes the disk or orders its changes.
    enum Call { case write, truncate, sync, read }

    static let sectorBytes = 512

    var files: [String: CrashFile] = [:]
    var honesty = Honesty.honest
    /// Whether a checkpoint is under way.
    var isInCheckpoint = false
    /// Calls so far, reads left out.
    private(set) var calls = 0
    private(set) var syncs = 0
    /// Cut the power before this call; nil to keep it on.
    var cutAtCall: Int?
    private(set) var isCut = false
    /// Let the call of this number, and with `isLasting` all writes after it, end with this status.
    var failure: (call: Int, status: Int32, isLasting: Bool)?
    /// Whether `failure` has struck.
    private(set) var hasFailed = false
    /// Told before and after every sync.
    var observer: ((CrashDisk, _ isBefore: Bool) -> Void)?

    init() {}

    /// Ends all service: every later call fails.
    func cut() { isCut = true }

    /// Whether a call may go on.
    ///
    /// - Parameters:
    ///   - call: What is asked of the disk.
    ///   - inputOutputFault: The status of the call on a disk without power.
    /// - Returns: Nil if it may, else the status it ends with.
    func refuses(_ call: Call, inputOutputFault: Int32) -> Int32? {
        guard !isCut else { return inputOutputFault }
        guard call != .read else { return nil }
        calls += 1
        if let cutAtCall, calls >= cutAtCall {
            isCut = true
            return inputOutputFault
        }
        guard let failure, calls >= failure.call else { return nil }
        if calls == failure.call || (failure.isLasting && call == .write) {
            hasFailed = true
            return failure.status
        }
        return nil
    }

    func sync(_ file: CrashFile, isLog: Bool) {
        observer?(self, true)
        syncs += 1
        switch honesty {
        case .honest: file.sync(upTo: file.pending.count)
        case .onlyInCheckpoints:
            if !isLog || isInCheckpoint { file.sync(upTo: file.pending.count) }
        case .oneBehind:
            let promised = isLog ? file.promised : file.pending.count
            file.sync(upTo: promised)
            file.promised = file.pending.count
        }
        observer?(self, false)
    }

    /// The disk that is found after a crash at this moment.
    func image(_ fate: Fate, seed: UInt64) -> CrashDisk {
        var random = SeededGenerator(seed: seed)
        let disk = CrashDisk()
        for name in files.keys.sorted() {
            guard let file = files[name] else { continue }
            let found = CrashFile()
            found.synced = FileBytes(copying: file.synced)
            for write in file.pending {
                switch fate {
                case .lost: break
                case .kept: found.apply(write)
                case .torn: found.tear(write, &random)
                }
            }
            found.live = FileBytes(copying: found.synced)
            disk.files[name] = found
        }
        return disk
    }
}

/// One file of a crash disk.
final class CrashFile {
    /// A change that was not synced yet.
    enum Change {
        case write(offset: Int, bytes: [UInt8])
        case truncate(Int)
    }

    /// What the process reads.
    var live = FileBytes()
    /// What is on disk for certain.
    var synced = FileBytes()
    /// Changes since, in order.
    var pending: [Change] = []
    /// How many of the pending changes a dishonest sync has promised.
    var promised = 0
    /// Open handles, for the locks.
    var handles: [CrashHandle] = []
    /// Shared memory of the log's index.
    var regions: [UnsafeMutableRawPointer] = []

    deinit { for region in regions { region.deallocate() } }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
        live.store(bytes, at: offset)
        pending.append(.write(offset: offset, bytes: Array(bytes)))
    }

    func truncate(to size: Int) {
        live.resize(to: size)
        pending.append(.truncate(size))
    }

    func sync(upTo count: Int) {
        for change in pending.prefix(count) { apply(change) }
        pending.removeFirst(min(count, pending.count))
    }

    func apply(_ change: Change) {
        switch change {
        case .write(let offset, let bytes):
            bytes.withUnsafeBytes { synced.store($0, at: offset) }
        case .truncate(let size): synced.resize(to: size)
        }
    }

    /// Applies some of a change: nothing, all, or sector by sector old, new or garbage.
    func tear(_ change: Change, _ random: inout SeededGenerator) {
        let fate = Int.random(in: 0..<4, using: &random)
        guard fate != 0 else { return }
        guard fate != 1, case .write(let offset, let bytes) = change else { return apply(change) }
        var start = 0
        while start < bytes.count {
            let sectorEnd =
                ((offset + start) / CrashDisk.sectorBytes + 1) * CrashDisk.sectorBytes - offset
            let end = min(bytes.count, sectorEnd)
            var sector = Array(bytes[start..<end])
            switch Int.random(in: 0..<8, using: &random) {
            case 0..<3: sector = []
            case 3:
                for index in sector.indices {
                    sector[index] = UInt8.random(in: 0...255, using: &random)
                }
            default: break
            }
            // Growth of the file may reach the disk before the data does.
            if sector.isEmpty {
                synced.resize(to: max(synced.count, offset + end))
            } else {
                sector.withUnsafeBytes { synced.store($0, at: offset + start) }
            }
            start = end
        }
    }
}

/// One open file with the locks it holds.
final class CrashHandle {
    let disk: CrashDisk
    let file: CrashFile
    let isLog: Bool
    /// `SQLITE_LOCK_NONE` to `SQLITE_LOCK_EXCLUSIVE`.
    var lock: Int32 = 0
    /// Slots of the shared memory held shared, one bit each.
    var sharedSlots: UInt8 = 0
    /// Slots of the shared memory held exclusively.
    var exclusiveSlots: UInt8 = 0

    init(disk: CrashDisk, file: CrashFile, isLog: Bool) {
        self.disk = disk
        self.file = file
        self.isLog = isLog
    }

    var others: [CrashHandle] { file.handles.filter { $0 !== self } }
}
