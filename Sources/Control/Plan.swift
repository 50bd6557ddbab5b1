// SPDX-License-Identifier: Apache-2.0

/// What a destructive act would do, told before it is done.
package struct Plan: Equatable, Codable, Sendable {
    /// One of the referrals it is about.
    package struct Sample: Equatable, Codable, Sendable {
        package var referral: UInt64
        /// Case number.
        package var number: String
        package var office: String
        /// Since when it is there.
        package var since: Instant

        /// A sample.
        package init(referral: UInt64, number: String, office: String, since: Instant) {
            self.referral = referral
            self.number = number
            self.office = office
            self.since = since
        }
    }

    /// Samples a plan shows at most.
    package static let samplesMax = 10
    /// Referrals one plan is about at most: they move in one transaction, which holds up others.
    package static let referralsMax = 10_000

    /// What would be done, for people.
    package var text: String
    /// How many it is about, exactly.
    package var count: UInt64
    /// How many more fit the selection, left for a further plan.
    package var remaining: UInt64 = 0
    /// Since when the oldest of them is there; nil if it is about none.
    package var oldestAt: Instant?
    /// Since when the newest of them is there.
    package var newestAt: Instant?
    /// The first of them.
    package var samples: [Sample] = []
    /// Repeat the command with this to carry it out.
    package var token: String
    /// Until when the token is good.
    package var validUntil: Instant

    /// A plan about nothing yet.
    package init(text: String, count: UInt64, token: String, validUntil: Instant) {
        self.text = text
        self.count = count
        self.token = token
        self.validUntil = validUntil
    }
}

/// The answer to a destructive command: a plan, or that it was carried out.
package struct PlanOutcome: Equatable, Codable, Sendable {
    /// What would be done; nil once it is done.
    package var plan: Plan?
    /// How many it was done to; nil if it was only planned.
    package var done: UInt64?
    /// Journal position of the record of it.
    package var position: UInt64?

    /// A plan.
    package init(plan: Plan) { self.plan = plan }

    /// Carried out.
    package init(done: UInt64, position: UInt64) {
        self.done = done
        self.position = position
    }
}

extension OperatorFault {
    /// The token is not that of a plan whose selection is still the same.
    package static let planStale = OperatorFault(
        code: "planStale",
        exit: .notApproved,
        text: """
            The token is of no plan that still holds: its time is over, or what it selected is not as \
            it was. Nothing was done; ask for a plan again.
            """
    )
}
