// SPDX-License-Identifier: Apache-2.0

package import Rules
internal import SQLite
internal import Wire

/// What an operator can change about who may come in and what they may do.
package enum AccessAct: Sendable {
    /// Enrols a key; its agency is opened if it is new.
    case enrol(EnrolledKey, note: String, fingerprint: String)
    /// Enrols a key that takes over: the agency's other live keys end at `overlapEnds`.
    case rotate(EnrolledKey, note: String, fingerprint: String, overlapEnds: Int64)
    /// Ends keys for good: all of these, or none if one of them is not there or is revoked.
    case revoke(keys: [UInt32])
    /// Refuses an agency's connections until it is resumed.
    case suspend(agency: String)
    case resume(agency: String)
    /// Adds a rule; one that forbids has no ceiling.
    case grant(PolicySubject, Right, RightPattern, isAllowed: Bool, ceiling: Classification)
    /// Removes a rule.
    case withdraw(rule: UInt32)
    case give(role: String, agency: String)
    case take(role: String, agency: String)
    /// Sets the limits of an agency.
    case limit(agency: String, Quota)
}

/// Why an operator's change was not made.
package enum AccessRefusal: String, Error, Sendable {
    case noSuchAgency
    case noSuchKey
    case noSuchRule
    case keyTaken
    case tooManyKeys
    case keyTimeInvalid
    case ruleExists
    case unchanged
    case tooMany

    /// What is wrong and what to do, for people.
    package var text: String {
        switch self {
        case .noSuchAgency: "There is no such agency; baridctl agency list shows which are."
        case .noSuchKey: "There is no such key; baridctl agency show tells an agency's keys."
        case .noSuchRule: "There is no such rule; baridctl policy list shows them."
        case .keyTaken: "This key is enrolled already; a key is never enrolled twice."
        case .tooManyKeys:
            "The agency has two live keys, as many as it may; revoke one, or rotate."
        case .keyTimeInvalid: "The key would end before it begins, or has ended already."
        case .ruleExists: "This rule is there already."
        case .unchanged: "That is how it is already; nothing was changed."
        case .tooMany: "The ledger has as many of these as it admits; remove some."
        }
    }
}

/// What came of an operator's change.
package enum AccessOutcome: Sendable {
    /// Done and journaled up to a position; the number of the key or rule it is about, 0 if there
    /// is none.
    case done(number: UInt32, position: UInt64)
    case declined(AccessRefusal)
}

extension LedgerWriter {
    /// Keys of an agency that may be live at once: one in use and the one that takes over.
    static let liveKeysMax = 2

    /// Makes one change and journals it.
    func change(_ act: AccessAct, _ who: Operator) throws(SQLiteFault) -> AccessOutcome {
        do {
            let number = try carryOut(act, who)
            return .done(number: number, position: journal.head)
        } catch let refusal as AccessRefusal {
            return .declined(refusal)
        } catch let fault as SQLiteFault {
            throw fault
        } catch {
            preconditionFailure("a change of the policy failed in a way it cannot: \(error)")
        }
    }

    private func carryOut(_ act: AccessAct, _ who: Operator) throws -> UInt32 {
        switch act {
        case .enrol(let key, let note, let fingerprint):
            return try enrol(key, note, fingerprint, overlapEnds: nil, who)
        case .rotate(let key, let note, let fingerprint, let overlapEnds):
            return try enrol(key, note, fingerprint, overlapEnds: overlapEnds, who)
        case .revoke(let numbers):
            let keys = try numbers.map { number in
                let keys = accessBook.access.keys.values
                guard let key = keys.first(where: { $0.number == number }) else {
                    throw AccessRefusal.noSuchKey
                }
                guard !key.isRevoked else { throw AccessRefusal.unchanged }
                return key
            }
            for key in keys { try revoke(key, who) }
            return 0
        case .suspend(let name):
            let agency = try agency(name)
            guard !accessBook.access.suspended.contains(name) else { throw AccessRefusal.unchanged }
            _ = try accessBook.change(
                "INSERT INTO suspension (agency, since) VALUES (?, ?)",
                [.number(Int64(agency)), .number(now)]
            )
            try journalChange(.agencySuspended, agency, name, who)
        case .resume(let name):
            let agency = try agency(name)
            let count = try accessBook.change(
                "DELETE FROM suspension WHERE agency = ?",
                [.number(Int64(agency))]
            )
            guard count > 0 else { throw AccessRefusal.unchanged }
            try journalChange(.agencyResumed, agency, name, who)
        case .grant(let subject, let right, let pattern, let isAllowed, let ceiling):
            return try grant(subject, right, pattern, isAllowed, ceiling, who)
        case .withdraw(let number): try withdraw(number, who)
        case .give(let role, let name): try set(role, name, isGiven: true, who)
        case .take(let role, let name): try set(role, name, isGiven: false, who)
        case .limit(let name, let quota): try limit(name, quota, who)
        }
        return 0
    }

    // MARK: Keys

