// SPDX-License-Identifier: Apache-2.0

import BaridClient
import Control
import Foundation
import TestKit
import Testing

private let promtoolPath = ["/usr/bin/promtool", "/usr/local/bin/promtool"].first {
    FileManager.default.isExecutableFile(atPath: $0)
}
private let hasPromtool = promtoolPath != nil

extension DaemonTests {
    /// Goal: what Prometheus is given is what it takes, and every alert and panel finds its figures.
    ///
    /// Method: scrape a daemon that has worked; promtool judges, where there is one.
    @Suite("metrics") struct MetricsTests {
        private static let folder = Checkout.path + "/Deploy/metrics"

        /// A daemon that moved a case through two offices, with what it tells then.
        private static func scrape() async throws -> (DaemonProcess, String) {
            let daemon = try DaemonProcess(isKeyed: true)
            let bus = try await daemon.connect()
            let counter = try await bus.staff("city/counter")
            _ = try await bus.staff("city/archive")
            var submission = Submission(procedure: "itinerary")
            submission.itinerary = ["city/counter", "city/archive"]
            _ = try await bus.submit(submission)
            for try await referral in counter {
                try await referral.complete("forwarded")
                break
            }
            let text = try daemon.baridctl("metrics").output
            return (daemon, text)
        }

        private static func value(_ sample: String, _ text: String) -> Double? {
            text.split(separator: "\n").first { $0.hasPrefix(sample + " ") }
                .flatMap { Double($0.dropFirst(sample.count + 1)) }
        }

        @Test("figures follow what was done: cases, hops, histograms and offices")
        func figures() async throws {
            let (_, text) = try await Self.scrape()
            #expect(Self.value(#"barid_cases{state="open"}"#, text) == 1)
            #expect(Self.value("barid_hops_total", text) == 1)
            #expect(Self.value("barid_step_duration_seconds_count", text) == 1)
            #expect(Self.value("barid_delivery_latency_seconds_count", text) ?? 0 >= 1)
            let commits = Self.value("barid_commits_total", text) ?? 0
            #expect(commits >= 2)
            #expect(Self.value("barid_commit_duration_seconds_count", text) == commits)
            #expect(Self.value("barid_accept_duration_seconds_count", text) ?? 0 >= 4)
            #expect(
                Self.value(#"barid_office_sessions{office="city/archive"}"#, text) == 1
            )
            // Buckets rise up to the count.
            let buckets = text.split(separator: "\n")
                .filter { $0.hasPrefix("barid_commit_duration_seconds_bucket") }
                .compactMap { Double($0.split(separator: " ")[1]) }
            #expect(buckets == buckets.sorted() && buckets.last == commits && buckets.count > 10)
        }

        @Test("the names in every alert and every panel are in a scrape")
        func names() async throws {
            let (daemon, text) = try await Self.scrape()
            // A key that is live has figures of its own.
            _ = try daemon.enrol("city")
            let keyed = try daemon.baridctl("metrics").output
            #expect(keyed.contains("barid_key_end_timestamp_seconds{agency=\"city\""))
            let known = Set(
                (text + keyed).split(separator: "\n").filter { !$0.hasPrefix("#") }
                    .map { String($0.prefix { $0 != "{" && $0 != " " }) }
            )
            for expression in try Self.expressions() {
                let names = expression.matches(of: /(barid|process)_[a-z_]+/)
                    .map { String($0.output.0) }
                #expect(!names.isEmpty, "\(expression)")
                for name in names { #expect(known.contains(name), "\(name) in \(expression)") }
            }
        }

        /// Of all alerts and panels.
        private static func expressions() throws -> [String] {
            let data = try Data(contentsOf: URL(filePath: folder + "/barid.dashboard.json"))
            let board = try JSONSerialization.jsonObject(with: data) as? [String: Any]
            let panels = try #require(board?["panels"] as? [[String: Any]])
            var found = panels.flatMap { panel in
                (panel["targets"] as? [[String: Any]] ?? []).compactMap { $0["expr"] as? String }
            }
            #expect(found.count >= panels.count)
            let rules = try String(contentsOfFile: folder + "/barid.rules.yaml", encoding: .utf8)
            // From one key to the next: an expression may have several lines.
            for part in rules.components(separatedBy: "        expr: ").dropFirst() {
                let lines = part.split(separator: "\n").prefix {
                    !$0.hasPrefix("        for:") && !$0.hasPrefix("        labels:")
                }
                found.append(lines.joined(separator: " "))
            }
            return found
        }

        @Test(
            "promtool finds nothing wrong with metrics, rules and panels (apt-get install prometheus)",
            .enabled(if: hasPromtool, "promtool is not installed")
        )
        func promtool() async throws {
            let tool = try #require(promtoolPath)
            let (_, text) = try await Self.scrape()
            let directory = TemporaryDirectory()
            let page = directory.path + "/page"
            try text.write(toFile: page, atomically: true, encoding: .utf8)
            let metrics = try Ended(
                "/bin/sh",
                ["-c", "exec \"$0\" check metrics < \"$1\"", tool, page],
                seconds: 20
            )
            #expect(metrics.status == 0 && metrics.errors.isEmpty, "\(metrics)")
            let rules = try Ended(tool, ["check", "rules", Self.folder + "/barid.rules.yaml"])
            #expect(rules.status == 0, "\(rules)")
            let tested = try Ended(
                tool,
                ["test", "rules", Self.folder + "/barid.rules.test.yaml"]
            )
            #expect(tested.status == 0, "\(tested)")
            let encoder = JSONEncoder()
            encoder.outputFormatting = .withoutEscapingSlashes
            let panels = try Self.expressions().enumerated().map { place, expression in
                let text = String(
                    decoding: try encoder.encode(expression.replacing(">- ", with: "")),
                    as: UTF8.self
                )
                return "      - record: panel_\(place)\n        expr: \(text)\n"
            }
            let file = directory.path + "/panels.yaml"
            try ("groups:\n  - name: panels\n    rules:\n" + panels.joined())
                .write(toFile: file, atomically: true, encoding: .utf8)
            let checked = try Ended(tool, ["check", "rules", file])
            #expect(checked.status == 0, "\(checked)")
        }

        @Test("the file for the textfile collector is whole whenever it is read")
        func file() async throws {
            let directory = TemporaryDirectory()
            let file = directory.path + "/barid.prom"
            let configuration = directory.path + "/barid.yaml"
            try "metrics:\n  file: \(file)\n  every: PT1S\n"
                .write(toFile: configuration, atomically: true, encoding: .utf8)
            let daemon = try DaemonProcess(["--config", configuration])
            var stamps: Set<Double> = []
            try await eventually {
                guard let text = try? String(contentsOfFile: file, encoding: .utf8) else {
                    return false
                }
                #expect(text.hasPrefix("# HELP barid_build_info"))
                #expect(text.hasSuffix("\n"))
                guard let stamp = Self.value("barid_scrape_timestamp_seconds", text) else {
                    Issue.record("a part of the file was read")
                    return true
                }
                stamps.insert(stamp)
                return stamps.count > 1
            }
            #expect(daemon.terminate() == .exited(0))
        }
    }
}
