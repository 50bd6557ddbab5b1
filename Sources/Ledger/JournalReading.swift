// SPDX-License-Identifier: Apache-2.0

internal import Rules
internal import SQLite
internal import Wire

/// The journal as a whole, for operators.
extension LedgerReader {
    /// A record with names for numbers.
    package struct Entry: Sendable {
        /// Serial of its case; 0 if it is about none.
        package var serial: UInt64
        package var act: CaseTrail.Act
    }

    /// What a check of the chain of hashes found.
    package struct ChainCheck: Sendable {
        /// Records that were checked.
        package var records: UInt64 = 0
        /// Position of the last record that fits.
        package var position: UInt64 = 0
        /// Chained hash there, hexadecimal.
        package var hash = ""
        /// Position of the first record that does not fit; nil if all do.
        package var brokenAt: UInt64?
    }

    /// Records above a position in order, at most `limit`.
    package func entries(after position: UInt64, limit: Int) throws -> [Entry] {
        let rows = try Statement(
            "SELECT record, hash FROM journal WHERE position > ? ORDER BY position LIMIT ?",
            on: connection
        )
        rows.bind(1, Int64(clamping: position))
        rows.bind(2, Int64(limit))
        var entries: [Entry] = []
        while try rows.step() {
            guard let record = rows.withBlob(0, { JournalRecord(reading: $0) }) else {
                throw LedgerFault.damaged("a record of the journal cannot be read")
            }
            let act = try trails.act(record, rows.bytes(1))
            entries.append(Entry(serial: record.serial, act: act))
        }
        return entries
    }

    /// Recomputes the chain of hashes after a position, from the hash that is kept there.
    ///
    /// - Parameters:
    ///   - position: Where it begins; 0 for the whole journal.
    ///   - hash: What the hash at `position` must be, hexadecimal; nil to believe what is kept.
    /// - Returns: How far it fits.
    /// - Throws: `SQLiteFault` if it cannot be read.
    package func checkChain(
        after position: UInt64,
        expecting hash: String?
    ) throws -> ChainCheck {
        var check = ChainCheck()
        check.position = position
        var last = [UInt8](repeating: 0, count: Journal.hashBytes)
        if position > 0 {
            let start = try Statement(
                "SELECT hash FROM journal WHERE position = ?",
                on: connection
            )
            start.bind(1, Int64(clamping: position))
            guard try start.step() else {
                check.brokenAt = position
                return check
            }
            last = start.bytes(0)
        }
        check.hash = TrailReader.hexadecimal(last)
        if let hash, hash.lowercased() != check.hash {
            check.brokenAt = position
            return check
        }
        let rows = try Statement(
            "SELECT position, hash, record FROM journal WHERE position > ? ORDER BY position",
            on: connection
        )
        rows.bind(1, Int64(clamping: position))
        while try rows.step() {
            let found = UInt64(bitPattern: rows.int64(0))
            let bytes = rows.bytes(2)
            last = Journal.chain(last, bytes)
            let record = bytes.withUnsafeBytes { JournalRecord(reading: $0) }
            guard found == check.position + 1, last == rows.bytes(1), record?.position == found
            else {
                check.brokenAt = check.position + 1
                return check
            }
            check.records += 1
            check.position = found
        }
        check.hash = TrailReader.hexadecimal(last)
        return check
    }
}
