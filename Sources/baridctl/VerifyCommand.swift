// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Control

struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check the whole ledger: its chain of hashes, and one holder for every branch.",
        discussion: "Exit status 1 means that something is wrong."
    )

    @OptionGroup var connection: ConnectionOptions

    func run() throws {
        try connection.perform { (client, output) throws(OperatorFault) in
            let report: VerifyReport = try client.request(.verify, seconds: nil)
            try output.show(report, schema: "verify") {
                output.pairs(Self.pairs(report)) + report.findings.map(shown)
            }
            return report.isSound ? .done : .failed
        }
    }

    private static func pairs(_ report: VerifyReport) -> [(String, String)] {
        [
            ("records", String(report.records)),
            ("cases", String(report.cases)),
            ("referrals", String(report.referrals)),
            ("chain", report.isChainIntact ? "intact" : "broken"),
            ("holders", report.hasOneHolder ? "one for every open branch" : "not as they must be"),
            ("findings", String(UInt64(report.findings.count) + report.omitted)),
            ("seconds", String(report.seconds)),
        ]
    }
}
