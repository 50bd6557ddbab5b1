// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser

/// The departments' tool: submit, work, settle and track cases, publish and hear events, ask and
/// answer, replay histories, measure the bus.
@main
struct Barid: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "barid",
        abstract:
            "Send case files through the offices of a government, work on them, and be heard.",
        discussion: """
            Exit status: 0 done, 1 failed, 2 done in part, 4 no such case, office or procedure, \
            64 wrong usage, 65 bad data, 69 the bus cannot be reached, 75 busy or nobody offers the \
            service, try again, 77 not permitted.
            """,
        version: "barid 0.1.0",
        subcommands: [
            SubmitCommand.self, WorkCommand.self, SettleCommand.self, TrackCommand.self,
            PublishCommand.self, SubscribeCommand.self, AskCommand.self, AnswerCommand.self,
            CatalogueCommand.self, ReplayCommand.self, BenchCommand.self, KeygenCommand.self,
            CompletionCommand.self,
        ]
    )
}
