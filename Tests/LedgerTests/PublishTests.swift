// SPDX-License-Identifier: Apache-2.0

import Ledger
import Rules
import Testing
import Wire

/// Goal: a durable event is a record like any other, on the publisher's own topics only.
///
/// Method: a bench that publishes; what is kept is read back through a subscription, a feed and the
/// check of the whole ledger.
@Suite("Durable events")
struct PublishTests {
    @Test("an event is kept under its sequence and told as it was published")
    func kept() throws {
        let bench = try LedgerBench()
        let city = try bench.hello("city")
        try bench.subscribe(city, "city.>")
        let key = bench.key()
        let number = bench.publish(city, "city.permits.granted", "hello", key: key)
        let told = try bench.hear()
        let answer = try #require(told.first { $0.header.number == number && $0.isAnswer })
        let heard = try #require(told.compactMap(Heard.init).first)
        #expect(heard.position == answer.header.subject)
        #expect(heard.topic == "city.permits.granted" && heard.body == "hello")
        #expect(heard.id == key && heard.instant == bench.wall)
        try bench.verify()
    }

    @Test("the same event again gets the first receipt, another one with its key is a conflict")
    func repeated() throws {
        let bench = try LedgerBench()
        let city = try bench.hello("city")
        let key = bench.key()
        let first = try bench.reply(to: bench.publish(city, "city.a", "one", key: key))
        let again = try bench.reply(to: bench.publish(city, "city.a", "one", key: key))
        #expect(again.isRepeated && again.header.subject == first.header.subject)
        #expect(again.header.id == first.header.id)
        let other = try bench.reply(to: bench.publish(city, "city.a", "two", key: key))
        #expect(other.refusal == .keyConflict)
        #expect(try bench.number("SELECT count(*) FROM published") == 1)
    }

    @Test(
        "what is not the publisher's is refused, and nothing of it is kept",
        arguments: [
            ("state.a", "city/x", RefusalCode.topicReserved),
            ("case.line.a/one.submitted", "city/x", .topicReserved),
            ("case", "city/x", .topicReserved), ("City.a", "city/x", .topicInvalid),
            ("city..a", "city/x", .topicInvalid), ("city.*", "city/x", .topicInvalid),
            ("city.a", "state/x", .sourceForeign), ("city.a", "", .sourceForeign),
            ("city.a", "https://city/x", .sourceForeign), ("city.a", "city2/x", .sourceForeign),
        ]
    )
    func foreign(topic: String, source: String, code: RefusalCode) throws {
        let bench = try LedgerBench()
        let city = try bench.hello("city")
        let before = try bench.number("SELECT max(position) FROM journal")
        let answer = try bench.reply(to: bench.publish(city, topic, source: source))
        #expect(answer.refusal == code)
        #expect(try bench.number("SELECT max(position) FROM journal") == before)
        #expect(try bench.number("SELECT count(*) FROM topic") == 0)
    }

    @Test("an event without a key, or ahead of the clock, is refused")
    func keyAndClock() throws {
        let bench = try LedgerBench()
        let city = try bench.hello("city")
        #expect(
            try bench.reply(to: bench.publish(city, "city.a", key: Identifier.none)).refusal
                == .malformed
        )
        var event = Envelope.Event()
        event.topic = "city.a"
        event.source = "city"
        var header = Header(.publish)
        header.flags = Header.durableFlag
        header.id = bench.key()
        header.instant = bench.wall + 60_000
        let answer = try bench.reply(
            to: bench.ask(header, city, envelope: Envelope.bytes(of: event))
        )
        #expect(answer.refusal == .inFuture)
    }

    @Test("acts of a case are events of its procedure, office and act, for those it concerns")
    func cases() throws {
        let bench = try LedgerBench()
        try bench.publish(Samples.line)
        let one = try bench.staff(["a/one"])
        let two = try bench.hello("b")
        let other = try bench.hello("c")
        try bench.subscribe(one, "case.>")
        try bench.subscribe(two, "case.line.*.*")
        try bench.subscribe(other, ">")
        let serial = try bench.submitted(one, "line")
        let delivery = try #require(bench.deliveries.first)
        #expect(delivery.serial == serial)
        bench.complete(delivery, "done")
        let heard = try bench.events()
        let number = try #require(CaseNumber(serial: serial)).text
        #expect(
            heard.filter { $0.session == one }.map(\.topic)
                == ["case.line.a/one.submitted", "case.line.a/one.completed"]
        )
        #expect(heard.allSatisfy { $0.subject == number && $0.body.isEmpty })
        #expect(heard.allSatisfy { $0.id == Identifier(high: 0, low: $0.position) })
        // It enters an office of b with the second act, which therefore concerns b.
        #expect(
            heard.filter { $0.session == two }.map(\.topic) == ["case.line.a/one.completed"]
        )
        #expect(heard.allSatisfy { $0.session != other })
    }

    @Test("the feed tells every durable event once, in order, with whom a case concerns")
    func feed() throws {
        let bench = try LedgerBench()
        try bench.publish(Samples.line)
        let one = try bench.staff(["a/one"])
        let start = UInt64(try bench.number("SELECT max(position) FROM journal"))
        for index in 0..<700 { bench.publish(one, "a.t\(index % 3)", "\(index)") }
        bench.submit(one, "line")
        try bench.turn()
        let head = UInt64(try bench.number("SELECT max(position) FROM journal"))
        let searcher = try EventSearcher(path: bench.file)
        var position = start
        var items: [FeedItem] = []
        var rounds = 0
        while position < head {
            let (feed, end) = try searcher.feed(after: position, upTo: head)
            #expect(end > position && feed.items.count <= 512)
            items += feed.items
            position = end
            rounds += 1
        }
        #expect(rounds == 2)
        #expect(items.count == 701)
        #expect(items.map(\.header.serial) == items.map(\.header.serial).sorted())
        #expect(items.last?.topic == "case.line.a/one.submitted")
        #expect(items.last?.concerned == ["a"])
        #expect(items.first?.concerned == nil && items.first?.topic == "a.t0")
    }
}
