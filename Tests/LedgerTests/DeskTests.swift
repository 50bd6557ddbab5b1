// SPDX-License-Identifier: Apache-2.0

import Ledger
import Rules
import Testing
import Wire

/// Goal: what operators do to offices, queues and cases is durable, journaled and exactly what was
/// planned.
///
/// Method: a real ledger with the test in the courier's place; after every act the whole ledger is
/// held against its journal.
@Suite("Operators at the desks")
struct DeskTests {
    let bench: LedgerBench
    let one: UInt32

    init() throws {
        bench = try LedgerBench()
        try bench.publish(Samples.line)
        one = try bench.staff(["a/one"], credit: 0)
    }

    private func done(
        _ act: DeskAct,
        _ location: SourceLocation = #_sourceLocation
    ) throws {
        guard case .desk(.done) = try bench.act(.desk(act)) else {
            Issue.record("not done: \(act)", sourceLocation: location)
            return
        }
        try bench.verify(at: location)
    }

    private func refusal(of act: DeskAct) throws -> DeskRefusal? {
        guard case .desk(.declined(let refusal)) = try bench.act(.desk(act)) else { return nil }
        try bench.verify()
        return refusal
    }

    /// What is waiting at an office, from the head.
    private func waiting(_ office: String) throws -> [WaitingReferral] {
        let reader = try bench.reader()
        let number = try #require(try reader.officeNumber(office))
        return try reader.ready(office: number, lane: nil, limit: 100).map { queued in
            WaitingReferral(
                referral: queued.referral.number,
                serial: queued.referral.serial,
                office: number,
                lane: queued.referral.lane,
                since: queued.referral.entered
            )
        }
    }

    @Test("a token is good for its plan, for who asked for it, and until its time is over")
    func token() {
        let plans = PlanToken()
        let token = plans.token(of: "drain", on: [7], for: 1000, expires: 300)
        func isGood(
            _ act: String = "drain",
            on items: [UInt64] = [7],
            for uid: UInt32 = 1000,
            now: Int64 = 0
        ) -> Bool {
            plans.isGood(token, of: act, on: items, for: uid, now: now)
        }
        #expect(isGood() && isGood(now: 300))
        #expect(!isGood(now: 301))
        #expect(!isGood("drain again"))
        #expect(!isGood(on: [8]) && !isGood(on: []))
        #expect(!isGood(for: 1001) && !isGood(for: 0))
    }

    @Test(
        "a paused office takes no deliveries, its queue goes on filling, and a restart changes nothing"
    )
    func paused() throws {
        try bench.submitted(one, "line")
        try done(.pause(office: "a/one"))
        #expect(try refusal(of: .pause(office: "a/one")) == .unchanged)
        #expect(try refusal(of: .pause(office: "a/none")) == .noSuchOffice)
        bench.credit(one, "a/one", messages: 10)
        try bench.submitted(one, "line")
        #expect(bench.deliveries.isEmpty)
        #expect(try waiting("a/one").count == 2)
        try bench.reopen()
        let again = try bench.staff(["a/one"], credit: 10)
        #expect(bench.deliveries.isEmpty)
        let mark = try #require(try bench.reader().pauses()["a/one"])
        #expect(mark.uid == 1000 && mark.reason == "test" && mark.since == bench.wall)
        try done(.resume(office: "a/one"))
        try bench.turn()
        #expect(bench.deliveries.map(\.serial) == [1, 2] && bench.deliveries[0].session == again)
        #expect(try bench.reader().pauses().isEmpty)
        #expect(try refusal(of: .resume(office: "a/one")) == .unchanged)
    }

