// SPDX-License-Identifier: Apache-2.0

import Ledger
import Rules
import TestKit
import Testing
import Wire

/// Goal: promise 7: first come, first served within office and lane, under the credit given.
///
/// Method: one office; the deliveries of each turn are the order.
@Suite("Queues and credit")
struct QueueTests {
    let bench: LedgerBench
    let submitter: UInt32

    init() throws {
        bench = try LedgerBench()
        try bench.publish(Samples.line)
        submitter = try bench.hello("a")
    }

    private var serials: [UInt64] { bench.deliveries.map(\.serial) }

    @Test("urgent goes before normal before bulk, and first come first served within")
    func lanes() throws {
        for lane in [Lane.bulk, .normal, .urgent, .normal, .bulk, .urgent] {
            try bench.submitted(submitter, "line", lane: lane)
        }
        _ = try bench.staff(["a/one"])
        #expect(serials == [3, 6, 2, 4, 1, 5])
        #expect(bench.deliveries.map(\.lane) == [0, 0, 1, 1, 2, 2])
    }

    @Test("a released referral keeps its lane and its place")
    func released() throws {
        for lane in [Lane.normal, .bulk, .bulk, .bulk] {
            try bench.submitted(submitter, "line", lane: lane)
        }
        let session = try bench.staff(["a/one"], credit: 2)
        let second = try #require(bench.deliveries.last)
        #expect(second.serial == 2)
        bench.settle(.release, second)
        try bench.turn()
        bench.pass(10_000)
        try bench.turn()
        bench.credit(session, "a/one", messages: 10)
        try bench.turn()
        #expect(serials == [2, 3, 4])
        #expect(bench.deliveries.first?.lane == Lane.bulk.rawValue)
    }

