// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Control
import Platform

struct CaseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "case",
        abstract: "Look at a case.",
        subcommands: [Show.self]
    )

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show where a case is, and its way there."
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
}
