// SPDX-License-Identifier: Apache-2.0

import BaridClient
import Control
import Foundation
import TestKit
import Testing
import Wire

extension DaemonTests {
    /// Goal: whoever subscribes is told everything, or told what it is not told.
    ///
    /// Method: `barid subscribe` beside `barid replay`, killed and restarted; many raw sessions of
    /// which one stops reading.
    @Suite("tells what happens") struct EventsTests {
        /// What is replayed, and how many acts of it are told.
        struct History: CustomTestStringConvertible {
            var name: String
            var path: String
            var caseCount: Int
            var noteCount: Int
            var visitCount: Int
            var actCount: Int { caseCount + noteCount + visitCount }
            var testDescription: String { name }

            static let permits = History(
                name: "the sample log",
                path: Checkout.path + "/Deploy/samples/permits.xes",
                caseCount: 12,
                noteCount: 102,
                visitCount: 76
            )
            static let receipts = History(
                name: "a municipality's history",
                path: Checkout.history,
                caseCount: 1_434,
                noteCount: 8_577,
                visitCount: 6_874
            )
            /// Those that are here.
            static var all: [History] {
                if FileManager.default.fileExists(atPath: Checkout.history) {
                    return [permits, receipts]
                }
                print("only the sample log is replayed: receipt.xes.gz is not in ../shared/data")
                return [permits]
            }
        }

        /// One line of `barid subscribe --json`.
        struct Line {
            var type = ""
            var subject = ""
            var sequence: UInt64 = 0
            /// Events left out, where it tells a gap.
            var leftOutCount: Int?

            init(_ text: Substring) throws {
                let value = try JSONSerialization.jsonObject(with: Data(text.utf8))
                let object = try #require(value as? [String: Any])
                if let gap = object["gap"] as? [String: Any] {
                    leftOutCount = gap["count"] as? Int ?? 0
                    return
                }
                #expect(object["specversion"] as? String == "1.0")
                #expect(object["source"] as? String == "barid:journal")
                type = try #require(object["type"] as? String)
                subject = try #require(object["subject"] as? String)
                sequence = try #require(UInt64(object["sequence"] as? String ?? ""))
            }

            static func all(_ output: String) throws -> [Line] {
                // The last line may be cut by a kill.
                guard let end = output.lastIndex(of: "\n") else { return [] }
                return try output[..<end].split(separator: "\n").map(Line.init)
            }
        }

        @Test("a live subscriber prints every act once and in order", arguments: History.all)
        func live(_ history: History) throws {
            let daemon = try DaemonProcess()
            let listener = try Self.listen(on: daemon, ["--credit", "10000"])
            let replay = try ChildProcess(
                "barid",
                ["replay", history.path, "--json", "--data", daemon.data]
            )
            // Heard while it is told: a listener whose output nobody reads is a slow one.
            let isDone = listener.listen(seconds: 90) { output, _ in
                output.hasSuffix("\n") && Self.lineCount(output) >= history.actCount
            }
            #expect(replay.ending() == .exited(0), "\(replay.errors)")
            listener.signal(SIGTERM)
            #expect(listener.ending() == .exited(0), "\(listener.errors)")
            let lines = try Line.all(listener.output)
            #expect(isDone)
            #expect(lines.allSatisfy { $0.leftOutCount == nil }, "nothing was left out")
            try Self.expectAll(history, in: lines, on: daemon)
        }

        @Test("a durable subscriber that was away for the whole replay catches up")
        func away() throws {
            let daemon = try DaemonProcess()
            let made = try Self.listen(on: daemon, ["--durable", "archive"])
            made.signal(SIGTERM)
            #expect(made.ending() == .exited(0), "\(made.errors)")
            try Self.replay(.permits, on: daemon)
            daemon.kill()
            try daemon.restart()
            let again = try Self.listen(
                on: daemon,
                ["--durable", "archive", "--limit", String(History.permits.actCount)]
            )
            #expect(again.ending() == .exited(0), "\(again.errors)")
            try Self.expectAll(.permits, in: try Line.all(again.output), on: daemon)
            let none = try Self.listen(on: daemon, ["--durable", "archive", "--until-idle", "1"])
            #expect(none.ending() == .exited(0))
            #expect(none.output.isEmpty, "everything was acknowledged")
        }

