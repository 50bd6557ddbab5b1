// SPDX-License-Identifier: Apache-2.0

package import Rules
internal import SQLite

/// Who may come in and what they may do, for operators.
extension LedgerReader {
    /// A key with what operators want to know of it.
    package struct Key: Sendable {
        package var enrolled: EnrolledKey
        /// In milliseconds since 1970.
        package var enrolledAt: Int64
        package var note: String
    }

    /// All of it as one value; its epoch is 0.
    package func access() throws -> Access { try AccessRows(connection).access() }

    /// All keys in order of enrolment.
    package func keys() throws -> [Key] {
        try AccessRows(connection).keys().map { key in
            Key(enrolled: key.enrolled, enrolledAt: key.enrolledAt, note: key.note)
        }
    }

    /// All rules by number.
    package func rules() throws -> [PolicyRule] { try AccessRows(connection).rules() ?? [] }

    /// Whether an agency of this name exists.
    package func hasAgency(_ name: String) throws -> Bool {
        let statement = try Statement("SELECT 1 FROM agency WHERE name = ?", on: connection)
        statement.bind(1, name)
        return try statement.step()
    }
}
