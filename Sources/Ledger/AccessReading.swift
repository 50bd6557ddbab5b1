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

/// Where connections came from, for operators.
extension LedgerReader {
    /// Where and when a connection that proved a key was opened.
    package struct ConnectionPlace: Sendable {
        package var address: String
        /// ms since 1970.
        package var opened: Int64
    }

    /// The places of those of these connections that proved a key.
    package func connections(_ numbers: [UInt64]) throws -> [UInt64: ConnectionPlace] {
        let rows = try Statement(
            "SELECT address, opened FROM connection WHERE number = ?",
            on: connection
        )
        var places: [UInt64: ConnectionPlace] = [:]
        for number in numbers {
            rows.bind(1, Int64(bitPattern: number))
            if try rows.step() {
                places[number] = ConnectionPlace(
                    address: rows.string(0),
                    opened: rows.int64(1)
                )
            }
            rows.reset()
        }
        return places
    }
}
