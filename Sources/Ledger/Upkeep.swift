// SPDX-License-Identifier: Apache-2.0

internal import Platform
internal import SQLite

/// Checkpoints in idle gaps or over a size mark, and each second a look at the free disk space and at
/// what retention has to erase.
///
/// The writer's connection is the only one that commits or checkpoints: with SQLite before 3.51.3
/// a checkpoint beside another connection's commit can corrupt the file.
struct Upkeep {
    /// Pages in the write-ahead log at which a checkpoint runs even under load: 64 MiB.
    static let pagesMax = 16_384
    /// Pages worth a checkpoint when there is nothing else to do: 4 MiB.
    static let pagesWhenIdle = 1_024

    /// How long an idle ledger sleeps at most before it looks again, in milliseconds.
    static let idleMilliseconds: Int64 = 60_000

    private let directory: String
    private let reserveBytes: Int64
    private var checkpointedPages = 0
    private var nextLook = Int64.min
    /// Whether there is more to erase than fitted a slice.
    private(set) var isErasing = false

    init(directory: String, reserveBytes: Int64) {
        self.directory = directory
        self.reserveBytes = reserveBytes
    }

    mutating func look(after writer: LedgerWriter, isIdle: Bool) throws(LedgerFault) {
        let pages = writer.connection.pagesWritten - checkpointedPages
        if pages >= (isIdle ? Self.pagesWhenIdle : Self.pagesMax) {
            try writer.checkpoint()
            checkpointedPages += pages
        }
        let now = Clock.monotonicMilliseconds()
        guard now >= nextLook || isErasing && isIdle else { return }
        nextLook = now + 1_000
        if let free = try? DiskSpace.freeBytes(directory) {
            writer.isStorageLow = free < reserveBytes
        }
        // A full slice is followed by the next one as soon as there is nothing else to do.
        isErasing = try writer.erase(wall: Clock.wallMilliseconds())
    }
}
