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
        let ceiling = try level(rule.ceiling, of: right)
        guard isAllowed || rule.ceiling == nil else {
            throw badRule("A rule that forbids does so at every level; leave the ceiling out.")
        }
        let (number, _) = try change(
            .grant(subject, right, pattern, isAllowed: isAllowed, ceiling: ceiling ?? .restricted),
            identity,
            reason
        )
        return RuleRow(
            PolicyRule(
                number: number,
                subject: subject,
                right: right,
                pattern: pattern,
                isAllowed: isAllowed,
                ceiling: ceiling ?? .restricted
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
        let level: Classification
        if let given = try self.level(question.level, of: right) {
            level = given
        } else {
            level = try ownLevel(of: question.object, right)
        }
        let decision = try read { try $0.access() }.policy.decide(
            question.agency,
            right,
            on: question.object,
            at: level
        )
        return Explanation(
            allowed: decision.isAllowed,
            rule: decision.rule.map { RuleRow($0) },
            level: right.isClassified ? level.word : nil,
            text: Self.text(of: decision, at: level)
        )
    }

    private static func text(of decision: PolicyDecision, at level: Classification) -> String {
        if let rule = decision.rule { return "Rule \(rule.number) decides: \(rule.text)." }
        guard let lower = decision.lower else {
            return "No rule fits, and what no rule allows is denied."
        }
        return "Rule \(lower.number) goes not far enough: \(lower.text), and this is \(level.word)."
    }

    /// The classification of what an agency would be let to, as far as the procedures tell.
    private func ownLevel(
        of object: String,
        _ right: Right
    ) throws(OperatorFault) -> Classification {
        let procedures = try read { reader in
            try reader.versions(of: right.object == .procedure ? object : nil)
        }
        switch right.object {
        case .procedure: return procedures.first.flatMap { level(of: $0) } ?? .restricted
        case .office:
            return procedures.filter { $0.source.contains(object) }.compactMap { version in
                guard let procedure = reading(version.source),
                    procedure.offices.contains(where: { $0.name == object })
                else { return nil }
                return procedure.classification
            }.max() ?? .restricted
        case .topic, .service, .bus: return .public
        }
    }

    private func level(of version: LedgerReader.Version) -> Classification? {
        reading(version.source)?.classification
    }

    /// The classification of a word; nil if none is given.
    private func level(
        _ word: String?,
        of right: Right
    ) throws(OperatorFault) -> Classification? {
        guard let word else { return nil }
        guard right.isClassified else {
            throw badRule(
                "The right \(right.word) has no classification; only rights on offices and "
                    + "procedures have."
            )
        }
        guard let level = Classification(word: word) else {
            throw badRule(
                "\"\(word.prefix(100))\" is no classification; they are "
                    + Classification.allCases.map(\.word).joined(separator: ", ") + "."
            )
        }
        return level
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
            allowed: rule.isAllowed,
            ceiling: rule.isAllowed && rule.right.isClassified ? rule.ceiling.word : nil
        )
    }
}
