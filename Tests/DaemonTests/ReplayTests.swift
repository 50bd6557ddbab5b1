// SPDX-License-Identifier: Apache-2.0

import Control
import Foundation
import TestKit
import Testing
import XES

extension DaemonTests {
    /// Goal: a real history passes through the bus as it was, whatever is killed meanwhile.
    ///
    /// Method: `barid replay`, then compare what `baridctl export` tells with the log itself.
    @Suite("replays a history") struct ReplayTests {
        private static var hasReceipts: Bool {
            FileManager.default.fileExists(atPath: Checkout.history)
        }
        private static let receiptsAreAbsent: Comment =
            "the recorded history receipt.xes.gz is not in ../shared/data beside this checkout"

        /// What an independent count of a log finds.
        struct Facts {
            var log: String
            var cases: Int
            var events: Int
            var visits: Int
            var finished: Int
            var overdue: Int

            static var receipts: Facts {
                Facts(
                    log: Checkout.history,
                    cases: 1_434,
                    events: 8_577,
                    visits: 6_874,
                    finished: 1_329,
                    overdue: 377
                )
            }

            static var permits: Facts {
                Facts(
                    log: Checkout.path + "/Deploy/samples/permits.xes",
                    cases: 12,
                    events: 102,
                    visits: 76,
                    finished: 10,
                    overdue: 1
                )
            }
        }

        @Test("the sample log comes out as it went in")
        func permits() throws {
            let daemon = try DaemonProcess()
            let report = try Self.replay(.permits, on: daemon)
            #expect(report["repeated"] as? Int == 0)
            try Self.expectSameTraces(.permits, on: daemon)
            // Once more changes nothing: every submission is known by its key.
            let position = try daemon.status().journal.position
            #expect(try Self.replay(.permits, on: daemon)["repeated"] as? Int == 12)
            #expect(try daemon.status().journal.position == position)
        }

        @Test(
            "a municipality's history comes out as it went in",
            .enabled(if: hasReceipts, receiptsAreAbsent)
        )
        func receipts() throws {
            let daemon = try DaemonProcess()
            let report = try Self.replay(.receipts, on: daemon)
            #expect(report["repeated"] as? Int == 0)
            try Self.expectSameTraces(.receipts, on: daemon)
        }

        @Test(
            "killing the daemon at any moment changes nothing",
            .enabled(if: hasReceipts, receiptsAreAbsent)
        )
        func killedDaemon() async throws {
            let seed = UInt64.random(in: 0 ... .max)
            print("daemon killed amid a replay: seed \(seed)")
            var random = SeededGenerator(seed: seed)
            let daemon = try DaemonProcess()
            // One record a submission, note and completion; the names of the offices come on top.
            let records = UInt64(1_434 + 8_577 + 6_874)
            let moments = (0..<12).map { _ in UInt64.random(in: 5..<records, using: &random) }
            let replay = try Self.start(.receipts, on: daemon)
            for moment in moments.sorted() {
                try await eventually { try daemon.status().journal.position >= moment }
                daemon.kill()
                try daemon.restart()
            }
            let ending = replay.ending(seconds: 120)
            #expect(ending == .exited(0), "\(replay.errors)")
            try Self.expect(.receipts, in: replay.output)
            try Self.expectSameTraces(.receipts, on: daemon)
            #expect(try daemon.status().epoch == 13)
        }

        @Test(
            "killing the replay at any moment changes nothing once it is run again",
            .enabled(if: hasReceipts, receiptsAreAbsent)
        )
        func killedReplay() async throws {
            let seed = UInt64.random(in: 0 ... .max)
            print("replay killed: seed \(seed)")
            var random = SeededGenerator(seed: seed)
            let daemon = try DaemonProcess()
            let moments = (0..<3).map { _ in UInt64.random(in: 100..<15_000, using: &random) }
            for moment in moments.sorted() {
                let replay = try Self.start(.receipts, on: daemon)
                try await eventually { try daemon.status().journal.position >= moment }
                replay.kill()
                #expect(replay.ending() == .killed(SIGKILL))
            }
            let report = try Self.replay(.receipts, on: daemon)
            #expect(report["repeated"] as? Int ?? 0 > 0)
            try Self.expectSameTraces(.receipts, on: daemon)
        }

        private static func start(_ facts: Facts, on daemon: DaemonProcess) throws -> ChildProcess {
            try ChildProcess("barid", ["replay", facts.log, "--json", "--data", daemon.data])
        }

        /// Replays a log to its end and returns the report, checked against the facts.
        @discardableResult
        private static func replay(
            _ facts: Facts,
            on daemon: DaemonProcess
        ) throws -> [String: Any] {
            let replay = try start(facts, on: daemon)
            #expect(replay.ending(seconds: 120) == .exited(0), "\(replay.errors)")
            return try expect(facts, in: replay.output)
        }

        @discardableResult
        private static func expect(_ facts: Facts, in output: String) throws -> [String: Any] {
            let object = try JSONSerialization.jsonObject(with: Data(output.utf8))
            let report = try #require(object as? [String: Any])
            for (key, count) in [
                ("cases", facts.cases), ("events", facts.events), ("visits", facts.visits),
                ("finished", facts.finished), ("overdue", facts.overdue), ("lost", 0),
                ("duplicated", 0), ("foreign", 0),
            ] {
                #expect(report[key] as? Int == count, "\(key)")
            }
            #expect(report["verified"] as? Bool == true)
            return report
        }

        /// Verifies the ledger and compares its export with the log, trace by trace.
        private static func expectSameTraces(_ facts: Facts, on daemon: DaemonProcess) throws {
            let verified = try daemon.baridctl("verify", "--json")
            #expect(verified.status == 0, "\(verified)")
            let result = try verified.json["result"] as? [String: Any]
            #expect(result?["cases"] as? Int == facts.cases)
            let directory = TemporaryDirectory()
            let path = directory.path + "/out.xes"
            let export = try daemon.baridctl("export", "xes", "--output", path)
            #expect(export.status == 0, "\(export)")
            let told = try traces(path)
            #expect(told.count == facts.cases)
            var differing: [String] = []
            for (name, trace) in try traces(facts.log) where told[name] != trace {
                differing.append(name)
            }
            #expect(differing == [])
        }

        /// One event, as far as the bus promises to keep it.
        private struct Fact: Equatable {
            var activity: String
            var group: String
            var person: String
            var instant: Int64
        }

        /// The events of each trace in their order, by the name of the trace.
        private static func traces(_ path: String) throws -> [String: [Fact]] {
            var reader = try EventLogReader(path: path)
            var traces: [String: [Fact]] = [:]
            while let trace = try reader.nextTrace() {
                #expect(traces[trace.name] == nil, "trace \(trace.name) comes twice")
                traces[trace.name] = trace.events.map { event in
                    Fact(
                        activity: event.activity,
                        group: event.group,
                        person: event.resource,
                        instant: event.instant
                    )
                }
            }
            return traces
        }
    }
}
