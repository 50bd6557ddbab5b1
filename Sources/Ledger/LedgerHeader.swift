// SPDX-License-Identifier: Apache-2.0

internal import Platform

/// The first bytes of a ledger's file, read without opening it as a database.
///
/// Not for a process that has the ledger open: closing the file would drop the locks SQLite holds.
package enum LedgerHeader {
    /// Bytes of the header of a database file.
    private static let headerBytes = 100
    /// Places of `user_version` and `application_id` in it, each 4 bytes, big end first.
    private static let versionPlace = 60
    private static let ownerPlace = 68
    private static let magic = Array("SQLite format 3\0".utf8)

    /// Checks that the file in a data directory, if there is one, is a ledger this program can open.
    ///
    /// - Throws: `LedgerFault.foreign`, `later` or `storage`.
    package static func check(directory: String) throws(LedgerFault) {
        let bytes: [UInt8]
        do throws(SystemFault) {
            bytes = try SmallFile.read(
                prefixOf: directory + "/" + Ledger.fileName,
                bytes: headerBytes
            )
        } catch {
            guard !error.isMissing else { return }
            throw .storage(error.description)
        }
        guard !bytes.isEmpty else { return }
        guard bytes.count == headerBytes, bytes.starts(with: magic) else { throw .foreign }
        let version = number(at: versionPlace, in: bytes)
        let owner = number(at: ownerPlace, in: bytes)
        // A database that nobody has written to yet is taken over.
        guard owner == Schema.applicationID || (owner == 0 && version == 0) else { throw .foreign }
        guard version <= Schema.migrations.count else {
            throw .later(version: version, known: Schema.migrations.count)
        }
    }

    private static func number(at place: Int, in bytes: [UInt8]) -> Int {
        bytes[place..<place + 4].reduce(0) { $0 << 8 | Int($1) }
    }
}
