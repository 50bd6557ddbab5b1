// SPDX-License-Identifier: Apache-2.0

internal import CSQLite

/// Gathers the frames of a commit, writes them with one call of the system, and counts them.
///
/// SQLite writes each page of a commit to the write-ahead log in two calls: 24 bytes before the page,
/// then the page (<https://sqlite.org/fileformat2.html#walformat>, § 4.1). Here they wait in memory
/// and go together, at the latest with the frame that ends the transaction: its 24 bytes hold the
/// size of the database where those of other frames hold zero. A commit has therefore left memory
/// before SQLite tells anybody of it, and a write that fails is told to that commit.
///
/// Counted are the frames since the last checkpoint and the pages among them: a page that was written
/// often is copied once.
///
/// Sits between SQLite and the open log of one connection, by a table of methods of its own in the
/// file's place for it. The thread of the connection only; `LogFile.sync` passes it by, since
/// nothing of a commit is left here.
struct GatheredFrames {
    /// Bytes that wait at most, 31 pages of 4 KiB.
    ///
    /// SQLite's own writing takes the lowest 17 bits of a length for the length
    /// (`seekAndWriteFd` in os_unix.c), so a piece must be shorter than 128 KiB.
    private static let capacity = 31 * 4_120
    /// Bytes before each page.
    private static let frameHeaderBytes: Int32 = 24

    // SQLite sees this field only, so it must stay the first.
    private var methods: sqlite3_io_methods
    private let plain: UnsafePointer<sqlite3_io_methods>
    private let gathers: Bool
    private let memory: UnsafeMutableRawPointer
    /// Frames since the last checkpoint, and the numbers of their pages.
    private(set) var frameCount = 0
    private(set) var pages: Set<UInt32> = []
    /// Where the first of the bytes that wait belongs in the file.
    private var start: Int64 = 0
    private var count = 0

    /// Puts itself before the methods of an open log, until the file is closed.
    ///
    /// - Parameters:
    ///   - file: The log.
    ///   - gathers: Whether frames wait for each other; they are counted in any case.
    /// - Returns: Itself, in memory until the file is closed.
    static func install(
        in file: UnsafeMutablePointer<sqlite3_file>,
        gathers: Bool
    ) -> UnsafeMutablePointer<GatheredFrames> {
        guard let plain = file.pointee.pMethods else {
            preconditionFailure("the write-ahead log is not open")
        }
        var methods = plain.pointee
        methods.xClose = { GatheredFrames.close($0) }
        methods.xRead = { file, bytes, count, offset in
            let status = GatheredFrames.flush(file)
            guard status == SQLITE_OK else { return status }
            return GatheredFrames.at(file).pointee.plain.pointee.xRead(file, bytes, count, offset)
        }
        methods.xWrite = { GatheredFrames.write($0, $1, $2, $3) }
        methods.xTruncate = { file, size in
            let status = GatheredFrames.flush(file)
            guard status == SQLITE_OK else { return status }
            return GatheredFrames.at(file).pointee.plain.pointee.xTruncate(file, size)
        }
        methods.xSync = { file, flags in
            let status = GatheredFrames.flush(file)
            guard status == SQLITE_OK else { return status }
            return GatheredFrames.at(file).pointee.plain.pointee.xSync(file, flags)
        }
        methods.xFileSize = { file, size in
            let status = GatheredFrames.flush(file)
            guard status == SQLITE_OK else { return status }
            return GatheredFrames.at(file).pointee.plain.pointee.xFileSize(file, size)
        }
        let gathered = UnsafeMutablePointer<GatheredFrames>.allocate(capacity: 1)
        gathered.initialize(
            to: GatheredFrames(
                methods: methods,
                plain: plain,
                gathers: gathers,
                memory: .allocate(byteCount: capacity, alignment: 16)
            )
        )
        file.pointee.pMethods = UnsafeRawPointer(gathered).assumingMemoryBound(
            to: sqlite3_io_methods.self
        )
        return gathered
    }

    /// Counts from here on, since a checkpoint has copied what there was.
    mutating func countAnew() {
        frameCount = 0
        pages.removeAll(keepingCapacity: true)
    }

    private static func at(
        _ file: UnsafeMutablePointer<sqlite3_file>?
    ) -> UnsafeMutablePointer<GatheredFrames> {
        guard let methods = file?.pointee.pMethods else {
            preconditionFailure("the write-ahead log is closed")
        }
        return UnsafeMutableRawPointer(mutating: methods)
            .assumingMemoryBound(to: GatheredFrames.self)
    }

    private static func write(
        _ file: UnsafeMutablePointer<sqlite3_file>?,
        _ bytes: UnsafeRawPointer?,
        _ count: Int32,
        _ offset: Int64
    ) -> Int32 {
        let gathered = at(file)
        guard let bytes else { return gathered.pointee.plain.pointee.xWrite(file, nil, 0, offset) }
        let isHeader = count == frameHeaderBytes
        if isHeader {
            gathered.pointee.frameCount += 1
            gathered.pointee.pages.insert(bytes.loadUnaligned(as: UInt32.self))
        }
        let ends = isHeader && bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self) != 0
        let follows =
            gathered.pointee.count > 0
            && offset == gathered.pointee.start + Int64(gathered.pointee.count)
            && gathered.pointee.count + Int(count) <= capacity
        if !follows {
            let status = GatheredFrames.flush(file)
            guard status == SQLITE_OK else { return status }
            // Only what begins a frame waits: whatever else is written here, nothing may follow.
            guard isHeader, !ends, gathered.pointee.gathers else {
                return gathered.pointee.plain.pointee.xWrite(file, bytes, count, offset)
            }
            gathered.pointee.start = offset
        }
        (gathered.pointee.memory + gathered.pointee.count)
            .copyMemory(from: bytes, byteCount: Int(count))
        gathered.pointee.count += Int(count)
        return ends ? flush(file) : SQLITE_OK
    }

    /// Writes what waits; it waits no longer, whether that succeeds or not.
    private static func flush(_ file: UnsafeMutablePointer<sqlite3_file>?) -> Int32 {
        let gathered = at(file)
        let count = gathered.pointee.count
        guard count > 0 else { return SQLITE_OK }
        gathered.pointee.count = 0
        return gathered.pointee.plain.pointee.xWrite(
            file,
            gathered.pointee.memory,
            Int32(count),
            gathered.pointee.start
        )
    }

    private static func close(_ file: UnsafeMutablePointer<sqlite3_file>?) -> Int32 {
        // A transaction that was not committed may be left here; nobody will ask for it.
        let gathered = at(file)
        file?.pointee.pMethods = gathered.pointee.plain
        gathered.pointee.memory.deallocate()
        gathered.deinitialize(count: 1)
        gathered.deallocate()
        return file?.pointee.pMethods.pointee.xClose(file) ?? SQLITE_OK
    }
}
