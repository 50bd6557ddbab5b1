// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Control
import Declarations
import Ledger
import Platform

struct BackupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Copy the ledger while the bus works; check copies, and restore from them.",
        subcommands: [Create.self, Verify.self, Restore.self]
    )

    struct Create: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "create",
            abstract: "Have the daemon copy its ledger, check the copy and write a manifest.",
            discussion: """
                The daemon writes the copy, so DIR must be where it may write: under its unit within \
                the state directory, unless ReadWritePaths= says more. server.key is not part of it.
                """
        )

        @Option(
            help: ArgumentHelp("Absolute path of a directory, new or empty.", valueName: "dir")
        )
        var to: String

        @Option(help: "Why; goes into the journal.")
        var reason: String

        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            try connection.perform { (client, output) throws(OperatorFault) in
                let manifest: BackupManifest = try client.request(
                    .backupCreate,
                    BackupArguments(directory: to),
                    reason: reason,
                    seconds: nil
                )
                try output.show(manifest, schema: "backup.create") {
                    output.pairs(manifest.pairs)
                }
                return .done
            }
        }
    }

    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify",
            abstract: "Check a copy against its manifest, and all of its journal; needs no daemon."
        )

        @Argument(help: "Directory of the copy.")
        var directory: String

        @OptionGroup var outputOptions: OutputOptions

        func run() throws {
            let output = outputOptions.output
            try output.perform { () throws(OperatorFault) in
                let manifest = try CheckedBackup.manifest(of: directory)
                try output.show(manifest, schema: "backup.verify") {
                    output.pairs(manifest.pairs)
                }
                return .done
            }
        }
    }

    struct Restore: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "restore",
            abstract: "Check a copy and put it into a data directory on which no daemon runs.",
            discussion: """
                What was acknowledged after the backup is not in it: departments must ask for their \
                cases again (barid track) before they go on.
                """
        )

        @Argument(help: "Directory of the copy.")
        var directory: String

        @Option(help: ArgumentHelp("Data directory; made if it is not there.", valueName: "dir"))
        var to: String

        @Flag(help: "Move a ledger that is there aside, to names ending in .replaced.")
        var replace = false

        @OptionGroup var outputOptions: OutputOptions

        func run() throws {
            let output = outputOptions.output
            try output.perform { () throws(OperatorFault) in
                let manifest = try CheckedBackup.manifest(of: directory)
                do {
                    let lock = try DirectoryLock(path: to)
                    try BackupFile.restore(from: directory, to: lock.path, isReplacing: replace)
                } catch {
                    throw OperatorFault(
                        code: "restoreFailed",
                        exit: .failed,
                        text: "Nothing was restored: \(error)"
                    )
                }
                try output.show(manifest, schema: "backup.restore") {
                    output.pairs(manifest.pairs)
                }
                return .done
            }
        }
    }
}

/// A backup whose every byte was checked.
enum CheckedBackup {
    /// Its manifest.
    ///
    /// - Throws: `OperatorFault`: `noBackup`, or `backupUnsound` with `badData`.
    static func manifest(of directory: String) throws(OperatorFault) -> BackupManifest {
        let manifest = try BackupManifest.read(from: directory)
        let contents: BackupFile.Contents
        do throws(LedgerFault) {
            contents = try BackupFile.inspect(directory: directory) { source in
                try? ProcedureDeclaration.read(source)
            }
        } catch {
            throw unsound(error.description)
        }
        guard contents.digest == manifest.sha256, contents.bytes == manifest.bytes else {
            throw unsound("The file is not the one the manifest was written for.")
        }
        guard contents.head.position == manifest.journal.position,
            contents.head.hash == manifest.journal.hash, contents.cases == manifest.cases
        else { throw unsound("The journal does not end where the manifest says.") }
        guard contents.findings.isEmpty else {
            throw unsound(contents.findings.prefix(10).joined(separator: "\n"))
        }
        return manifest
    }

    private static func unsound(_ text: String) -> OperatorFault {
        OperatorFault(
            code: "backupUnsound",
            exit: .badData,
            text: "The backup cannot be used: \(text)"
        )
    }
}

extension BackupManifest {
    var pairs: [(String, String)] {
        [
            ("made", madeAt.text), ("program", program), ("schema", String(schema)),
            ("journal position", String(journal.position)), ("journal hash", journal.hash),
            ("records", String(records)), ("cases", String(cases)),
            ("referrals", String(referrals)), ("bytes", String(bytes)), ("sha256", sha256),
        ]
    }
}
