// SPDX-License-Identifier: Apache-2.0

import CSQLite
import Synchronization

/// The SQLite file system (VFS) named `barid-crash` that keeps its files on crash disks.
///
/// A disk is mounted under a number; its ledger is `file:/NUMBER/ledger.db?vfs=barid-crash`. One
/// thread at a time uses a disk; several disks can be used at once.
enum CrashFileSystem {
    private static let name = "barid-crash"

    private struct Mounts: @unchecked Sendable {
        // Looked up under the mutex; a disk itself stays on the thread of its test.
        var disks: [Int: CrashDisk] = [:]
        var next = 1
    }

    private static let mounts = Mutex(Mounts())

    /// Makes a disk reachable, and returns the directory to open a ledger or a reader in.
    ///
    /// Whatever the ledger appends to it as a file name ends up in a parameter SQLite ignores.
    static func mount(_ disk: CrashDisk) -> Mount {
        _ = registered
        nonisolated(unsafe) let disk = disk
        return Mount(
            number: mounts.withLock { mounts in
                mounts.next += 1
                mounts.disks[mounts.next] = disk
                return mounts.next
            }
        )
    }

    /// A mounted disk, until it goes.
    final class Mount {
        fileprivate let number: Int

        fileprivate init(number: Int) { self.number = number }

        deinit {
            let number = number
            mounts.withLock { mounts in mounts.disks[number] = nil }
        }

        var directory: String { "file:/\(number)/ledger.db?vfs=barid-crash&name=" }
    }

    private static func disk(of path: UnsafePointer<CChar>?) -> (CrashDisk, String)? {
        guard let path else { return nil }
        let parts = String(cString: path).split(separator: "/")
        guard parts.count == 2, let number = Int(parts[0]) else { return nil }
        nonisolated(unsafe) var found: CrashDisk?
        mounts.withLock { mounts in found = mounts.disks[number] }
        return found.map { ($0, String(parts[1])) }
    }

    /// What SQLite keeps of an open file.
    private struct OpenFile {
        var base: sqlite3_file
        var handle: Unmanaged<CrashHandle>?
    }

    // Extended codes are built with operators Swift does not import.
    private static let readFault = SQLITE_IOERR | 1 << 8
    private static let shortRead = SQLITE_IOERR | 2 << 8
    private static let writeFault = SQLITE_IOERR | 3 << 8
    private static let syncFault = SQLITE_IOERR | 4 << 8
    private static let truncateFault = SQLITE_IOERR | 6 << 8
    private static let deleteFault = SQLITE_IOERR | 10 << 8
    private static let accessFault = SQLITE_IOERR | 13 << 8

    private static func handle(_ file: UnsafeMutablePointer<sqlite3_file>?) -> CrashHandle {
        let open = UnsafeMutableRawPointer(file)?.assumingMemoryBound(to: OpenFile.self)
        guard let handle = open?.pointee.handle else { preconditionFailure("the file is closed") }
        return handle.takeUnretainedValue()
    }

    // MARK: The file system

    /// Registers it once; it is never the default.
    private static let registered: Bool = {
        let system = UnsafeMutablePointer<sqlite3_vfs>.allocate(capacity: 1)
        var table = sqlite3_vfs()
        table.iVersion = 2
        table.szOsFile = Int32(MemoryLayout<OpenFile>.size)
        table.mxPathname = 256
        let text = name.utf8CString
        let kept = UnsafeMutablePointer<CChar>.allocate(capacity: text.count)
        for (index, byte) in text.enumerated() { kept[index] = byte }
        table.zName = UnsafePointer(kept)
        table.xOpen = { _, path, file, flags, outFlags in
            open(path, file, flags, outFlags)
        }
        table.xDelete = { _, path, _ in
            guard let (disk, name) = disk(of: path) else { return deleteFault }
            guard !disk.isCut else { return deleteFault }
            disk.files[name] = nil
            return SQLITE_OK
        }
        table.xAccess = { _, path, _, result in
            guard let (disk, name) = disk(of: path) else { return accessFault }
            let isThere = disk.files[name].map { $0.live.count > 0 } ?? false
            result?.pointee = isThere ? 1 : 0
            return SQLITE_OK
        }
        table.xFullPathname = { _, path, count, result in
            guard let path, let result else { return SQLITE_CANTOPEN }
            var index = 0
            while path[index] != 0, index < Int(count) - 1 {
                result[index] = path[index]
                index += 1
            }
            result[index] = 0
            return SQLITE_OK
        }
        table.xRandomness = { _, count, bytes in
            for index in 0..<Int(count) { bytes?[index] = CChar(truncatingIfNeeded: index &* 37) }
            return count
        }
        table.xSleep = { _, microseconds in microseconds }
        table.xCurrentTimeInt64 = { _, result in
            result?.pointee = 212_000_000_000_000
            return SQLITE_OK
        }
        table.xGetLastError = { _, _, _ in 0 }
        system.initialize(to: table)
        return sqlite3_vfs_register(system, 0) == SQLITE_OK
    }()

