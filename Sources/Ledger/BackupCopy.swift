// SPDX-License-Identifier: Apache-2.0

internal import Platform
internal import SQLite

/// The end of the journal in a copy of the ledger.
package struct BackupHead: Equatable, Sendable {
    /// Position of the last record.
    package let position: UInt64
    /// Its chained hash, hexadecimal.
    package let hash: String
}

/// A copy of the ledger that grows in slices between the batches.
///
/// Ledger thread only.
///
/// A copy on a connection of its own would hold a snapshot for as long as it takes, and with it the
/// write-ahead log: no checkpoint could shorten it meanwhile. The writer's own connection needs no
/// snapshot: SQLite puts into the copy what it commits between slices.
final class BackupCopy {
    /// What the copy came to.
    enum Reply: Sendable {
        case done(BackupHead)
        case fault(LedgerFault)
    }

    /// Pages of a slice: 256 KiB, less than a batch of full size writes.
    static let slicePages = 64

    private let backup: Backup
    private let reply: Mailbox<Reply>

    /// Begins a copy.
    ///
    /// - Throws: `LedgerFault.storage` if the file cannot be made.
    init(
        of writer: LedgerWriter,
        to path: String,
        reply: Mailbox<Reply>
    ) throws(LedgerFault) {
        do {
            backup = try Backup(of: writer.connection, to: path)
        } catch {
            throw LedgerFault(error)
        }
        self.reply = reply
    }

    /// Copies a slice; answers once the copy is whole or cannot be made.
    ///
    /// - Returns: Whether there is more to copy.
    func step(_ writer: LedgerWriter) -> Bool {
        do throws(SQLiteFault) {
            guard try backup.step(pages: Self.slicePages) else { return true }
        } catch {
            _ = reply.put(.fault(.storage(error.description)))
            return false
        }
        let head = BackupHead(
            position: writer.journal.head,
            hash: TrailReader.hexadecimal(writer.journal.hash)
        )
        _ = reply.put(.done(head))
        return false
    }

    /// Answers that the ledger stops.
    func abandon() { _ = reply.put(.fault(.storage("the daemon stops"))) }
}