        @Test(
            "a durable subscriber killed in the middle misses nothing, repeats only what is unsettled",
            arguments: History.all
        )
        func killed(_ history: History) throws {
            let seed = UInt64.random(in: 0 ... .max)
            print("subscriber killed: seed \(seed)")
            var random = SeededGenerator(seed: seed)
            let daemon = try DaemonProcess()
            let credit = 100
            let options = ["--durable", "archive", "--credit", String(credit)]
            let first = try Self.listen(on: daemon, options)
            let replay = try ChildProcess(
                "barid",
                ["replay", history.path, "--json", "--data", daemon.data]
            )
            let moment = Int.random(in: 1..<history.actCount, using: &random)
            _ = first.listen(seconds: 60) { output, _ in
                output.utf8.count { $0 == UInt8(ascii: "\n") } >= moment
            }
            first.kill()
            #expect(first.ending() == .killed(SIGKILL))
            let heard = try Line.all(first.output)
            let second = try Self.listen(on: daemon, options + ["--until-idle", "40"])
            #expect(replay.ending(seconds: 120) == .exited(0), "\(replay.errors)")
            let sequences = Set(heard.map(\.sequence))
            let isDone = second.listen(seconds: 90) { output, _ in
                let lines = (try? Line.all(output)) ?? []
                return sequences.union(lines.map(\.sequence)).count >= history.actCount
            }
            second.signal(SIGTERM)
            #expect(second.ending() == .exited(0), "\(second.errors)")
            #expect(isDone, "seed \(seed)")
            let rest = try Line.all(second.output)
            #expect(Set(rest.map(\.sequence)).count == rest.count, "seed \(seed)")
            // What was acknowledged is a beginning of what was printed, for they are printed in
            // the order of delivery and acknowledged up to the last one.
            let repeated = sequences.intersection(rest.map(\.sequence))
            let unacknowledged = Set(heard.suffix(repeated.count).map(\.sequence))
            #expect(repeated == unacknowledged, "seed \(seed)")
            #expect(repeated.count <= 2 * credit, "seed \(seed)")
            let all = heard.filter { !repeated.contains($0.sequence) } + rest
            try Self.expectAll(history, in: all, on: daemon)
        }

        @Test(
            "one of a hundred subscribers stops reading: the others hear all, it hears of the gap"
        )
        func slowReader() throws {
            let daemon = try DaemonProcess()
            let eventCount = 20_000
            var readers = try RawGroup(endpoint: daemon.bus)
            var subscriptions: [UInt64] = []
            for place in 0..<99 {
                _ = try readers.open(agency: "city", name: "reader")
                subscriptions.append(try Self.subscribe(&readers, place))
            }
            var slow = try RawGroup(endpoint: daemon.bus)
            _ = try slow.open(agency: "city", name: "slow")
            let slowSubscription = try Self.subscribe(&slow, 0)
            try slow.flush()
            var publisher = try RawGroup(endpoint: daemon.bus)
            _ = try publisher.open(agency: "city", name: "publisher")
            var event = Envelope.Event()
            event.topic = "city.news"
            event.source = "city"
            let envelope = Envelope.bytes(of: event)
            let body = [UInt8](repeating: 7, count: 256)
            var counts = [Int](repeating: 0, count: 99)
            var gapCount = 0
            var published = 0
            var answered = 0
            while answered < eventCount || counts.contains(where: { $0 < eventCount }) {
                // Never further ahead of the slowest of the ninety-nine than their credit.
                let room = min(500, 2_000 - (published - (counts.min() ?? 0)))
                for _ in 0..<max(0, min(room, eventCount - published)) {
                    published += 1
                    var header = Header(.publish)
                    header.id = Identifier(high: 1, low: UInt64(published))
                    _ = try publisher.ask(0, header, envelope: envelope, body: body)
                }
                try publisher.flush()
                try publisher.receive(timeoutMilliseconds: 0) { _, header, _ in
                    #expect(header.verb == .answer)
                    answered += 1
                }
                var used = [UInt64](repeating: 0, count: 99)
                let eventBytes = UInt64(envelope.count + body.count)
                try readers.receive(timeoutMilliseconds: 10) { place, header, _ in
                    if header.verb == .gap { gapCount += 1 }
                    guard header.verb == .event else { return }
                    counts[place] += 1
                    used[place] += 1
                }
                for (place, count) in used.enumerated() where count > 0 {
                    try Self.grant(&readers, place, subscriptions[place], count, count * eventBytes)
                }
                try readers.flush()
                try #require(gapCount == 0, "a reader that reads is told everything")
            }
            #expect(try Self.residentMebibytes(of: daemon.process.number) < 256)
            // Now it reads again; credit, where it has used up all, and one more event bring the gap.
            var heard = 0
            var leftOut = 0
            var idleCount = 0
            while heard + leftOut < eventCount + 1, idleCount < 100 {
                let before = heard + leftOut
                try slow.receive(timeoutMilliseconds: 100) { _, header, _ in
                    if header.verb == .event { heard += 1 }
                    if header.verb == .gap { leftOut += Int(header.number) }
                }
                if before == heard + leftOut {
                    idleCount += 1
                    if idleCount == 1 {
                        try Self.grant(&slow, 0, slowSubscription, 10, 10 * 1_024)
                        try slow.flush()
                        _ = try publisher.ask(0, Header(.publish), envelope: envelope, body: body)
                        try publisher.flush()
                    }
                }
            }
            #expect(heard + leftOut == eventCount + 1)
            #expect(leftOut > 0, "it was told less than all")
        }