    @Test("deliveries go round among the sessions of an office")
    func fair() throws {
        let first = try bench.staff(["a/one"], credit: 10)
        let second = try bench.staff(["a/one"], credit: 2)
        let third = try bench.staff(["a/one"], credit: 10)
        for _ in 0..<8 { bench.submit(submitter, "line") }
        try bench.turn()
        #expect(
            bench.deliveries.map(\.session)
                == [first, second, third, first, second, third, first, third]
        )
    }

    @Test("no more is delivered than the messages and bytes granted, the last may overdraw")
    func credit() throws {
        for _ in 0..<9 { bench.submit(submitter, "line", body: String(repeating: "x", count: 100)) }
        try bench.turn()
        let session = try bench.staff(["a/one"], credit: 3)
        #expect(serials == [1, 2, 3])
        bench.credit(session, "a/one", messages: 0)
        try bench.turn()
        #expect(serials.isEmpty)
        let other = try bench.hello("a")
        try bench.attach(other, "a/one")
        bench.credit(other, "a/one", messages: 100, bytes: 150)
        try bench.turn()
        #expect(serials == [4, 5])
        bench.credit(other, "a/one", messages: 0, bytes: 1)
        try bench.turn()
        #expect(serials.isEmpty)
    }

    @Test(
        "a session whose road is slow is handed no more than may be under way, and others are served"
    )
    func slowRoad() throws {
        bench.areRoadsFast = false
        let body = String(repeating: "x", count: 1_000_000)
        for _ in 0..<20 {
            bench.submit(submitter, "line", body: body)
            try bench.turn()
        }
        let most = Limits.creditBytesMax
        let slow = try bench.hello("a")
        try bench.attach(slow, "a/one")
        bench.credit(slow, "a/one", messages: 100, bytes: most)
        try bench.turn()
        #expect(serials == Array(1...9))
        bench.submit(submitter, "line")
        try bench.turn()
        #expect(serials.isEmpty)
        let waits = try bench.writer.waits(of: 10)
        #expect(waits?.map(\.reason) == [.slowRoad(sessions: 1)])
        // What staffs another office meanwhile is held there as well.
        try bench.attach(slow, "a/two")
        let swift = try bench.hello("a")
        try bench.attach(swift, "a/one")
        bench.credit(swift, "a/one", messages: 2, bytes: most)
        try bench.turn()
        #expect(bench.deliveries.map(\.session) == [swift, swift])
        bench.happen(.passed(session: slow, bytes: 4_000_000))
        try bench.turn()
        #expect(serials.isEmpty, "free too early")
        bench.happen(.passed(session: slow, bytes: 5_000_000))
        try bench.turn()
        #expect(bench.deliveries.count == 5)
        #expect(bench.deliveries.allSatisfy { $0.session == slow })
    }

    @Test("credit without attaching and credit beyond the limit are refused")
    func refusedCredit() throws {
        _ = try bench.staff(["a/one"])
        let refused = try bench.reply(to: bench.credit(submitter, "a/one", messages: 1))
        #expect(refused.refusal == .notAttached)
        try bench.attach(submitter, "a/one")
        let large = bench.credit(submitter, "a/one", messages: Limits.creditMessagesMax + 1)
        #expect(try bench.reply(to: large).refusal == .creditTooLarge)
    }

    @Test("bye gives leases back at once, and no attempt is counted")
    func bye() throws {
        for _ in 0..<3 { try bench.submitted(submitter, "line") }
        let leaving = try bench.staff(["a/one"], credit: 2)
        let staying = try bench.staff(["a/one"])
        #expect(serials == [3])
        bench.happen(.departed(session: leaving))
        try bench.turn()
        #expect(serials == [1, 2])
        #expect(bench.deliveries.allSatisfy { $0.attempts == 0 && $0.session == staying })
        try bench.verify()
    }

    @Test("a session that ended draws nothing more, and its leases run on")
    func ended() throws {
        for _ in 0..<2 { try bench.submitted(submitter, "line") }
        let gone = try bench.staff(["a/one"], credit: 1)
        let held = try #require(bench.deliveries.first)
        bench.happen(.ended(session: gone))
        try bench.turn()
        let next = try bench.staff(["a/one"], credit: 5)
        #expect(serials == [2])
        #expect(try bench.reply(to: bench.complete(held.held(by: next), "stop")).isAnswer)
        #expect(try bench.reply(to: bench.complete(held, "stop")).refusal == .noSession)
    }

    @Test("a delivery that never left comes again with nothing counted")
    func undelivered() throws {
        try bench.submitted(submitter, "line")
        let session = try bench.staff(["a/one"], credit: 1)
        let first = try #require(bench.deliveries.first)
        let event = SessionEvent.undelivered(
            session: session,
            referral: first.referral,
            generation: first.generation
        )
        bench.happen(event)
        try bench.turn()
        let second = try #require(bench.deliveries.first)
        #expect(second.referral == first.referral && second.attempts == 0)
        #expect(second.generation > first.generation)
        bench.happen(event)
        try bench.turn()
        #expect(bench.deliveries.isEmpty)
    }

    @Test("a step is announced once a session and office before its first delivery")
    func announced() throws {
        let session = try bench.staff(["a/one"])
        for _ in 0..<3 { bench.submit(submitter, "line") }
        try bench.turn()
        let steps = bench.told.filter { $0.header.verb == .step && $0.session == session }
        #expect(steps.count == 1)
        let step = try #require(bench.deliveries.first).step
        #expect(step.office == "a/one" && step.outcomes == ["done", "stop"])
        #expect(step.leaseMs == 30_000 && !step.mayReturn && !step.mayRefer)
    }

    // MARK: Longer than the window

    @Test("a queue longer than its window is delivered in order, exactly once, seed 41")
    func longQueue() throws {
        var random = SeededGenerator(seed: 41)
        let count = 3_000
        for index in 0..<count {
            bench.submit(submitter, "line", body: "")
            if index % 500 == 499 { try bench.turn() }
        }
        let session = try bench.staff(["a/one"], credit: 1)
        var fresh = bench.deliveries.map(\.serial)
        var held = bench.deliveries
        var later = 0
        var turns = 0
        while fresh.count < count + later, turns < 2_000 {
            turns += 1
            if later < 200, Int.random(in: 0..<4, using: &random) == 0 {
                bench.submit(submitter, "line", body: "")
                later += 1
            }
            for _ in 0..<Int.random(in: 0...40, using: &random) where !held.isEmpty {
                let delivery = held.remove(at: Int.random(in: 0..<held.count, using: &random))
                switch Int.random(in: 0..<12, using: &random) {
                case 0: bench.settle(.release, delivery)
                case 1: bench.settle(.accept, delivery)
                default: bench.complete(delivery, "stop")
                }
            }
            bench.credit(
                session,
                "a/one",
                messages: UInt64.random(in: 1...60, using: &random)
            )
            if Int.random(in: 0..<8, using: &random) == 0 { bench.pass(5_000) }
            if Int.random(in: 0..<40, using: &random) == 0 {
                bench.pass(30_000)
                held.removeAll()
            }
            try bench.turn()
            held += bench.deliveries
            fresh += bench.deliveries.filter { $0.attempts == 0 }.map(\.serial)
        }
        #expect(fresh == (1...UInt64(count + later)).map { $0 })
        try bench.verify()
    }

    @Test("what several sessions drop and take up again is never out twice, seed 42")
    func churn() throws {
        var random = SeededGenerator(seed: 42)
        for _ in 0..<1_500 { bench.submit(submitter, "line", body: "") }
        try bench.turn()
        var out: [UInt64: UInt32] = [:]
        var sessions: [UInt32] = []
        for _ in 0..<120 {
            if sessions.count < 3 {
                sessions.append(try bench.hello("a"))
                try bench.attach(sessions[sessions.count - 1], "a/one")
            }
            for session in sessions {
                bench.credit(session, "a/one", messages: UInt64.random(in: 0...200, using: &random))
            }
            if Int.random(in: 0..<3, using: &random) == 0 {
                let leaving = sessions.remove(
                    at: Int.random(in: 0..<sessions.count, using: &random)
                )
                bench.happen(.departed(session: leaving))
                out = out.filter { $0.value != leaving }
            }
            try bench.turn()
            for delivery in bench.deliveries {
                #expect(out[delivery.referral] == nil, "delivered twice")
                out[delivery.referral] = delivery.session
            }
        }
        #expect(bench.writer.deliveries > 1_500)
        try bench.verify()
    }
}
