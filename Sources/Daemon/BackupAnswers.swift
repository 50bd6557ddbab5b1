// SPDX-License-Identifier: Apache-2.0

internal import Control
internal import Ledger
internal import Logs
internal import Platform
internal import Synchronization

/// At most one of what may not be done twice at a time.
final class OnlyOne: Sendable {
    private let isTaken = Atomic(false)

    /// True if nobody does it; the caller does from now on.
    func take() -> Bool {
        isTaken.compareExchange(
            expected: false,
            desired: true,
            ordering: .acquiringAndReleasing
        ).exchanged
    }

    func give() { isTaken.store(false, ordering: .releasing) }
}

/// What operators ask about backups.
extension LedgerCommands {
    func createBackup(
        in directory: String,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> BackupManifest {
        guard directory.hasPrefix("/"), directory.utf8.count <= 1_000 else {
            throw OperatorFault(
                code: "badPath",
                exit: .badData,
                text: "Name the directory by an absolute path of at most 1000 bytes."
            )
        }
        guard backups.take() else {
            throw OperatorFault(
                code: "busy",
                exit: .busy,
                text: "Another backup is being made; try again when it is done."
            )
        }
        defer { backups.give() }
        do throws(OperatorFault) {
            let manifest = try makeBackup(directory, identity, reason)
            log.say(
                .backupMade,
                [.path: directory, .position: String(manifest.journal.position)]
            )
            return manifest
        } catch {
            log.say(.backupFailed, [.path: directory, .fault: error.text])
            throw error
        }
    }

    private func makeBackup(
        _ directory: String,
        _ identity: OperatorIdentity,
        _ reason: String
    ) throws(OperatorFault) -> BackupManifest {
        do throws(SystemFault) { try DurableFile.makeEmptyDirectory(directory) } catch {
            throw failed(error.description)
        }
        let needed =
            Int64(ProcessFigures.size(of: ledgerPath)) + Int64(ProcessFigures.size(of: logPath))
        let room = (try? DiskSpace.freeBytes(directory)) ?? 0
        guard room - needed > live.settings.configuration.diskReserveBytes else {
            throw failed(
                "The copy takes \(needed) bytes and would leave less than disk.reserve free there."
            )
        }
        let madeAt = Instant(milliseconds: Clock.wallMilliseconds())
        guard case .done = try act(.backedUp(to: directory), by: identity, reason: reason) else {
            throw failed("The journal did not take the act.")
        }
        let path = directory + "/" + Ledger.fileName
        do {
            let head = try ledger.backUp(to: path)
            try BackupFile.seal(directory: directory)
            let contents = try BackupFile.inspect(directory: directory, reading: reading)
            guard contents.findings.isEmpty, contents.head == head else {
                throw LedgerFault.damaged(
                    contents.findings.first ?? "the copy does not end where the ledger did"
                )
            }
            let manifest = BackupManifest(
                madeAt: madeAt,
                program: "baridd/" + DaemonConfiguration.version,
                schema: contents.schema,
                journal: BackupManifest.Head(
                    position: contents.head.position,
                    hash: contents.head.hash
                ),
                records: contents.records,
                cases: contents.cases,
                referrals: contents.referrals,
                bytes: contents.bytes,
                sha256: contents.digest
            )
            try manifest.write(to: directory)
            // The time of this file is that of the last backup, for metrics and after a restart.
            try SmallFile.replace(lastBackupPath, with: Array(directory.utf8), mode: 0o640)
            return manifest
        } catch {
            // Half a backup must not be taken for one.
            try? DurableFile.remove(path)
            throw failed("\(error)")
        }
    }

    /// The file whose time is that of the last backup.
    var lastBackupPath: String { configuration.directory + "/last-backup" }

    private var ledgerPath: String { configuration.directory + "/" + Ledger.fileName }

    private func failed(_ text: String) -> OperatorFault {
        OperatorFault(code: "backupFailed", exit: .failed, text: "No backup was made: \(text)")
    }
}
