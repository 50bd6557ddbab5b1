// SPDX-License-Identifier: Apache-2.0

import Control
import Foundation
import TestKit
import Testing

extension DaemonTests {
    /// Goal: scripts can rely on exit statuses and JSON.
    ///
    /// Method: run the programs as a shell does.
    @Suite("answers command lines") struct CommandLineTests {
        @Test("a case passes from submit over work and settle to its trail")
        func wholeWay() throws {
            let daemon = try DaemonProcess()
            let file = TemporaryDirectory()
            let body = file.path + "/plan.txt"
            try Data("three floors".utf8).write(to: URL(filePath: body))
            for office in ["city/first", "city/second"] {
                let opened = try daemon.barid("work", office, "--accept", "--until-idle", "0")
                #expect(opened.status == 0, "\(opened)")
            }
            let key = "0195f0a0-0000-7000-8000-000000000001"
            let words = [
                "submit", "--procedure", "itinerary", "--itinerary", "city/first", "city/second",
                "--subject", "A house", "--reference", "A-1", "--attribute", "colour=red",
                "--body", body, "--key", key, "--json", "--data", daemon.data,
            ]
            let submitted = try Ended("barid", words)
            #expect(submitted.status == 0, "\(submitted)")
            let receipt = try submitted.json
            #expect(
                Set(receipt.keys) == ["number", "position", "recorded_at", "hash", "repeated"]
            )
            #expect(receipt["repeated"] as? Bool == false)
            let number = try #require(receipt["number"] as? String)
            let repeated = try Ended("barid", words).json
            #expect(repeated["number"] as? String == number)
            #expect(repeated["repeated"] as? Bool == true)

            let worked = try daemon.barid(
                "work",
                "city/first",
                "--exec",
                "grep -q floors && echo forwarded",
                "--limit",
                "1",
                "--json"
            )
            #expect(worked.status == 0, "\(worked)")
            #expect(try worked.json["result"] as? String == "forwarded")
            #expect(try worked.json["number"] as? String == number)
            let accepted = try daemon.barid(
                "work",
                "city/second",
                "--accept",
                "--limit",
                "1",
                "--json"
            )
            #expect(try accepted.json["result"] as? String == "accepted")

            let held = try daemon.barid("track", number, "--json").json
            let places = try #require(held["places"] as? [[String: Any]])
            #expect(places.map { $0["state"] as? String } == ["custody"])
            let settled = try daemon.barid(
                "settle",
                number,
                "--release",
                "--reason",
                "lunch",
                "--json"
            )
            #expect(settled.status == 0, "\(settled)")
            #expect(try settled.json["number"] as? String == number)
            let done = try daemon.barid(
                "work",
                "city/second",
                "--complete",
                "forwarded",
                "--limit",
                "1"
            )
            #expect(done.status == 0, "\(done)")

            let trail = try daemon.barid("track", number, "--json").json
            #expect(trail["state"] as? String == "closed")
            let id = try #require(trail["id"] as? String)
            #expect(try daemon.barid("track", id, "--json").json["number"] as? String == number)
            let shown = try daemon.baridctl("case", "show", number, "--json")
            let view = try #require(try shown.json["result"] as? [String: Any])
            #expect(view["state"] as? String == "closed" && view["id"] as? String == id)
            #expect(try shown.json["schema"] as? String == "barid.case.show/1")
            try daemon.expectSound(closed: 1)
        }

