// SPDX-License-Identifier: Apache-2.0

import Control
import Keys
import Platform
import ProofKit
import Rules

/// Acts of operators over the control socket, and what each was told of them.
final class OperatorTraffic {
    private let data: String
    private let server: KeyPair
    private var count: UInt32 = 0
    private(set) var acknowledged = 0
    /// Rules that were granted, and not withdrawn, by their number.
    private var rules: [UInt32: String] = [:]
    private var withdrawn: Set<UInt32> = []
    /// Rules of which nobody told whether they were granted or withdrawn.
    private var doubtful: Set<UInt32> = []
    private var procedures: Set<String> = []
    /// Agencies of operators' making, with the state of their key.
    private var keys: [String: String] = [:]

    private static let reason = "drill"

    init(data: String, server: KeyPair) {
        self.data = data
        self.server = server
    }

    private func control() throws(OperatorFault) -> ControlClient {
        try ControlClient(path: data + "/control.sock")
    }

    /// Enrols an agency with a right to everything, before the first kill.
    func enrol(_ agency: String) throws -> KeyPair {
        let pair = try enrolled(agency)
        for right in Right.allCases {
            let pattern = right.object == .topic ? ">" : "*"
            try grant(agency, right.word, pattern)
        }
        return pair
    }

    /// Publishes a procedure of the histories.
    func publish(_ source: String) throws {
        var control = try control()
        let _: Publication = try control.request(
            .procedurePublish,
            SourceArguments(source: source),
            reason: Self.reason
        )
    }

    private func enrolled(_ agency: String) throws -> KeyPair {
        let pair = KeyPair()
        let request = try KeyRequest(
            agency: agency,
            pair: pair,
            server: server.publicKey,
            made: Clock.wallMilliseconds(),
            note: "drill"
        )
        var control = try control()
        let _: KeyRow = try control.request(
            .agencyAdd,
            EnrolArguments(
                request: request.text,
                fingerprint: "\(Fingerprint(of: pair.publicKey))"
            ),
            reason: Self.reason
        )
        keys[agency] = "live"
        acknowledged += 1
        return pair
    }

    private func grant(_ subject: String, _ right: String, _ pattern: String) throws {
        var control = try control()
        let rule: RuleRow = try control.request(
            .policyGrant,
            GrantArguments(subject: subject, right: right, pattern: pattern),
            reason: Self.reason
        )
        rules[rule.number] = pattern
        acknowledged += 1
    }

    // MARK: Amid the traffic

    /// One act; it is known to be done once the daemon has told so, and in doubt if it was killed.
    func act(_ choice: Int) {
        count += 1
        do {
            switch choice % 8 {
            case 0: try grant("d", "publish", "d.w\(count)")
            case 1: try withdraw(choice / 8)
            case 2:
                let name = "extra-\(count)"
                try publish(Self.source(name))
                procedures.insert(name)
                acknowledged += 1
            case 3: _ = try enrolled("e\(count)")
            case 4: try revoke(choice / 8)
            default: try deadLetter(choice / 8)
            }
        } catch {
            // What the daemon did not answer is known by what it holds later.
        }
    }

    private static func source(_ name: String) -> String {
        """
        procedure: \(name)
        offices: {a/desk: Desk}
        steps:
          only:
            office: a/desk
            term: P1D
            outcomes: {done: closed}

        """
    }

    private func withdraw(_ choice: Int) throws {
        let candidates = rules.filter { $0.value.hasPrefix("d.w") }.keys.sorted()
        guard let number = candidates.randomItem(choice) else { return }
        doubtful.insert(number)
        var control = try control()
        let _: RuleRow = try control.request(
            .policyRevoke,
            RuleArguments(rule: number),
            reason: Self.reason
        )
        doubtful.remove(number)
        rules[number] = nil
        withdrawn.insert(number)
        acknowledged += 1
    }

    private func revoke(_ choice: Int) throws {
        let candidates = keys.filter { $0.value == "live" && $0.key.hasPrefix("e") }.keys.sorted()
        guard let agency = candidates.randomItem(choice) else { return }
        try revoke(agency)
    }

    /// Revokes every key of an agency.
    func revoke(_ agency: String) throws {
        keys[agency] = "live or revoked"
        var control = try control()
        var arguments = RevokeArguments(agency: agency)
        for _ in 0..<2 {
            let outcome: PlanOutcome = try control.request(
                .agencyRevoke,
                arguments,
                reason: Self.reason
            )
            arguments.token = outcome.plan?.token
        }
        keys[agency] = "revoked"
        acknowledged += 1
    }

    private func deadLetter(_ choice: Int) throws {
        var letters: [UInt64] = []
        var control = try control()
        _ = try control.request(.deadList, DeadListArguments(), result: RowCount.self) {
            (row: DeadLetter) throws(OperatorFault) in
            letters.append(row.referral)
        }
        guard let referral = letters.randomItem(choice) else { return }
        let arguments = DeadArguments(.referral(referral))
        let command: CommandName = choice % 3 > 0 ? .deadRetry : .deadClose
        _ = try control.request(command, arguments, reason: Self.reason, result: RowCount.self) {
            (_: DeadLetter) throws(OperatorFault) in
        }
        acknowledged += 1
    }

    // MARK: Judging

    /// Holds the daemon to what operators were told of keys, rules and procedures.
    func audit() throws {
        var control = try control()
        var found: [UInt32: String] = [:]
        _ = try control.request(.policyList, PolicyListArguments(), result: RowCount.self) {
            (row: RuleRow) throws(OperatorFault) in
            found[row.number] = row.pattern
        }
        for (number, pattern) in rules
        where found[number] != pattern && !doubtful.contains(number) {
            throw Violation(.lost, "rule \(number) was granted and is not there")
        }
        for number in doubtful where found[number] == nil {
            rules[number] = nil
            withdrawn.insert(number)
        }
        doubtful.removeAll()
        guard withdrawn.isDisjoint(with: found.keys) else {
            throw Violation(.lost, "a rule that was withdrawn is there again")
        }
        // A grant the daemon was killed over may have been done.
        rules.merge(found) { first, _ in first }
        guard
            Set(found.values.filter { $0.hasPrefix("d.w") }).count
                == found.values.count(where: { $0.hasPrefix("d.w") })
        else { throw Violation(.twice, "a rule was granted twice") }

        var names: Set<String> = []
        _ = try control.request(.procedureList, result: RowCount.self) {
            (row: ProcedureRow) throws(OperatorFault) in
            names.insert(row.name)
        }
        guard procedures.isSubset(of: names) else {
            throw Violation(.lost, "\(procedures.subtracting(names)) were published")
        }
        for (agency, state) in keys.sorted(by: { $0.key < $1.key }).suffix(8) {
            let access: AgencyAccess = try control.request(
                .agencyShow,
                AgencyArguments(agency: agency)
            )
            guard let key = access.keys.first, access.keys.count == 1, state.contains(key.state)
            else { throw Violation(.lost, "the key of \(agency) should be \(state): \(access)") }
            keys[agency] = key.state
        }
    }

    /// Has the daemon check its whole ledger; returns how many seconds it took.
    func verify() throws -> Double {
        var control = try control()
        let report: VerifyReport = try control.request(.verify, seconds: 600)
        guard report.isSound else { throw Violation(.trail, "verify: \(report.findings)") }
        return report.seconds
    }
}
