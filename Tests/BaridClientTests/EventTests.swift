// SPDX-License-Identifier: Apache-2.0
// Goal: events reach their readers through the library, over lost connections too. Method: a
// pretended bus that is killed at chosen operations.

internal import TestKit
internal import Testing
internal import Wire

@testable internal import BaridClient

@Suite("Events through the client library", .serialized, .timeLimit(.minutes(2)))
struct EventTests {
    private static func connect(_ place: TemporaryDirectory) async throws -> Bus {
        try await Bus.connect(to: endpoint(place), agency: "city", name: "test")
    }

    private static func endpoint(_ place: TemporaryDirectory) -> String {
        "ipc://\(place.path)/bus.sock"
    }

    private static func publish(_ bus: Bus, _ numbers: ClosedRange<UInt8>) async throws {
        for number in numbers { try await bus.publish("city.desk.news", [number], durable: true) }
    }

    @Test("what is published is heard with all its attributes")
    func wholeWay() async throws {
        let place = TemporaryDirectory()
        let daemon = try PretendBus(PretendLedger(), endpoint: Self.endpoint(place))
        let bus = try await Self.connect(place)
        let events = try await bus.subscribe("city.>")
        var publication = Publication(topic: "city.permits.granted", body: [1, 2])
        publication.type = "sa.gov.city.permit"
        publication.subject = "House 7"
        publication.contentType = "application/octet-stream"
        publication.correlation = "c-1"
        let published = try await bus.publish(publication)
        #expect(published == .live(id: publication.key.description, subscriptions: 1))
        var iterator = events.makeAsyncIterator()
        guard case .event(let event) = try await iterator.next() else {
            Issue.record("no event")
            return
        }
        #expect(event.id == publication.key.description)
        #expect(event.topic == "city.permits.granted")
        #expect(event.type == "sa.gov.city.permit")
        #expect(event.source == "city", "the source is the agency unless it is named")
        #expect(event.subject == "House 7")
        #expect(event.correlation == "c-1")
        #expect(event.body == [1, 2])
        #expect(event.sequence == nil)
        await bus.close()
        #expect(try await iterator.next() == nil, "iterations end with the connection")
        daemon.kill()
    }

    @Test("a durable event unanswered by a killed daemon is recorded once, and repeated so")
    func publicationSurvivesKill() async throws {
        let place = TemporaryDirectory()
        let ledger = PretendLedger()
        let first = try PretendBus(ledger, endpoint: Self.endpoint(place), killedAfter: 2)
        let bus = try await Self.connect(place)
        async let published = bus.publish("city.desk.news", [1], durable: true)
        await first.end()
        let second = try PretendBus(ledger, endpoint: Self.endpoint(place))
        guard case .durable(let receipt) = try await published else {
            Issue.record("no receipt")
            return
        }
        #expect(receipt.wasRepeated)
        #expect(receipt.sequence == 1)
        #expect(ledger.events.kept.count == 1)
        await bus.close()
        second.kill()
    }

    @Test("a live subscription is opened again after a lost connection, and tells the gap")
    func liveReconnects() async throws {
        let place = TemporaryDirectory()
        let ledger = PretendLedger()
        let first = try PretendBus(ledger, endpoint: Self.endpoint(place))
        let bus = try await Self.connect(place)
        let events = try await bus.subscribe("city.desk.news")
        var iterator = events.makeAsyncIterator()
        try await bus.publish("city.desk.news", [1])
        first.kill()
        let second = try PretendBus(ledger, endpoint: Self.endpoint(place))
        guard case .event(let event) = try await iterator.next() else {
            Issue.record("what came before the loss is still good")
            return
        }
        #expect(event.body == [1])
        guard case .gap(let gap) = try await iterator.next() else {
            Issue.record("no gap")
            return
        }
        #expect(gap.reason == .reconnected)
        #expect(gap.count == nil)
        try await bus.publish("city.desk.news", [2])
        guard case .event(let next) = try await iterator.next() else {
            Issue.record("no event after the gap")
            return
        }
        #expect(next.body == [2])
        await bus.close()
        second.kill()
    }

