// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
internal import Platform

/// What a backup holds, kept beside it; a backup without it was not finished.
package struct BackupManifest: Equatable, Codable, Sendable {
    /// The end of the journal.
    package struct Head: Equatable, Codable, Sendable {
        package var position: UInt64
        /// Chained SHA-256, hexadecimal.
        package var hash: String

        /// A head.
        package init(position: UInt64, hash: String) {
            self.position = position
            self.hash = hash
        }
    }

    /// Form of the manifest.
    package static let formatNow = 1
    /// Name of its file.
    package static let fileName = "manifest.json"
    private static let bytesMax = 65_536

    package var format = formatNow
    /// When the copy was begun.
    package var madeAt: Instant
    /// Program and version.
    package var program: String
    /// Version of the schema.
    package var schema: Int
    package var journal: Head
    package var records: UInt64
    package var cases: UInt64
    package var referrals: UInt64
    /// Size of `ledger.db`.
    package var bytes: UInt64
    /// SHA-256 of `ledger.db`, hexadecimal.
    package var sha256: String

    /// A manifest.
    package init(
        madeAt: Instant,
        program: String,
        schema: Int,
        journal: Head,
        records: UInt64,
        cases: UInt64,
        referrals: UInt64,
        bytes: UInt64,
        sha256: String
    ) {
        self.madeAt = madeAt
        self.program = program
        self.schema = schema
        self.journal = journal
        self.records = records
        self.cases = cases
        self.referrals = referrals
        self.bytes = bytes
        self.sha256 = sha256
    }

    /// Writes it into the directory of its backup, durably.
    ///
    /// - Throws: `OperatorFault` with code `backupFailed`.
    package func write(to directory: String) throws(OperatorFault) {
        let line = try Reply.line(self)
        do throws(SystemFault) {
            try NewFile.write(line, to: directory + "/" + Self.fileName, mode: 0o640)
        } catch {
            throw OperatorFault(code: "backupFailed", exit: .failed, text: error.description)
        }
    }

    /// Reads the manifest of a backup.
    ///
    /// - Throws: `OperatorFault` with code `noBackup`.
    package static func read(from directory: String) throws(OperatorFault) -> BackupManifest {
        let bytes: [UInt8]
        do throws(SystemFault) {
            bytes = try SmallFile.read(
                directory + "/" + fileName,
                bytesMax: bytesMax,
                isSecret: false
            )
        } catch {
            throw OperatorFault(
                code: "noBackup",
                exit: .notFound,
                text: "\(directory) holds no finished backup: \(error.description)."
            )
        }
        guard let manifest = try? JSONDecoder().decode(BackupManifest.self, from: Data(bytes)),
            manifest.format == formatNow
        else {
            throw OperatorFault(
                code: "noBackup",
                exit: .badData,
                text: "The manifest in \(directory) cannot be read by this version."
            )
        }
        return manifest
    }
}

/// Of `backup.create`.
package struct BackupArguments: CommandArguments {
    package static let names: Set<String> = ["directory"]
    /// Where to, an absolute path; made by the daemon, or empty.
    package var directory: String

    /// These arguments.
    package init(directory: String) { self.directory = directory }
}

/// What the daemon does for operators about backups.
package protocol BackupCommands: Sendable {
    /// Copies the ledger while the bus works, and checks the copy.
    ///
    /// - Throws: `badPath` with `badData`; `busy` while another is made; `backupFailed`.
    func createBackup(
        in directory: String,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> BackupManifest
}
