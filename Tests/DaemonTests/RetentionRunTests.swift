// SPDX-License-Identifier: Apache-2.0

import BaridClient
import Control
import Foundation
import TestKit
import Testing

extension DaemonTests {
    /// Goal: what the law wants erased is erased when its period is over, on order of an operator, and
    /// nothing else.
    ///
    /// Method: `baridctl` against a real daemon, with cases that were closed some days ago by the word
    /// of their office; marks are looked for in the bytes of the files.
    @Suite("erases closed cases") struct RetentionRunTests {
        private static func procedure(_ name: String, retention: String?) -> String {
            """
            procedure: \(name)
            \(retention.map { "retention: \($0)" } ?? "hops: 64")
            offices:
              city/desk: {en: Desk}
            steps:
              check:
                office: city/desk
                term: P1D
                outcomes:
                  done: closed
            after-closing:
              reopen: {to: check}
            """
        }

        private static let day: Int64 = 86_400_000

        /// Submits a marked case and has it closed so many days ago, unless it stays open.
        private func closed(
            _ bus: Bus,
            _ desk: inout Referrals.AsyncIterator,
            _ procedure: String,
            _ mark: String,
            daysAgo: Int64?
        ) async throws -> String {
            let now = Int64(Date().timeIntervalSince1970 * 1_000)
            var submission = Submission(procedure: procedure)
            submission.subject = "<\(mark)>"
            submission.reference = "<\(mark)>"
            submission.body = Array(String(repeating: "<\(mark)>", count: 700).utf8)
            submission.occurredAt = now - 40 * Self.day
            let number = try await bus.submit(submission).caseNumber
            let referral = try #require(try await desk.next())
            try #require(referral.caseNumber == number)
            guard let daysAgo else {
                _ = try await referral.accept()
                return number
            }
            _ = try await referral.note(activity: "seen", person: "<\(mark)>", text: "<\(mark)>")
            _ = try await referral.complete("done", occurredAt: now - daysAgo * Self.day)
            return number
        }

        private func marks(_ daemon: DaemonProcess, _ marks: [String]) throws -> [String] {
            let files = try ["ledger.db", "ledger.db-wal"].map {
                try Data(contentsOf: URL(filePath: daemon.data + "/" + $0))
            }
            return marks.filter { mark in
                files.contains { $0.firstRange(of: Data("<\(mark)>".utf8)) != nil }
            }
        }

        @Test("only closed cases past the period of their procedure, and a dry run erases nothing")
        func run() async throws {
            let daemon = try DaemonProcess()
            // The latest version says how long; these cases begin under one that says nothing.
            try daemon.publish(Self.procedure("permit", retention: nil))
            try daemon.publish(Self.procedure("kept", retention: nil))
            let bus = try await daemon.connect()
            var desk = try await bus.staff("city/desk").makeAsyncIterator()
            let old = try await closed(bus, &desk, "permit", "old", daysAgo: 32)
            let young = try await closed(bus, &desk, "permit", "young", daysAgo: 5)
            let open = try await closed(bus, &desk, "permit", "open", daysAgo: nil)
            let kept = try await closed(bus, &desk, "kept", "kept", daysAgo: 32)
            let all = ["old", "young", "open", "kept"]
            #expect(try marks(daemon, all) == all)

            var report: [String: Any] = [:]
            func run(_ options: String...) throws -> Int {
                let ended = try Ended(
                    "baridctl",
                    ["retention", "run", "--json", "--data", daemon.data] + options
                )
                try #require(ended.status == 0, "\(ended)")
                report = try #require(try ended.json["result"] as? [String: Any])
                return try #require(report["cases"] as? Int)
            }
            #expect(try run("--reason", "law") == 0)
            try daemon.publish(Self.procedure("permit", retention: "P1M"))
            let before = try daemon.status().journal
            #expect(try run("--dry-run") == 1)
            #expect(try daemon.status().journal == before)
            #expect(try marks(daemon, all) == all)
            #expect(try run("--procedure", "kept", "--reason", "law") == 0)

            #expect(try run("--reason", "law") == 1)
            #expect(report["isLogEmptied"] as? Bool == true)
            let rows = try #require(report["procedures"] as? [[String: Any]])
            #expect(rows.map { $0["procedure"] as? String } == ["permit"])
            #expect(rows[0]["period"] as? String == "P1M" && rows[0]["cases"] as? Int == 1)
            #expect(try marks(daemon, all) == ["young", "open", "kept"])
            #expect(try run("--reason", "law") == 0)

            let view = try daemon.caseView(old)
            #expect(view.erasedAt != nil && view.state == "closed" && view.result == "done")
            #expect(view.acts.map(\.act) == ["submitted", "noted", "completed", "case-erased"])
            #expect(view.acts.last?.by?.uid == getuid() && view.acts.last?.text == "law")
            for number in [young, open, kept] {
                #expect(try daemon.caseView(number).erasedAt == nil)
            }
            #expect(try daemon.verify().isSound)
            let cases = try daemon.status().cases
            #expect(cases == Status.Cases(open: 1, closed: 3, erased: 1))

            // The departments hear of it, and can do nothing more.
            let trail = try await bus.track(old)
            #expect(trail.erasedAt == view.erasedAt?.milliseconds && trail.isClosed)
            var action = Submission(procedure: "permit")
            action.action = ("reopen", old)
            var refusal: BaridError.Code?
            do { _ = try await bus.submit(action) } catch { refusal = error.code }
            #expect(refusal == .caseErased)
            let shown = try daemon.barid("track", old)
            #expect(shown.status == 0 && shown.output.contains("were erased on"), "\(shown)")

            let log = try daemon.baridctl("export", "xes")
            #expect(log.status == 0 && log.output.contains("key=\"erased\""), "\(log)")
            #expect(!log.output.contains("&lt;old>") && log.output.contains("check: done"))
            await bus.close()
        }

