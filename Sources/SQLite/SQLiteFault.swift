// SPDX-License-Identifier: Apache-2.0

internal import CSQLite

/// A call of SQLite that did not succeed, with the statement it was about.
///
/// Mistakes only a defect of ours can make (a column or parameter out of range, a statement used
/// out of turn) trap instead.
package struct SQLiteFault: Error, Equatable, CustomStringConvertible {
    /// SQLite's extended result code, such as 2067 (`SQLITE_CONSTRAINT_UNIQUE`).
    package let extendedCode: Int32
    /// SQLite's own account of what was wrong.
    package let message: String
    /// The statement, or the file that could not be opened.
    package let sql: String

    /// SQLite's primary result code: the low eight bits of the extended one.
    package var primaryCode: Int32 { extendedCode & 0xff }

    /// True if the disk, the quota or the permitted number of pages is used up.
    package var isFull: Bool { primaryCode == SQLITE_FULL }
    /// True if a row would break a rule of its table.
    package var isConstraint: Bool { primaryCode == SQLITE_CONSTRAINT }
    /// True if another connection holds a lock that was waited for in vain.
    package var isBusy: Bool { primaryCode == SQLITE_BUSY || primaryCode == SQLITE_LOCKED }
    /// True if the statement was stopped by an interrupt or its deadline.
    package var isInterrupted: Bool { primaryCode == SQLITE_INTERRUPT }
    /// True if the statement would write where only reading is allowed.
    package var isReadOnly: Bool { primaryCode == SQLITE_READONLY }
    /// True if the file is no longer a sound database.
    package var isDamaged: Bool { primaryCode == SQLITE_CORRUPT || primaryCode == SQLITE_NOTADB }
    /// True if the system failed to read, write or synchronise the file; what reached the disk
    /// is unknown.
    package var isInputOutput: Bool { primaryCode == SQLITE_IOERR }

    package var description: String {
        "\(explanation): \(message) (SQLite \(extendedCode)), in: \(sql)"
    }

    private var explanation: String {
        switch primaryCode {
        case SQLITE_FULL: "the disk or the database is full"
        case SQLITE_CONSTRAINT: "the row would break a rule of its table"
        case SQLITE_BUSY, SQLITE_LOCKED: "another connection holds the database"
        case SQLITE_INTERRUPT: "the statement was stopped before its end"
        case SQLITE_READONLY: "the database may only be read here"
        case SQLITE_CORRUPT, SQLITE_NOTADB: "the database file is damaged"
        case SQLITE_IOERR: "the system failed to read or write the database"
        case SQLITE_CANTOPEN: "the database cannot be opened"
        case SQLITE_NOMEM: "memory is used up"
        default: "SQLite refused the statement"
        }
    }
}
