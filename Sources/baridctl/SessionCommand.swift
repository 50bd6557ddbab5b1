// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Control

struct SessionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "session",
        abstract: "Look at the connections of the agencies, or end one.",
        subcommands: [List.self, Cut.self]
    )

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "List all sessions."
        )

        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            try connection.perform { (client, output) throws(OperatorFault) in
                try client.list(
                    .sessionList,
                    of: SessionRow.self,
                    to: output,
                    schema: "session.list"
                )
                return .done
            }
        }
    }

    struct Cut: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "cut",
            abstract: "End a session.",
            discussion: """
                Its leases run on and its program may connect again; baridctl agency suspend keeps \
                an agency out.
                """
        )

        @Argument(help: "Number of the session.")
        var session: UInt32

        @Option(help: "Why; goes into the journal.")
        var reason: String

        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            try connection.perform { (client, output) throws(OperatorFault) in
                let change: DeskChange = try client.request(
                    .sessionCut,
                    SessionArguments(session: session),
                    reason: reason
                )
                try output.show(change, schema: "session.cut") { [tabbed(["\(session)", "cut"])] }
                return .done
            }
        }
    }
}

struct LogCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log",
        abstract: "Look at the journal's chain of hashes.",
        subcommands: [Head.self, Verify.self]
    )

    struct Head: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "head",
            abstract: "Tell the end of the journal, to be kept elsewhere and checked later."
        )

        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            try connection.perform { (client, output) throws(OperatorFault) in
                let head: LogHead = try client.request(.logHead)
                try output.show(head, schema: "log.head") {
                    output.pairs([
                        ("position", String(head.position)), ("hash", head.hash),
                        ("at", head.at?.text ?? ""),
                    ])
                }
                return .done
            }
        }
    }

    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify",
            abstract:
                "Recompute the chain of hashes, from the beginning or from a head kept earlier.",
            discussion: """
                Exit status 1 if a record does not fit. baridctl verify checks the whole ledger.
                """
        )

        @Option(help: ArgumentHelp("Begin behind this position.", valueName: "position"))
        var after: UInt64?

        @Option(help: ArgumentHelp("What the hash there must be.", valueName: "hash"))
        var hash: String?

        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            try connection.perform { (client, output) throws(OperatorFault) in
                let report: ChainReport = try client.request(
                    .logVerify,
                    ChainArguments(after: after, hash: hash),
                    seconds: nil
                )
                try output.show(report, schema: "log.verify") {
                    output.pairs([
                        ("chain", report.isIntact ? "intact" : "broken"),
                        ("broken at", report.brokenAt.map { String($0) } ?? ""),
                        ("records", String(report.records)),
                        ("position", String(report.position)), ("hash", report.hash),
                    ])
                }
                return report.isIntact ? .done : .failed
            }
        }
    }
}

extension SessionRow: Listed {
    static let columns = [
        Column(name: "session", isNumber: true), Column(name: "agency"),
        Column(name: "key", isNumber: true), Column(name: "address"), Column(name: "opened"),
        Column(name: "leases", isNumber: true), Column(name: "credit", isNumber: true),
        Column(name: "subscriptions", isNumber: true), Column(name: "offices"),
    ]

    var cells: [String] {
        [
            String(session), agency, key.map { String($0) } ?? "", address ?? "",
            openedAt?.text ?? "", String(leases), String(credit), String(subscriptions),
            offices.joined(separator: " "),
        ]
    }
}
