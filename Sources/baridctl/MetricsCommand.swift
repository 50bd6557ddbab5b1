// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Control

struct MetricsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "metrics",
        abstract: "Print all figures of the daemon as text for Prometheus.",
        discussion: "The setting metrics.file has the daemon write the same text to a file."
    )

    @OptionGroup var connection: ConnectionOptions

    func run() throws {
        try connection.perform { (client, output) throws(OperatorFault) in
            let metrics: MetricsText = try client.request(.metrics)
            try output.show(metrics, schema: "metrics") {
                metrics.text.split(separator: "\n").map { String($0) }
            }
            return .done
        }
    }
}
