// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Control

struct RetentionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retention",
        abstract: "Erase the content of closed cases whose period of retention is over.",
        subcommands: [Run.self]
    )

    struct Run: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "run",
            abstract: "Erase what is past the period that its procedure declares.",
            discussion: """
                The period is the retention: of the latest version of the procedure, counted from the \
                instant a case was closed; cases of procedures without one are kept. What was \
                submitted, said and named is erased for good; the trail stays, with the digests of \
                what is gone. Open and held cases are passed over. Copies made earlier still hold it.
                """
        )

        @Flag(name: .customLong("dry-run"), help: "Tell what would be erased and do nothing.")
        var isDry = false

        @Option(help: "Only cases of this procedure.")
        var procedure: String?

        @Option(help: "Why; goes into the journal. Needed unless with --dry-run.")
        var reason: String?

        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            try connection.perform { (client, output) throws(OperatorFault) in
                let report: RetentionReport = try client.request(
                    .retentionRun,
                    RetentionRunArguments(dryRun: isDry, procedure: procedure),
                    reason: reason,
                    seconds: nil
                )
                try output.show(report, schema: "retention.run") { report.lines(output) }
                return .done
            }
        }
    }
}

struct EraseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "erase",
        abstract: "Erase the content of one closed case, whatever its procedure says.",
        discussion: """
            What was submitted, said and named is erased for good; the trail stays, with the digests \
            of what is gone. Copies made earlier still hold it.

            \(ApprovalOptions.discussion)
            """
    )

    @Argument(help: "Number of the case.")
    var number: String

    @OptionGroup var approval: ApprovalOptions
    @OptionGroup var connection: ConnectionOptions

    func run() throws {
        try approval.perform(.erase, connection, done: "erased") { token in
            EraseArguments(number: number, token: token)
        }
    }
}

extension RetentionReport {
    fileprivate func lines(_ output: Output) -> [String] {
        var pairs = [
            (isDryRun ? "would be erased" : "erased", String(cases)),
            ("bytes", String(bytes)),
        ]
        if let isLogEmptied {
            let text = isLogEmptied ? "emptied" : "emptied as soon as nobody reads in it"
            pairs.append(("log", text))
        }
        return output.pairs(pairs)
            + output.part(
                "procedure",
                [
                    Column(name: "procedure"), Column(name: "period"),
                    Column(name: "cases", isNumber: true), Column(name: "bytes", isNumber: true),
                    Column(name: "oldest closed"),
                ],
                procedures.map { row in
                    [
                        row.procedure, row.period, String(row.cases), String(row.bytes),
                        row.oldestClosedAt?.text ?? "",
                    ]
                }
            )
    }
}
