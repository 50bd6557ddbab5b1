// SPDX-License-Identifier: Apache-2.0

import Ledger
import Rules
import Testing
import Wire

/// Goal: a durable subscription misses nothing, repeats only what was not acknowledged, and keeps
/// the order of a case.
///
/// Method: benches with small logs; kills between and amid acknowledgements.
@Suite("Durable subscriptions")
struct SubscriptionTests {
    /// A bench with one agency that published this many events.
    private func published(_ count: Int) throws -> (LedgerBench, UInt32) {
        let bench = try LedgerBench()
        let city = try bench.hello("city")
        for index in 0..<count { bench.publish(city, "city.n\(index % 2)", "\(index)") }
        try bench.turn()
        return (bench, city)
    }

    @Test("a session whose road is slow is handed no more events than may be under way")
    func slowRoad() throws {
        let (bench, city) = try published(0)
        bench.areRoadsFast = false
        let all = try bench.subscribe(city, "city.>", credit: 0)
        let body = String(repeating: "x", count: 1_000_000)
        for _ in 0..<24 {
            bench.publish(city, "city.n", body)
            try bench.turn()
        }
        bench.creditEvents(city, all, 100, bytes: Limits.creditBytesMax)
        var told = try bench.events().count
        while case let more = try bench.events().count, more > 0 { told += more }
        // One turn's worth may exceed it.
        #expect((8...13).contains(told))
        bench.happen(.passed(session: city, bytes: UInt64(told) * 1_000_000))
        while case let more = try bench.events().count, more > 0 { told += more }
        #expect((16...24).contains(told))
    }

    @Test("over a kill nothing is missed and only what was not acknowledged comes again")
    func kill() throws {
        let (bench, city) = try published(0)
        try bench.subscribe(city, "city.>", credit: 10)
        for index in 0..<20 { bench.publish(city, "city.n", "\(index)") }
        let first = try bench.events()
        #expect(first.map(\.body) == (0..<10).map(String.init))
        for place in [0, 1, 2, 4, 7] { bench.ack(first[place]) }
        try bench.hear()
        try bench.verify()
        try bench.reopen()
        let again = try bench.hello("city")
        try bench.subscribe(again, "city.>", credit: 100)
        let second = try bench.events()
        #expect(
            second.map(\.body) == ([3, 5, 6, 8, 9] + Array(10..<20)).map(String.init)
        )
        #expect(second.allSatisfy { $0.attempts == 0 })
        // Under the old generation nothing can be settled any more.
        #expect(try bench.reply(to: bench.ack(first[3], by: again)).refusal == .stale)
        bench.ack(try #require(second.last), isCumulative: true)
        try bench.hear()
        try bench.verify()
        #expect(try bench.number("SELECT count(*) FROM settled") == 0)
        try bench.reopen()
        let last = try bench.hello("city")
        try bench.subscribe(last, "city.>")
        #expect(try bench.events().isEmpty)
    }

    @Test("an acknowledgement may be repeated, and tells up to where everything is settled")
    func repeated() throws {
        let (bench, city) = try published(0)
        try bench.subscribe(city, "city.>")
        for index in 0..<3 { bench.publish(city, "city.n", "\(index)") }
        let heard = try bench.events()
        let second = try bench.reply(to: bench.ack(heard[1]))
        #expect(second.isAnswer && second.header.serial < heard[0].position)
        let again = try bench.reply(to: bench.ack(heard[1]))
        #expect(again.isRepeated && again.header.serial == second.header.serial)
        let first = try bench.reply(to: bench.ack(heard[0]))
        #expect(first.header.serial >= heard[1].position)
        #expect(first.header.serial < heard[2].position)
        bench.ack(heard[0])
        bench.ack(heard[2])
        bench.ack(heard[2])
        try bench.turn()
        #expect(bench.told.filter(\.isRepeated).count == 2)
        #expect(bench.told.allSatisfy { $0.isAnswer })
        try bench.verify()
    }

