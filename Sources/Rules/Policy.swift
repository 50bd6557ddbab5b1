// SPDX-License-Identifier: Apache-2.0

internal import Wire

/// Whom a rule is about.
package enum PolicySubject: Hashable, Sendable {
    /// One agency.
    case agency(String)
    /// All agencies that have a role.
    case role(String)
    /// All agencies.
    case everyone

    /// As operators write it: `city`, `@registry`, `*`.
    package var text: String {
        switch self {
        case .agency(let name): name
        case .role(let name): "@" + name
        case .everyone: "*"
        }
    }

    /// The subject of a text; nil if it is none.
    package init?(text: String) {
        if text == "*" {
            self = .everyone
        } else if text.hasPrefix("@") {
            guard Name.isLegal(text.dropFirst()) else { return nil }
            self = .role(String(text.dropFirst()))
        } else {
            guard Name.isLegal(text) else { return nil }
            self = .agency(text)
        }
    }
}

/// One line of the policy: a subject may, or must not, use a right on what a pattern names.
package struct PolicyRule: Hashable, Sendable {
    /// Counted from 1 and never reused; the lowest of several rules that decide alike is told.
    package var number: UInt32
    package var subject: PolicySubject
    package var right: Right
    package var pattern: RightPattern
    /// False for a rule that forbids, which no rule that allows can lift.
    package var isAllowed: Bool
    /// Up to which classification a rule that allows does so; says nothing of rights that are not
    /// classified.
    package var ceiling: Classification

    /// A rule.
    package init(
        number: UInt32,
        subject: PolicySubject,
        right: Right,
        pattern: RightPattern,
        isAllowed: Bool = true,
        ceiling: Classification = .restricted
    ) {
        self.number = number
        self.subject = subject
        self.right = right
        self.pattern = pattern
        self.isAllowed = isAllowed
        self.ceiling = ceiling
    }

    /// The rule as operators write it, such as `allow @registry submit building-* up to secret`.
    package var text: String {
        let rule = "\(isAllowed ? "allow" : "deny") \(subject.text) \(right.word) \(pattern.text)"
        return isAllowed && right.isClassified ? "\(rule) up to \(ceiling.word)" : rule
    }
}

/// What a policy says about one request.
package struct PolicyDecision: Equatable, Sendable {
    /// Whether it may be done.
    package var isAllowed: Bool
    /// The rule that decided; nil if none fits, which denies.
    package var rule: PolicyRule?
    /// Where none fits, the one that would allow it up to a lower classification, and of several
    /// the one that goes highest.
    package var lower: PolicyRule?
}

/// Who may do what: a list of rules, and the roles agencies have.
///
/// A request is denied if any rule that forbids touches it; else it is allowed if one rule that
/// allows covers all of it, up to its classification at least; else it is denied. The order of the
/// rules does not matter.
package struct Policy: Equatable, Sendable {
    private var rules: [Right: [PolicyRule]] = [:]
    /// The roles of each agency.
    package private(set) var roles: [String: Set<String>] = [:]

    /// A policy that denies everything.
    package init() {}

    /// A policy of these rules and roles.
    package init(rules: [PolicyRule], roles: [String: Set<String>]) {
        for rule in rules.sorted(by: { $0.number < $1.number }) {
            self.rules[rule.right, default: []].append(rule)
        }
        self.roles = roles
    }

    /// Whether an agency may use a right on something: the name of an office, a procedure or a
    /// service, a topic or a pattern of topics; `*` for a right on the bus.
    ///
    /// The level is that of what is in it; what is not classified is public.
    package func decide(
        _ agency: String,
        _ right: Right,
        on object: String,
        at level: Classification = .public
    ) -> PolicyDecision {
        var allowing: PolicyRule?
        var lower: PolicyRule?
        for rule in rules[right] ?? [] where concerns(rule.subject, agency) {
            guard rule.isAllowed else {
                guard rule.pattern.touches(object) else { continue }
                return PolicyDecision(isAllowed: false, rule: rule)
            }
            guard rule.pattern.covers(object) else { continue }
            if rule.ceiling >= level {
                allowing = allowing ?? rule
            } else if lower.map({ $0.ceiling < rule.ceiling }) ?? true {
                lower = rule
            }
        }
        return PolicyDecision(
            isAllowed: allowing != nil,
            rule: allowing,
            lower: allowing == nil ? lower : nil
        )
    }

    /// Whether an agency may use a right on something.
    package func allows(
        _ agency: String,
        _ right: Right,
        on object: String,
        at level: Classification = .public
    ) -> Bool {
        decide(agency, right, on: object, at: level).isAllowed
    }

    /// Up to which classification an agency may use a right on something; nil if it may not at all.
    package func ceiling(
        _ agency: String,
        _ right: Right,
        on object: String
    ) -> Classification? {
        Classification.allCases.last { allows(agency, right, on: object, at: $0) }
    }

    private func concerns(_ subject: PolicySubject, _ agency: String) -> Bool {
        switch subject {
        case .everyone: true
        case .agency(let name): name == agency
        case .role(let role): roles[agency]?.contains(role) == true
        }
    }
}
