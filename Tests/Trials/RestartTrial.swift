// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Platform
import ProofKit
import TestKit

/// `Trials restart`: how long a killed daemon takes to answer again with many open cases.
struct RestartCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restart",
        abstract:
            "Fill a ledger with open cases, kill the daemon amid traffic, and time its return."
    )

    @Option(help: "Open cases.")
    var cases = 1_000_000
    @Option(help: "How often to kill the daemon.")
    var kills = 20
    @Option(help: "Decides what is asked.")
    var seed: UInt64 = 1
    @Option(help: "Also write the JSON to this file.")
    var json: String?

    func run() throws {
        let directory = TemporaryDirectory()
        let data = directory.path + "/data"
        let start = Clock.monotonicMilliseconds()
        var filler: LedgerFiller? = try LedgerFiller(data: data)
        try filler?.fill(cases)
        filler = nil
        let filled = Clock.monotonicMilliseconds()
        var figures = KillTrial.Figures(seed: seed)
        var verified = 0.0
        do {
            let trial = try KillTrial(seed: seed, in: data)
            try trial.run(kills: kills, counting: &figures)
            verified = try trial.verify()
        } catch {
            figures.violations.append("seed \(seed): \(error)")
        }
        figures.recoveryMilliseconds.sort()
        var report = figures.report
        report["part"] = "restart"
        report["cases"] = cases
        report["fillSeconds"] = Double(filled - start) / 1_000
        report["verifySeconds"] = verified
        let path = data + "/ledger.db"
        let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int
        report["ledgerBytes"] = size ?? 0
        try emit(report, to: json)
        guard figures.violations.isEmpty else { throw ExitCode(1) }
    }
}
