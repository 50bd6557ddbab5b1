// SPDX-License-Identifier: Apache-2.0

import Courier
import Platform
import Rules
import Testing
import Wire
import ZeroMQ

/// Goal: live subscriptions hear what they may, under credit, and a slow one learns what it missed.
///
/// Method: clients at a bus whose ledger is played by the test.
@Suite(.timeLimit(.minutes(1))) struct LiveSubscriptionTests {
    @Test("what is published reaches whom the pattern names, once each, as it was sent")
    func fanOut() throws {
        let bench = try Bench()
        let city = try Client.open(bench, as: "city")
        let county = try Client.open(bench, as: "county")
        let first = try county.listen(to: "city.permits.*")
        let second = try county.listen(to: "city.>")
        let own = try city.listen(to: "*.*.issued")
        try city.listen(to: "county.>")

        var header = Header(.publish, number: 3)
        header.id = Identifier(high: 1, low: 2)
        header.instant = Bench.wall - 7
        let envelope: [UInt8] = .event("city.permits.issued")
        try city.ask(header, envelope: envelope, body: [4, 5, 6])
        let told = [try city.next(), try city.next()]
        let answer = try #require(told.first { $0.header.verb == .answer })
        #expect(answer.header.subject == 3 && answer.header.instant == Bench.wall)
        #expect(answer.header.id == header.id && answer.header.generation == 0)

        let events = try county.untilHeartbeat() + told.filter { $0.header.verb == .event }
        #expect(events.map(\.header.subject).sorted() == [first, second, own].sorted())
        for event in events {
            #expect(event.header.verb == .event && event.header.flags == 0)
            #expect(event.header.id == header.id && event.header.instant == header.instant)
            #expect(event.header.generation == 0 && event.header.serial == 0)
            #expect(event.envelope == envelope && event.body == [4, 5, 6])
        }
        #expect(try city.publish("city.parks").header.subject == 1)
        #expect(!bench.hasBatch(), "nothing of it is the ledger's")
    }

    @Test("credit bounds what is told; what is beyond is counted and told as soon as credit comes")
    func credit() throws {
        let bench = try Bench()
        let city = try Client.open(bench, as: "city")
        let county = try Client.open(bench, as: "county")
        let number = try county.listen(to: ">", messages: 2)
        for body in 1...5 as ClosedRange<UInt8> { try city.publish("city.a", body: [body]) }
        #expect(try county.heard() == ["event 1", "event 2"])
        try county.grant(number, messages: 1)
        #expect(try county.heard() == ["gap 3"])
        try city.publish("city.a", body: [6])
        #expect(try county.heard() == ["event 6"])

        try county.ask(.credit(number, messages: Limits.creditMessagesMax + 1, bytes: 0))
        #expect(try county.next().code == .creditTooLarge)
        try county.ask(.credit(number + 9, messages: 1, bytes: 1))
        #expect(try county.next().code == .unknownSubscription)
    }

    @Test("the latest of each topic waits for a slow reader, oldest first")
    func latest() throws {
        let bench = try Bench()
        let city = try Client.open(bench, as: "city")
        let county = try Client.open(bench, as: "county")
        let number = try county.listen(to: ">", slow: .latest, messages: 1)
        for (topic, body) in [("a", 1), ("a", 2), ("b", 3), ("a", 4), ("c", 5)] {
            try city.publish("city.\(topic)", body: [UInt8(body)])
        }
        #expect(try county.heard() == ["event 1"])
        try county.grant(number, messages: 2)
        #expect(try county.heard() == ["event 3", "event 4"])
        // What is new waits behind what is kept.
        try city.publish("city.d", body: [6])
        #expect(try county.heard() == [])
        try county.grant(number, messages: 5)
        #expect(try county.heard() == ["event 5", "event 6"])
        try city.publish("city.a", body: [7])
        #expect(try county.heard() == ["event 7"])
    }

    @Test("more topics than are kept are left out and counted, and large events are bounded")
    func latestIsBounded() throws {
        let bench = try Bench()
        let city = try Client.open(bench, as: "city")
        let county = try Client.open(bench, as: "county")
        let number = try county.listen(to: ">", slow: .latest, messages: 1)
        try city.publish("city.first")
        for topic in 0..<Limits.latestTopicsMax + 3 { try city.publish("city.t\(topic)") }
        #expect(try county.heard() == ["event "])
        try county.grant(number, messages: 2_000)
        let told = try county.heard()
        #expect(told.count == Limits.latestTopicsMax + 1 && told[0] == "gap 3")

        let port = try Client.open(bench, as: "port")
        let other = try port.listen(to: ">", slow: .latest, messages: 0)
        let large = [UInt8](repeating: 0, count: 1_000_000)
        for topic in 0..<6 { try city.publish("city.t\(topic)", body: large) }
        #expect(try port.heard() == [])
        try port.grant(other, messages: 100, bytes: Limits.creditBytesMax)
        let rest = try port.untilHeartbeat()
        #expect(rest.map(\.header.verb) == [.gap, .event, .event, .event, .event])
        #expect(rest.first?.header.number == 2, "4 MiB hold four of these")
    }

    @Test("a subscription that wants to be ended when slow is ended, not before its first credit")
    func evict() throws {
        let bench = try Bench()
        let city = try Client.open(bench, as: "city")
        let county = try Client.open(bench, as: "county")
        let number = try county.listen(to: ">", slow: .evict, messages: 0)
        try city.publish("city.a", body: [1])
        #expect(try county.heard() == [])
        try county.grant(number, messages: 1)
        try city.publish("city.a", body: [2])
        #expect(try county.heard() == ["gap 1", "event 2"])
        try city.publish("city.a", body: [3])
        let ended = try county.next()
        #expect(ended.header.verb == .ended && ended.code == .tooSlow)
        #expect(ended.header.subject == number && !ended.envelope.isEmpty)
        #expect(try city.publish("city.a").header.subject == 0)
        try county.ask(.credit(number, messages: 1, bytes: 1))
        #expect(try county.next().code == .unknownSubscription)
    }

    @Test("one that does not read delays nobody, costs bounded memory, and learns its exact gap")
    func slowAmongMany() throws {
        let bench = try Bench()
        let city = try Client.open(bench, as: "city")
        // A queue of one, and a small one in the kernel, so that the road is full soon.
        let slow = try Client.open(
            bench,
            agency: "slow",
            [.receiveHighWater(1)]
        ).client
        let number = try slow.listen(
            to: ">",
            messages: Limits.creditMessagesMax,
            bytes: Limits.creditBytesMax
        )
        let fast = try (0..<3).map { _ in
            let client = try Client.open(bench, as: "county")
            return (client, try client.listen(to: ">", messages: 0))
        }
        let body = [UInt8](repeating: 7, count: 60_000)
        let rounds = 60
        let perRound = 10
        for _ in 0..<rounds {
            for (client, number) in fast {
                try client.grant(number, messages: UInt64(perRound))
            }
            for _ in 0..<perRound { try city.publish("city.a", body: body) }
            for (client, _) in fast {
                let told = try client.untilHeartbeat()
                #expect(told.count == perRound && told.allSatisfy { $0.body == body })
            }
        }
        let published = UInt64(rounds * perRound)
        let counters = try bench.counters {
            $0.eventsDelivered + $0.eventsLeftOut == published * UInt64(fast.count + 1)
        }
        #expect(counters.eventsLeftOut > 0 && counters.eventsLeftOut < published)
        // It reads again; what libzmq and its outbox held comes, then the gap and what is new.
        var heard: UInt64 = 0
        let left = counters.eventsLeftOut
        while heard < published - left {
            bench.advance(by: 5)
            let told = try slow.next()
            if told.header.verb == .event { heard += 1 }
        }
        try slow.sync()
        try city.publish("city.a", body: [1])
        #expect(try slow.next().header == .gap(of: number, count: UInt32(left)))
        #expect(try slow.next().body == [1])
    }

    @Test("who unsubscribed, said bye or fell silent hears nothing more, and nobody listens then")
    func endings() throws {
        let bench = try Bench()
        let city = try Client.open(bench, as: "city")
        let (county, _, _) = try Client.open(bench, agency: "county")
        #expect(bench.listenings.tryTake() == nil)
        let number = try county.listen(to: ">")
        let other = try county.listen(to: "city.a")
        #expect(bench.listenings.tryTake() == true)
        var header = Header(.unsubscribe, number: 4)
        header.subject = number
        header.flags = Header.forgetFlag
        #expect(try county.request(header).code == .malformed)
        header.flags = 0
        #expect(try county.request(header).header == Header(.answer, number: 4))
        #expect(try county.request(header).code == .unknownSubscription)
        header.subject = other
        #expect(try city.request(header).code == .unknownSubscription, "it is another session's")
        #expect(try city.publish("city.a").header.subject == 1)
        #expect(try county.heard() == ["event "])
        #expect(bench.listenings.tryTake() == nil)

        try county.ask(Header(.bye, number: 5))
        #expect(try bench.answerNext().departedSessions.count == 1)
        #expect(try county.next().header == Header(.answer, number: 5))
        #expect(bench.listenings.tryTake() == false)
        #expect(try city.publish("city.a").header.subject == 0)

        let silent = try Client.open(bench, as: "county")
        try silent.listen(to: ">")
        #expect(bench.listenings.tryTake() == true)
        bench.advance(by: Limits.expiryMilliseconds - 1)
        try city.sync()
        bench.advance(by: 1_000)
        _ = try bench.answerNext()
        #expect(try city.publish("city.a").header.subject == 0)
        #expect(bench.listenings.tryTake() == false)
        let counters = try bench.counters { $0.eventsPublished == 3 }
        #expect(counters.subscriptions == 0 && counters.eventsDelivered == 1)
    }

    @Test("a subscription that is none is refused, and one too many")
    func refused() throws {
        let bench = try Bench()
        let county = try Client.open(bench, as: "county")
        func code(_ change: (inout Envelope.Subscribe) -> Void) throws -> RefusalCode? {
            var subscribe = Envelope.Subscribe()
            subscribe.pattern = "city.>"
            change(&subscribe)
            let told = try county.request(
                Header(.subscribe, number: 2),
                envelope: Envelope.bytes(of: subscribe)
            )
            return told.header.verb == .refusal ? told.code : nil
        }
        for pattern in ["", "City", "a..b", "a.>.b", "a b"] {
            #expect(try code { $0.pattern = pattern } == .patternInvalid, "\(pattern)")
        }
        #expect(try code { $0.from = .beginning } == .startInvalid)
        #expect(try code { $0.sequence = 1 } == .startInvalid)
        #expect(try code { $0.instant = 1 } == .startInvalid)
        #expect(try code { $0.ackMs = 1 } == .envelopeInvalid)
        #expect(try code { $0.attemptsMax = 1 } == .envelopeInvalid)
        #expect(try code { $0.slow = .UNRECOGNIZED(3) } == .envelopeInvalid)
        #expect(
            try county.request(Header(.subscribe, number: 2), envelope: [0xFF]).code
                == .envelopeInvalid
        )
        for _ in 0..<Limits.subscriptionsMax { #expect(try code { _ in } == nil) }
        #expect(try code { _ in } == .tooManySubscriptions)
        #expect(!bench.hasBatch())
    }

    @Test("what is durable goes to the ledger as it came")
    func durable() throws {
        let bench = try Bench()
        let (county, session, _) = try Client.open(bench, agency: "county")
        var subscribe = Envelope.Subscribe()
        subscribe.pattern = "not checked here"
        subscribe.name = "permits"
        let envelope = Envelope.bytes(of: subscribe)
        var headers: [Header] = []
        for verb in [.subscribe, .unsubscribe, .credit, .ack, .publish, .ask, .reply, .catalogue]
            as [Verb]
        {
            var header = Header(verb, number: UInt32(headers.count + 2))
            if [.unsubscribe, .credit, .ack].contains(verb) {
                header.subject = Numbering.liveSubscriptions - 1
            }
            if verb == .reply { header.subject = Numbering.transientQuestions - 1 }
            if [.publish, .ask].contains(verb) { header.flags = Header.durableFlag }
            headers.append(header)
        }
        for header in headers {
            let hasEnvelope = header.verb == .subscribe
            try county.ask(header, envelope: hasEnvelope ? envelope : [])
            let batch = try bench.answerNext()
            let operation = try #require(batch.operations.first)
            #expect(operation.session == session && operation.header.verb == header.verb)
            #expect(operation.header.flags == header.flags)
            #expect([UInt8](batch.bytes[operation.envelope]) == (hasEnvelope ? envelope : []))
            #expect(try county.next().header.number == header.number)
        }
    }
}

extension Header {
    fileprivate static func gap(of subscription: UInt64, count: UInt32) -> Header {
        var header = Header(.gap, number: count)
        header.code = 1
        header.subject = subscription
        return header
    }
}
