// SPDX-License-Identifier: Apache-2.0

import Rules
import Testing
import Wire

/// What tests of events and questions ask of a client; each call waits for its answer.
extension Client {
    /// An agency's client whose session is open.
    static func open(_ bench: Bench, as agency: String) throws -> Client {
        try open(bench, agency: agency).client
    }

    /// Asks and returns what is told next.
    func request(_ header: Header, envelope: [UInt8] = [], body: [UInt8] = []) throws -> Told {
        try ask(header, envelope: envelope, body: body)
        return try next()
    }

    // MARK: Events

    /// Subscribes live and grants credit; returns the subscription's number.
    @discardableResult
    func listen(
        to pattern: String,
        slow: Envelope.Subscribe.Slow = .gap,
        messages: UInt64 = 1_000,
        bytes: UInt64 = 1 << 20
    ) throws -> UInt64 {
        var subscribe = Envelope.Subscribe()
        subscribe.pattern = pattern
        subscribe.slow = slow
        let answer = try request(
            Header(.subscribe, number: 50),
            envelope: Envelope.bytes(of: subscribe)
        )
        #expect(answer.header.verb == .answer && answer.header.number == 50)
        let number = answer.header.subject
        #expect(number >= Numbering.liveSubscriptions)
        if messages > 0 { try grant(number, messages: messages, bytes: bytes) }
        return number
    }

    func grant(_ subscription: UInt64, messages: UInt64, bytes: UInt64 = 1 << 20) throws {
        try ask(.credit(subscription, messages: messages, bytes: bytes))
        // Whatever it frees is told before the heartbeat and stays to be read.
        try sync()
    }

    /// Waits until the bus has done what was asked so far; what it told meanwhile can still be read.
    func sync() throws {
        let told = try untilHeartbeat()
        putBack(told)
    }

    /// Publishes on a topic, and returns the answer.
    @discardableResult
    func publish(_ topic: String, body: [UInt8] = [], flags: UInt8 = 0) throws -> Told {
        var header = Header(.publish, number: 60)
        header.flags = flags
        return try request(header, envelope: .event(topic), body: body)
    }

    /// What is told up to now, as short text: `event BODY`, `gap COUNT`, `ended`.
    func heard() throws -> [String] {
        try untilHeartbeat().map { told in
            switch told.header.verb {
            case .event: "event \(told.body.map(String.init).joined(separator: ","))"
            case .gap: "gap \(told.header.number)"
            default: "\(told.header.verb)"
            }
        }
    }

    // MARK: Questions

    /// Offers a service; the ledger's part is played.
    func offer(_ service: String, atOnce: UInt64 = 10, _ bench: Bench) throws {
        var offer = Envelope.Offer()
        offer.service = service
        var header = Header(.offer, number: 70)
        header.generation = atOnce
        try ask(header, envelope: Envelope.bytes(of: offer))
        #expect(try bench.answerNext().operations.map(\.header.verb) == [.offer])
        #expect(try next().header.verb == .answer)
    }

    /// Asks a service, without waiting.
    func question(
        _ number: UInt32,
        to service: String,
        for milliseconds: Int64 = 10_000,
        key: UInt64 = 0,
        body: [UInt8] = [1]
    ) throws {
        var question = Envelope.Question()
        question.service = service
        var header = Header(.ask, number: number)
        header.instant = Bench.wall + milliseconds
        header.id = Identifier(high: 0, low: key)
        try ask(header, envelope: Envelope.bytes(of: question), body: body)
    }

    /// The next thing told, which is a question.
    func nextQuestion() throws -> Told {
        let told = try next()
        #expect(told.header.verb == .question)
        return told
    }

    /// Answers a question, and returns what is told next.
    func reply(to question: Told, code: UInt16 = 0, body: [UInt8] = [2]) throws -> Told {
        var reply = Envelope.Reply()
        if code == 0 { reply.contentType = "text/plain" } else { reply.text = "not ours" }
        var header = Header(.reply, number: 80)
        header.code = code
        header.subject = question.header.subject
        return try request(header, envelope: Envelope.bytes(of: reply), body: body)
    }
}

extension Header {
    static func credit(_ subscription: UInt64, messages: UInt64, bytes: UInt64) -> Header {
        var header = Header(.credit, number: 51)
        header.subject = subscription
        header.generation = messages
        header.serial = bytes
        return header
    }
}

extension [UInt8] {
    /// The envelope of an event on a topic, whose source is the topic's owner.
    static func event(_ topic: String, source: String? = nil) -> [UInt8] {
        var event = Envelope.Event()
        event.topic = topic
        event.source = source ?? Topic.owner(of: topic) + "/backend"
        return Envelope.bytes(of: event)
    }
}
