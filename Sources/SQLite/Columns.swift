// SPDX-License-Identifier: Apache-2.0

internal import CSQLite

/// Values of the row that the last `step` found, in columns counted from 0.
extension Statement {
    /// The number in a column; 0 for NULL.
    package func int64(_ column: Int32) -> Int64 {
        check(column)
        return sqlite3_column_int64(handle, column)
    }

    /// The bytes of a column; void after the next `step` or `reset`.
    ///
    /// For the hot path: `withBlob`, being generic, is called unspecialised from other modules.
    package func blob(_ column: Int32) -> UnsafeRawBufferPointer {
        check(column)
        // The address first, then the size: SQLite may convert the value in between otherwise.
        let address = sqlite3_column_blob(handle, column)
        let count = Int(sqlite3_column_bytes(handle, column))
        return UnsafeRawBufferPointer(start: address, count: address == nil ? 0 : count)
    }

    /// Lends the bytes of a column to `body`; the pointer is void once `body` returns.
    ///
    /// NULL and the empty blob both give no bytes; `isNull` tells them apart.
    package func withBlob<Result: ~Copyable, Failure: Error>(
        _ column: Int32,
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(blob(column))
    }

    /// A copy of the bytes of a column.
    package func bytes(_ column: Int32) -> [UInt8] {
        withBlob(column) { [UInt8]($0) }
    }

    /// The text of a column; empty for NULL, with U+FFFD for bytes that are no UTF-8.
    package func string(_ column: Int32) -> String {
        check(column)
        guard let address = sqlite3_column_text(handle, column) else { return "" }
        let count = Int(sqlite3_column_bytes(handle, column))
        return String(
            decoding: UnsafeBufferPointer(start: address, count: count),
            as: UTF8.self
        )
    }

    /// True if a column holds NULL.
    package func isNull(_ column: Int32) -> Bool {
        check(column)
        return sqlite3_column_type(handle, column) == SQLITE_NULL
    }

    private func check(_ column: Int32) {
        // sqlite3_data_count is 0 when there is no row, so this also catches a missing step.
        precondition(
            column >= 0 && column < sqlite3_data_count(handle),
            "a column was read out of range or without a row: \(sql)"
        )
    }
}
