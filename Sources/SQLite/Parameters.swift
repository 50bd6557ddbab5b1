// SPDX-License-Identifier: Apache-2.0

internal import CSQLite

extension Statement {
    /// Binds a number to parameter `index`, counted from 1.
    package func bind(_ index: Int32, _ value: Int64) {
        check(sqlite3_bind_int64(handle, index, value))
    }

    /// Binds a number that may be missing to parameter `index`; nil is NULL.
    package func bind(_ index: Int32, _ value: Int64?) {
        guard let value else { return bindNull(index) }
        bind(index, value)
    }

    /// Lends bytes to parameter `index` as a blob, without a copy.
    ///
    /// - Parameters:
    ///   - index: The parameter, counted from 1.
    ///   - bytes: At most 1,000,000,000 bytes (Debian's limit of a blob). They must stay
    ///     where they are until the next `reset`, or the end of `run`. No bytes are an empty blob,
    ///     never NULL.
    package func bind(_ index: Int32, _ bytes: UnsafeRawBufferPointer) {
        // A null address would bind NULL.
        guard let address = bytes.baseAddress, !bytes.isEmpty else {
            return check(sqlite3_bind_zeroblob(handle, index, 0))
        }
        check(barid_bind_blob_borrowed(handle, index, address, Int32(bytes.count)))
    }

    /// Gives parameter `index` a copy of bytes as a blob; for where speed does not matter.
    package func bind(_ index: Int32, copying bytes: [UInt8]) {
        guard !bytes.isEmpty else { return check(sqlite3_bind_zeroblob(handle, index, 0)) }
        check(
            bytes.withUnsafeBytes { bytes in
                barid_bind_blob_copied(handle, index, bytes.baseAddress, Int32(bytes.count))
            }
        )
    }

    /// Gives parameter `index` a copy of a text.
    package func bind(_ index: Int32, _ text: String) {
        var text = text
        check(
            text.withUTF8 { bytes in
                // An empty Swift string may have no address, which would bind NULL.
                bytes.withMemoryRebound(to: CChar.self) { characters in
                    characters.isEmpty
                        ? barid_bind_text_copied(handle, index, "", 0)
                        : barid_bind_text_copied(
                            handle,
                            index,
                            characters.baseAddress,
                            Int32(characters.count)
                        )
                }
            }
        )
    }

    /// Binds NULL to parameter `index`.
    package func bindNull(_ index: Int32) {
        check(sqlite3_bind_null(handle, index))
    }

    private func check(_ status: Int32) {
        precondition(
            status == SQLITE_OK,
            "a parameter is out of range, too large or bound out of turn (SQLite \(status)): \(sql)"
        )
    }
}
