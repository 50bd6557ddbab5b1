// SPDX-License-Identifier: Apache-2.0

import Ledger
import Rules
import Testing
import Wire

/// Goal: what forks joins exactly once, and no branch outlives its case.
///
/// Method: three offices give opinions, one of them through a fork of its own.
@Suite("Forks and joins")
struct ForkTests {
    private struct Room {
        let bench: LedgerBench
        let submitter: UInt32
        var serial: UInt64 = 0
        /// What waits, by step.
        var held: [String: Delivery] = [:]

        mutating func take() {
            for delivery in bench.deliveries { held[delivery.step.step] = delivery }
        }

        /// Completes steps in one batch and takes in what comes of it.
        mutating func complete(_ pairs: [(String, String)]) throws -> [RefusalCode?] {
            let numbers = try pairs.map { step, outcome in
                let delivery = held.removeValue(forKey: step)
                return bench.complete(try #require(delivery, "nothing waits at \(step)"), outcome)
            }
            try bench.turn()
            take()
            return try numbers.map { try bench.answer(to: $0).refusal }
        }
    }

    /// A case whose three branches are all delivered.
    private func forked(join: String) throws -> Room {
        let bench = try LedgerBench()
        try bench.publish(Samples.fork(join: join))
        let desk = try bench.staff(["a/desk"])
        for office in ["b/one", "c/two", "d/three"] { _ = try bench.staff([office]) }
        var room = Room(bench: bench, submitter: desk)
        room.serial = try bench.submitted(desk, "opinions")
        room.take()
        #expect(try room.complete([("ask", "asked")]) == [nil])
        #expect(room.held.keys.sorted() == ["one", "three", "two"])
        return room
    }

    @Test("branches that settle in one batch join exactly once")
    func all() throws {
        var room = try forked(join: "all")
        let refusals = try room.complete([("one", "given"), ("two", "given"), ("three", "given")])
        #expect(refusals == [nil, nil, nil])
        #expect(room.held.keys.sorted() == ["decide"])
        try room.bench.verify()
        _ = try room.complete([("decide", "granted")])
        #expect(try !room.bench.trail(room.serial).isOpen)
        #expect(try room.bench.number("SELECT count(*) FROM fork") == 0)
        try room.bench.verify()
    }

    @Test("a join of all waits for the last branch, over a restart too")
    func waits() throws {
        var room = try forked(join: "all")
        _ = try room.complete([("one", "given"), ("three", "given")])
        #expect(try room.bench.places(room.serial) == ["two waiting"])
        try room.bench.reopen()
        _ = try room.bench.staff(["c/two"])
        room.take()
        _ = try room.complete([("two", "given")])
        #expect(try room.bench.places(room.serial) == ["decide waiting"])
        try room.bench.verify()
    }

