// SPDX-License-Identifier: Apache-2.0

import BaridClient
import Control
import Foundation
import Platform
import TestKit
import Testing

extension DaemonTests {
    /// Goal: what an operator does at night is planned, done once, and found in the journal.
    ///
    /// Method: `baridctl` and `socat` against a real daemon.
    @Suite("lets operators look and act") struct OperatorTests {
        private func filled(_ count: Int) async throws -> (DaemonProcess, Bus, [String]) {
            let daemon = try DaemonProcess()
            let bus = try await daemon.connect()
            for office in ["city/desk", "city/night"] {
                _ = try await bus.staff(office, credit: 0)
            }
            var numbers: [String] = []
            for _ in 0..<count {
                var submission = Submission(procedure: "itinerary")
                submission.itinerary = ["city/desk"]
                submission.body = Array("the secret body".utf8)
                numbers.append(try await bus.submit(submission).caseNumber)
            }
            return (daemon, bus, numbers)
        }

        @Test("only the token of a plan carries it out, and only while the selection is the same")
        func plans() async throws {
            let (daemon, bus, numbers) = try await filled(3)
            let move = ["queue", "move", "city/desk", "--to", "city/night", "--reason", "fire"]
            func run(_ more: String...) throws -> Ended {
                try Ended("baridctl", move + more + ["--data", daemon.data])
            }
            let refused = try run()
            #expect(refused.status == 5 && refused.output.isEmpty, "\(refused)")
            let planned = try run("--dry-run", "--json").json
            let plan = try #require(
                (planned["result"] as? [String: Any])?["plan"] as? [String: Any]
            )
            #expect(plan["count"] as? Int == 3 && (plan["samples"] as? [Any])?.count == 3)
            let token = try #require(plan["token"] as? String)
            #expect(try run("--approve", "1-2").status == 5)
            #expect(try run("--limit", "2", "--approve", token).status == 5)
            var submission = Submission(procedure: "itinerary")
            submission.itinerary = ["city/desk"]
            _ = try await bus.submit(submission)
            let stale = try run("--approve", token, "--json")
            #expect(stale.status == 5)
            #expect(try stale.json["code"] as? String == "planStale")
            let peeked: [QueueRow] = try daemon.rows(
                .queuePeek,
                PeekArguments(office: "city/desk")
            )
            #expect(peeked.map(\.number).prefix(3) == numbers[...])
            let again = try run("--dry-run", "--json").json
            let second = (again["result"] as? [String: Any])?["plan"] as? [String: Any]
            let done = try run("--approve", try #require(second?["token"] as? String))
            #expect(done.status == 0 && done.output == "4 moved\n", "\(done)")
            let rows: [OfficeRow] = try daemon.rows(.officeList)
            #expect(rows.first { $0.name == "city/night" }?.waiting == 4)
            let view = try daemon.caseView(numbers[0])
            #expect(view.acts.last?.act == "rerouted" && view.acts.last?.by?.uid == getuid())
            #expect(view.acts.last?.text == "fire")
            await bus.close()
            #expect(try daemon.verify().isSound)
        }