    private func enrol(
        _ key: EnrolledKey,
        _ note: String,
        _ fingerprint: String,
        overlapEnds: Int64?,
        _ who: Operator
    ) throws -> UInt32 {
        guard accessBook.access.keys[key.publicKey] == nil else { throw AccessRefusal.keyTaken }
        guard key.begins < key.ends, key.ends > now else { throw AccessRefusal.keyTimeInvalid }
        guard accessBook.access.keys.count < AccessBook.keysMax else { throw AccessRefusal.tooMany }
        guard
            directory.agencyNumber(key.agency) != nil
                || directory.agencies.count < Directory.agenciesMax
        else { throw AccessRefusal.tooMany }
        let live = accessBook.access.keys.values
            .filter { $0.agency == key.agency && !$0.isRevoked && $0.ends > now }
            .sorted { $0.number < $1.number }
        guard live.count < Self.liveKeysMax else { throw AccessRefusal.tooManyKeys }
        let agency = try openAgency(key.agency)
        for old in live {
            guard let overlapEnds, overlapEnds < old.ends else { continue }
            _ = try accessBook.change(
                "UPDATE key SET ends = ? WHERE number = ?",
                [.number(max(overlapEnds, now)), .number(Int64(old.number))]
            )
            try journalChange(
                .keyEnded,
                agency,
                "key \(old.number) ends at \(max(overlapEnds, now))",
                who,
                about: old.number
            )
        }
        let number = UInt32(accessBook.access.keys.count + 1)
        _ = try accessBook.change(
            """
            INSERT INTO key
                (number, agency, public, begins, ends, revoked, enrolled, note, fingerprint)
            VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?)
            """,
            [
                .number(Int64(number)), .number(Int64(agency)), .bytes(key.publicKey.bytes),
                .number(key.begins), .number(key.ends), .number(now), .text(note),
                .text(fingerprint),
            ]
        )
        try journalChange(
            .keyEnrolled,
            agency,
            "key \(number) \(key.publicKey.z85), fingerprint \(fingerprint), "
                + "from \(key.begins) to \(key.ends)",
            who,
            about: number
        )
        return number
    }

    private func revoke(_ key: EnrolledKey, _ who: Operator) throws(SQLiteFault) {
        _ = try accessBook.change(
            "UPDATE key SET revoked = 1 WHERE number = ?",
            [.number(Int64(key.number))]
        )
        try journalChange(
            .keyRevoked,
            directory.agencyNumber(key.agency) ?? 0,
            "key \(key.number)",
            who,
            about: key.number
        )
    }

    private func agency(_ name: String) throws(AccessRefusal) -> UInt32 {
        guard let number = directory.agencyNumber(name) else { throw .noSuchAgency }
        return number
    }

    // MARK: Rules, roles, limits

    private func grant(
        _ subject: PolicySubject,
        _ right: Right,
        _ pattern: RightPattern,
        _ isAllowed: Bool,
        _ ceiling: Classification,
        _ who: Operator
    ) throws -> UInt32 {
        let rules = try AccessRows(connection).rules() ?? []
        guard rules.count < AccessBook.rulesMax else { throw AccessRefusal.tooMany }
        let isThere = rules.contains {
            $0.subject == subject && $0.right == right && $0.pattern == pattern
                && $0.isAllowed == isAllowed && (!isAllowed || $0.ceiling == ceiling)
        }
        guard !isThere else { throw AccessRefusal.ruleExists }
        _ = try accessBook.change(
            "INSERT INTO rule (subject, right, pattern, allowed) VALUES (?, ?, ?, ?)",
            [
                .text(subject.text), .number(Int64(right.rawValue)), .text(pattern.text),
                .number(PolicyRule.stored(isAllowed: isAllowed, ceiling: ceiling)),
            ]
        )
        let number = UInt32(truncatingIfNeeded: connection.lastInsertRow)
        let rule = PolicyRule(
            number: number,
            subject: subject,
            right: right,
            pattern: pattern,
            isAllowed: isAllowed,
            ceiling: ceiling
        )
        try journalChange(.ruleGranted, 0, "rule \(number): \(rule.text)", who, about: number)
        return number
    }

    private func withdraw(_ number: UInt32, _ who: Operator) throws {
        let rules = try AccessRows(connection).rules() ?? []
        guard let rule = rules.first(where: { $0.number == number }) else {
            throw AccessRefusal.noSuchRule
        }
        _ = try accessBook.change(
            "DELETE FROM rule WHERE number = ?",
            [.number(Int64(number))]
        )
        try journalChange(.ruleWithdrawn, 0, "rule \(number): \(rule.text)", who, about: number)
    }

    private func set(
        _ role: String,
        _ name: String,
        isGiven: Bool,
        _ who: Operator
    ) throws {
        let agency = try agency(name)
        let count = try accessBook.change(
            isGiven
                ? "INSERT OR IGNORE INTO role (agency, name) VALUES (?, ?)"
                : "DELETE FROM role WHERE agency = ? AND name = ?",
            [.number(Int64(agency)), .text(role)]
        )
        guard count > 0 else { throw AccessRefusal.unchanged }
        try journalChange(isGiven ? .roleGiven : .roleTaken, agency, "\(name) @\(role)", who)
    }

    private func limit(_ name: String, _ quota: Quota, _ who: Operator) throws {
        let agency = try agency(name)
        let values: [Int64] = [
            Int64(quota.sessions), Int64(quota.operations), Int64(clamping: quota.bytes),
            Int64(quota.subscriptions), Int64(quota.questions), Int64(clamping: quota.openCases),
            Int64(clamping: quota.queuedBytes),
        ]
        _ = try accessBook.change(
            """
            INSERT OR REPLACE INTO quota (agency, sessions, operations, bytes, subscriptions,
                questions, cases, queued) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [.number(Int64(agency))] + values.map { .number($0) }
        )
        let told = values.map { String($0) }.joined(separator: " ")
        try journalChange(.quotaSet, agency, "\(name): \(told)", who)
    }

    /// Journals a change with its particulars and the operator's reason.
    private func journalChange(
        _ act: Act,
        _ agency: UInt32,
        _ remark: String,
        _ who: Operator,
        about number: UInt32 = 0
    ) throws(SQLiteFault) {
        var record = record(act, who)
        record.agency = agency
        record.generation = UInt64(number)
        try append(record, remark: remark, text: who.reason)
    }
}
