// SPDX-License-Identifier: Apache-2.0

/// A key of an agency.
package struct KeyRow: Equatable, Codable, Sendable {
    /// Counted over the whole ledger.
    package var number: UInt32
    package var agency: String
    /// In Z85.
    package var key: String
    /// To be read aloud, in the digits 0 to 9.
    package var fingerprint: String
    /// The same in the digits ٠ to ٩.
    package var fingerprintArabic: String
    package var beginsAt: Instant
    package var endsAt: Instant
    /// `live`, `not-yet`, `ended` or `revoked`.
    package var state: String
    package var note: String
    package var enrolledAt: Instant

    /// A row.
    package init(
        number: UInt32,
        agency: String,
        key: String,
        fingerprint: String,
        fingerprintArabic: String,
        beginsAt: Instant,
        endsAt: Instant,
        state: String,
        note: String,
        enrolledAt: Instant
    ) {
        self.number = number
        self.agency = agency
        self.key = key
        self.fingerprint = fingerprint
        self.fingerprintArabic = fingerprintArabic
        self.beginsAt = beginsAt
        self.endsAt = endsAt
        self.state = state
        self.note = note
        self.enrolledAt = enrolledAt
    }
}

/// One line of the policy.
package struct RuleRow: Equatable, Codable, Sendable {
    package var number: UInt32
    /// An agency, `@` and a role, or `*` for all.
    package var subject: String
    package var right: String
    package var pattern: String
    /// False for a rule that forbids.
    package var allowed: Bool
    /// Highest classification it allows; absent of a rule that forbids, and of a right that is not
    /// classified.
    package var ceiling: String?

    /// A row.
    package init(
        number: UInt32,
        subject: String,
        right: String,
        pattern: String,
        allowed: Bool,
        ceiling: String? = nil
    ) {
        self.number = number
        self.subject = subject
        self.right = right
        self.pattern = pattern
        self.allowed = allowed
        self.ceiling = ceiling
    }
}

/// How much an agency may have and do; 0 is no limit.
package struct LimitsRow: Equatable, Codable, Sendable {
    package var sessions: UInt32 = 0
    package var operationsPerSecond: UInt32 = 0
    package var bytesPerSecond: UInt64 = 0
    package var subscriptions: UInt32 = 0
    package var questions: UInt32 = 0
    package var openCases: UInt64 = 0
    package var queuedBytes: UInt64 = 0

    /// No limits.
    package init() {}
}

/// An agency with all that decides on its coming in and what it may do.
package struct AgencyAccess: Equatable, Codable, Sendable {
    package var name: String
    package var suspended: Bool
    package var keys: [KeyRow]
    package var roles: [String]
    package var rules: [RuleRow]
    package var limits: LimitsRow

    /// An agency.
    package init(
        name: String,
        suspended: Bool,
        keys: [KeyRow],
        roles: [String],
        rules: [RuleRow],
        limits: LimitsRow
    ) {
        self.name = name
        self.suspended = suspended
        self.keys = keys
        self.roles = roles
        self.rules = rules
        self.limits = limits
    }
}

/// What the policy says about one request.
package struct Explanation: Equatable, Codable, Sendable {
    package var allowed: Bool
    /// The rule that decided; absent where none fits, which denies.
    package var rule: RuleRow?
    /// The classification it was judged at; absent of a right that is not classified.
    package var level: String?
    /// The same in words.
    package var text: String

    /// An explanation.
    package init(allowed: Bool, rule: RuleRow?, level: String? = nil, text: String) {
        self.allowed = allowed
        self.rule = rule
        self.level = level
        self.text = text
    }
}