    @Test("the bus is given no more credit than the consumer took, and the gap is told")
    func backPressure() async throws {
        let place = TemporaryDirectory()
        let ledger = PretendLedger()
        let daemon = try PretendBus(ledger, endpoint: Self.endpoint(place))
        let bus = try await Self.connect(place)
        let events = try await bus.subscribe("city.desk.news", credit: 4)
        var iterator = events.makeAsyncIterator()
        for number in 0..<20 as Range<UInt8> { try await bus.publish("city.desk.news", [number]) }
        #expect(try await Self.body(&iterator) == [0])
        #expect(try await Self.body(&iterator) == [1])
        #expect(try await Self.body(&iterator) == [2])
        #expect(try await Self.body(&iterator) == [3])
        // The first three are taken, the fourth is held: three may come.
        for number in 20..<40 as Range<UInt8> { try await bus.publish("city.desk.news", [number]) }
        guard case .gap(let gap) = try await iterator.next() else {
            Issue.record("no gap")
            return
        }
        #expect(gap.reason == .tooSlow)
        #expect(gap.count == 16)
        for number in 20..<23 as Range<UInt8> {
            #expect(try await Self.body(&iterator) == [number])
        }
        await bus.close()
        daemon.kill()
        #expect(ledger.events.toldCount == 7)
    }

