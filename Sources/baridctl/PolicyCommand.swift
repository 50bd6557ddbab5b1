// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Control

struct PolicyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy",
        abstract: "Say what agencies with keys may do.",
        discussion: """
            A subject is an agency, @ROLE, or * for all. Rights are staff, read and refer on \
            offices; submit, amend, backdate and track on procedures; publish and subscribe on \
            topics; ask and offer on services; catalogue on *. What no rule allows is denied, and \
            what a rule denies no other allows. A rule on offices or procedures allows up to a \
            classification: public, restricted, secret or top-secret.
            """,
        subcommands: [
            Grant.self, Revoke.self, List.self, Explain.self, Give.self, Take.self,
        ]
    )

    struct Grant: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "grant",
            abstract: "Add a rule."
        )

        @Argument(help: "An agency, @ROLE, or * for all.")
        var who: String
        @Argument(help: "The right.")
        var right: String
        @Argument(help: "What on, such as city/*, building-permit or city.permits.>")
        var what: String
        @Flag(help: "Forbid it, whatever other rules allow.")
        var deny = false
        @Option(help: "Highest classification it allows; restricted unless told otherwise.")
        var upTo: String?
        @Option(help: "Why; goes into the journal.")
        var reason: String
        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            try connection.perform { (client, output) throws(OperatorFault) in
                let rule: RuleRow = try client.request(
                    .policyGrant,
                    GrantArguments(
                        subject: who,
                        right: right,
                        pattern: what,
                        deny: deny,
                        ceiling: upTo
                    ),
                    reason: reason
                )
                try output.show(rule, schema: "policy.grant") {
                    ["rule \(rule.number): \(rule.text)"]
                }
                return .done
            }
        }
    }

    struct Revoke: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "revoke",
            abstract: "Remove a rule."
        )

        @Argument(help: "Number of the rule.")
        var rule: UInt32
        @Option(help: "Why; goes into the journal.")
        var reason: String
        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            try connection.perform { (client, output) throws(OperatorFault) in
                let rule: RuleRow = try client.request(
                    .policyRevoke,
                    RuleArguments(rule: rule),
                    reason: reason
                )
                try output.show(rule, schema: "policy.revoke") {
                    ["removed rule \(rule.number): \(rule.text)"]
                }
                return .done
            }
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "List the rules."
        )

        @Option(help: "Only those that concern this agency.")
        var agency: String?
        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            try connection.perform { (client, output) throws(OperatorFault) in
                try client.list(
                    .policyList,
                    PolicyListArguments(agency: agency),
                    of: RuleRow.self,
                    to: output,
                    schema: "policy.list"
                )
                return .done
            }
        }
    }

    struct Explain: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "explain",
            abstract: "Tell whether an agency may do something, and which rule decides.",
            discussion: "Exit status 77 if it may not."
        )

        @Argument(help: "Name of the agency.")
        var who: String
        @Argument(help: "The right.")
        var right: String
        @Argument(help: "What on.")
        var what: String
        @Option(
            help: "Its classification; that of the procedure, or the highest of an office's."
        )
        var at: String?
        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            try connection.perform { (client, output) throws(OperatorFault) in
                let explanation: Explanation = try client.request(
                    .policyExplain,
                    ExplainArguments(agency: who, right: right, object: what, level: at)
                )
                try output.show(explanation, schema: "policy.explain") {
                    ["\(explanation.allowed ? "allowed" : "denied"). \(explanation.text)"]
                }
                return explanation.allowed ? .done : .notPermitted
            }
        }
    }

    struct Give: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "give",
            abstract: "Give an agency a role."
        )

        @Argument(help: "Name of the agency.")
        var agency: String
        @Argument(help: "The role.")
        var role: String
        @Option(help: "Why; goes into the journal.")
        var reason: String
        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            try connection.change(
                .policyRole,
                RoleArguments(agency: agency, role: plain(role), given: true),
                reason
            )
        }
    }

    struct Take: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "take",
            abstract: "Take a role from an agency."
        )

        @Argument(help: "Name of the agency.")
        var agency: String
        @Argument(help: "The role.")
        var role: String
        @Option(help: "Why; goes into the journal.")
        var reason: String
        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            try connection.change(
                .policyRole,
                RoleArguments(agency: agency, role: plain(role), given: false),
                reason
            )
        }
    }
}

/// The name of a role, given with or without its sign.
private func plain(_ role: String) -> String {
    role.hasPrefix("@") ? String(role.dropFirst()) : role
}

extension RuleRow: Listed {
    static let columns = [
        Column(name: "rule", isNumber: true), Column(name: "effect"), Column(name: "who"),
        Column(name: "right"), Column(name: "what"), Column(name: "up to"),
    ]

    var cells: [String] {
        [String(number), allowed ? "allow" : "deny", subject, right, pattern, ceiling ?? ""]
    }
}
