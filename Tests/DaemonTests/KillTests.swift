// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

extension DaemonTests {
    /// Goal: nothing that was told is lost or done twice, whenever the daemon is killed.
    ///
    /// Method: `Trials` plays clients and operators over real sockets, kills the daemon at random
    /// moments, some of them before it has recovered, and judges each ledger by what it was told.
    /// `Tests/crash` kills more often.
    @Suite("is killed at random moments") struct KillTests {
        private struct Report: Decodable {
            var kills: Int
            var receipts: Int
            var questions: Int
            var eventDeliveries: Int
            var violations: [String]
        }

        private func trial(_ options: String...) throws -> (status: Int32, report: Report) {
            let ended = try Ended("Trials", options, seconds: 200)
            let line = try #require(ended.output.split(separator: "\n").last, "\(ended.errors)")
            return (ended.status, try JSONDecoder().decode(Report.self, from: Data(line.utf8)))
        }

        @Test("keeps everything it told, does nothing twice, and has one holder a branch")
        func kept() throws {
            let seed = UInt64.random(in: 1...1_000_000)
            print("killed at random: seed \(seed)")
            let (status, report) = try trial(
                "kill",
                "--kills",
                "24",
                "--per-ledger",
                "12",
                "--seed",
                "\(seed)"
            )
            #expect(status == 0 && report.violations.isEmpty, "\(report.violations)")
            #expect(report.kills == 24)
            #expect(report.receipts > 100 && report.eventDeliveries > 50, "\(report)")
            #expect(report.questions > 3, "\(report)")
        }

        @Test("asked to stop amid traffic, it ends in order and keeps everything it told")
        func stops() throws {
            let seed = UInt64.random(in: 1...1_000_000)
            print("stopped at random: seed \(seed)")
            let (status, report) = try trial(
                "kill",
                "--stopping",
                "--kills",
                "8",
                "--per-ledger",
                "8",
                "--seed",
                "\(seed)"
            )
            #expect(status == 0 && report.violations.isEmpty, "\(report.violations)")
            #expect(report.receipts > 30, "\(report)")
        }

        @Test("the audit catches a disk that lost the end of the log")
        func control() throws {
            let (status, report) = try trial("kill", "--kills", "10", "--losing", "--seed", "3")
            #expect(status == 1)
            // Where the loss takes an enrolment, an act on that agency fails before the audit begins.
            let isNoticed = report.violations.contains {
                $0.contains("L: ") || $0.contains("There is no such agency")
            }
            #expect(isNoticed, "\(report.violations)")
        }

        @Test("answers again soon, with thousands of open cases and everything it told")
        func restarts() throws {
            let (status, report) = try trial("restart", "--cases", "5000", "--kills", "3")
            #expect(status == 0 && report.violations.isEmpty, "\(report.violations)")
        }
    }
}
