// SPDX-License-Identifier: Apache-2.0

internal import SQLite
package import Wire

extension LedgerReader {
    /// What a receipt for the record at a position says of its hash; nil if there is no such record.
    ///
    /// - Throws: `SQLiteFault` if the journal cannot be read.
    package func receiptHash(at position: UInt64) throws -> Identifier? {
        let row = try Statement("SELECT hash FROM journal WHERE position = ?", on: connection)
        row.bind(1, Int64(bitPattern: position))
        return try row.step() ? Journal.prefix(of: row.blob(0)) : nil
    }
}
