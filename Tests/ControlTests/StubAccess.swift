// SPDX-License-Identifier: Apache-2.0

import Control

/// The policy of the stub: one agency with one key and one rule.
extension StubCommands {
    private static let key = KeyRow(
        number: 7,
        agency: "city",
        key: "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID",
        fingerprint: "02817 33190 40021 55555 10203 99999",
        fingerprintArabic: "٠٢٨١٧ ٣٣١٩٠ ٤٠٠٢١ ٥٥٥٥٥ ١٠٢٠٣ ٩٩٩٩٩",
        beginsAt: opened,
        endsAt: due,
        state: "live",
        note: "permits-backend",
        enrolledAt: opened
    )

    private static let rule = RuleRow(
        number: 3,
        subject: "@permits",
        right: "submit",
        pattern: "building-*",
        allowed: true,
        ceiling: "restricted"
    )

    private static func agency(
        _ name: String,
        suspended: Bool = false
    ) throws(OperatorFault) -> AgencyAccess {
        guard name == "city" else {
            throw OperatorFault(
                code: "noSuchAgency",
                exit: .notFound,
                text: "There is no such agency; baridctl agency list shows which are."
            )
        }
        var limits = LimitsRow()
        limits.sessions = 1_024
        limits.operationsPerSecond = 100_000
        return AgencyAccess(
            name: name,
            suspended: suspended,
            keys: [key],
            roles: ["permits"],
            rules: [rule],
            limits: limits
        )
    }

    func enrol(
        _ enrolment: EnrolArguments,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> KeyRow {
        note("enrol \(enrolment.request)", identity, reason)
        guard enrolment.fingerprint == Self.key.fingerprint else {
            throw OperatorFault(
                code: "fingerprintDiffers",
                exit: .badData,
                text: "The key in the request has another fingerprint; do not enrol it."
            )
        }
        return Self.key
    }

    func rotate(
        _ enrolment: RotateArguments,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> KeyRow {
        note("rotate \(enrolment.request)", identity, reason)
        return Self.key
    }

    func agencyAccess(_ agency: String) throws(OperatorFault) -> AgencyAccess {
        try Self.agency(agency)
    }

    func setSuspended(
        _ isSuspended: Bool,
        agency: String,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> AgencyAccess {
        note("suspend \(agency) \(isSuspended)", identity, reason)
        return try Self.agency(agency, suspended: isSuspended)
    }

    func revokeKeys(
        _ arguments: RevokeArguments,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> PlanOutcome {
        let keys = arguments.key.map { String($0) } ?? "all"
        return try planned("revoke \(arguments.agency) \(keys)", arguments.token, identity, reason)
    }

    func setLimits(
        _ limits: LimitArguments,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> AgencyAccess {
        note("limit \(limits.agency)", identity, reason)
        return try Self.agency(limits.agency)
    }

    func grant(
        _ rule: GrantArguments,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> RuleRow {
        note("grant \(rule.subject) \(rule.right) \(rule.pattern)", identity, reason)
        return Self.rule
    }

    func withdraw(
        rule: UInt32,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> RuleRow {
        note("withdraw \(rule)", identity, reason)
        guard rule == 3 else {
            throw OperatorFault(
                code: "noSuchRule",
                exit: .notFound,
                text: "There is no such rule; baridctl policy list shows them."
            )
        }
        return Self.rule
    }

    func setRole(
        _ role: RoleArguments,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> AgencyAccess {
        note("role \(role.agency) \(role.role) \(role.given)", identity, reason)
        return try Self.agency(role.agency)
    }

    func rules(concerning agency: String?) throws(OperatorFault) -> [RuleRow] { [Self.rule] }

    func explain(_ question: ExplainArguments) throws(OperatorFault) -> Explanation {
        guard question.right == "submit" else {
            return Explanation(
                allowed: false,
                rule: nil,
                text: "No rule fits, and what no rule allows is denied."
            )
        }
        return Explanation(
            allowed: true,
            rule: Self.rule,
            text: "Rule 3 decides: allow @permits submit building-* up to restricted."
        )
    }
}
