// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Control

extension AgencyCommand {
    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "Show an agency with its keys, roles, rules and limits."
        )

        @Argument(help: "Name of the agency.")
        var name: String

        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            try connection.perform { (client, output) throws(OperatorFault) in
                let agency: AgencyAccess = try client.request(
                    .agencyShow,
                    AgencyArguments(agency: name)
                )
                try output.show(agency, schema: "agency.show") { agency.lines(output) }
                return .done
            }
        }
    }

    struct Suspend: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "suspend",
            abstract: "End an agency's sessions and refuse its connections until it is resumed."
        )

        @Argument(help: "Name of the agency.")
        var name: String

        @Option(help: "Why; goes into the journal.")
        var reason: String

        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            try connection.change(.agencySuspend, AgencyArguments(agency: name), reason)
        }
    }

    struct Resume: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "resume",
            abstract: "Admit an agency's connections again."
        )

        @Argument(help: "Name of the agency.")
        var name: String

        @Option(help: "Why; goes into the journal.")
        var reason: String

        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            try connection.change(.agencyResume, AgencyArguments(agency: name), reason)
        }
    }

    struct Limit: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "limit",
            abstract: "Set how much an agency may have and do; 0 lifts a limit."
        )

        @Argument(help: "Name of the agency.")
        var name: String

        @Option(help: "Sessions open at once.")
        var sessions: UInt32?
        @Option(help: "Operations that begin something new, a second.")
        var operationsPerSecond: UInt32?
        @Option(help: "Bytes of packets a second.")
        var bytesPerSecond: UInt64?
        @Option(help: "Subscriptions of all sessions.")
        var subscriptions: UInt32?
        @Option(help: "Questions unanswered, of all sessions.")
        var questions: UInt32?
        @Option(help: "Open cases it submitted.")
        var openCases: UInt64?
        @Option(help: "Bytes of the files of those.")
        var queuedBytes: UInt64?

        @Option(help: "Why; goes into the journal.")
        var reason: String

        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            var limits = LimitArguments(agency: name)
            limits.sessions = sessions
            limits.operationsPerSecond = operationsPerSecond
            limits.bytesPerSecond = bytesPerSecond
            limits.subscriptions = subscriptions
            limits.questions = questions
            limits.openCases = openCases
            limits.queuedBytes = queuedBytes
            try connection.change(.agencyLimit, limits, reason)
        }
    }
}

extension ConnectionOptions {
    /// Makes a change to an agency, and shows the agency after it.
    func change(
        _ command: CommandName,
        _ arguments: some CommandArguments,
        _ reason: String
    ) throws {
        try perform { (client, output) throws(OperatorFault) in
            let agency: AgencyAccess = try client.request(command, arguments, reason: reason)
            try output.show(agency, schema: command.rawValue) { agency.lines(output) }
            return .done
        }
    }
}
