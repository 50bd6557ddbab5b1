// SPDX-License-Identifier: Apache-2.0

internal import Platform
internal import SQLite

/// The last stage of a batch: brings its commit to disk beside the one that is applied next.
///
/// Marks reach the disk in the order they were given, one `fdatasync` each. The ledger's thread
/// gives them; it may sync or checkpoint itself once it has drained the stage.
final class SyncStage: Sendable {
    /// A commit, and the end of the journal with it.
    struct Mark: Sendable {
        /// Counts marks from 1.
        var number: UInt64
        var position: UInt64
        var hash: [UInt8]
        /// Operations of the batch; 0 for anything else.
        var operations = 0
        /// When the batch was taken and when it was committed, monotonic ns.
        var taken: Int64 = 0
        var committed: Int64 = 0
    }

    private enum Request: Sendable {
        case sync(Mark)
        case reply(Mailbox<Bool>)
    }

    private let inbox = Mailbox<Request>(capacity: 16)
    private let log: LogFile
    private let isOnDisk: @Sendable (Mark) -> Void

    /// A stage that works once `run` is called on a thread of its own.
    ///
    /// - Parameters:
    ///   - log: What is synced.
    ///   - isOnDisk: Told of each mark once it is on disk, on the stage's thread.
    init(_ log: LogFile, isOnDisk: @escaping @Sendable (Mark) -> Void) {
        self.log = log
        self.isOnDisk = isOnDisk
    }

    // MARK: Ledger thread

    /// Has a mark brought to disk beside what the caller does next.
    func sync(_ mark: Mark) {
        guard inbox.put(.sync(mark)) != nil else { return }
        preconditionFailure("more batches were committed than the courier hands over")
    }

    /// Waits until all marks that were given are on disk.
    func drain() {
        let reply = Mailbox<Bool>(capacity: 1)
        guard inbox.put(.reply(reply)) == nil else { return }
        _ = reply.take()
    }

    /// Ends `run` after the marks that were given.
    func close() { inbox.close() }

    // MARK: The stage's own thread

    /// Works until closed; ends the process if a sync fails.
    func run() {
        while let request = inbox.take() {
            switch request {
            case .sync(let mark):
                do {
                    try log.sync()
                } catch {
                    Fatal.end(error.description)
                }
                isOnDisk(mark)
            case .reply(let reply): _ = reply.put(true)
            }
        }
    }
}
