// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Control
import Glibc
import Platform

/// How what cannot be taken back is done: planned first, then approved by its token.
struct ApprovalOptions: ParsableArguments {
    static let discussion = """
        Planned first: on a terminal the plan is shown and must be confirmed by its count. Elsewhere \
        --dry-run prints it, and --approve TOKEN carries it out if what it selected is still the \
        same; without either nothing is done and the exit status is 5.
        """

    @Flag(name: .customLong("dry-run"), help: "Print the plan and do nothing.")
    var isDry = false

    @Option(help: ArgumentHelp("Carry out the plan with this token.", valueName: "token"))
    var approve: String?

    @Option(help: "Why; goes into the journal.")
    var reason: String

    /// Plans a command or carries it out, and ends the program with the exit status it deserves.
    ///
    /// - Parameters:
    ///   - command: What to do.
    ///   - connection: Which daemon.
    ///   - done: What was done to them, such as `closed`.
    ///   - arguments: The arguments, with a token or without.
    /// - Throws: `ExitCode`.
    func perform<Arguments: CommandArguments>(
        _ command: CommandName,
        _ connection: ConnectionOptions,
        done: String,
        _ arguments: (String?) -> Arguments
    ) throws {
        try connection.perform { (client, output) throws(OperatorFault) in
            var token = approve
            if token == nil {
                let outcome: PlanOutcome = try client.request(
                    command,
                    arguments(nil),
                    reason: reason
                )
                guard let plan = outcome.plan else { return .done }
                if isDry {
                    try output.show(outcome, schema: command.rawValue) { plan.lines(output) }
                    return .done
                }
                token = try approved(plan, output)
            }
            let outcome: PlanOutcome = try client.request(
                command,
                arguments(token),
                reason: reason
            )
            try output.show(outcome, schema: command.rawValue) { ["\(outcome.done ?? 0) \(done)"] }
            return .done
        }
    }

    /// The token, once a person has confirmed the plan.
    private func approved(_ plan: Plan, _ output: Output) throws(OperatorFault) -> String {
        for line in plan.lines(output) { output.message(line) }
        guard isTerminal(STDIN_FILENO), isTerminal(STDERR_FILENO) else {
            throw OperatorFault(
                code: "notApproved",
                exit: .notApproved,
                text: "Nothing was done. Repeat the command with --approve \(plan.token) before "
                    + "\(plan.validUntil.text) to do it."
            )
        }
        output.message("Type \(plan.count) to do it, anything else to leave it:")
        guard readLine() == String(plan.count) else {
            throw OperatorFault(
                code: "notApproved",
                exit: .notApproved,
                text: "Nothing was done."
            )
        }
        return plan.token
    }
}

extension Plan {
    fileprivate func lines(_ output: Output) -> [String] {
        var pairs = [("plan", text), ("count", String(count))]
        if remaining > 0 { pairs.append(("left for later", String(remaining))) }
        if let oldestAt { pairs.append(("oldest", oldestAt.text)) }
        if let newestAt { pairs.append(("newest", newestAt.text)) }
        pairs += [("token", token), ("good until", validUntil.text)]
        return output.pairs(pairs)
            + output.part(
                "sample",
                [
                    Column(name: "referral", isNumber: true), Column(name: "case"),
                    Column(name: "office"), Column(name: "since"),
                ],
                samples.map { [String($0.referral), $0.number, $0.office, $0.since.text] }
            )
    }
}
