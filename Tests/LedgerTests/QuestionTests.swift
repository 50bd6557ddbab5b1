// SPDX-License-Identifier: Apache-2.0

import Ledger
import Rules
import Testing
import Wire

/// Goal: a durable question is answered once, or its asker learns that it was not, whatever dies.
///
/// Method: benches with an asker and those who offer; kills between the steps.
@Suite("Durable questions")
struct QuestionTests {
    private struct Put {
        let session: UInt32
        let question: UInt64
        let generation: UInt64
        let puts: UInt16
        let body: String
    }

    private let bench: LedgerBench
    private let asker: UInt32
    private let server: UInt32

    init() throws {
        bench = try LedgerBench()
        asker = try bench.hello("utility")
        server = try bench.staff(["city/desk"])
    }

    private func offer(
        _ session: UInt32,
        _ service: String = "city/permits",
        _ capacity: UInt64 = 10
    ) -> UInt32 {
        var offer = Envelope.Offer()
        offer.service = service
        var header = Header(.offer)
        header.generation = capacity
        return bench.ask(header, session, envelope: Envelope.bytes(of: offer))
    }

    private func question(
        _ session: UInt32,
        _ body: String = "valid?",
        service: String = "city/permits",
        key: Identifier? = nil,
        deadline: Int64 = 3_600_000
    ) -> UInt32 {
        var question = Envelope.Question()
        question.service = service
        var header = Header(.ask)
        header.flags = Header.durableFlag
        header.id = key ?? bench.key()
        header.instant = bench.wall + deadline
        return bench.ask(
            header,
            session,
            envelope: Envelope.bytes(of: question),
            body: Array(body.utf8)
        )
    }

    private func puts(_ told: [Told]) -> [Put] {
        told.filter { $0.header.verb == .question }.map {
            Put(
                session: $0.session,
                question: $0.header.subject,
                generation: $0.header.generation,
                puts: $0.header.code,
                body: String(decoding: $0.body, as: UTF8.self)
            )
        }
    }

    private func reply(
        _ put: Put,
        _ body: String = "yes",
        code: UInt16 = 0,
        by session: UInt32? = nil
    ) -> UInt32 {
        var header = Header(.reply)
        header.code = code
        header.subject = put.question
        header.generation = put.generation
        return bench.ask(
            header,
            session ?? put.session,
            envelope: Envelope.bytes(of: Envelope.Reply()),
            body: Array(body.utf8)
        )
    }

    private func replied(_ told: [Told]) -> [(session: UInt32, code: UInt16, body: String)] {
        told.filter { $0.header.verb == .replied }.map {
            ($0.session, $0.header.code, String(decoding: $0.body, as: UTF8.self))
        }
    }

    @Test("a question waits on disk for an offer and its answer for the asker, over kills")
    func kills() throws {
        let key = bench.key()
        let asked = try bench.reply(to: question(asker, key: key))
        #expect(asked.isAnswer)
        try bench.reopen()
        let server = try bench.staff(["city/desk"])
        _ = offer(server)
        let put = try #require(puts(try bench.hear()).first)
        #expect(put.question == asked.header.subject && put.body == "valid?" && put.puts == 0)
        try bench.verify()
        let receipt = try bench.reply(to: reply(put))
        #expect(receipt.isAnswer)
        try bench.reopen()
        // The asker that comes back and repeats its question is told.
        let again = try bench.hello("utility")
        bench.wall -= 10
        let number = question(again, key: key)
        let told = try bench.hear()
        #expect(try #require(told.first { $0.header.number == number }).isRepeated)
        let answer = try #require(replied(told).first)
        #expect(answer.session == again && answer.code == 0 && answer.body == "yes")
        try bench.verify()
    }

    @Test("it is answered once; the same answer again gets the first receipt, another is refused")
    func once() throws {
        _ = offer(server)
        _ = question(asker)
        let put = try #require(puts(try bench.hear()).first)
        let number = reply(put)
        let told = try bench.hear()
        let first = try #require(told.first { $0.header.number == number })
        #expect(replied(told).map(\.session) == [asker])
        let again = try bench.reply(to: reply(put))
        #expect(again.isRepeated && again.header.subject == first.header.subject)
        #expect(try bench.reply(to: reply(put, "no")).refusal == .unknownQuestion)
        #expect(replied(bench.told).isEmpty)
    }

