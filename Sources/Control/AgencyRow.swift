// SPDX-License-Identifier: Apache-2.0

/// An agency and its rights.
package struct AgencyRow: Equatable, Codable, Sendable {
    /// Name of the agency.
    package var name: String
    /// How many offices it has.
    package var offices: UInt64
    /// Service connections that are open for it.
    package var sessions: UInt64
    /// Whether it may report acts with an earlier instant.
    package var mayBackdate: Bool
    /// Whether it hears of every case.
    package var hearsAllCases = false

    /// A row.
    package init(name: String, offices: UInt64, sessions: UInt64, mayBackdate: Bool) {
        self.name = name
        self.offices = offices
        self.sessions = sessions
        self.mayBackdate = mayBackdate
    }
}
