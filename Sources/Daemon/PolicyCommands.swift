// SPDX-License-Identifier: Apache-2.0

internal import Control
internal import Ledger
internal import Rules
internal import Wire

/// What operators ask about the policy.
extension LedgerCommands {
    func grant(
        _ rule: GrantArguments,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> RuleRow {
        guard let subject = PolicySubject(text: rule.subject) else {
            throw badRule("A subject is the name of an agency, @ and a role, or * for all.")
        }
        let right = try right(rule.right)
        guard let pattern = RightPattern(rule.pattern, for: right) else {
            throw badRule(
                "\"\(rule.pattern.prefix(100))\" names nothing for \(right.word): "
                    + Self.form(of: right)
            )
        }
        let isAllowed = rule.deny != true
        let number = try change(
            .grant(subject, right, pattern, isAllowed: isAllowed),
            identity,
            reason
        )
        return RuleRow(
            PolicyRule(
                number: number,
                subject: subject,
                right: right,
                pattern: pattern,
                isAllowed: isAllowed
            )
        )
    }

    func withdraw(
        rule number: UInt32,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> RuleRow {
        let rules = try read { try $0.rules() }
        guard let rule = rules.first(where: { $0.number == number }) else {
            throw declined(.noSuchRule)
        }
        _ = try change(.withdraw(rule: number), identity, reason)
        return RuleRow(rule)
    }

    func setRole(
        _ role: RoleArguments,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> AgencyAccess {
        guard Name.isLegal(role.role) else {
            throw OperatorFault(
                code: "badName",
                exit: .badData,
                text: RefusalCode.nameInvalid.text
            )
        }
        _ = try change(
            role.given
                ? .give(role: role.role, agency: role.agency)
                : .take(role: role.role, agency: role.agency),
            identity,
            reason
        )
        return try agencyAccess(role.agency)
    }

    func rules(concerning agency: String?) throws(OperatorFault) -> [RuleRow] {
        let (rules, policy) = try read { (try $0.rules(), try $0.access().policy) }
        return rules.filter { rule in
            guard let agency else { return true }
            switch rule.subject {
            case .everyone: return true
            case .agency(let name): return name == agency
            case .role(let role): return policy.roles[agency]?.contains(role) == true
            }
        }.map { RuleRow($0) }
    }

    func explain(_ question: ExplainArguments) throws(OperatorFault) -> Explanation {
        let right = try right(question.right)
        let decision = try read { try $0.access() }.policy.decide(
            question.agency,
            right,
            on: question.object
        )
        let text =
            decision.rule.map { "Rule \($0.number) decides: \($0.text)." }
            ?? "No rule fits, and what no rule allows is denied."
        return Explanation(
            allowed: decision.isAllowed,
            rule: decision.rule.map { RuleRow($0) },
            text: text
        )
    }

    private func right(_ word: String) throws(OperatorFault) -> Right {
        guard let right = Right(word: word) else {
            throw badRule(
                "\"\(word.prefix(100))\" is no right; rights are "
                    + Right.allCases.map(\.word).joined(separator: ", ") + "."
            )
        }
        return right
    }

    private static func form(of right: Right) -> String {
        switch right.object {
        case .office: "an office such as city/counter, or city/* or *."
        case .service: "a service such as city/registry, or city/* or *."
        case .procedure: "a procedure such as building-permit, or building-* or *."
        case .topic: "a topic or a pattern such as city.permits.* or city.>."
        case .bus: "only * is possible."
        }
    }

    private func badRule(_ text: String) -> OperatorFault {
        OperatorFault(code: "badRule", exit: .badData, text: text)
    }
}

extension RuleRow {
    fileprivate init(_ rule: PolicyRule) {
        self.init(
            number: rule.number,
            subject: rule.subject.text,
            right: rule.right.word,
            pattern: rule.pattern.text,
            allowed: rule.isAllowed
        )
    }
}