    @Test("what is not answered in time goes to another, and the late answer is refused")
    func lapse() throws {
        _ = offer(server)
        _ = question(asker)
        let put = try #require(puts(try bench.hear()).first)
        let other = try bench.staff(["city/desk"])
        _ = offer(other)
        bench.happen(.ended(session: server))
        let next = try #require(puts(try bench.hear()).first)
        #expect(next.session == other && next.puts == 1 && next.generation > put.generation)
        bench.pass(30_000)
        let third = try #require(puts(try bench.hear()).first)
        #expect(third.puts == 2)
        #expect(try bench.reply(to: reply(next)).refusal == .unknownQuestion)
        #expect(try bench.reply(to: reply(third)).isAnswer)
    }

    @Test("questions go to whoever has the fewest open, within what each takes at once")
    func leastLoaded() throws {
        let other = try bench.staff(["city/desk"])
        _ = offer(server, "city/permits", 1)
        _ = offer(other, "city/permits", 2)
        for index in 0..<5 { _ = question(asker, "\(index)") }
        let put = puts(try bench.hear())
        #expect(put.count == 3 && put.filter { $0.session == server }.count == 1)
        _ = reply(put[0])
        let next = puts(try bench.hear())
        #expect(next.map(\.session) == [put[0].session] && next.map(\.body) == ["3"])
    }

    @Test("a deadline that passes is told, and an answer after it refused")
    func deadline() throws {
        _ = offer(server)
        _ = question(asker, deadline: 5_000)
        let put = try #require(puts(try bench.hear()).first)
        bench.pass(5_000)
        let told = try bench.hear()
        #expect(replied(told).map(\.code) == [RefusalCode.deadlinePassed.rawValue])
        #expect(try bench.reply(to: reply(put)).refusal == .deadlinePassed)
        try bench.verify()
    }

    @Test("a settled question is kept a week beyond its deadline, then removed")
    func removal() throws {
        _ = offer(server)
        let asked = question(asker, deadline: 5_000)
        let told = try bench.hear()
        let put = try #require(puts(told).first)
        #expect(told.contains { $0.header.number == asked && $0.isAnswer })
        _ = reply(put)
        try bench.turn()
        bench.pass(5_000 + 7 * 86_400_000 - 1)
        #expect(try !bench.writer.erase(wall: bench.wall))
        #expect(try bench.number("SELECT count(*) FROM question") == 1)
        bench.pass(1)
        #expect(try !bench.writer.erase(wall: bench.wall))
        #expect(try bench.number("SELECT count(*) FROM question") == 0)
        try bench.verify()
    }

    @Test("questions that cannot be asked and offers that cannot be made are refused")
    func refusals() throws {
        let questions: [(String, Int64, RefusalCode)] = [
            ("city", 1_000, .nameInvalid), ("nowhere/x", 1_000, .notOffered),
            ("city/permits", 0, .deadlinePassed),
            ("city/permits", 31 * 86_400_000, .malformed),
        ]
        for (service, deadline, code) in questions {
            let number = question(asker, service: service, deadline: deadline)
            #expect(try bench.reply(to: number).refusal == code, "\(service)")
        }
        #expect(try bench.reply(to: offer(server, "state/x")).refusal == .unknownService)
        #expect(try bench.reply(to: offer(server, "city/x", 0)).refusal == .malformed)
        #expect(try bench.reply(to: offer(server, "city/x", 1_001)).refusal == .malformed)
        let idle = try bench.hello("city")
        #expect(try bench.reply(to: offer(idle)).refusal == .unknownService)
        for index in 0..<100 { _ = offer(server, "city/s\(index)") }
        try bench.turn()
        #expect(bench.told.allSatisfy { $0.isAnswer })
        #expect(try bench.reply(to: offer(server, "city/s100")).refusal == .tooManyOffers)
        #expect(try bench.reply(to: offer(server, "city/s7", 5)).isAnswer)
    }

    @Test("an offer that is withdrawn gets no more questions, and may answer those it has")
    func withdraw() throws {
        let made = try bench.reply(to: offer(server))
        _ = question(asker)
        let put = try #require(puts(try bench.hear()).first)
        var header = Header(.withdraw)
        header.subject = made.header.subject
        #expect(try bench.reply(to: bench.ask(header, server)).isAnswer)
        #expect(try bench.reply(to: bench.ask(header, server)).refusal == .unknownService)
        _ = question(asker)
        #expect(puts(try bench.hear()).isEmpty)
        #expect(try bench.reply(to: reply(put)).isAnswer)
    }
}
