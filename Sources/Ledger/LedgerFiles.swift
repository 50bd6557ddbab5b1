// SPDX-License-Identifier: Apache-2.0

internal import Platform

/// The files of a ledger on disk.
package enum LedgerFiles {
    /// Makes the database if there is none, and lets nobody but its owner write and its group read
    /// it and its logs, whatever the umask; a narrower mode stays.
    ///
    /// Call it before SQLite opens the ledger: it gives its logs the mode of the database.
    ///
    /// - Throws: `LedgerFault.storage`.
    package static func narrow(in directory: String) throws(LedgerFault) {
        do throws(SystemFault) {
            let path = directory + "/" + Ledger.fileName
            try FileMode.make(path, mode: 0o640)
            for suffix in ["", "-wal", "-shm"] {
                try FileMode.narrow(path + suffix, to: 0o640)
            }
        } catch {
            throw .storage(error.description)
        }
    }
}
