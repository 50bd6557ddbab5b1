// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Control
import Glibc
import Platform

struct OfficeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "office",
        abstract: "Look at the offices; stop and resume their deliveries.",
        subcommands: [List.self, Show.self, Pause.self, Resume.self, Drain.self]
    )

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "List all offices."
        )

        @OptionGroup var watching: WatchOptions
        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            try connection.perform { (client, output) throws(OperatorFault) in
                try watching.look(output) { () throws(OperatorFault) in
                    try client.list(
                        .officeList,
                        of: OfficeRow.self,
                        to: output,
                        schema: "office.list"
                    )
                }
                return .done
            }
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "Show one office."
        )

        @Argument(help: "The office, as agency/office.")
        var name: String

        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            try connection.perform { (client, output) throws(OperatorFault) in
                let office: OfficeRow = try client.request(
                    .officeShow,
                    OfficeArguments(office: name)
                )
                try output.show(office, schema: "office.show") { office.lines(output) }
                return .done
            }
        }
    }

    struct Pause: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "pause",
            abstract:
                "Let an office take no deliveries until it is resumed; its queue goes on filling."
        )

        @Argument(help: "The office, as agency/office.")
        var name: String

        @Option(help: "Why; goes into the journal.")
        var reason: String

        @OptionGroup var connection: ConnectionOptions

        func run() throws { try connection.setPaused(.officePause, name, reason) }
    }

    struct Resume: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "resume",
            abstract: "Let an office take deliveries again."
        )

        @Argument(help: "The office, as agency/office.")
        var name: String

        @Option(help: "Why; goes into the journal.")
        var reason: String

        @OptionGroup var connection: ConnectionOptions

        func run() throws { try connection.setPaused(.officeResume, name, reason) }
    }

    struct Drain: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "drain",
            abstract: "Pause an office and wait until nothing is out under a lease.",
            discussion: """
                What the office has accepted stays with it; baridctl queue move sends what waits \
                elsewhere. Exit status 75 if something is still out when the time is over.
                """
        )

        @Argument(help: "The office, as agency/office.")
        var name: String

        @Option(help: ArgumentHelp("How long to wait.", valueName: "seconds"))
        var wait: UInt32 = 60

        @Option(help: "Why; goes into the journal.")
        var reason: String

        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            try connection.perform { (client, output) throws(OperatorFault) in
                let arguments = OfficeArguments(office: name)
                var office: OfficeRow = try client.request(.officeShow, arguments)
                if office.paused == nil {
                    office = try client.request(.officePause, arguments, reason: reason)
                }
                let end = Clock.monotonicMilliseconds() + Int64(wait) * 1_000
                while office.leased > 0, Clock.monotonicMilliseconds() < end {
                    usleep(200_000)
                    office = try client.request(.officeShow, arguments)
                }
                try output.show(office, schema: "office.drain") { office.lines(output) }
                return office.leased == 0 ? .done : .busy
            }
        }
    }
}

extension OfficeRow {
    func lines(_ output: Output) -> [String] {
        var names = Self.columns.map(\.name)
        var cells = cells
        if let paused {
            names += ["paused by", "because"]
            cells += ["uid \(paused.uid)", paused.reason]
        }
        return output.pairs(names, cells)
    }
}

extension ConnectionOptions {
    fileprivate func setPaused(_ command: CommandName, _ name: String, _ reason: String) throws {
        try perform { (client, output) throws(OperatorFault) in
            let office: OfficeRow = try client.request(
                command,
                OfficeArguments(office: name),
                reason: reason
            )
            try output.show(office, schema: command.rawValue) { office.lines(output) }
            return .done
        }
    }
}