        @Test("socat alone drives the sockets; observe.sock only shows, and never a body")
        func socat() async throws {
            let (daemon, bus, numbers) = try await filled(1)
            func ask(_ socket: String, _ line: String) throws -> String {
                let words =
                    "printf '%s\\n' '\(line)' | socat -t 10 - UNIX-CONNECT:"
                    + "\(daemon.data)/\(socket)"
                return try Ended("/bin/sh", ["-c", words]).output
            }
            try #require(
                access("/usr/bin/socat", X_OK) == 0,
                "socat is missing; Deploy/setup installs it"
            )
            let row = try ask("observe.sock", #"{"v":1,"id":7,"cmd":"office.list"}"#)
            #expect(row.contains(#""name":"city/desk""#) && row.contains(#""ok":true"#))
            let pause =
                #"{"v":1,"id":1,"cmd":"office.pause","args":{"office":"city/desk"},"reason":"x"}"#
            let refused = try ask("observe.sock", pause)
            #expect(refused.contains(#"{"code":"observeOnly","exit":77,"id":1,"ok":false"#))
            let all = try CommandName.allCases.map { command in
                try ask("observe.sock", #"{"v":1,"cmd":"\#(command.rawValue)","reason":"x"}"#)
            }
            for (command, answer) in zip(CommandName.allCases, all) {
                #expect(
                    answer.contains("observeOnly") != command.isObservable,
                    "\(command): \(answer)"
                )
            }
            for command in ["case.show", "case.trail", "case.why"] {
                let line =
                    #"{"v":1,"cmd":"\#(command)","args":{"number":"\#(numbers[0])"}}"#
                let answer = try ask("observe.sock", line)
                #expect(!answer.contains("secret"))
            }
            #expect(try ask("control.sock", pause).contains(#""paused":{"reason":"x""#))
            for name in ["observe.sock", "control.sock"] {
                var status = stat()
                #expect(stat("\(daemon.data)/\(name)", &status) == 0)
                #expect(status.st_mode & 0o7777 == 0o600)
            }
            var status = stat()
            #expect(stat("\(daemon.data)/ledger.db", &status) == 0)
            #expect(status.st_mode & 0o7777 & ~0o640 == 0)
            await bus.close()
        }

        @Test("events follow the journal, sessions are cut, and a drain ends the daemon")
        func watching() async throws {
            let (daemon, bus, numbers) = try await filled(1)
            let events = try ChildProcess(
                "baridctl",
                ["events", "--after", "0", "--ndjson", "--data", daemon.data]
            )
            #expect(events.listen(seconds: 30) { output, _ in output.contains(numbers[0]) })
            let sessions: [SessionRow] = try daemon.rows(.sessionList)
            #expect(sessions.map(\.agency) == ["city"])
            #expect(sessions[0].offices == ["city/desk", "city/night"])
            let ended = try daemon.baridctl(
                "session",
                "cut",
                String(sessions[0].session),
                "--reason",
                "wild"
            )
            #expect(ended.status == 0, "\(ended)")
            #expect(events.listen(seconds: 30) { output, _ in output.contains("session-cut") })
            // The client comes back by itself, under another number.
            try await eventually {
                let now: [SessionRow] = try daemon.rows(.sessionList)
                return !now.isEmpty && now[0].session != sessions[0].session
            }
            await bus.close()
            let head = try daemon.baridctl("log", "head", "--json").json["result"]
            let hash = try #require((head as? [String: Any])?["hash"] as? String)
            let position = try #require((head as? [String: Any])?["position"] as? Int)
            let words = ["log", "verify", "--after", "\(position)", "--data", daemon.data]
            #expect(try Ended("baridctl", words + ["--hash", hash]).status == 0)
            #expect(try Ended("baridctl", words + ["--hash", "00"]).status == 1)
            #expect(try daemon.baridctl("log", "verify").status == 0)
            #expect(try daemon.baridctl("health").status == 0)
            #expect(try daemon.baridctl("top", "--json").json["schema"] as? String == "barid.top/1")

            let planned = try daemon.baridctl("drain", "--reason", "x", "--dry-run", "--json")
            let plan = (try planned.json["result"] as? [String: Any])?["plan"] as? [String: Any]
            let token = try #require(plan?["token"] as? String)
            #expect(daemon.isRunning)
            #expect(
                try daemon.baridctl("drain", "--reason", "x", "--approve", token).status == 0
            )
            #expect(daemon.process.ending(seconds: 30) == .exited(0))
        }

        @Test("health tells what keeps the daemon from being healthy")
        func health() async throws {
            let (daemon, bus, _) = try await filled(0)
            try daemon.act(.officePause, OfficeArguments(office: "city/desk"), OfficeRow.self)
            let told = try daemon.baridctl("health")
            #expect(told.status == 1 && told.output.contains("city/desk"), "\(told)")
            #expect(try daemon.baridctl("health", "--stage", "ready").status == 0)
            let watch = try ChildProcess(
                "baridctl",
                ["office", "list", "--watch", "0.1", "--ndjson", "--data", daemon.data]
            )
            #expect(
                watch.listen(seconds: 30) { output, _ in
                    output.components(separatedBy: #""name":"city/desk""#).count > 3
                }
            )
            await bus.close()
        }
    }
}