    @Test("members share the events, and what one held goes to the others when it ends")
    func competing() throws {
        let (bench, one) = try published(0)
        let two = try bench.hello("city")
        let number = try bench.subscribe(one, "city.>", credit: 5)
        #expect(try bench.subscribe(two, "city.>", credit: 100) == number)
        for index in 0..<10 { bench.publish(one, "city.n", "\(index)") }
        let heard = try bench.events()
        #expect(heard.count == 10)
        #expect(heard.filter { $0.session == one }.count == 5)
        bench.ack(try #require(heard.first { $0.session == one }))
        bench.happen(.ended(session: one))
        let moved = try bench.events()
        #expect(moved.count == 4 && moved.allSatisfy { $0.session == two && $0.attempts == 0 })
        // A third that joins takes part in what follows.
        let three = try bench.hello("city")
        try bench.subscribe(three, "city.>")
        for index in 0..<4 { bench.publish(three, "city.n", "\(index)") }
        #expect(Set(try bench.events().map(\.session)) == [two, three])
    }

    @Test("credit bounds what is out, and a grant for a subscription that is not joined is refused")
    func credit() throws {
        let (bench, city) = try published(0)
        let number = try bench.subscribe(city, "city.>", credit: 0)
        for _ in 0..<5 { bench.publish(city, "city.n") }
        #expect(try bench.events().isEmpty)
        bench.creditEvents(city, number, 2)
        #expect(try bench.events().count == 2)
        let other = try bench.hello("city")
        #expect(
            try bench.reply(to: bench.creditEvents(other, number, 1)).refusal
                == .unknownSubscription
        )
        #expect(
            try bench.reply(to: bench.creditEvents(city, number, 10_001)).refusal
                == .creditTooLarge
        )
        // The last delivery may overdraw the bytes.
        bench.creditEvents(city, number, 1, bytes: 1)
        #expect(try bench.events().count == 1)
    }

    @Test(
        "what is not acknowledged in time comes again after a growing pause, then is a dead letter"
    )
    func lapse() throws {
        let (bench, city) = try published(0)
        try bench.subscribe(city, "city.>") {
            $0.ackMs = 5_000
            $0.attemptsMax = 3
        }
        bench.publish(city, "city.n", "x")
        var attempts: [Int] = []
        for _ in 0..<6 {
            attempts += try bench.events().map(\.attempts)
            bench.pass(5_000)
        }
        #expect(attempts == [0, 1, 2])
        let dead = try #require(try bench.reader().deadEvents().first)
        #expect(dead.reason == .attempts && dead.attempts == 3 && dead.topic == "city.n")
        #expect(dead.cause == "The event was not acknowledged in time.")
        try bench.verify()
    }

    @Test("a failed attempt is remembered over a kill, and its pause too")
    func attemptsOverKill() throws {
        let (bench, city) = try published(0)
        try bench.subscribe(city, "city.>")
        bench.publish(city, "city.n", "x")
        let heard = try #require(try bench.events().first)
        let again = bench.ack(heard, code: 1, text: "the database is down")
        #expect(try bench.reply(to: again).isAnswer)
        #expect(try bench.reply(to: bench.ack(heard, code: 1)).isRepeated)
        #expect(try bench.reply(to: bench.ack(heard)).refusal == .stale)
        try bench.reopen()
        let next = try bench.hello("city")
        try bench.subscribe(next, "city.>")
        #expect(try bench.events().isEmpty)
        bench.pass(1_000)
        #expect(try bench.events().map(\.attempts) == [1])
        try bench.verify()
    }

    @Test("an event refused for good is a dead letter with the reason given, and not given again")
    func dead() throws {
        let (bench, city) = try published(0)
        try bench.subscribe(city, "city.>")
        bench.publish(city, "city.n", "x")
        let heard = try #require(try bench.events().first)
        #expect(try bench.reply(to: bench.ack(heard, code: 2, text: "unreadable")).isAnswer)
        #expect(try bench.reply(to: bench.ack(heard, code: 2)).isRepeated)
        #expect(try bench.reply(to: bench.ack(heard)).refusal == .stale)
        let dead = try #require(try bench.reader().deadEvents(agency: "city", name: "all").first)
        #expect(dead.reason == .refused && dead.cause == "unreadable")
        try bench.reopen()
        let next = try bench.hello("city")
        try bench.subscribe(next, "city.>")
        #expect(try bench.events().isEmpty)
        try bench.verify()
    }

    @Test("events of a case go to one member at a time, in order, also when one fails")
    func caseOrder() throws {
        let bench = try LedgerBench()
        try bench.publish(Samples.line)
        let desk = try bench.staff(["a/one"])
        let one = try bench.hello("a")
        let two = try bench.hello("a")
        let number = try bench.subscribe(one, "case.>", credit: 1)
        try bench.subscribe(two, "case.>", credit: 100)
        let serial = try bench.submitted(desk, "line")
        let delivery = try #require(bench.deliveries.first)
        let first = try #require(try bench.events().first)
        #expect(first.session == one)
        for _ in 0..<3 { bench.note(delivery, "on it") }
        bench.submit(desk, "line")
        // The notes wait for the first member, the other case does not.
        let others = try bench.events()
        let text = try #require(CaseNumber(serial: serial)).text
        #expect(others.map(\.subject) != [text] && others.map(\.session) == [two])
        bench.creditEvents(one, number, 2)
        let notes = try bench.events()
        #expect(notes.map(\.session) == [one, one])
        // The first fails: what follows of the case is taken back and comes behind it again.
        #expect(try bench.reply(to: bench.ack(first, code: 1)).isAnswer)
        let note = try #require(notes.first)
        #expect(try bench.reply(to: bench.ack(note)).refusal == .stale)
        bench.pass(1_000)
        let again = try bench.events()
        #expect(
            again.map(\.position) == [first.position] + notes.map(\.position)
                + again.map(\.position).suffix(1)
        )
        #expect(again.count == 4 && Set(again.map(\.session)) == [two])
        #expect(again.map(\.attempts) == [1, 0, 0, 0])
        try bench.verify()
    }

    @Test("an event nobody can handle does not wear out those behind it in its case")
    func caseLapse() throws {
        let bench = try LedgerBench()
        try bench.publish(Samples.line)
        let desk = try bench.staff(["a/one"])
        try bench.subscribe(desk, "case.>") {
            $0.ackMs = 1_000
            $0.attemptsMax = 2
        }
        try bench.submitted(desk, "line")
        let delivery = try #require(bench.deliveries.first)
        bench.note(delivery, "first")
        #expect(try bench.events().count == 2)
        bench.pass(1_000)
        #expect(try bench.events().isEmpty)
        bench.pass(1_000)
        #expect(try bench.events().map(\.attempts) == [1, 0])
    }

    @Test("leaving gives back, forgetting ends it for all and keeps nothing")
    func leaving() throws {
        let (bench, one) = try published(0)
        let two = try bench.hello("city")
        let number = try bench.subscribe(one, "city.>")
        bench.publish(one, "city.n", "x")
        #expect(try bench.events().count == 1)
        try bench.subscribe(two, "city.>")
        #expect(try bench.reply(to: bench.unsubscribe(one, number)).isAnswer)
        #expect(
            try bench.reply(to: bench.unsubscribe(one, number)).refusal
                == .unknownSubscription
        )
        let moved = try bench.events()
        #expect(bench.told.isEmpty || moved.allSatisfy { $0.session == two })
        try bench.subscribe(one, "city.>")
        bench.unsubscribe(one, number, forget: true)
        let told = try bench.hear()
        let ended = try #require(told.first { $0.header.verb == .ended })
        #expect(ended.session == two && ended.header.subject == number)
        #expect(ended.header.code == RefusalCode.forgotten.rawValue)
        #expect(try bench.number("SELECT count(*) FROM subscription") == 0)
        try bench.verify()
    }

    @Test("a name stands for one pattern, and names are legal")
    func naming() throws {
        let (bench, city) = try published(0)
        try bench.subscribe(city, "city.>", "mine")
        let other = bench.askToSubscribe(city, "city.*", "mine")
        #expect(try bench.reply(to: other).refusal == .subscriptionDiffers)
        #expect(
            try bench.reply(to: bench.askToSubscribe(city, "city.>", "Mine")).refusal
                == .nameInvalid
        )
        #expect(
            try bench.reply(to: bench.askToSubscribe(city, ">.x", "x")).refusal
                == .patternInvalid
        )
        // Another agency's subscription of this name is another one.
        let state = try bench.hello("state")
        try bench.subscribe(state, "state.>", "mine")
        #expect(try bench.number("SELECT count(*) FROM subscription") == 2)
    }

    @Test("an undelivered event goes out again at once and gives its credit back")
    func undelivered() throws {
        let (bench, city) = try published(0)
        let number = try bench.subscribe(city, "city.>", credit: 1)
        bench.publish(city, "city.n", "x")
        let heard = try #require(try bench.events().first)
        bench.happen(
            .undelivered(session: city, referral: number, generation: heard.generation)
        )
        let again = try #require(try bench.events().first)
        #expect(again.position == heard.position && again.generation > heard.generation)
        #expect(again.attempts == 0)
    }
}