        @Test("SIGTERM ends a command that waits, every time")
        func stopped() throws {
            let daemon = try DaemonProcess()
            for _ in 0..<8 {
                let listener = try Self.listen(on: daemon, [])
                listener.signal(SIGTERM)
                #expect(listener.ending(seconds: 20) == .exited(0), "\(listener.errors)")
            }
        }

        // MARK: What the tests share

        private static func lineCount(_ output: String) -> Int {
            var output = output
            return output.withUTF8 { bytes in bytes.count { $0 == UInt8(ascii: "\n") } }
        }

        private static func listen(
            on daemon: DaemonProcess,
            _ options: [String]
        ) throws -> ChildProcess {
            let child = try ChildProcess(
                "barid",
                ["subscribe", "case.>", "--json", "--agency", "city", "--data", daemon.data]
                    + options
            )
            let isListening = child.listen(seconds: 30) { _, errors in
                errors.contains("Listening")
            }
            try #require(isListening, "\(child.errors)")
            return child
        }

        private static func replay(_ history: History, on daemon: DaemonProcess) throws {
            let replay = try Ended(
                "barid",
                ["replay", history.path, "--json", "--data", daemon.data],
                seconds: 120
            )
            #expect(replay.status == 0, "\(replay.errors)")
        }

        /// Every act once, those of a case in order, as many as the ledger has.
        private static func expectAll(
            _ history: History,
            in lines: [Line],
            on daemon: DaemonProcess
        ) throws {
            #expect(lines.count == history.actCount)
            #expect(Set(lines.map(\.sequence)).count == lines.count, "nothing twice")
            var last: [String: UInt64] = [:]
            var disorderCount = 0
            for line in lines {
                if line.sequence <= last[line.subject] ?? 0 { disorderCount += 1 }
                last[line.subject] = line.sequence
            }
            #expect(disorderCount == 0, "the acts of a case come in order")
            let counts = Dictionary(grouping: lines, by: \.type).mapValues(\.count)
            #expect(counts["barid.case.submitted"] == history.caseCount)
            #expect(counts["barid.case.noted"] == history.noteCount)
            #expect(counts["barid.case.completed"] == history.visitCount)
            let cases = try daemon.status().cases
            #expect(last.count == Int(cases.open + cases.closed), "every case is heard of")
            let position = try daemon.status().journal.position
            #expect(lines.allSatisfy { $0.sequence <= position })
        }

        private static func subscribe(
            _ group: inout RawGroup,
            _ place: Int
        ) throws -> UInt64 {
            var subscribe = Envelope.Subscribe()
            subscribe.pattern = "city.news"
            let number = try group.call(
                place,
                Header(.subscribe),
                envelope: Envelope.bytes(of: subscribe)
            ).subject
            try grant(&group, place, number, Limits.creditMessagesMax, Limits.creditBytesMax)
            try group.flush()
            return number
        }

        private static func grant(
            _ group: inout RawGroup,
            _ place: Int,
            _ subscription: UInt64,
            _ messages: UInt64,
            _ bytes: UInt64
        ) throws {
            var header = Header(.credit)
            header.subject = subscription
            header.generation = messages
            header.serial = bytes
            _ = try group.ask(place, header)
        }

        private static func residentMebibytes(of process: Int32) throws -> Int {
            let text = try String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
            let line = text.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
            return (line?.split(separator: " ").dropFirst().first).flatMap { Int($0) }.map {
                $0 / 1_024
            } ?? .max
        }
    }
}
