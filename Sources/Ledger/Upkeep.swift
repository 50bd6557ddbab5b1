// SPDX-License-Identifier: Apache-2.0

internal import Platform
internal import SQLite

/// Checkpoints in small slices or while nothing is asked, and each second a look at the free disk
/// space and at what retention has to erase.
///
/// What was erased is taken out of the log too.
///
/// The writer's connection is the only one that commits or checkpoints: with SQLite before 3.51.3
/// a checkpoint beside another connection's commit can corrupt the file. A checkpoint therefore
/// holds up the batch behind it, and how long depends on how much it has to copy and synchronise.
struct Upkeep {
    /// Pages to copy at which a checkpoint runs under load: 4 MiB, which bounds its stall.
    ///
    /// Decision records 0021 and 0120 have the figures.
    static let pagesMax = 1_024
    /// Frames in the write-ahead log at which one runs however few pages they are of: 32 MiB.
    ///
    /// The log never grows much beyond it, and a start after a kill reads it.
    static let framesMax = 8_192
    /// Frames worth a checkpoint when nothing is asked: 256 KiB.
    static let framesWhenResting = 64
    /// How long nothing must have been asked to count as rest, in milliseconds: longer than the
    /// pauses between the requests of a client that waits for each answer.
    static let restMilliseconds: Int64 = 100
    /// Pause between looks at the disk and at what retention has to erase, in milliseconds.
    static let pauseMilliseconds: Int64 = 1_000

    /// Pause between attempts to empty the log while somebody reads in it, in milliseconds.
    static let emptyingPauseMilliseconds: Int64 = 100
    /// How long erased events may stay in the log, in milliseconds: a log that is emptied grows anew,
    /// and its syncs take longer until it has.
    static let erasedEventsMilliseconds: Int64 = 60_000

    private let directory: String
    private let marks: SharedDiskMarks
    private var nextLook = Int64.min
    private var nextEmptying = Int64.min
    private var emptied = Clock.monotonicMilliseconds()
    /// Whether there is more to erase than fitted a slice.
    private(set) var isErasing = false

    init(directory: String, marks: SharedDiskMarks) {
        self.directory = directory
        self.marks = marks
    }

    /// Whether `look` has something to do.
    func isDue(_ writer: LedgerWriter) -> Bool {
        let now = Clock.monotonicMilliseconds()
        return isCheckpointDue(writer.log) || now >= nextLook
            || writer.wantsEmptyLog && now >= nextEmptying
    }

    /// Does what is due between two batches.
    mutating func look(after writer: LedgerWriter) throws(LedgerFault) {
        do {
            try checkpointIfDue(writer.log)
            try emptyLogIfDue(writer)
        } catch {
            // On a full disk the log stays as it is, and no new case is taken.
            guard error.isFull else { throw LedgerFault(error) }
            writer.isStorageLow = true
        }
        let now = Clock.monotonicMilliseconds()
        guard now >= nextLook else { return }
        nextLook = now + Self.pauseMilliseconds
        if let free = try? DiskSpace.freeBytes(directory) {
            writer.diskStage = marks.value.stage(free: free)
            writer.isStorageLow = writer.diskStage >= .refusing
        }
        // A full slice is followed by the next one once there is nothing else to do.
        isErasing = try writer.erase(wall: Clock.wallMilliseconds())
    }

    /// Empties the log if it holds what was erased.
    private mutating func emptyLogIfDue(_ writer: LedgerWriter) throws(SQLiteFault) {
        let now = Clock.monotonicMilliseconds()
        let isDue =
            writer.wantsEmptyLog
            || writer.hasErasedEvents && now - emptied >= Self.erasedEventsMilliseconds
        guard isDue, now >= nextEmptying else { return }
        nextEmptying = now + Self.emptyingPauseMilliseconds
        guard try writer.emptyLog() else { return }
        emptied = now
    }

    /// Erases a further slice, since nothing else is to be done.
    mutating func eraseMore(from writer: LedgerWriter) throws(LedgerFault) {
        guard isErasing else { return }
        isErasing = try writer.erase(wall: Clock.wallMilliseconds())
    }

    /// When an idle ledger must look again, on the monotonic clock: retention runs there too.
    func nextLook(after monotonic: Int64, _ writer: LedgerWriter) -> Int64 {
        if isErasing { return monotonic }
        return monotonic
            + (writer.wantsEmptyLog ? Self.emptyingPauseMilliseconds : Self.pauseMilliseconds)
    }

    /// Whether a rest would be used.
    func wantsRest(_ log: LogFile) -> Bool { log.frameCount >= Self.framesWhenResting }

    /// Copies the log into the database file, since nothing else is to be done.
    func rest(_ log: LogFile) throws(LedgerFault) {
        guard wantsRest(log) else { return }
        do { try log.checkpoint(.passive) } catch {
            guard error.isFull else { throw LedgerFault(error) }
        }
    }

    /// Copies the log into the database file if it has grown to the mark.
    func checkpointIfDue(_ log: LogFile) throws(SQLiteFault) {
        guard isCheckpointDue(log) else { return }
        try log.checkpoint(.passive)
    }

    private func isCheckpointDue(_ log: LogFile) -> Bool {
        log.pageCount >= Self.pagesMax || log.frameCount >= Self.framesMax
    }
}