    private static func open(
        _ path: UnsafePointer<CChar>?,
        _ file: UnsafeMutablePointer<sqlite3_file>?,
        _ flags: Int32,
        _ outFlags: UnsafeMutablePointer<Int32>?
    ) -> Int32 {
        guard let file else { return SQLITE_CANTOPEN }
        let open = UnsafeMutableRawPointer(file).assumingMemoryBound(to: OpenFile.self)
        open.pointee.base.pMethods = nil
        guard let (disk, name) = disk(of: path) else { return SQLITE_CANTOPEN }
        guard !disk.isCut else { return SQLITE_CANTOPEN }
        if disk.files[name] == nil {
            guard flags & SQLITE_OPEN_CREATE != 0 else { return SQLITE_CANTOPEN }
            disk.files[name] = CrashFile()
        }
        guard let content = disk.files[name] else { return SQLITE_CANTOPEN }
        let isLog = flags & SQLITE_OPEN_WAL != 0
        let handle = CrashHandle(disk: disk, file: content, isLog: isLog)
        content.handles.append(handle)
        open.pointee.handle = Unmanaged.passRetained(handle)
        open.pointee.base.pMethods = methods
        outFlags?.pointee = flags
        return SQLITE_OK
    }

    // MARK: Files

    private nonisolated(unsafe) static let methods: UnsafePointer<sqlite3_io_methods> = {
        var table = sqlite3_io_methods()
        table.iVersion = 2
        table.xClose = { file in
            let open = UnsafeMutableRawPointer(file)?.assumingMemoryBound(to: OpenFile.self)
            guard let handle = open?.pointee.handle?.takeRetainedValue() else { return SQLITE_OK }
            handle.file.handles.removeAll { $0 === handle }
            open?.pointee.handle = nil
            open?.pointee.base.pMethods = nil
            return SQLITE_OK
        }
        table.xRead = { file, bytes, count, offset in
            read(handle(file), bytes, Int(count), Int(offset))
        }
        table.xWrite = { file, bytes, count, offset in
            let handle = handle(file)
            let fault = handle.disk.refuses(.write, inputOutputFault: writeFault)
            if let fault { return fault }
            handle.file.write(
                UnsafeRawBufferPointer(start: bytes, count: Int(count)),
                at: Int(offset)
            )
            return SQLITE_OK
        }
        table.xTruncate = { file, size in
            let handle = handle(file)
            let fault = handle.disk.refuses(.truncate, inputOutputFault: truncateFault)
            if let fault { return fault }
            handle.file.truncate(to: Int(size))
            return SQLITE_OK
        }
        table.xSync = { file, _ in
            let handle = handle(file)
            let fault = handle.disk.refuses(.sync, inputOutputFault: syncFault)
            // A sync cannot find the disk full; whatever it meets is an input or output fault.
            if let fault { return fault == SQLITE_FULL ? syncFault : fault }
            handle.disk.sync(handle.file, isLog: handle.isLog)
            return SQLITE_OK
        }
        table.xFileSize = { file, size in
            size?.pointee = Int64(handle(file).file.live.count)
            return SQLITE_OK
        }
        table.xLock = { file, level in lock(handle(file), level) }
        table.xUnlock = { file, level in
            let handle = handle(file)
            handle.lock = min(handle.lock, level)
            return SQLITE_OK
        }
        table.xCheckReservedLock = { file, result in
            let isReserved = handle(file).file.handles.contains { $0.lock >= SQLITE_LOCK_RESERVED }
            result?.pointee = isReserved ? 1 : 0
            return SQLITE_OK
        }
        table.xFileControl = { file, code, _ in
            let disk = handle(file).disk
            if code == SQLITE_FCNTL_CKPT_START { disk.isInCheckpoint = true }
            if code == SQLITE_FCNTL_CKPT_DONE { disk.isInCheckpoint = false }
            return SQLITE_NOTFOUND
        }
        table.xSectorSize = { _ in 4096 }
        table.xDeviceCharacteristics = { _ in SQLITE_IOCAP_POWERSAFE_OVERWRITE }
        table.xShmMap = { file, page, size, isExtending, region in
            let content = handle(file).file
            if Int(page) >= content.regions.count, isExtending == 0 {
                region?.pointee = nil
                return SQLITE_OK
            }
            while content.regions.count <= Int(page) {
                let made = UnsafeMutableRawPointer.allocate(byteCount: Int(size), alignment: 4096)
                made.initializeMemory(as: UInt8.self, repeating: 0, count: Int(size))
                content.regions.append(made)
            }
            region?.pointee = content.regions[Int(page)]
            return SQLITE_OK
        }
        table.xShmLock = { file, offset, count, flags in
            lockSlots(handle(file), UInt8(((1 << count) - 1) << offset), flags)
        }
        table.xShmBarrier = { _ in atomicMemoryFence(ordering: .sequentiallyConsistent) }
        table.xShmUnmap = { file, isDeleting in
            let handle = handle(file)
            handle.sharedSlots = 0
            handle.exclusiveSlots = 0
            guard isDeleting != 0, handle.others.isEmpty else { return SQLITE_OK }
            for region in handle.file.regions { region.deallocate() }
            handle.file.regions.removeAll()
            return SQLITE_OK
        }
        let pointer = UnsafeMutablePointer<sqlite3_io_methods>.allocate(capacity: 1)
        pointer.initialize(to: table)
        return UnsafePointer(pointer)
    }()

