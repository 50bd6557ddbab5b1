// SPDX-License-Identifier: Apache-2.0

import Courier
import Platform
import Rules
import Testing
import Wire

/// Goal: only what an agency may publish is put out, and only those hear it who may.
///
/// Method: clients at a bus whose ledger is played by the test.
@Suite(.timeLimit(.minutes(1))) struct PublishTests {
    @Test("an event that an agency may not publish is refused, and nobody hears it")
    func refused() throws {
        let bench = try Bench()
        let city = try Client.open(bench, as: "city")
        let county = try Client.open(bench, as: "county")
        try county.listen(to: ">")
        let table: [([UInt8], RefusalCode)] = [
            ([0xFF, 0xFF], .envelopeInvalid), ([], .topicInvalid),
            (.event("City.a"), .topicInvalid), (.event("city..a"), .topicInvalid),
            (.event("city.>"), .topicInvalid), (.event("city.*"), .topicInvalid),
            (.event("county.a"), .topicReserved),
            (.event("case.a", source: "city"), .topicReserved),
            (.event("city.a", source: "county/x"), .sourceForeign),
            (.event("city.a", source: ""), .sourceForeign),
            (.event("city.a", source: "/city"), .sourceForeign),
            (.event("city.a", source: "citylights"), .sourceForeign),
        ]
        for (envelope, code) in table {
            let told = try city.request(Header(.publish, number: 2), envelope: envelope)
            #expect(told.header.verb == .refusal && told.code == code, "\(code)")
        }
        var late = Header(.publish, number: 2)
        late.instant = Bench.wall + Admission.clockSkewMilliseconds + 1
        #expect(try city.request(late, envelope: .event("city.a")).code == .inFuture)
        #expect(try county.heard() == [])
        #expect(try city.request(Header(.publish, number: 2), envelope: .event("city")).code == nil)
        #expect(try county.heard() == ["event "])
    }

    @Test("an agency whose name has a dot owns the topics on which it is written without")
    func dottedName() throws {
        let bench = try Bench()
        let works = try Client.open(bench, as: "city.works")
        #expect(try works.publish("city%2eworks.roads").header.verb == .answer)
        let city = try Client.open(bench, as: "city")
        #expect(try city.publish("city%2eworks.roads").code == .topicReserved)
        let cases = try Client.open(bench, as: "case")
        #expect(try cases.publish("case.a").code == .topicReserved)
    }

    @Test("an id that is not chosen is drawn, anew for each event")
    func identifiers() throws {
        let bench = try Bench()
        let city = try Client.open(bench, as: "city")
        let county = try Client.open(bench, as: "county")
        try county.listen(to: ">")
        let first = try city.publish("city.a").header.id
        let second = try city.publish("city.a").header.id
        #expect(first != .none && second != .none && first != second)
        #expect(try county.untilHeartbeat().map(\.header.id) == [first, second])
    }

    @Test("who may hear a topic follows the policy of the ledger, from the moment it is told")
    func policy() throws {
        let bench = try Bench()
        let city = try Client.open(bench, as: "city")
        let county = try Client.open(bench, as: "county")
        try county.listen(to: "city.>")
        try city.listen(to: "city.>")
        #expect(try city.publish("city.secret").header.verb == .event)
        #expect(try city.next().header.subject == 2)
        var effects = Effects()
        var policy = UsePolicy()
        policy.topicRules = [.init(pattern: try TopicPattern("city.secret"), users: ["port"])]
        effects.policy = policy
        bench.tell(effects)
        try city.sync()
        _ = try county.heard()
        try city.publish("city.secret")
        #expect(try city.next().header.subject == 1)
        #expect(try county.heard() == [])
        try city.publish("city.open")
        #expect(try county.heard() == ["event "])
        var subscribe = Envelope.Subscribe()
        subscribe.pattern = "city.secret"
        let told = try county.request(
            Header(.subscribe, number: 9),
            envelope: Envelope.bytes(of: subscribe)
        )
        #expect(told.code == .mayNotUse)
    }

    @Test("durable events that the ledger feeds are heard by whom they concern, in their order")
    func feed() throws {
        let bench = try Bench()
        let county = try Client.open(bench, as: "county")
        let state = try Client.open(bench, as: "state")
        try county.listen(to: ">")
        let cases = try state.listen(to: "case.permit.*.completed", messages: 1)
        var feed = Feed()
        feed.append(sequence: 5, "case.permit.county/desk.completed", ["county", "city"])
        feed.append(sequence: 7, "case.permit.state/desk.completed", ["state"])
        feed.append(sequence: 8, "case.permit.state/desk.accepted", ["state"])
        feed.append(sequence: 9, "city.parks", nil)
        feed.append(sequence: 11, "case.permit.state/desk.completed", ["state"])
        feed.append(sequence: 12, "case.permit.state/desk.completed", ["state"])
        bench.feed(feed)
        let counters = try bench.counters { $0.eventsFed == 6 }
        #expect(counters.eventsDelivered == 3 && counters.eventsLeftOut == 2)
        let told = try county.untilHeartbeat()
        #expect(told.map(\.header.serial) == [5, 9])
        for event in told {
            #expect(event.header.flags == Header.durableFlag && event.header.generation == 0)
            #expect(event.envelope == [1, 2] && event.body == [3])
        }
        #expect(try state.untilHeartbeat().map(\.header.serial) == [7])
        try state.grant(cases, messages: 1)
        feed = Feed()
        feed.append(sequence: 13, "case.permit.state/desk.completed", ["state"])
        bench.feed(feed)
        let gap = try state.next().header
        #expect(gap.verb == .gap && gap.number == 2 && gap.generation == 11 && gap.serial == 12)
        #expect(try state.next().header.serial == 13)
    }

    @Test("a bus that stops takes no new events, subscriptions and questions")
    func draining() throws {
        let bench = try Bench()
        let city = try Client.open(bench, as: "city")
        try city.ask(Header(.track, number: 2))
        _ = try bench.nextBatch()
        bench.loop.requestStop()
        try city.ask(Header(.track, number: 3))
        // The stop is seen at the next turn: before it such a verb is refused for another reason.
        var told: [Told]
        repeat {
            try city.ask(Header(.publish, number: 4))
            told = try city.untilHeartbeat()
        } while told.first?.code != .draining
        for verb in [.publish, .subscribe, .ask, .offer] as [Verb] {
            #expect(try city.request(Header(verb, number: 4)).code == .draining, "\(verb)")
        }
    }
}

extension Feed {
    fileprivate mutating func append(sequence: UInt64, _ topic: String, _ concerned: [String]?) {
        var header = Header(.event)
        header.flags = Header.durableFlag
        header.serial = sequence
        let bytes: [UInt8] = [1, 2, 3]
        bytes.withUnsafeBytes { bytes in
            append(
                header,
                topic: topic,
                concerned: concerned,
                envelope: UnsafeRawBufferPointer(rebasing: bytes[0..<2]),
                body: UnsafeRawBufferPointer(rebasing: bytes[2..<3])
            )
        }
    }
}
