// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Daemon

/// `baridd`: the daemon, and the test of the disk it is to run on.
@main
struct Baridd: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "baridd",
        abstract: "The message bus for government: case files from office to office.",
        version: DaemonConfiguration.versionText,
        subcommands: [
            Serve.self, SelfTestCommand.self, SelfTestWriterCommand.self, CompletionCommand.self,
        ],
        defaultSubcommand: Serve.self
    )
}
