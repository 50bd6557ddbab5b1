// SPDX-License-Identifier: Apache-2.0

import BaridClient
import Control
import Keys
import Platform
import Testing

/// What operators do about keys and rights, over the control socket.
extension DaemonProcess {
    /// Makes a key and enrols it, with rights on everything unless told otherwise.
    func enrol(
        _ agency: String,
        rights: [(right: String, pattern: String)] = DaemonProcess.allRights,
        isRotation: Bool = false
    ) throws -> KeyPair {
        let pair = KeyPair()
        let server = try #require(serverKey, "a daemon without a key enrols none")
        let request = try KeyRequest(
            agency: agency,
            pair: pair,
            server: server.publicKey,
            made: Clock.wallMilliseconds(),
            note: "tests"
        )
        let fingerprint = "\(Fingerprint(of: pair.publicKey))"
        var control = try control()
        let row: KeyRow =
            isRotation
            ? try control.request(
                .agencyRotate,
                RotateArguments(request: request.text, fingerprint: fingerprint, overlapDays: 0),
                reason: "tests"
            )
            : try control.request(
                .agencyAdd,
                EnrolArguments(request: request.text, fingerprint: fingerprint),
                reason: "tests"
            )
        try #require(row.agency == agency && row.fingerprint == fingerprint)
        for (right, pattern) in rights { try grant(agency, right, pattern) }
        return pair
    }

    /// Every right on everything.
    static let allRights: [(right: String, pattern: String)] = [
        ("staff", "*"), ("read", "*"), ("refer", "*"), ("submit", "*"), ("amend", "*"),
        ("backdate", "*"), ("track", "*"), ("publish", ">"), ("subscribe", ">"), ("ask", "*"),
        ("offer", "*"), ("catalogue", "*"),
    ]

    /// Adds a rule; one that is there already is as good.
    func grant(
        _ subject: String,
        _ right: String,
        _ pattern: String,
        deny: Bool = false
    ) throws {
        var control = try control()
        do throws(OperatorFault) {
            let _: RuleRow = try control.request(
                .policyGrant,
                GrantArguments(subject: subject, right: right, pattern: pattern, deny: deny),
                reason: "tests"
            )
        } catch {
            guard error.code == "ruleExists" else { throw error }
        }
    }

    /// Removes every rule with this right.
    func withdraw(right: String) throws {
        var control = try control()
        var rules: [RuleRow] = []
        _ = try control.request(.policyList, PolicyListArguments(), result: RowCount.self) {
            (row: RuleRow) throws(OperatorFault) in
            rules.append(row)
        }
        for rule in rules where rule.right == right {
            let _: RuleRow = try control.request(
                .policyRevoke,
                RuleArguments(rule: rule.number),
                reason: "tests"
            )
        }
    }

    /// Changes the standing of an agency.
    @discardableResult
    func change(
        _ command: CommandName,
        _ arguments: some CommandArguments
    ) throws -> AgencyAccess {
        var control = try control()
        return try control.request(command, arguments, reason: "tests")
    }

    /// Revokes all keys of an agency, by plan.
    func revoke(_ agency: String) throws {
        var control = try control()
        var arguments = RevokeArguments(agency: agency)
        let planned: PlanOutcome = try control.request(.agencyRevoke, arguments, reason: "tests")
        arguments.token = planned.plan?.token
        let done: PlanOutcome = try control.request(.agencyRevoke, arguments, reason: "tests")
        #expect(done.done == planned.plan?.count)
    }

    /// A file with a key, and one with the daemon's, for programs.
    func credentials(of pair: KeyPair, named name: String) throws -> Credentials {
        let path = "\(data)/\(name).key"
        try KeyFile.write(pair, to: path)
        return try Credentials(keyFile: path, server: ServerKey.publicPath(in: data))
    }
}
