// SPDX-License-Identifier: Apache-2.0

internal import SQLite

/// Why a ledger cannot be opened or used.
package enum LedgerFault: Error, Equatable, CustomStringConvertible, Sendable {
    /// SQLite or the disk failed; what it said.
    case storage(String)
    /// A commit failed, and nobody knows what reached the disk: the process must end unanswered.
    case undecided(String)
    /// A setting that durability rests on has another value.
    case setting(name: String, value: String, expected: String)
    /// The file is a database of another program.
    case foreign
    /// The ledger was written by a later version of Barid.
    case later(version: Int, known: Int)
    /// A row cannot be what this code wrote.
    case damaged(String)

    package var description: String {
        switch self {
        case .storage(let text):
            "The ledger could not be read or written: \(text)."
        case .undecided(let text):
            "The ledger could not be committed: \(text)."
        case .setting(let name, let value, let expected):
            "SQLite keeps the setting \(name) at \(value) instead of \(expected); "
                + "durability rests on it, so the daemon does not run. Check the file system."
        case .foreign:
            "The file ledger.db belongs to another program; choose another data directory."
        case .later(let version, let known):
            "The ledger has version \(version), this program knows up to \(known); "
                + "start the newer program it was last used with."
        case .damaged(let text):
            "The ledger is damaged: \(text). Restore a backup; nothing was changed."
        }
    }
}

extension LedgerFault {
    /// What a fault of SQLite means for the ledger.
    init(_ fault: SQLiteFault) {
        self = fault.isDamaged ? .damaged(fault.description) : .storage(fault.description)
    }

    /// The same for code that can fail in several ways.
    init(_ error: any Error) {
        switch error {
        case let fault as LedgerFault: self = fault
        case let fault as SQLiteFault: self.init(fault)
        default: self = .storage("\(error)")
        }
    }
}
