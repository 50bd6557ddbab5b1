// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Control
import Platform

struct CaseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "case",
        abstract: "Look at a case; hold, release or reroute it.",
        subcommands: [
            Show.self, Trail.self, Why.self, Hold.self, Release.self, Reroute.self,
        ]
    )

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "Show where a case is, and its way there.",
            discussion: """
                Piped, each line begins with what it tells of: case, place or act.
                """
        )

        @Argument(help: "Case number, as on the receipt.")
        var number: String

        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            try connection.perform { (client, output) throws(OperatorFault) in
                let view: CaseView = try client.request(
                    .caseShow,
                    CaseArguments(number: number)
                )
                let timeline = Timeline(
                    view,
                    now: Instant(milliseconds: Clock.wallMilliseconds())
                )
                try output.show(view, schema: "case.show") { timeline.lines(output) }
                return .done
            }
        }
    }

    struct Trail: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "trail",
            abstract: "List what was done to a case, oldest first."
        )

        @Argument(help: "Case number, as on the receipt.")
        var number: String

        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            try connection.perform { (client, output) throws(OperatorFault) in
                try client.list(
                    .caseTrail,
                    CaseArguments(number: number),
                    of: CaseView.Act.self,
                    to: output,
                    schema: "case.trail"
                )
                return .done
            }
        }
    }

    struct Why: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "why",
            abstract: "Say why a case waits: one reason for each of its branches."
        )

        @Argument(help: "Case number, as on the receipt.")
        var number: String

        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            try connection.perform { (client, output) throws(OperatorFault) in
                let rows = try client.rows(
                    .caseWhy,
                    CaseArguments(number: number),
                    of: WaitRow.self
                )
                guard !rows.isEmpty || output.isForPrograms else {
                    output.message("The case is closed; it waits for nothing.")
                    return .done
                }
                try output.list(rows, schema: "case.why")
                return .done
            }
        }
    }

    struct Hold: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "hold",
            abstract: "Keep a case from being delivered anywhere until it is released.",
            discussion: """
                What is out or accepted can still be settled; the case then waits where it comes next.
                """
        )

        @Argument(help: "Case number, as on the receipt.")
        var number: String

        @Option(help: "Why; goes into the journal.")
        var reason: String

        @OptionGroup var connection: ConnectionOptions

        func run() throws { try connection.setHeld(.caseHold, number, reason, word: "held") }
    }

    struct Release: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "release",
            abstract: "Let a case that is held be delivered again."
        )

        @Argument(help: "Case number, as on the receipt.")
        var number: String

        @Option(help: "Why; goes into the journal.")
        var reason: String

        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            try connection.setHeld(.caseRelease, number, reason, word: "released")
        }
    }

    struct Reroute: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "reroute",
            abstract: "Send a branch of a case to another office, wherever it is now.",
            discussion: """
                The step stays, the office is another: one that the procedure declares, or one of \
                the same agency. Whoever has the case now is refused when they settle it.
                """
        )

        @Argument(help: "Case number, as on the receipt.")
        var number: String

        @Option(help: "The office it goes to.")
        var to: String

        @Option(help: "Which branch, by its referral; needed where the case has several.")
        var referral: UInt64?

        @Option(help: "Why; goes into the journal.")
        var reason: String

        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            try connection.perform { (client, output) throws(OperatorFault) in
                let change: DeskChange = try client.request(
                    .caseReroute,
                    RerouteArguments(number: number, to: to, referral: referral),
                    reason: reason
                )
                try output.show(change, schema: "case.reroute") {
                    [tabbed([number, "rerouted to \(to)"])]
                }
                return .done
            }
        }
    }
}

extension ConnectionOptions {
    fileprivate func setHeld(
        _ command: CommandName,
        _ number: String,
        _ reason: String,
        word: String
    ) throws {
        try perform { (client, output) throws(OperatorFault) in
            let change: DeskChange = try client.request(
                command,
                CaseArguments(number: number),
                reason: reason
            )
            try output.show(change, schema: command.rawValue) { [tabbed([number, word])] }
            return .done
        }
    }
}

extension WaitRow: Listed {
    static let columns = [
        Column(name: "office"), Column(name: "step"), Column(name: "reason"),
        Column(name: "since"), Column(name: "until"), Column(name: "referral", isNumber: true),
        Column(name: "text"),
    ]

    var cells: [String] {
        [
            office, step, reason, since?.text ?? "", until?.text ?? "",
            referral.map { String($0) } ?? "", text,
        ]
    }
}
