// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Control

struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Look at the daemon's configuration and put changes of it in force.",
        subcommands: [
            Check.self, Show.self, Diff.self, Reload.self, Confirm.self, Undo.self,
        ]
    )

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "check",
            abstract: "Say what is wrong with the files; nothing is changed.",
            discussion: "Exit status 65 if anything is. Without a daemon: baridd --check."
        )

        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            try connection.perform { (client, output) throws(OperatorFault) in
                let findings = try client.rows(.configCheck, of: ConfigurationFinding.self)
                try output.list(findings, schema: "config.check")
                return findings.isEmpty ? .done : .badData
            }
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "Show every setting in force and where it comes from."
        )

        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            try connection.perform { (client, output) throws(OperatorFault) in
                let settings = try client.rows(.configShow, of: SettingRow.self)
                try output.list(settings, schema: "config.show")
                return .done
            }
        }
    }

    struct Diff: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "diff",
            abstract: "Show where the files differ from what is in force."
        )

        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            try connection.perform { (client, output) throws(OperatorFault) in
                let changes = try client.rows(.configDiff, of: SettingChange.self)
                try output.list(changes, schema: "config.diff")
                return .done
            }
        }
    }

    struct Reload: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "reload",
            abstract: "Put in force what the files say: all of it, or nothing.",
            discussion: """
                Lists what changed. What only a restart can change is listed too, and stays as it \
                is until then.
                """
        )

        @Option(
            help: ArgumentHelp(
                "Undo it after so many seconds unless it is confirmed.",
                valueName: "seconds"
            )
        )
        var undoAfter: UInt32?

        @Option(help: "Why; goes into the journal.")
        var reason: String

        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            try connection.perform { (client, output) throws(OperatorFault) in
                let reload: ConfigurationReload = try client.request(
                    .configReload,
                    ReloadArguments(undoAfterSeconds: undoAfter),
                    reason: reason
                )
                try output.show(reload, schema: "config.reload") {
                    reload.changes.map { tabbed($0.cells) }
                }
                if let instant = reload.undoAt {
                    output.message("Undone at \(instant.text) unless confirmed.")
                }
                return .done
            }
        }
    }

    struct Confirm: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "confirm",
            abstract: "Let the last reload stay."
        )

        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            try connection.perform { (client, output) throws(OperatorFault) in
                let confirmed: NoArguments = try client.request(.configConfirm)
                try output.show(confirmed, schema: "config.confirm") { [] }
                return .done
            }
        }
    }

    struct Undo: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "undo",
            abstract: "Put in force what was before the last reload; the files stay as they are."
        )

        @Option(help: "Why; goes into the journal.")
        var reason: String

        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            try connection.perform { (client, output) throws(OperatorFault) in
                let reload: ConfigurationReload = try client.request(.configUndo, reason: reason)
                try output.show(reload, schema: "config.undo") {
                    reload.changes.map { tabbed($0.cells) }
                }
                return .done
            }
        }
    }
}

extension ConfigurationFinding: Listed {
    static let columns = [
        Column(name: "file"), Column(name: "line", isNumber: true),
        Column(name: "column", isNumber: true), Column(name: "what is wrong"),
    ]

    var cells: [String] { [file ?? "", String(line), String(column), text] }
}

extension SettingRow: Listed {
    static let columns = [
        Column(name: "setting"), Column(name: "value"), Column(name: "from"),
        Column(name: "changes at"),
    ]

    var cells: [String] { [key, value, origin, applies == "now" ? "reload" : applies] }
}

extension SettingChange: Listed {
    static let columns = [
        Column(name: "setting"), Column(name: "before"), Column(name: "after"),
        Column(name: "from"), Column(name: "in force"),
    ]

    var cells: [String] { [key, before, after, origin, applies] }
}