    @Test(
        "a join of any or of two withdraws the rest, whose late settles are stale",
        arguments: [("any", 1), ("2", 2)]
    )
    func some(join: String, need: Int) throws {
        var room = try forked(join: join)
        let order = ["one", "two", "three"]
        let late = room.held
        let refusals = try room.complete(order.map { ($0, "given") })
        #expect(refusals == order.indices.map { $0 < need ? nil : .stale })
        #expect(try room.bench.places(room.serial) == ["decide waiting"])
        let acts = try room.bench.acts(room.serial)
        #expect(acts.filter { $0 == "withdrawn" }.count == 3 - need)
        let again = room.bench.complete(try #require(late["three"]), "given")
        #expect(try room.bench.reply(to: again).refusal == .stale)
        try room.bench.verify()
    }

    @Test("a return inside a branch comes back to it, and the branch still joins")
    func nestedReturn() throws {
        var room = try forked(join: "all")
        let one = try #require(room.held["one"])
        #expect(try room.bench.reply(to: room.bench.settle(.return, one)).isAnswer)
        room.take()
        _ = try room.complete([("two", "given"), ("three", "given"), ("fix", "fixed")])
        #expect(try room.bench.places(room.serial) == ["one waiting"])
        _ = try room.complete([("one", "given")])
        #expect(try room.bench.places(room.serial) == ["decide waiting"])
        try room.bench.verify()
    }

    @Test("a fork inside a branch joins inside, then outside")
    func nestedFork() throws {
        var room = try forked(join: "all")
        _ = try room.complete([("three", "split"), ("one", "given"), ("two", "given")])
        _ = try room.complete([("left", "given")])
        #expect(try room.bench.places(room.serial) == ["right waiting"])
        _ = try room.complete([("right", "given")])
        _ = try room.complete([("together", "given")])
        #expect(try room.bench.places(room.serial) == ["decide waiting"])
        #expect(try room.bench.number("SELECT count(*) FROM fork") == 0)
        try room.bench.verify()
    }

    @Test("a join that withdraws a forked branch leaves nothing of the inner fork")
    func abandonedFork() throws {
        var room = try forked(join: "2")
        _ = try room.complete([("three", "split")])
        _ = try room.complete([("left", "given")])
        _ = try room.complete([("one", "given"), ("two", "given")])
        #expect(try room.bench.places(room.serial) == ["decide waiting"])
        #expect(try room.bench.number("SELECT count(*) FROM fork") == 0)
        _ = try room.complete([("decide", "granted")])
        try room.bench.verify()
    }

    @Test(
        "closing in one branch withdraws the others wherever they are",
        arguments: ["leased", "waiting", "custody", "delayed", "dead"]
    )
    func rejected(place: String) throws {
        var room = try forked(join: "all")
        let bench = room.bench
        let two = try #require(room.held["two"])
        let three = try #require(room.held["three"])
        switch place {
        case "custody": bench.settle(.accept, three)
        case "delayed": bench.settle(.release, three)
        case "dead": bench.settle(.release, two)
        case "waiting": bench.happen(.departed(session: three.session))
        default: break
        }
        try bench.turn()
        try bench.verify()
        #expect(try room.complete([("one", "rejected")]) == [nil])
        let trail = try bench.trail(room.serial)
        #expect(!trail.isOpen && trail.result == "rejected" && trail.places.isEmpty)
        #expect(trail.acts.last?.act == "completed")
        #expect(trail.acts.filter { $0.act == "withdrawn" }.count == 2)
        let late = place == "custody" ? three.inCustody : three
        if place != "delayed" && place != "waiting" {
            #expect(try bench.reply(to: bench.complete(late, "given")).refusal == .stale)
        }
        let totals = try bench.reader().totals()
        #expect(totals.waiting + totals.delayed + totals.custody + totals.dead == 0)
        bench.pass(400_000)
        try bench.turn()
        #expect(bench.deliveries.isEmpty)
        try bench.verify()
    }

    // MARK: Dismissing a branch

    @Test("dismissing the branch a join waits for lets the others join")
    func dismissedLast() throws {
        var room = try forked(join: "all")
        let two = try #require(room.held["two"])
        room.bench.settle(.release, two)
        _ = try room.complete([("one", "given"), ("three", "given")])
        #expect(try room.bench.places(room.serial) == ["two dead"])
        try room.bench.act(.dismiss(referral: two.referral))
        #expect(try room.bench.places(room.serial) == ["decide waiting"])
        try room.bench.verify()
        try room.bench.turn()
        room.take()
        _ = try room.complete([("decide", "granted")])
        try room.bench.verify()
    }

    @Test("after a branch was dismissed the join waits for the others only")
    func dismissedFirst() throws {
        var room = try forked(join: "all")
        let two = try #require(room.held["two"])
        #expect(try room.bench.reply(to: room.bench.settle(.release, two)).isAnswer)
        try room.bench.act(.dismiss(referral: two.referral))
        _ = try room.complete([("one", "given")])
        #expect(try room.bench.places(room.serial) == ["three waiting"])
        _ = try room.complete([("three", "given")])
        #expect(try room.bench.places(room.serial) == ["decide waiting"])
        try room.bench.verify()
    }

    @Test("dismissing the last of an inner fork goes on where that fork would have")
    func dismissedInside() throws {
        var room = try forked(join: "all")
        _ = try room.complete([("three", "split"), ("one", "given"), ("two", "given")])
        let right = try #require(room.held["right"])
        room.bench.settle(.release, right)
        _ = try room.complete([("left", "given")])
        try room.bench.act(.dismiss(referral: right.referral))
        #expect(try room.bench.places(room.serial) == ["together waiting"])
        try room.bench.turn()
        room.take()
        _ = try room.complete([("together", "given")])
        #expect(try room.bench.places(room.serial) == ["decide waiting"])
        try room.bench.verify()
    }

    @Test("dismissing every branch closes the case")
    func dismissedAll() throws {
        let room = try forked(join: "all")
        for step in ["one", "two", "three"] {
            var delivery = try #require(room.held[step])
            while true {
                room.bench.settle(.release, delivery)
                try room.bench.turn()
                guard try !room.bench.places(room.serial).contains("\(step) dead") else { break }
                room.bench.pass(300_000)
                try room.bench.turn()
                delivery = try #require(room.bench.deliveries.first)
            }
            try room.bench.act(.dismiss(referral: delivery.referral))
            try room.bench.verify()
        }
        let trail = try room.bench.trail(room.serial)
        #expect(!trail.isOpen && trail.result == "dismissed")
        #expect(try room.bench.number("SELECT count(*) FROM fork") == 0)
    }
}
