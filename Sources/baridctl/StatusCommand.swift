// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Control

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Say how the daemon is doing.",
        discussion: "Exit status 3 means that no daemon runs."
    )

    @OptionGroup var watching: WatchOptions
    @OptionGroup var connection: ConnectionOptions

    func run() throws {
        let output = connection.outputOptions.output
        try output.perform { () throws(OperatorFault) in
            var client = ControlClient(connection.place)
            try watching.look(output) { () throws(OperatorFault) in
                let status = try Self.status(&client)
                try output.show(status, schema: "status") { output.pairs(Self.pairs(status)) }
            }
            return .done
        }
    }

    private static func status(_ client: inout ControlClient) throws(OperatorFault) -> Status {
        do throws(OperatorFault) {
            return try client.request(.status)
        } catch {
            guard error.exit == ExitStatus.unreachable.rawValue else { throw error }
            throw OperatorFault(code: "notRunning", exit: .notRunning, text: error.text)
        }
    }

    static func pairs(_ status: Status) -> [(String, String)] {
        [
            ("version", status.version),
            ("started", status.startedAt.text),
            ("directory", status.directory),
            ("endpoints", status.endpoints.joined(separator: " ")),
            ("epoch", String(status.epoch)),
            ("sessions", String(status.sessions)),
            ("offices", String(status.offices)),
            ("cases open", String(status.cases.open)),
            ("cases closed", String(status.cases.closed)),
            ("referrals waiting", String(status.referrals.waiting)),
            ("referrals leased", String(status.referrals.leased)),
            ("referrals delayed", String(status.referrals.delayed)),
            ("referrals in custody", String(status.referrals.custody)),
            ("dead letters", String(status.referrals.dead)),
            ("journal position", String(status.journal.position)),
            ("journal hash", status.journal.hash),
            ("commits", String(status.commits)),
            ("hops", String(status.hops)),
            ("refusals", String(status.refusals)),
            ("write-ahead log bytes", String(status.walBytes)),
            ("free disk bytes", String(status.freeDiskBytes)),
            ("resident memory bytes", String(status.residentBytes)),
            ("alarms", status.alarms?.joined(separator: " ") ?? "none"),
        ]
    }
}