    private static func read(
        _ handle: CrashHandle,
        _ bytes: UnsafeMutableRawPointer?,
        _ count: Int,
        _ offset: Int
    ) -> Int32 {
        if let fault = handle.disk.refuses(.read, inputOutputFault: readFault) { return fault }
        guard let bytes else { return readFault }
        let available = handle.file.live.load(bytes, at: offset, size: count)
        return available < count ? shortRead : SQLITE_OK
    }

    private static func lock(_ handle: CrashHandle, _ level: Int32) -> Int32 {
        guard level > handle.lock else { return SQLITE_OK }
        let others = handle.others
        switch level {
        case SQLITE_LOCK_SHARED:
            guard !others.contains(where: { $0.lock >= SQLITE_LOCK_PENDING }) else {
                return SQLITE_BUSY
            }
        case SQLITE_LOCK_RESERVED:
            guard !others.contains(where: { $0.lock >= SQLITE_LOCK_RESERVED }) else {
                return SQLITE_BUSY
            }
        default:
            guard !others.contains(where: { $0.lock >= SQLITE_LOCK_RESERVED }) else {
                return SQLITE_BUSY
            }
            guard !others.contains(where: { $0.lock >= SQLITE_LOCK_SHARED }) else {
                handle.lock = SQLITE_LOCK_PENDING
                return SQLITE_BUSY
            }
        }
        handle.lock = level
        return SQLITE_OK
    }

    private static func lockSlots(_ handle: CrashHandle, _ slots: UInt8, _ flags: Int32) -> Int32 {
        if flags & SQLITE_SHM_UNLOCK != 0 {
            handle.sharedSlots &= ~slots
            handle.exclusiveSlots &= ~slots
            return SQLITE_OK
        }
        let isShared = flags & SQLITE_SHM_SHARED != 0
        let isHeld = handle.others.contains { other in
            other.exclusiveSlots & slots != 0 || (!isShared && other.sharedSlots & slots != 0)
        }
        guard !isHeld else { return SQLITE_BUSY }
        if isShared { handle.sharedSlots |= slots } else { handle.exclusiveSlots |= slots }
        return SQLITE_OK
    }
}
