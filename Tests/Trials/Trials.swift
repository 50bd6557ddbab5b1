// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// `Trials`: what is tried on real processes and a real disk for longer than a test may take.
///
/// Each prints what it found as one JSON object, and ends with status 1 if a promise was broken.
@main
struct Trials: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "Trials",
        abstract: "Long trials of the daemon on real processes and a real disk.",
        subcommands: [
            KillCommand.self, RestartCommand.self, HostileCommand.self, AttackCommand.self,
        ]
    )
}
