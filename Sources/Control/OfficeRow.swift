// SPDX-License-Identifier: Apache-2.0

/// An office and what lies on its desk.
package struct OfficeRow: Equatable, Codable, Sendable {
    /// `agency/office`.
    package var name: String
    /// What people call it; empty if it has no title.
    package var title: String
    /// The agency it belongs to.
    package var agency: String
    /// Referrals in its queue, free to be delivered.
    package var waiting: UInt64 = 0
    /// Referrals delivered and not yet settled.
    package var leased: UInt64 = 0
    /// Referrals in its queue, but not before a later instant.
    package var delayed: UInt64 = 0
    /// Referrals it has accepted.
    package var custody: UInt64 = 0
    /// Dead letters that belong to it.
    package var dead: UInt64 = 0
    /// When its oldest waiting referral entered the queue; nil if none waits.
    package var oldestEnteredAt: Instant?
    /// Service connections that staff it.
    package var sessions: UInt64 = 0
    /// Who paused it; nil if it takes deliveries.
    package var paused: StandMark?

    /// An office with an empty desk.
    package init(name: String, title: String, agency: String) {
        self.name = name
        self.title = title
        self.agency = agency
    }
}
