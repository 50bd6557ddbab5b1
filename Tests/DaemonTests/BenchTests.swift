// SPDX-License-Identifier: Apache-2.0

import Control
import Foundation
import TestKit
import Testing

extension DaemonTests {
    /// Goal: the benches measure what they say and lose nothing.
    ///
    /// Method: short runs of the real programs.
    @Suite("measures itself")
    struct BenchTests {
        private func bench(_ daemon: DaemonProcess, _ arguments: String...) throws -> [String: Any]
        {
            let ended = try Ended(
                "barid",
                ["bench"] + arguments + ["--data", daemon.data, "--json"]
            )
            #expect(ended.status == 0, "\(arguments): \(ended)")
            let figures = try ended.json
            for key in ["lost", "duplicated", "refused"] where figures[key] != nil {
                #expect(figures[key] as? Int == 0, "\(key) of \(arguments)")
            }
            return figures
        }

        @Test("a flow over many sessions and offices loses nothing, and the ledger agrees")
        func sessions() throws {
            let daemon = try DaemonProcess()
            let figures = try bench(
                daemon,
                "flow",
                "--sessions",
                "30",
                "--idle",
                "20",
                "--offices",
                "12",
                "--visits",
                "3",
                "--window",
                "60",
                "--seconds",
                "0.5",
                "--floor",
                "--verify"
            )
            let flows = try #require(figures["flows"] as? Int)
            #expect(flows > 0 && figures["hops"] as? Int == 3 * flows)
            #expect(figures["verified_cases"] as? Int == flows)
            #expect(figures["findings"] as? Int == 0)
            #expect(figures["flow_to_floor"] as? Double ?? 0 > 0)
        }

        @Test("a flow of large bodies, many at once, is told no session ended and loses nothing")
        func largeBodies() throws {
            let daemon = try DaemonProcess()
            let figures = try bench(
                daemon,
                "flow",
                "--size",
                "65536",
                "--window",
                "400",
                "--seconds",
                "1"
            )
            #expect(figures["flows"] as? Int ?? 0 >= 400)
        }

        @Test("submissions wait where nobody works on them, at the rate asked for")
        func submit() throws {
            let daemon = try DaemonProcess()
            let figures = try bench(
                daemon,
                "submit",
                "--rate",
                "200",
                "--seconds",
                "0.5",
                "--floor"
            )
            #expect((1...100).contains(figures["submits"] as? Int ?? 0), "\(figures)")
            #expect(figures["submit_to_floor"] as? Double ?? 0 > 0)
            let offices = try daemon.baridctl("office", "list", "--json").json
            let rows = try #require(offices["rows"] as? [[String: Any]])
            let waiting = rows.reduce(0) { $0 + ($1["waiting"] as? Int ?? 0) }
            #expect(waiting == figures["submits"] as? Int)
        }

        @Test("a backlog is filled before it is measured, and keeps its size")
        func backlog() throws {
            let daemon = try DaemonProcess()
            let figures = try bench(
                daemon,
                "backlog",
                "--fill",
                "500",
                "--offices",
                "10",
                "--window",
                "40",
                "--seconds",
                "0.5",
                "--verify"
            )
            let hops = try #require(figures["hops"] as? Int)
            let submits = try #require(figures["submits"] as? Int)
            #expect(hops > 0 && submits <= hops / 5 + 1)
            #expect(figures["verified_cases"] as? Int == 500 + submits)
        }

        @Test("questions are told beside a bare round trip")
        func ask() throws {
            let daemon = try DaemonProcess()
            let figures = try bench(
                daemon,
                "ask",
                "--rate",
                "100",
                "--sessions",
                "3",
                "--seconds",
                "0.5",
                "--floor"
            )
            #expect((1...50).contains(figures["answers"] as? Int ?? 0), "\(figures)")
            #expect(figures["p50_to_floor"] as? Double ?? 0 > 0)
        }

        @Test("a request that cannot leave in time counts from when it was to leave")
        func late() throws {
            let daemon = try DaemonProcess()
            let bench = try ChildProcess(
                "barid",
                [
                    "bench", "submit", "--rate", "200", "--seconds", "1.5", "--data", daemon.data,
                    "--json",
                ]
            )
            while try daemon.status().commits < 20 {}
            daemon.process.signal(SIGSTOP)
            // A third of the run, in which whoever waits for answers would ask one thing only.
            usleep(500_000)
            daemon.process.signal(SIGCONT)
            #expect(bench.ending(seconds: 60) == .exited(0), "\(bench.errors)")
            let object = try JSONSerialization.jsonObject(with: Data(bench.output.utf8))
            let figures = try #require(object as? [String: Any])
            let times = try #require(figures["submit_us"] as? [String: Int])
            #expect(times["p90"] ?? 0 > 100_000, "\(times)")
        }
    }
}
