// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Control

struct OfficeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "office",
        abstract: "Look at the offices and their queues.",
        subcommands: [List.self]
    )

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List all offices.")

        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            try connection.perform { (client, output) throws(OperatorFault) in
                try output.list(
                    try client.rows(.officeList, of: OfficeRow.self),
                    schema: "office.list"
                )
                return .done
            }
        }
    }
}
