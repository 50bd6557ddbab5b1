// SPDX-License-Identifier: Apache-2.0

/// Who stopped something, when and why.
package struct StandMark: Equatable, Codable, Sendable {
    package var since: Instant
    /// User of the operator.
    package var uid: UInt32
    package var reason: String

    /// A mark.
    package init(since: Instant, uid: UInt32, reason: String) {
        self.since = since
        self.uid = uid
        self.reason = reason
    }
}

/// What an act on an office or a case did.
package struct DeskChange: Equatable, Codable, Sendable {
    /// Journal position of the record.
    package var position: UInt64
    /// Open branches of the case, or referrals, it is about.
    package var referrals: UInt64

    /// A change.
    package init(position: UInt64, referrals: UInt64) {
        self.position = position
        self.referrals = referrals
    }
}

/// A queue lane by lane.
package struct QueueView: Equatable, Codable, Sendable {
    /// One priority lane.
    package struct LaneRow: Equatable, Codable, Sendable {
        /// `urgent`, `normal` or `bulk`.
        package var lane: String
        /// Referrals in it, leased ones among them, counted up to `countMax`.
        package var referrals: UInt64
        /// Number of the first one; nil if there is none.
        package var first: UInt64?
        /// When the first one entered.
        package var firstEnteredAt: Instant?

        /// A lane.
        package init(lane: String, referrals: UInt64) {
            self.lane = lane
            self.referrals = referrals
        }
    }

    /// Referrals of a lane that are counted at most.
    package static let countMax = 100_000

    /// The office with its counts.
    package var office: OfficeRow
    package var lanes: [LaneRow]
    /// When the next delayed referral is ready; nil if none is delayed.
    package var nextDelayedAt: Instant?

    /// A queue.
    package init(office: OfficeRow, lanes: [LaneRow]) {
        self.office = office
        self.lanes = lanes
    }
}

/// A referral in a queue: what it is, never what is in it.
package struct QueueRow: Equatable, Codable, Sendable {
    package var referral: UInt64
    /// Case number.
    package var number: String
    package var step: String
    /// `urgent`, `normal` or `bulk`.
    package var lane: String
    /// `waiting`, `leased`, `held` or `delayed`.
    package var state: String
    /// When it entered the queue.
    package var enteredAt: Instant
    /// Not before this instant, where it is delayed.
    package var until: Instant?
    /// When the term of the step ends; nil if it has none.
    package var dueAt: Instant?
    /// Deliveries that failed.
    package var attempts: UInt32

    /// A referral.
    package init(
        referral: UInt64,
        number: String,
        step: String,
        lane: String,
        state: String,
        enteredAt: Instant,
        until: Instant? = nil,
        dueAt: Instant? = nil,
        attempts: UInt32 = 0
    ) {
        self.referral = referral
        self.number = number
        self.step = step
        self.lane = lane
        self.state = state
        self.enteredAt = enteredAt
        self.until = until
        self.dueAt = dueAt
        self.attempts = attempts
    }
}

/// Why one branch of a case waits: exactly one reason.
package struct WaitRow: Equatable, Codable, Sendable {
    /// Number of the referral; nil for branches that have arrived at a join.
    package var referral: UInt64?
    package var office: String
    package var step: String
    /// Since when it is there; nil if that is not kept.
    package var since: Instant?
    /// `leased`, `custody`, `held`, `paused`, `backoff`, `unattended`, `quota`, `noCredit`,
    /// `slowRoad`, `behind`, `join`, `dead` or `next`.
    package var reason: String
    /// The same for people.
    package var text: String
    /// When the reason ends by itself; nil if it does not, or nobody knows when.
    package var until: Instant?
    /// Of `leased`: who has it, and over which connection.
    package var agency: String?
    package var connection: UInt64?
    /// Of `behind`: the first of the older referrals, and how many there are, up to 10 000.
    package var first: UInt64?
    package var ahead: UInt64?

    /// A branch.
    package init(office: String, step: String, reason: String, text: String) {
        self.office = office
        self.step = step
        self.reason = reason
        self.text = text
    }
}