        @Test("one case by plan and token; a backup of it is sound, and serves once restored")
        func one() async throws {
            let daemon = try DaemonProcess()
            try daemon.publish(Self.procedure("permit", retention: nil))
            let bus = try await daemon.connect()
            var desk = try await bus.staff("city/desk").makeAsyncIterator()
            let number = try await closed(bus, &desk, "permit", "mark", daysAgo: 1)
            let other = try await closed(bus, &desk, "permit", "other", daysAgo: 1)
            let open = try await closed(bus, &desk, "permit", "open", daysAgo: nil)
            func erase(_ number: String, _ options: String...) throws -> Ended {
                try Ended(
                    "baridctl",
                    ["erase", number, "--reason", "court", "--data", daemon.data] + options
                )
            }
            #expect(try erase(open, "--dry-run", "--json").json["code"] as? String == "caseOpen")
            #expect(try erase(number).status == 5)
            let planned = try erase(number, "--dry-run", "--json").json
            let plan = try #require(
                (planned["result"] as? [String: Any])?["plan"] as? [String: Any]
            )
            #expect(plan["count"] as? Int == 1)
            let token = try #require(plan["token"] as? String)
            #expect(try erase(other, "--approve", token).status == 5)
            #expect(try marks(daemon, ["mark", "other"]) == ["mark", "other"])
            let done = try erase(number, "--approve", token)
            #expect(done.status == 0 && done.output == "1 erased\n", "\(done)")
            #expect(try marks(daemon, ["mark", "other"]) == ["other"])
            let again = try erase(number, "--dry-run", "--json")
            #expect(try again.json["code"] as? String == "caseErased", "\(again)")
            await bus.close()

            let directory = TemporaryDirectory()
            let backup = directory.path + "/backup"
            let made = try daemon.baridctl("backup", "create", "--to", backup, "--reason", "x")
            try #require(made.status == 0, "\(made)")
            let copy = try Data(contentsOf: URL(filePath: backup + "/ledger.db"))
            #expect(copy.firstRange(of: Data("<mark>".utf8)) == nil)
            #expect(copy.firstRange(of: Data("<other>".utf8)) != nil)
            let target = directory.path + "/data"
            let restored = try Ended("baridctl", ["backup", "restore", backup, "--to", target])
            try #require(restored.status == 0, "\(restored)")
            let second = try DaemonProcess(restoredAt: target)
            #expect(try second.verify().isSound)
            #expect(try second.caseView(number).erasedAt != nil)
            #expect(try second.caseView(other).erasedAt == nil)
            #expect(try second.status().cases == Status.Cases(open: 1, closed: 2, erased: 1))
        }
    }
}
