// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Control

struct DeadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dead",
        abstract: "Look at dead letters, retry, redirect or close them.",
        subcommands: [List.self, Show.self, Retry.self, Redirect.self, Close.self]
    )

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "List dead letters."
        )

        @Option(help: "Only those of this office.")
        var office: String?

        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            try connection.perform { (client, output) throws(OperatorFault) in
                try client.list(
                    .deadList,
                    DeadListArguments(office: office),
                    of: DeadLetter.self,
                    to: output,
                    schema: "dead.list"
                )
                return .done
            }
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "Show one dead letter."
        )

        @Argument(help: "Number of the referral.")
        var referral: UInt64

        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            try connection.perform { (client, output) throws(OperatorFault) in
                let letter: DeadLetter = try client.request(
                    .deadShow,
                    ReferralArguments(referral: referral)
                )
                try output.show(letter, schema: "dead.show") {
                    output.pairs(DeadLetter.columns.map(\.name), letter.cells)
                }
                return .done
            }
        }
    }

    struct Retry: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "retry",
            abstract: "Put dead letters back into the queues of their offices."
        )

        @OptionGroup var choice: DeadChoice

        @Option(help: "Why; goes into the journal.")
        var reason: String

        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            let selection = try choice.selection
            try connection.perform { (client, output) throws(OperatorFault) in
                let settled: DeadLettersSettled = try client.request(
                    .deadRetry,
                    DeadArguments(selection),
                    reason: reason
                )
                try output.show(settled, schema: "dead.retry") { ["\(settled.settled) retried"] }
                if settled.refused > 0 {
                    output.message(
                        "baridctl: \(settled.refused) were not retried. \(settled.text)"
                    )
                }
                return settled.status
            }
        }
    }

    struct Redirect: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "redirect",
            abstract: "Put dead letters into the queue of another office.",
            discussion: ApprovalOptions.discussion
        )

        @OptionGroup var choice: DeadChoice

        @Option(help: "The office they go to.")
        var to: String

        @OptionGroup var approval: ApprovalOptions
        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            let selection = try choice.selection
            try approval.perform(.deadRedirect, connection, done: "redirected") { token in
                RedirectArguments(selection, to: to, token: token)
            }
        }
    }

    struct Close: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "close",
            abstract: "Close dead letters for good; their branches of the cases end there.",
            discussion: ApprovalOptions.discussion
        )

        @OptionGroup var choice: DeadChoice
        @OptionGroup var approval: ApprovalOptions
        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            let selection = try choice.selection
            try approval.perform(.deadClose, connection, done: "closed") { token in
                DeadArguments(selection, token: token)
            }
        }
    }
}

/// Which dead letters an act is about.
struct DeadChoice: ParsableArguments {
    @Argument(help: "Number of the referral, or case number with hyphens.")
    var referral: String?

    @Flag(help: "All dead letters.")
    var all = false

    @Option(help: "With --all: only those of this office.")
    var office: String?

    func validate() throws { _ = try selection }

    var selection: DeadSelection {
        get throws {
            switch (referral, all, office) {
            case (let referral?, false, nil): try DeadSelection(word: referral)
            case (nil, true, let office): .all(office: office)
            default: throw ValidationError("Name one referral, or --all [--office OFFICE].")
            }
        }
    }
}

extension DeadSelection {
    /// Reads what a person writes: digits are a referral, digits with hyphens a case number.
    init(word: String) throws {
        if let referral = UInt64(word) {
            self = .referral(referral)
        } else if word.contains("-") {
            self = .caseNumber(word)
        } else {
            throw ValidationError(
                "\"\(shown(word))\" is neither the number of a referral nor a case number."
            )
        }
    }
}

extension DeadLettersSettled {
    /// Exit status: partly done where some could not be settled, failed where none could.
    var status: ExitStatus {
        guard refused > 0 else { return .done }
        return settled > 0 ? .partly : .failed
    }
}
