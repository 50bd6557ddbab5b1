// SPDX-License-Identifier: Apache-2.0

import Ledger
import Rules
import TestKit
import Testing
import Wire

/// An event as a session was told it.
struct Heard {
    let session: UInt32
    let subscription: UInt64
    let position: UInt64
    let generation: UInt64
    let attempts: Int
    let topic: String
    let subject: String
    let body: String
    let id: Identifier
    let instant: Int64

    init?(_ told: Told) {
        guard told.header.verb == .event,
            let event = told.envelope.withUnsafeBytes({
                try? Envelope.read(Envelope.Event.self, from: $0)
            })
        else { return nil }
        session = told.session
        subscription = told.header.subject
        position = told.header.serial
        generation = told.header.generation
        attempts = Int(told.header.code)
        topic = event.topic
        subject = event.subject
        body = String(decoding: told.body, as: UTF8.self)
        id = told.header.id
        instant = told.header.instant
    }
}

/// Publishing, subscribing and acknowledging on a ledger bench.
///
/// The bench is its own event thread: `hear` runs a turn and every search that follows from it.
extension LedgerBench {
    /// Runs turns until nothing is left to search or to hand out, and returns all they told.
    @discardableResult
    func hear() throws -> [Told] {
        try turn()
        var heard = told
        for _ in 0..<10_000 {
            if let search = writer.nextSearch() {
                let findings = try EventSearcher(path: file).run(search)
                try writer.take(findings)
            } else if writer.nextWake(wall: wall, monotonic: monotonic) != monotonic {
                return heard
            }
            try turn()
            heard += told
        }
        Issue.record("the ledger did not come to rest")
        return heard
    }

    /// What `hear` told of events, in order.
    func events() throws -> [Heard] { try hear().compactMap(Heard.init) }

    @discardableResult
    func publish(
        _ session: UInt32,
        _ topic: String,
        _ body: String = "",
        key: Identifier? = nil,
        source: String? = nil
    ) -> UInt32 {
        var event = Envelope.Event()
        event.topic = topic
        event.source = source ?? Topic.owner(of: topic) + "/test"
        var header = Header(.publish)
        header.flags = Header.durableFlag
        header.id = key ?? self.key()
        return ask(header, session, envelope: Envelope.bytes(of: event), body: Array(body.utf8))
    }

    func askToSubscribe(
        _ session: UInt32,
        _ pattern: String,
        _ name: String,
        _ change: (inout Envelope.Subscribe) -> Void = { _ in }
    ) -> UInt32 {
        var subscribe = Envelope.Subscribe()
        subscribe.pattern = pattern
        subscribe.name = name
        change(&subscribe)
        return ask(Header(.subscribe), session, envelope: Envelope.bytes(of: subscribe))
    }

    /// Subscribes in a turn of its own, with credit, and returns the number.
    @discardableResult
    func subscribe(
        _ session: UInt32,
        _ pattern: String,
        _ name: String = "all",
        credit messages: UInt64 = 1_000,
        _ change: (inout Envelope.Subscribe) -> Void = { _ in }
    ) throws -> UInt64 {
        let answer = try reply(to: askToSubscribe(session, pattern, name, change))
        #expect(answer.isAnswer, "refused: \(String(describing: answer.refusal))")
        creditEvents(session, answer.header.subject, messages)
        return answer.header.subject
    }

    @discardableResult
    func creditEvents(
        _ session: UInt32,
        _ subscription: UInt64,
        _ messages: UInt64,
        bytes: UInt64? = nil
    ) -> UInt32 {
        var header = Header(.credit)
        header.subject = subscription
        header.generation = messages
        header.serial = bytes ?? messages * 1_024
        return ask(header, session)
    }

    @discardableResult
    func ack(
        _ heard: Heard,
        code: UInt16 = 0,
        isCumulative: Bool = false,
        text: String = "",
        by session: UInt32? = nil
    ) -> UInt32 {
        var header = Header(.ack)
        header.code = code
        header.flags = isCumulative ? Header.cumulativeFlag : 0
        header.subject = heard.subscription
        header.generation = heard.generation
        header.serial = heard.position
        var reason = Envelope.Reason()
        reason.text = text
        let bytes = text.isEmpty ? [] : Envelope.bytes(of: reason)
        return ask(header, session ?? heard.session, envelope: bytes)
    }

    @discardableResult
    func unsubscribe(
        _ session: UInt32,
        _ subscription: UInt64,
        forget: Bool = false
    ) -> UInt32 {
        var header = Header(.unsubscribe)
        header.subject = subscription
        header.flags = forget ? Header.forgetFlag : 0
        return ask(header, session)
    }
}