        @Test("what operators say of events, subscriptions and the catalogue is kept")
        func events() throws {
            let daemon = try DaemonProcess()
            let file = Checkout.path + "/Deploy/catalogue/city.yaml"
            let reason = ["--reason", "test"]
            func lines(_ words: String...) throws -> String {
                let ended = try Ended("baridctl", words + ["--data", daemon.data])
                #expect(ended.status == 0, "\(words): \(ended)")
                return ended.output
            }
            #expect(
                try Ended(
                    "baridctl",
                    ["catalogue", "publish", file, "--data", daemon.data] + reason
                ).output == "city\t1\tpublished\n"
            )
            #expect(try lines("catalogue", "show", "city").hasPrefix("# What the municipality"))
            #expect(try lines("catalogue", "list").hasPrefix("city\t1\t"))
            #expect(
                try lines("topic", "retention", "city.>", "--age", "P30D", "--reason", "x")
                    == "city.>\tP30D\t\n"
            )
            #expect(try lines("topic", "rules") == "city.>\tP30D\t\n")
            #expect(try lines("topic", "list").isEmpty)
            #expect(try lines("subscription", "list").isEmpty)
            #expect(
                try lines("agency", "all-cases", "audit", "on", "--reason", "x")
                    == "audit: all cases on\n"
            )
            let refusals: [([String], Int32)] = [
                (["topic", "retention", "case.>", "--age", "P1D"], 65),
                (["topic", "retention", "city.>", "--age", "P1M"], 65),
                (["topic", "retention", "City", "--bytes", "5"], 65),
                (["subscription", "forget", "city", "none"], 4),
            ]
            for (words, status) in refusals {
                let ended = try Ended("baridctl", words + reason + ["--data", daemon.data])
                #expect(ended.status == status, "\(words): \(ended)")
            }
            #expect(try daemon.baridctl("verify").status == 0)
        }

        @Test("the exit status says what went wrong")
        func statuses() throws {
            let daemon = try DaemonProcess()
            let directory = TemporaryDirectory()
            let broken = directory.path + "/broken"
            try Data("procedure: [a\n".utf8).write(to: URL(filePath: broken))
            let absent = "0000-0000-0099-92"
            let endings: [(Ended, Int32)] = [
                (try daemon.barid("track", absent), 4),
                (try daemon.barid("track", "0000-0000-0099-00"), 4),
                (try daemon.barid("track", "nonsense"), 4),
                (try daemon.barid("settle", absent, "--release"), 4),
                (try daemon.barid("settle", absent), 64),
                (try daemon.barid("submit", "--procedure", "no-such"), 4),
                (try daemon.barid("submit"), 64),
                (try daemon.barid("submit", "--procedure", "itinerary", "--key", "x"), 64),
                (
                    try daemon.barid(
                        "submit",
                        "--procedure",
                        "itinerary",
                        "--body",
                        "/no/such/file"
                    ), 65
                ),
                (try daemon.barid("work", "fire/desk", "--accept", agency: "city"), 77),
                (try daemon.barid("work", "city/desk"), 64),
                (try daemon.barid("replay", broken), 65),
                (try daemon.barid("replay", "/no/such/file"), 65),
                (try daemon.barid("bench", "flow", "--window", "0"), 64),
                (try daemon.baridctl("case", "show", absent), 4),
                (try daemon.baridctl("case", "show", "0000-0000-0099-00"), 65),
                (try daemon.baridctl("procedure", "show", "no-such"), 4),
                (try daemon.baridctl("procedure", "publish", broken, "--reason", "x"), 65),
                (try daemon.baridctl("dead", "retry", "7", "--reason", "x"), 1),
                (try daemon.baridctl("dead", "retry", "7"), 64),
                (try daemon.baridctl("dead", "list", "--office", "city/none"), 4),
                (try daemon.baridctl("nonsense"), 64),
                (try daemon.baridctl("status"), 0), (try daemon.baridctl("verify"), 0),
            ]
            for (place, (ended, status)) in endings.enumerated() {
                #expect(ended.status == status, "number \(place): \(ended)")
                #expect(ended.errors.isEmpty == (status == 0), "number \(place): \(ended)")
            }
        }

        @Test("a declaration is checked without a daemon, and its faults are the output")
        func check() throws {
            let directory = TemporaryDirectory()
            let broken = directory.path + "/broken.yaml"
            try Data("procedure: [a\n".utf8).write(to: URL(filePath: broken))
            let refused = try Ended("baridctl", ["procedure", "check", broken])
            #expect(refused.status == 65 && refused.output.hasPrefix(broken + ":2:1: "))
            let sound = Checkout.path + "/Deploy/procedures/committee.yaml"
            #expect(try Ended("baridctl", ["procedure", "check", sound]).status == 0)
        }

        @Test("without a daemon everything ends with 69, and baridctl status with 3")
        func unreachable() throws {
            let directory = TemporaryDirectory()
            let data = ["--data", directory.path]
            #expect(try Ended("baridctl", ["status"] + data).status == 3)
            #expect(try Ended("baridctl", ["verify"] + data).status == 69)
            #expect(try Ended("baridctl", ["office", "list"] + data).status == 69)
            let sample = Checkout.path + "/Deploy/samples/permits.xes"
            let commands = [
                ["track", "0000-0012-3456-76"], ["submit", "--procedure", "itinerary"],
                ["work", "city/desk", "--accept"], ["settle", "0000-0012-3456-76", "--release"],
                ["replay", sample, "--patience", "1"], ["bench", "flow"],
            ]
            let running = try commands.map { try ChildProcess("barid", $0 + data) }
            for (command, child) in zip(commands, running) {
                #expect(child.ending(seconds: 30) == .exited(69), "\(command)")
                #expect(child.errors.hasPrefix("barid: "), "\(command): \(child.errors)")
            }
        }

        @Test("a worker ends at the first SIGTERM, whatever it is doing")
        func stopped() async throws {
            let daemon = try DaemonProcess()
            let workers = try (1...12).map { place in
                try ChildProcess(
                    "barid",
                    [
                        "work", "city/o\(place)", "--data", daemon.data, "--exec", "sleep 30",
                        "--agency", "city",
                    ]
                )
            }
            try await eventually { try daemon.status().sessions >= workers.count }
            for worker in workers { worker.signal(SIGTERM) }
            for worker in workers {
                #expect(worker.ending(seconds: 20) == .exited(0), "\(worker.errors)")
            }
        }

        @Test("operators' lists and figures have their JSON form")
        func operators() throws {
            let daemon = try DaemonProcess()
            let opened = try daemon.barid(
                "work",
                "city/desk",
                "--accept",
                "--until-idle",
                "0",
                "--title",
                "مكتب"
            )
            #expect(opened.status == 0, "\(opened)")
            let permit = Checkout.path + "/Deploy/procedures/building-permit.yaml"
            let published = try daemon.baridctl(
                "procedure",
                "publish",
                permit,
                "--reason",
                "new law",
                "--json"
            )
            #expect(published.status == 0, "\(published)")
            let unchanged = try daemon.baridctl(
                "procedure",
                "publish",
                permit,
                "--reason",
                "again",
                "--json"
            )
            #expect(unchanged.output.contains(#""isNew":false"#), "\(unchanged)")

            let procedures = try daemon.baridctl("procedure", "list", "--json").json
            let rows = try #require(procedures["rows"] as? [[String: Any]])
            #expect(Set(rows.map { $0["name"] as? String }) == ["itinerary", "building-permit"])
            let offices = try daemon.baridctl("office", "list", "--json").json
            let desks = try #require(offices["rows"] as? [[String: Any]])
            let desk = try #require(desks.first { $0["name"] as? String == "city/desk" })
            #expect(desk["title"] as? String == "مكتب" && desk["waiting"] as? Int == 0)
            #expect(desks.contains { $0["name"] as? String == "civil-defence/clearances" })
            let dead = try daemon.baridctl("dead", "list", "--json").json
            #expect((dead["rows"] as? [Any])?.isEmpty == true)

            let status = try daemon.baridctl("status", "--json").json
            #expect(status["schema"] as? String == "barid.status/1")
            let figures = try #require(status["result"] as? [String: Any])
            #expect(figures["epoch"] as? Int == 1 && figures["directory"] as? String == daemon.data)
            let verify = try daemon.baridctl("verify", "--json").json
            let report = try #require(verify["result"] as? [String: Any])
            #expect(report["isChainIntact"] as? Bool == true)
            #expect(report["hasOneHolder"] as? Bool == true)
            #expect((report["findings"] as? [Any])?.isEmpty == true)
            let export = try daemon.baridctl("export", "xes")
            #expect(export.status == 0 && export.output.contains("<log"), "\(export)")
        }

        @Test("bench flow prints one object of figures and loses nothing", arguments: [100, 300])
        func bench(window: Int) throws {
            let daemon = try DaemonProcess()
            let ended = try daemon.barid(
                "bench",
                "flow",
                "--offices",
                "5",
                "--window",
                String(window),
                "--size",
                "256",
                "--seconds",
                "1",
                "--json"
            )
            #expect(ended.status == 0, "\(ended)")
            let figures = try ended.json
            for key in ["lost", "duplicated", "refused"] {
                #expect(figures[key] as? Int == 0, "\(key)")
            }
            #expect(figures["hops_per_s"] as? Double ?? 0 > 100)
            #expect(figures["flows_per_s"] as? Double ?? 0 > 20)
            #expect(figures["commits"] as? Int ?? 0 > 5)
            for key in ["submit_us", "flow_us"] {
                let times = try #require(figures[key] as? [String: Int])
                let (p50, p99, max) = (times["p50"] ?? 0, times["p99"] ?? 0, times["max"] ?? 0)
                #expect(0 < p50 && p50 <= p99 && p99 <= max, "\(key): \(times)")
            }
            let flows = figures["flows"] as? Int ?? 0
            #expect(figures["hops"] as? Int == flows * 5)
            try daemon.expectSound(closed: flows)
        }
    }
}
