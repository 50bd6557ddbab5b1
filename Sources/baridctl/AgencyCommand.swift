// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Control

/// A right that an agency has or not.
enum Setting: String, ExpressibleByArgument, CaseIterable {
    case on
    case off
}

struct AgencyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agency",
        abstract: "Look at the agencies and set their rights.",
        subcommands: [
            List.self, Add.self, Show.self, Rotate.self, Suspend.self, Resume.self, Revoke.self,
            Limit.self, Backdating.self, AllCases.self,
        ]
    )

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "List all agencies."
        )

        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            try connection.perform { (client, output) throws(OperatorFault) in
                try client.list(.agencyList, of: AgencyRow.self, to: output, schema: "agency.list")
                return .done
            }
        }
    }

    struct Backdating: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "backdating",
            abstract: "Say whether an agency may report acts with an earlier instant."
        )

        @Argument(help: "Name of the agency.")
        var name: String

        @Argument(help: "Whether it may.")
        var setting: Setting

        @Option(help: "Why; goes into the journal.")
        var reason: String

        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            try connection.perform { (client, output) throws(OperatorFault) in
                let agency: AgencyRow = try client.request(
                    .agencyBackdating,
                    BackdatingArguments(agency: name, allowed: setting == .on),
                    reason: reason
                )
                try output.show(agency, schema: "agency.backdating") {
                    ["\(shown(agency.name)): backdating \(agency.mayBackdate ? "on" : "off")"]
                }
                return .done
            }
        }
    }

    struct AllCases: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "all-cases",
            abstract:
                "Say whether an agency hears of every case, not only of those it takes part in."
        )

        @Argument(help: "Name of the agency.")
        var name: String

        @Argument(help: "Whether it does.")
        var setting: Setting

        @Option(help: "Why; goes into the journal.")
        var reason: String

        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            try connection.perform { (client, output) throws(OperatorFault) in
                let agency: AgencyRow = try client.request(
                    .agencyAllCases,
                    BackdatingArguments(agency: name, allowed: setting == .on),
                    reason: reason
                )
                try output.show(agency, schema: "agency.all-cases") {
                    ["\(shown(agency.name)): all cases \(agency.hearsAllCases ? "on" : "off")"]
                }
                return .done
            }
        }
    }
}
