// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Testing
internal import XES

@testable internal import BaridClient
@testable internal import barid

@Suite(.serialized, .timeLimit(.minutes(2))) struct BusTests {
    /// An endpoint of its own in a directory that is removed afterwards.
    private static func withEndpoint(_ body: (String) async throws -> Void) async throws {
        let place = FileManager.default.temporaryDirectory
            .appendingPathComponent("bc-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: place) }
        try await body("ipc://\(place.path)/bus.sock")
    }

    private static func connect(_ endpoint: String) async throws -> Bus {
        try await Bus.connect(to: endpoint, agency: "city", name: "test")
    }

    private static func submission(_ route: [String]) -> Submission {
        var submission = Submission(procedure: "itinerary")
        submission.itinerary = route
        submission.body = [1, 2, 3]
        return submission
    }

    @Test("a case goes from a submission through an office to its end")
    func wholeWay() async throws {
        try await Self.withEndpoint { endpoint in
            let daemon = try PretendBus(PretendLedger(), endpoint: endpoint)
            let bus = try await Self.connect(endpoint)
            let referrals = try await bus.staff("city/desk")
            let submission = Self.submission(["city/desk"])
            let receipt = try await bus.submit(submission)
            #expect(!receipt.wasRepeated)
            #expect(try await bus.submit(submission).wasRepeated)
            var iterator = referrals.makeAsyncIterator()
            let referral = try #require(try await iterator.next())
            #expect(referral.caseNumber == receipt.caseNumber)
            #expect(referral.body == [1, 2, 3])
            #expect(referral.outcomes == ["forwarded", "unrecorded"])
            try await referral.note(activity: "checked", person: "Ada")
            try await referral.complete("forwarded")
            let trail = try await bus.track(receipt.caseNumber)
            #expect(trail.isClosed)
            #expect(trail.acts.map(\.act) == ["noted", "completed"])
            await bus.close()
            #expect(try await iterator.next() == nil, "iterations end with the connection")
            daemon.kill()
        }
    }

    @Test("a submission unanswered by a killed daemon ends with the receipt of the next one")
    func survivesKill() async throws {
        try await Self.withEndpoint { endpoint in
            let ledger = PretendLedger()
            // hello is the first operation and the submission the second: stored, not answered.
            let first = try PretendBus(ledger, endpoint: endpoint, killedAfter: 2)
            let bus = try await Self.connect(endpoint)
            async let receipt = bus.submit(Self.submission(["city/desk"]))
            await first.end()
            let second = try PretendBus(ledger, endpoint: endpoint)
            #expect(try await receipt.wasRepeated)
            #expect(ledger.keys.count == 1)
            await bus.close()
            second.kill()
        }
    }

    @Test("a refusal arrives as a typed error")
    func refusal() async throws {
        try await Self.withEndpoint { endpoint in
            let daemon = try PretendBus(PretendLedger(), endpoint: endpoint)
            let bus = try await Self.connect(endpoint)
            let error = await #expect(throws: BaridError.self) { try await bus.track(serial: 5) }
            #expect(error?.code == .unknownCase)
            #expect(error?.by == .bus)
            await bus.close()
            let late = await #expect(throws: BaridError.self) { try await bus.track(serial: 5) }
            #expect(late?.code == .closed)
            daemon.kill()
        }
    }

    @Test("nobody at the endpoint is told as not connected")
    func nobody() async throws {
        try await Self.withEndpoint { endpoint in
            let error = await #expect(throws: BaridError.self) {
                try await Bus.connect(
                    to: endpoint,
                    agency: "city",
                    name: "test",
                    timeout: .milliseconds(50)
                )
            }
            #expect(error?.code == .notConnected)
        }
    }

    @Test("a cancelled wait ends, and the connection goes on")
    func cancelled() async throws {
        try await Self.withEndpoint { endpoint in
            let daemon = try PretendBus(PretendLedger(), endpoint: endpoint)
            let bus = try await Self.connect(endpoint)
            let referrals = try await bus.staff("city/desk")
            let waiting = Task {
                var iterator = referrals.makeAsyncIterator()
                return try await iterator.next() == nil
            }
            waiting.cancel()
            #expect(try await waiting.value)
            let asking = Task { try await bus.submit(Self.submission(["city/desk"])) }
            asking.cancel()
            _ = await asking.result
            let receipt = try await bus.submit(Self.submission(["city/desk"]))
            #expect(receipt.serial > 0)
            await bus.close()
            daemon.kill()
        }
    }

    @Test("unread deliveries never exceed the credit")
    func backPressure() async throws {
        try await Self.withEndpoint { endpoint in
            let ledger = PretendLedger()
            let daemon = try PretendBus(ledger, endpoint: endpoint)
            let bus = try await Self.connect(endpoint)
            for _ in 0..<20 { _ = try await bus.submit(Self.submission(["city/desk"])) }
            let referrals = try await bus.staff("city/desk", credit: 4)
            // Any request after the grant is answered after the deliveries it allowed.
            for _ in 0..<20 { _ = try await bus.track(serial: 1) }
            daemon.kill()
            #expect(ledger.cases.values.filter { $0.generation > 0 }.count == 4)
            _ = referrals
            await bus.close()
        }
    }

    @Test(
        "a replay over a daemon that is killed again and again loses and repeats nothing",
        arguments: [0, 4, 13, 30]
    )
    func replaySurvives(stride: Int) async throws {
        try await Self.withEndpoint { endpoint in
            let ledger = PretendLedger()
            let plan = try Self.plan(caseCount: 12)
            let bus = Task {
                let bus = try await Self.connect(endpoint)
                let replay = Replay(
                    plan: plan,
                    bus: bus,
                    window: 5,
                    verifies: true,
                    patience: .seconds(60)
                )
                let results = try await replay.run { _ in }
                await bus.close()
                return results
            }
            // The way takes 120 operations without any repetition, so every life meets its end.
            for life in 1...100 / (20 + stride) {
                let daemon = try PretendBus(
                    ledger,
                    endpoint: endpoint,
                    killedAfter: (20 + stride) * life
                )
                await daemon.end()
            }
            let last = try PretendBus(ledger, endpoint: endpoint)
            let results = try await bus.value
            last.kill()
            #expect(results.count == 12)
            for result in results {
                #expect(result.discrepancy?.lostCount == 0)
                #expect(result.discrepancy?.duplicatedCount == 0)
            }
            #expect(ledger.cases.count == 12)
            #expect(ledger.cases.values.allSatisfy { $0.visit == $0.route.count })
        }
    }

    @Test("a replay run again opens no case and notes nothing twice")
    func replayAgain() async throws {
        try await Self.withEndpoint { endpoint in
            let ledger = PretendLedger()
            let daemon = try PretendBus(ledger, endpoint: endpoint)
            let plan = try Self.plan(caseCount: 8)
            for run in 0..<2 {
                let bus = try await Self.connect(endpoint)
                let replay = Replay(
                    plan: plan,
                    bus: bus,
                    window: 3,
                    verifies: true,
                    patience: .seconds(30)
                )
                let results = try await replay.run { _ in }
                #expect(results.count { $0.wasRepeated } == run * 8)
                #expect(results.allSatisfy { $0.discrepancy?.duplicatedCount == 0 })
                await bus.close()
            }
            daemon.kill()
            #expect(ledger.cases.count == 8)
        }
    }

    @Test("a replay ends when a case stands in the dead letters, and says so")
    func replayMeetsDeadLetter() async throws {
        try await Self.withEndpoint { endpoint in
            let ledger = PretendLedger()
            let plan = try Self.plan(caseCount: 3)
            let first = try PretendBus(ledger, endpoint: endpoint)
            let bus = try await Self.connect(endpoint)
            let serial = try await bus.submit(plan.cases[1].submission).serial
            await bus.close()
            first.kill()
            ledger.dead = [serial]
            let second = try PretendBus(ledger, endpoint: endpoint)
            let again = try await Self.connect(endpoint)
            let replay = Replay(
                plan: plan,
                bus: again,
                window: 3,
                verifies: true,
                patience: .seconds(30)
            )
            let results = try await replay.run { _ in }
            await again.close()
            second.kill()
            var report = ReplayReport(plan)
            report.add(results, isVerified: true)
            #expect(report.deadCount == 1)
            #expect(results.filter(\.isDead).map(\.index) == [1])
            #expect(report.isClean, "a dead letter is neither lost nor done twice")
        }
    }

    @Test("with a credit of one nothing comes before the next referral is asked for")
    func oneAtATime() async throws {
        try await Self.withEndpoint { endpoint in
            let ledger = PretendLedger()
            let daemon = try PretendBus(ledger, endpoint: endpoint)
            let bus = try await Self.connect(endpoint)
            for _ in 0..<3 { _ = try await bus.submit(Self.submission(["city/desk"])) }
            let referrals = try await bus.staff("city/desk", credit: 1)
            var iterator = referrals.makeAsyncIterator()
            let first = try #require(try await iterator.next())
            // Were credit given back, it would come before this is answered.
            _ = try await bus.track(serial: 1)
            _ = try await bus.track(serial: 1)
            try await first.complete("forwarded")
            _ = try #require(try await iterator.next())
            await bus.close()
            daemon.kill()
            #expect(ledger.cases.values.filter { $0.generation > 0 }.count == 2)
        }
    }

    @Test("custody is settled with the outcomes the trail tells, and an unknown one is not sent")
    func custodyOutcomes() async throws {
        try await Self.withEndpoint { endpoint in
            let ledger = PretendLedger()
            let daemon = try PretendBus(ledger, endpoint: endpoint)
            let bus = try await Self.connect(endpoint)
            let receipt = try await bus.submit(Self.submission(["city/desk"]))
            let trail = try await bus.track(receipt.caseNumber)
            let place = try #require(trail.places.first)
            let custody = try bus.custody(of: place, in: trail)
            #expect(custody.outcomes == ["forwarded", "unrecorded"])
            let error = await #expect(throws: BaridError.self) {
                try await custody.complete("lost")
            }
            #expect(error?.code == .unknownOutcome)
            await bus.close()
            daemon.kill()
        }
    }

    private static func plan(caseCount: Int) throws -> ReplayPlan {
        let traces = (0..<caseCount).map { index in
            Trace(
                name: "case \(index)",
                events: (0..<6).map { event in
                    Event(
                        activity: "step \(event)",
                        group: "Group \((index + event / 2) % 3)",
                        resource: "Ada",
                        instant: Int64(event) * 1_000
                    )
                }
            )
        }
        return try ReplayPlan(
            traces: traces,
            agency: "city",
            procedure: "itinerary",
            run: ""
        )
    }
}