    @Test("a durable subscription goes on over lost connections and restarts, nothing missed")
    func durableReconnects() async throws {
        let place = TemporaryDirectory()
        let ledger = PretendLedger()
        let first = try PretendBus(ledger, endpoint: Self.endpoint(place))
        let bus = try await Self.connect(place)
        let events = try await bus.subscribe("city.>", durable: "archive", credit: 2)
        var iterator = events.makeAsyncIterator()
        try await Self.publish(bus, 1...6)
        let one = try #require(try await Self.delivered(&iterator))
        #expect(one.event.body == [1])
        try await one.acknowledge()
        let two = try #require(try await Self.delivered(&iterator))
        #expect(two.event.body == [2])
        first.kill()
        let second = try PretendBus(ledger, endpoint: Self.endpoint(place))
        // Two and three were delivered and not acknowledged: they come again. Three may lie here
        // unread from before the loss, under a fence that is void now.
        var next = try #require(try await Self.delivered(&iterator))
        if next.event.body == [3] { next = try #require(try await Self.delivered(&iterator)) }
        let again = next
        #expect(again.event.body == [2])
        let late = await #expect(throws: BaridError.self) { try await two.acknowledge() }
        #expect(late?.code == .stale, "an acknowledgement under the old fence does no harm")
        try await again.acknowledge()
        var heard: [UInt8] = []
        for number in 3...6 as ClosedRange<UInt8> {
            let next = try #require(try await Self.delivered(&iterator))
            heard += next.event.body
            if number == 6 { try await next.acknowledgeUpTo() }
        }
        #expect(heard == [3, 4, 5, 6])
        await bus.close()
        second.kill()
        #expect(ledger.events.durables["archive"]?.settled.count == 6)
    }

    @Test("an acknowledgement whose answer was lost is repeated, and is done once")
    func acknowledgementRepeated() async throws {
        let place = TemporaryDirectory()
        let ledger = PretendLedger()
        // hello, subscribe, credit, publish, and the acknowledgement: done, not answered.
        let first = try PretendBus(ledger, endpoint: Self.endpoint(place), killedAfter: 5)
        let bus = try await Self.connect(place)
        let events = try await bus.subscribe("city.>", durable: "archive")
        var iterator = events.makeAsyncIterator()
        try await Self.publish(bus, 1...1)
        let one = try #require(try await Self.delivered(&iterator))
        async let acknowledged = one.acknowledge()
        await first.end()
        let second = try PretendBus(ledger, endpoint: Self.endpoint(place))
        _ = try await acknowledged
        await bus.close()
        second.kill()
        #expect(ledger.events.repeatedAckCount == 1)
        #expect(ledger.events.durables["archive"]?.settled == [1])
    }

    @Test("an event asked for again comes again with its attempt, and one given up does not")
    func againAndGivenUp() async throws {
        let place = TemporaryDirectory()
        let ledger = PretendLedger()
        let daemon = try PretendBus(ledger, endpoint: Self.endpoint(place))
        let bus = try await Self.connect(place)
        let events = try await bus.subscribe("city.>", durable: "archive")
        var iterator = events.makeAsyncIterator()
        try await Self.publish(bus, 1...1)
        try await #require(try await Self.delivered(&iterator)).again("not now")
        let again = try #require(try await Self.delivered(&iterator))
        #expect(again.attempts == 1)
        try await again.giveUp("never")
        try await Self.publish(bus, 2...2)
        #expect(try await Self.delivered(&iterator)?.event.body == [2])
        await bus.close()
        daemon.kill()
        #expect(ledger.events.durables["archive"]?.dead == [1])
    }

    @Test("one connection is one member, and another pattern is refused")
    func oneMember() async throws {
        let place = TemporaryDirectory()
        let daemon = try PretendBus(PretendLedger(), endpoint: Self.endpoint(place))
        let bus = try await Self.connect(place)
        let events = try await bus.subscribe("city.>", durable: "archive")
        await #expect(throws: BaridError.self) {
            _ = try await bus.subscribe("city.>", durable: "archive")
        }
        let other = try await Self.connect(place)
        let error = await #expect(throws: BaridError.self) {
            _ = try await other.subscribe("city.desk", durable: "archive")
        }
        #expect(error?.code == .subscriptionDiffers)
        #expect(events.name == "archive")
        await bus.close()
        await other.close()
        daemon.kill()
    }

    @Test("a cancelled iteration ends with nil, and a dropped subscription is left")
    func cancelled() async throws {
        let place = TemporaryDirectory()
        let ledger = PretendLedger()
        let daemon = try PretendBus(ledger, endpoint: Self.endpoint(place))
        let bus = try await Self.connect(place)
        do {
            let live = try await bus.subscribe("city.>")
            let durable = try await bus.subscribe("city.>", durable: "archive")
            let waiting = Task {
                var iterator = live.makeAsyncIterator()
                return try await iterator.next() == nil
            }
            let member = Task {
                var iterator = durable.makeAsyncIterator()
                return try await iterator.next() == nil
            }
            waiting.cancel()
            member.cancel()
            #expect(try await waiting.value)
            #expect(try await member.value)
        }
        // Asked after what the drop sent, so answered after it.
        try await bus.publish("city.desk.news", [1])
        await bus.close()
        daemon.kill()
        #expect(ledger.events.left == [.unsubscribe, .unsubscribe])
    }

    @Test("a topic or pattern that the grammar does not allow is refused before anything is sent")
    func grammar() async throws {
        let place = TemporaryDirectory()
        let ledger = PretendLedger()
        let daemon = try PretendBus(ledger, endpoint: Self.endpoint(place))
        let bus = try await Self.connect(place)
        let topic = await #expect(throws: BaridError.self) { try await bus.publish("City", []) }
        #expect(topic?.code == .topicInvalid)
        let pattern = await #expect(throws: BaridError.self) {
            _ = try await bus.subscribe("city.>.x")
        }
        #expect(pattern?.code == .patternInvalid)
        let reserved = await #expect(throws: BaridError.self) {
            try await bus.publish("case.x", [])
        }
        #expect(reserved?.code == .topicReserved)
        await bus.close()
        daemon.kill()
        #expect(ledger.operationCount == 3, "hello, the reserved topic and bye")
    }

    @Test("the catalogue is read to its last page")
    func catalogue() async throws {
        let place = TemporaryDirectory()
        let ledger = PretendLedger()
        ledger.events.entries = (1...7).map { number in
            var entry = Envelope.Entry()
            entry.kind = number < 4 ? "office" : "service"
            entry.name = "city/s\(number)"
            entry.title = ["en": "S \(number)"]
            entry.open = number == 5
            return entry
        }
        let daemon = try PretendBus(ledger, endpoint: Self.endpoint(place))
        let bus = try await Self.connect(place)
        let all = try await bus.catalogue()
        #expect(all.map(\.name) == (1...7).map { "city/s\($0)" })
        #expect(all.filter(\.isOpen).map(\.name) == ["city/s5"])
        let services = try await bus.catalogue(.service, prefix: "city/s")
        #expect(services.map(\.kind) == ["service", "service", "service", "service"])
        await bus.close()
        daemon.kill()
    }

    private static func body(_ iterator: inout LiveEvents.Iterator) async throws -> [UInt8]? {
        guard case .event(let event) = try await iterator.next() else { return nil }
        return event.body
    }

    private static func delivered(
        _ iterator: inout DurableEvents.Iterator
    ) async throws -> DurableEvent? {
        guard case .event(let event) = try await iterator.next() else { return nil }
        return event
    }
}
