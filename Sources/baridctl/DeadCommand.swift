// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Control

struct DeadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dead",
        abstract: "Look at dead letters, retry or close them.",
        subcommands: [List.self, Retry.self, Close.self]
    )

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List dead letters.")

        @Option(help: "Only those of this office.")
        var office: String?

        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            try connection.perform { (client, output) throws(OperatorFault) in
                let letters = try client.rows(
                    .deadList,
                    DeadListArguments(office: office),
                    of: DeadLetter.self
                )
                try output.list(letters, schema: "dead.list")
                return .done
            }
        }
    }

    struct Retry: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Put dead letters back into the queues of their offices."
        )

        @Argument(help: "Number of the referral, or case number with hyphens.")
        var referral: String?

        @Flag(help: "All dead letters.")
        var all = false

        @Option(help: "With --all: only those of this office.")
        var office: String?

        @Option(help: "Why; goes into the journal.")
        var reason: String

        @OptionGroup var connection: ConnectionOptions

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

        func run() throws {
            let selection = try selection
            try connection.settle(.deadRetry, selection, reason: reason, word: "retried")
        }
    }

    struct Close: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Close a dead letter for good; its branch of the case ends there."
        )

        @Argument(help: "Number of the referral, or case number with hyphens.")
        var referral: String

        @Option(help: "Why; goes into the journal.")
        var reason: String

        @OptionGroup var connection: ConnectionOptions

        func validate() throws { _ = try DeadSelection(word: referral) }

        func run() throws {
            let selection = try DeadSelection(word: referral)
            try connection.settle(.deadClose, selection, reason: reason, word: "closed")
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

extension ConnectionOptions {
    fileprivate func settle(
        _ command: CommandName,
        _ selection: DeadSelection,
        reason: String,
        word: String
    ) throws {
        try perform { (client, output) throws(OperatorFault) in
            let settled: DeadLettersSettled = try client.request(
                command,
                DeadArguments(selection),
                reason: reason
            )
            try output.show(settled, schema: command.rawValue) { ["\(settled.settled) \(word)"] }
            if settled.refused > 0 {
                output.message("baridctl: \(settled.refused) were not \(word). \(settled.text)")
            }
            return settled.status
        }
    }
}