    @Test("what is out when its office is paused can be settled, and what comes back waits")
    func pausedWhileOut() throws {
        bench.credit(one, "a/one", messages: 10)
        let serial = try bench.submitted(one, "line")
        let other = try bench.submitted(one, "line")
        try bench.turn()
        let second = try bench.reader().ready(
            office: try #require(try bench.reader().officeNumber("a/one")),
            lane: nil,
            limit: 10
        )
        #expect(second.count == 2)
        try done(.pause(office: "a/one"))
        bench.happen(.departed(session: one))
        try bench.turn()
        let back = try bench.staff(["a/one"], credit: 10)
        #expect(bench.deliveries.isEmpty)
        try done(.resume(office: "a/one"))
        try bench.turn()
        #expect(bench.deliveries.map(\.serial) == [serial, other])
        #expect(bench.deliveries.allSatisfy { $0.session == back })
    }

    @Test("a held case is not delivered while those behind it are, and a restart changes nothing")
    func held() throws {
        let first = try bench.submitted(one, "line")
        let second = try bench.submitted(one, "line")
        try done(.hold(serial: first))
        #expect(try refusal(of: .hold(serial: first)) == .unchanged)
        #expect(try refusal(of: .hold(serial: 99)) == .noSuchCase)
        bench.credit(one, "a/one", messages: 10)
        try bench.turn()
        #expect(bench.deliveries.map(\.serial) == [second])
        #expect(try bench.reply(to: bench.complete(bench.deliveries[0], "stop")).isAnswer)
        #expect(try refusal(of: .hold(serial: second)) == .caseClosed)
        try bench.reopen()
        _ = try bench.staff(["a/one"], credit: 10)
        #expect(bench.deliveries.isEmpty)
        #expect(try bench.reader().hold(first)?.reason == "test")
        try done(.release(serial: first))
        try bench.turn()
        #expect(bench.deliveries.map(\.serial) == [first])
        #expect(
            try bench.acts(first) == ["submitted", "held", "hold-released"]
        )
    }

    @Test("a case held while it is out is settled, and then waits where it comes next")
    func heldWhileOut() throws {
        bench.credit(one, "a/one", messages: 10)
        let serial = try bench.submitted(one, "line")
        let delivery = try #require(bench.deliveries.first)
        try done(.hold(serial: serial))
        let two = try bench.staff(["b/two"], credit: 10)
        #expect(try bench.reply(to: bench.complete(delivery, "done")).isAnswer)
        #expect(bench.deliveries.isEmpty)
        #expect(try bench.places(serial) == ["second waiting"])
        try done(.release(serial: serial))
        try bench.turn()
        #expect(bench.deliveries.map(\.session) == [two])
    }

    @Test("waiting referrals move to the end of another queue, all of them or none")
    func moved() throws {
        for _ in 0..<3 { try bench.submitted(one, "line") }
        let plan = try waiting("a/one")
        try bench.publish(Samples.fork(join: "all"))
        #expect(try refusal(of: .move(plan, to: "c/two")) == .officeNotDeclared)
        #expect(try refusal(of: .move(plan, to: "a/one")) == .sameOffice)
        #expect(try refusal(of: .move(plan, to: "a/none")) == .noSuchOffice)
        try done(.move(Array(plan.prefix(2)), to: "b/two"))
        #expect(try waiting("a/one").map(\.serial) == [3])
        #expect(try waiting("b/two").map(\.serial) == [1, 2])
        // The whole plan is stale once a part of it is.
        #expect(try refusal(of: .move(plan, to: "b/two")) == .planStale)
        #expect(try waiting("a/one").map(\.serial) == [3])
        #expect(try bench.places(1) == ["first waiting"])
        let two = try bench.staff(["b/two"], credit: 10)
        let delivery = try #require(bench.deliveries.first)
        #expect(delivery.session == two && delivery.serial == 1)
        #expect(try bench.reply(to: bench.complete(delivery, "done")).isAnswer)
        try bench.verify()
    }

    @Test("what is out under a lease is not moved with what waits")
    func movedWhileOut() throws {
        bench.credit(one, "a/one", messages: 1)
        for _ in 0..<2 { try bench.submitted(one, "line") }
        let plan = try waiting("a/one")
        #expect(plan.count == 2)
        #expect(try refusal(of: .move(plan, to: "b/two")) == .planStale)
        #expect(try waiting("a/one").count == 2)
    }

    @Test(
        "a branch is rerouted wherever it is, and whoever had it is refused",
        arguments: ["waiting", "leased", "delayed", "custody", "dead"]
    )
    func rerouted(place: String) throws {
        let serial: UInt64
        var delivery: Delivery?
        if place == "waiting" {
            serial = try bench.submitted(one, "line")
        } else {
            bench.credit(one, "a/one", messages: 10)
            serial = try bench.submitted(one, "line")
            delivery = bench.deliveries.first
            try #require(delivery != nil)
        }
        switch place {
        case "delayed", "dead":
            for _ in 0..<(place == "dead" ? 3 : 1) {
                for held in bench.deliveries { bench.settle(.release, held) }
                try bench.turn()
                guard place == "dead" else { break }
                bench.pass(60_000)
                try bench.turn()
            }
        case "custody": _ = try bench.reply(to: bench.settle(.accept, try #require(delivery)))
        default: break
        }
        let referral = try #require(try bench.trail(serial).places.first?.referral)
        #expect(
            try refusal(of: .reroute(serial: serial, referral: 7, to: "b/two")) == .noSuchReferral
        )
        try done(.reroute(serial: serial, referral: referral, to: "b/two"))
        let moved = try #require(try bench.trail(serial).places.first)
        #expect(moved.office == "b/two" && moved.step == "first" && moved.state == "waiting")
        #expect(moved.referral != referral && moved.attempts == 0)
        let act = try #require(try bench.trail(serial).acts.last)
        #expect(act.act == "rerouted" && act.entered == ["b/two"] && act.text == "test")
        if let delivery, place == "leased" {
            #expect(try bench.reply(to: bench.complete(delivery, "done")).refusal == .stale)
        }
        let two = try bench.staff(["b/two"], credit: 10)
        let next = try #require(bench.deliveries.first)
        #expect(next.session == two && next.step.step == "first")
        #expect(try bench.reply(to: bench.complete(next, "stop")).isAnswer)
        let isOpen = try bench.trail(serial).isOpen
        #expect(!isOpen)
        try bench.reopen()
        try bench.verify()
    }

    @Test("dead letters are redirected or dismissed, all of a plan or none")
    func dead() throws {
        bench.credit(one, "a/one", messages: 100)
        for _ in 0..<3 { try bench.submitted(one, "line") }
        // Three leases lapse, with a pause after the first two.
        for _ in 0..<6 {
            try bench.turn()
            bench.pass(40_000)
        }
        try bench.turn()
        let letters = try bench.reader().dead(.all).map(\.referral.number)
        try #require(letters.count == 3)
        #expect(try refusal(of: .dismiss(letters + [7])) == .planStale)
        #expect(try refusal(of: .redirect(letters + [7], to: "b/two")) == .planStale)
        #expect(try bench.reader().dead(.all).count == 3)
        try done(.redirect([letters[0]], to: "b/two"))
        #expect(try waiting("b/two").count == 1)
        try done(.dismiss(Array(letters.dropFirst())))
        #expect(try bench.reader().dead(.all).isEmpty)
        #expect(try bench.trail(2).result == "dismissed")
        #expect(try bench.reader().deadCount(office: nil) == 0)
    }

    @Test("the trail says that a branch is delayed, and until when")
    func delayed() throws {
        bench.credit(one, "a/one", messages: 10)
        let serial = try bench.submitted(one, "line")
        bench.settle(.release, try #require(bench.deliveries.first), delay: 60_000)
        try bench.turn()
        let place = try #require(try bench.reader().trail(of: serial)?.places.first)
        #expect(place.state == "delayed" && place.until == bench.wall + 60_000)
        var header = Header(.track)
        header.serial = serial
        let answer = try bench.reply(to: bench.ask(header, one))
        let told = try #require(answer.read(Envelope.Trail.self))
        #expect(told.places.map(\.state) == ["delayed"])
        #expect(told.places.map(\.until) == [bench.wall + 60_000])
    }
}
