// SPDX-License-Identifier: Apache-2.0

/// Of `agency.add`.
package struct EnrolArguments: CommandArguments {
    package static let names: Set<String> = ["request", "fingerprint", "days"]
    /// The request, as `barid keygen` wrote it.
    package var request: String
    /// The key's fingerprint as the agency told it over another channel.
    package var fingerprint: String
    /// Days the key is good for from now on; 400 if nil.
    package var days: UInt32?

    /// These arguments.
    package init(request: String, fingerprint: String, days: UInt32? = nil) {
        self.request = request
        self.fingerprint = fingerprint
        self.days = days
    }
}

/// Of `agency.rotate`.
package struct RotateArguments: CommandArguments {
    package static let names: Set<String> = ["request", "fingerprint", "days", "overlapDays"]
    package var request: String
    package var fingerprint: String
    package var days: UInt32?
    /// Days the agency's other keys are still good for; 30 if nil.
    package var overlapDays: UInt32?

    /// These arguments.
    package init(
        request: String,
        fingerprint: String,
        days: UInt32? = nil,
        overlapDays: UInt32? = nil
    ) {
        self.request = request
        self.fingerprint = fingerprint
        self.days = days
        self.overlapDays = overlapDays
    }
}

/// Of `agency.show`, `agency.suspend` and `agency.resume`.
package struct AgencyArguments: CommandArguments {
    package static let names: Set<String> = ["agency"]
    package var agency: String

    /// These arguments.
    package init(agency: String) { self.agency = agency }
}

/// Of `agency.revoke`.
package struct RevokeArguments: CommandArguments {
    package static let names: Set<String> = ["agency", "key", "token"]
    package var agency: String
    /// Number of the key; all keys of the agency if nil.
    package var key: UInt32?
    /// That of the plan to be carried out; nil asks for a plan.
    package var token: String?

    /// These arguments.
    package init(agency: String, key: UInt32? = nil, token: String? = nil) {
        self.agency = agency
        self.key = key
        self.token = token
    }
}

/// Of `agency.limit`; what is nil stays as it is, 0 lifts a limit.
package struct LimitArguments: CommandArguments {
    package static let names: Set<String> = [
        "agency", "sessions", "operationsPerSecond", "bytesPerSecond", "subscriptions",
        "questions", "openCases", "queuedBytes",
    ]
    package var agency: String
    package var sessions: UInt32?
    package var operationsPerSecond: UInt32?
    package var bytesPerSecond: UInt64?
    package var subscriptions: UInt32?
    package var questions: UInt32?
    package var openCases: UInt64?
    package var queuedBytes: UInt64?

    /// No changes to the limits of an agency.
    package init(agency: String) { self.agency = agency }
}

/// Of `policy.grant`.
package struct GrantArguments: CommandArguments {
    package static let names: Set<String> = ["subject", "right", "pattern", "deny", "ceiling"]
    /// An agency, `@` and a role, or `*` for all.
    package var subject: String
    package var right: String
    package var pattern: String
    /// True for a rule that forbids.
    package var deny: Bool?
    /// Highest classification a rule that allows allows; `restricted` if nil.
    package var ceiling: String?

    /// These arguments.
    package init(
        subject: String,
        right: String,
        pattern: String,
        deny: Bool? = nil,
        ceiling: String? = nil
    ) {
        self.subject = subject
        self.right = right
        self.pattern = pattern
        self.deny = deny
        self.ceiling = ceiling
    }
}

/// Of `policy.revoke`.
package struct RuleArguments: CommandArguments {
    package static let names: Set<String> = ["rule"]
    /// Number of the rule.
    package var rule: UInt32

    /// These arguments.
    package init(rule: UInt32) { self.rule = rule }
}

/// Of `policy.role`.
package struct RoleArguments: CommandArguments {
    package static let names: Set<String> = ["agency", "role", "given"]
    package var agency: String
    /// The role, without `@`.
    package var role: String
    /// False to take it.
    package var given: Bool

    /// These arguments.
    package init(agency: String, role: String, given: Bool) {
        self.agency = agency
        self.role = role
        self.given = given
    }
}

/// Of `policy.list`.
package struct PolicyListArguments: CommandArguments {
    package static let names: Set<String> = ["agency"]
    /// Only the rules that concern this agency; all if nil.
    package var agency: String?

    /// These arguments.
    package init(agency: String? = nil) { self.agency = agency }
}

/// Of `policy.explain`.
package struct ExplainArguments: CommandArguments {
    package static let names: Set<String> = ["agency", "right", "object", "level"]
    package var agency: String
    package var right: String
    /// An office, procedure, service, topic or pattern of topics; `*` for a right on the bus.
    package var object: String
    /// Classification of what is asked for; that of the procedure, or the highest of the
    /// procedures that declare the office, if nil.
    package var level: String?

    /// These arguments.
    package init(agency: String, right: String, object: String, level: String? = nil) {
        self.agency = agency
        self.right = right
        self.object = object
        self.level = level
    }
}
