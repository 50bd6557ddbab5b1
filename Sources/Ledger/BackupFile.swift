// SPDX-License-Identifier: Apache-2.0

internal import Crypto
package import Platform
package import Rules
internal import SQLite

/// A copy of a ledger on its own, with no daemon on it.
package struct BackupFile {
    /// What a copy holds.
    package struct Contents: Equatable, Sendable {
        package var head: BackupHead
        package var records: UInt64
        package var cases: UInt64
        package var referrals: UInt64
        /// Version of the schema.
        package var schema: Int
        package var bytes: UInt64
        /// SHA-256 of the file, hexadecimal.
        package var digest: String
        /// What is wrong with it, in words.
        package var findings: [String]
    }

    /// How far a restored ledger counts its starts on: further than a daemon that went on after the
    /// backup can have come, so that no lease of those days fits one that is still to be made.
    private static let epochsAhead = 1_000_000

    /// Makes a fresh copy a file that is whole without a log, and synchronises it.
    ///
    /// - Throws: `LedgerFault.storage`.
    package static func seal(directory: String) throws(LedgerFault) {
        let path = directory + "/" + Ledger.fileName
        do {
            let connection = try Connection(path: path, access: .readWriteCreate)
            let mode = try connection.pragma("journal_mode = DELETE")
            guard mode == "delete" else {
                throw LedgerFault.setting(name: "journal_mode", value: mode, expected: "delete")
            }
        } catch {
            throw LedgerFault(error)
        }
        do throws(SystemFault) { try DurableFile.synchronise(path) } catch {
            throw .storage(error.description)
        }
    }

    /// Checks all of a copy that was sealed.
    ///
    /// - Throws: `LedgerFault` if it cannot be read at all.
    package static func inspect(
        directory: String,
        reading: @escaping @Sendable (String) -> Procedure?
    ) throws(LedgerFault) -> Contents {
        do {
            let (digest, bytes) = try digest(of: directory + "/" + Ledger.fileName)
            let reader = try LedgerReader(directory: directory, reading: reading)
            let found = try Verification(reader)
            let last = try Statement(
                "SELECT position, hash FROM journal ORDER BY position DESC LIMIT 1",
                on: reader.connection
            )
            let head =
                try last.step()
                ? BackupHead(
                    position: UInt64(bitPattern: last.int64(0)),
                    hash: TrailReader.hexadecimal(last.bytes(1))
                ) : BackupHead(position: 0, hash: "")
            return Contents(
                head: head,
                records: found.records,
                cases: found.cases,
                referrals: found.referrals,
                schema: Int(try reader.connection.pragma("user_version")) ?? 0,
                bytes: bytes,
                digest: digest,
                findings: found.findings
            )
        } catch {
            throw LedgerFault(error)
        }
    }

    /// SHA-256 of a file, hexadecimal, and its size in bytes.
    ///
    /// - Throws: `SystemFault`.
    package static func digest(
        of path: String
    ) throws(SystemFault) -> (digest: String, bytes: UInt64) {
        var hasher = SHA256()
        var bytes: UInt64 = 0
        try DurableFile.read(path) { block in
            hasher.update(bufferPointer: block)
            bytes += UInt64(block.count)
        }
        return (TrailReader.hexadecimal(Array(hasher.finalize())), bytes)
    }

    /// Puts a sealed copy into a data directory on which no daemon runs.
    ///
    /// A log that lies there belongs to a ledger that is gone: SQLite would play it into the restored
    /// file, so it is removed. Starts are counted on far ahead.
    ///
    /// - Parameters:
    ///   - source: Directory of the copy.
    ///   - target: The data directory; locked by the caller.
    ///   - isReplacing: Whether a ledger that is there is moved aside, with its log, to names ending
    ///     in `.replaced`; otherwise it is refused.
    /// - Throws: `LedgerFault.storage`.
    package static func restore(
        from source: String,
        to target: String,
        isReplacing: Bool
    ) throws(LedgerFault) {
        let file = target + "/" + Ledger.fileName
        do throws(SystemFault) {
            if try DurableFile.exists(file) {
                guard isReplacing else {
                    throw SystemFault(
                        errno: 17,
                        operation: "restore to",
                        path: file,
                        advice: "A ledger is there. Move it away, or give --replace."
                    )
                }
                for ending in ["", "-wal", "-shm"] where try DurableFile.exists(file + ending) {
                    try DurableFile.move(file + ending, to: file + ".replaced" + ending)
                }
            }
            for ending in ["-wal", "-shm", "-journal", ".restoring"] {
                try DurableFile.remove(file + ending)
            }
            try DurableFile.copy(source + "/" + Ledger.fileName, to: file + ".restoring")
        } catch {
            throw .storage(error.description)
        }
        try countAhead(file + ".restoring")
        do throws(SystemFault) {
            try DurableFile.move(file + ".restoring", to: file)
        } catch {
            throw .storage(error.description)
        }
    }

    private static func countAhead(_ path: String) throws(LedgerFault) {
        do {
            let connection = try Connection(path: path, access: .readWriteCreate)
            try connection.execute(
                """
                INSERT INTO daemon (epoch, started)
                SELECT max(epoch) + \(epochsAhead), \(Clock.wallMilliseconds()) FROM daemon
                """
            )
        } catch {
            throw LedgerFault(error)
        }
    }
}
