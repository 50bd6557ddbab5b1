// SPDX-License-Identifier: Apache-2.0

import Courier
import Platform
import Rules
import Testing
import Wire

/// Goal: who asks is answered once or told why not, and the figures say what happened.
///
/// Method: clients at a bus whose ledger is played by the test; the rules themselves are tested in
/// `QuestionsTests`.
@Suite(.timeLimit(.minutes(1))) struct QuestionTests {
    @Test("a question reaches who offers the service, and the answer reaches who asked")
    func answered() throws {
        let bench = try Bench()
        let asker = try Client.open(bench, as: "county")
        let office = try Client.open(bench, as: "city")
        try office.offer("city/tax", bench)
        try asker.question(5, to: "city/tax", body: [9])
        let question = try office.nextQuestion()
        #expect(question.header.subject >= Numbering.transientQuestions)
        #expect(question.header.code == 0 && question.header.generation == 0)
        #expect(question.header.instant == Bench.wall + 10_000 && question.body == [9])
        let receipt = try office.reply(to: question, body: [8])
        #expect(receipt.header.verb == .answer && receipt.header.number == 80)
        #expect(receipt.header.subject == question.header.subject)
        let answer = try asker.next()
        #expect(answer.header.verb == .answer && answer.header.number == 5)
        #expect(answer.header.flags == 0 && answer.body == [8])
        #expect(answer.header.subject == question.header.subject)
        #expect(try office.reply(to: question).code == .unknownQuestion)
    }

    @Test("a service may refuse to answer and says why")
    func answerRefused() throws {
        let bench = try Bench()
        let asker = try Client.open(bench, as: "county")
        let office = try Client.open(bench, as: "city")
        try office.offer("city/tax", bench)
        try asker.question(5, to: "city/tax", key: 3)
        let question = try office.nextQuestion()
        #expect(try office.reply(to: question, code: 7).code == .malformed)
        #expect(try office.reply(to: question, code: 501).header.verb == .answer)
        let refusal = try asker.next()
        #expect(refusal.header.verb == .refusal && refusal.code == .answerRefused)
        #expect(refusal.header.number == 5)
        let refused = try refusal.envelope.withUnsafeBytes {
            try Envelope.read(Envelope.Refused.self, from: $0)
        }
        #expect(refused.text == "not ours")
        try asker.question(6, to: "city/tax", key: 3)
        #expect(try asker.next().code == .answerRefused)
    }

    @Test("of two that answer the other gets the question of the one that goes away")
    func answererLeaves() throws {
        let bench = try Bench()
        let asker = try Client.open(bench, as: "county")
        let first = try Client.open(bench, as: "city")
        try first.offer("city/tax", bench)
        let second = try Client.open(bench, as: "city")
        try second.offer("city/tax", bench)
        try asker.question(5, to: "city/tax")
        _ = try first.nextQuestion()
        try first.ask(Header(.bye, number: 2))
        let question = try second.nextQuestion()
        #expect(question.header.code == 1)
        #expect(try second.reply(to: question).header.verb == .answer)
        #expect(try asker.next().header.number == 5)
        _ = try bench.answerNext()
    }

    @Test("after half the time another is asked too, and at the deadline the asker is refused")
    func deadline() throws {
        let bench = try Bench()
        let asker = try Client.open(bench, as: "county")
        let first = try Client.open(bench, as: "city")
        try first.offer("city/tax", bench)
        let second = try Client.open(bench, as: "city")
        try second.offer("city/tax", bench)
        try asker.question(5, to: "city/tax", for: 10_000)
        let question = try first.nextQuestion()
        bench.advance(by: 4_999)
        try second.sync()
        bench.advance(by: 1)
        #expect(try second.nextQuestion().header.subject == question.header.subject)
        bench.advance(by: 5_000)
        let refusal = try asker.next()
        #expect(refusal.code == .deadlinePassed && refusal.header.number == 5)
        #expect(try second.reply(to: question).code == .deadlinePassed)
        #expect(try asker.untilHeartbeat() == [])
    }

    @Test("the loop wakes for a deadline by itself")
    func alarm() throws {
        let bench = try Bench(isRealTime: true)
        let asker = try Client.open(bench, as: "county")
        let office = try Client.open(bench, as: "city")
        try office.offer("city/tax", bench)
        try asker.question(5, to: "city/tax", for: 60)
        #expect(try asker.next().code == .deadlinePassed)
    }

    @Test("a repetition waits for the same answer and gets it again, from a new session too")
    func repetition() throws {
        let bench = try Bench()
        let office = try Client.open(bench, as: "city")
        try office.offer("city/tax", bench)
        let asker = try Client.open(bench, as: "county")
        try asker.question(5, to: "city/tax", key: 3)
        let question = try office.nextQuestion()
        let later = try Client.open(bench, as: "county")
        try later.question(6, to: "city/tax", key: 3)
        try later.question(7, to: "city/tax", key: 3, body: [7])
        #expect(try later.next().code == .keyConflict)
        _ = try office.reply(to: question)
        #expect(try asker.next().header.flags == 0)
        let repeated = try later.next()
        #expect(repeated.header.number == 6 && repeated.header.flags == Header.repeatedFlag)
        try asker.question(8, to: "city/tax", key: 3)
        let again = try asker.next()
        #expect(again.header.number == 8 && again.header.flags == Header.repeatedFlag)
        #expect(again.header.subject == question.header.subject && again.body == [2])
        #expect(try office.untilHeartbeat() == [])
    }

    @Test("what cannot be asked is refused at once")
    func refused() throws {
        let bench = try Bench()
        let asker = try Client.open(bench, as: "county")
        let office = try Client.open(bench, as: "city")
        try office.offer("city/tax", atOnce: 1, bench)
        try office.offer("city/secret", bench)
        var effects = Effects()
        effects.policy = UsePolicy()
        effects.policy?.serviceUsers["city/secret"] = ["port"]
        bench.tell(effects)
        let table: [(String, Int64, RefusalCode)] = [
            ("tax", 1, .nameInvalid), ("city/unheard", 1, .notOffered),
            ("city/secret", 1, .mayNotUse), ("city/tax", -1, .deadlinePassed),
            ("city/tax", 0, .deadlinePassed), ("city/tax", 300_001, .malformed),
            ("city/tax", -Bench.wall, .malformed),
        ]
        try asker.sync()
        for (service, time, code) in table {
            try asker.question(5, to: service, for: time)
            #expect(try asker.next().code == code, "\(service) \(time)")
        }
        try asker.question(6, to: "city/tax", for: 300_000)
        let question = try office.nextQuestion()
        try asker.question(7, to: "city/tax")
        let busy = try asker.next()
        #expect(busy.code == .busy && busy.header.instant > Bench.wall)
        var reply = Header(.reply, number: 8)
        reply.subject = question.header.subject
        reply.generation = 1
        #expect(try office.request(reply).code == .malformed)
        reply.generation = 0
        #expect(try asker.request(reply).code == .unknownQuestion)
        #expect(try office.request(reply, envelope: [0xFF]).code == .envelopeInvalid)
    }

    @Test("an offer counts once the ledger has allowed it, and until it is withdrawn")
    func offers() throws {
        let bench = try Bench()
        let asker = try Client.open(bench, as: "county")
        let (office, session, _) = try Client.open(bench, agency: "city")
        var offer = Envelope.Offer()
        offer.service = "city/tax"
        var header = Header(.offer, number: 2)
        header.generation = 5
        let envelope = Envelope.bytes(of: offer)
        #expect(try office.request(Header(.offer), envelope: envelope).code == .malformed)
        #expect(try office.request(header, envelope: [0xFF]).code == .envelopeInvalid)

        try office.ask(header, envelope: envelope)
        _ = try bench.nextBatch()
        #expect(try office.request(header, envelope: envelope).code == .malformed)
        try asker.question(3, to: "city/tax")
        #expect(try asker.next().code == .notOffered)
        bench.complete { $0.refuse(.unknownService, number: 2, session: session) }
        #expect(try office.next().code == .unknownService)
        try asker.question(3, to: "city/tax")
        #expect(try asker.next().code == .notOffered)

        // A service of another agency is never taken over, whatever is answered.
        offer.service = "port/tax"
        try office.ask(header, envelope: Envelope.bytes(of: offer))
        try bench.answerNext()
        _ = try office.next()
        try asker.question(3, to: "port/tax")
        #expect(try asker.next().code == .notOffered)

        try office.ask(header, envelope: envelope)
        try bench.answerNext()
        let number = try office.next().header.subject
        try asker.question(3, to: "city/tax")
        _ = try office.nextQuestion()
        var withdraw = Header(.withdraw, number: 4)
        withdraw.subject = number
        try office.ask(withdraw)
        try bench.answerNext()
        _ = try office.next()
        try asker.question(3, to: "city/tax")
        #expect(try asker.next().code == .notOffered)
    }

    @Test("questions count among the unanswered requests of a session")
    func flood() throws {
        let bench = try Bench()
        let asker = try Client.open(bench, as: "county")
        let offices = try (0..<11).map { _ in
            let office = try Client.open(bench, as: "city")
            try office.offer("city/tax", atOnce: Limits.questionsMax, bench)
            return office
        }
        for number in 0..<UInt32(Limits.requestsMax) {
            try asker.question(number + 1, to: "city/tax")
        }
        try asker.question(1, to: "city/tax")
        #expect(try asker.next().code == .busy)
        let question = try offices[0].nextQuestion()
        _ = try bench.counters { $0.questions == Limits.requestsMax }
        var heard = try offices[0].next()
        // The answer to the reply comes behind the questions.
        try offices[0].ask(.answer(to: question))
        while heard.header.verb == .question { heard = try offices[0].next() }
        #expect(heard.header.verb == .answer)
        #expect(try asker.next().header.verb == .answer)
        try asker.question(1, to: "city/tax")
        #expect(try asker.untilHeartbeat() == [])
    }

    @Test("a stop refuses the questions that are open, and then says farewell")
    func stop() throws {
        let bench = try Bench()
        let asker = try Client.open(bench, as: "county")
        let office = try Client.open(bench, as: "city")
        try office.offer("city/tax", bench)
        try asker.question(5, to: "city/tax")
        _ = try office.nextQuestion()
        bench.stop()
        let refusal = try asker.next()
        #expect(refusal.code == .draining && refusal.header.number == 5)
        #expect(try asker.next().header.verb == .farewell)
        #expect(bench.loop.counters.questionsClosed == 1)
    }

    @Test("figures tell what became of the questions to each service")
    func figures() throws {
        let bench = try Bench()
        let asker = try Client.open(bench, as: "county")
        let office = try Client.open(bench, as: "city")
        try office.offer("city/tax", bench)
        for number in 1...3 as ClosedRange<UInt32> {
            try asker.question(number, to: "city/tax", body: [1, 2, 3])
            let question = try office.nextQuestion()
            _ = try office.reply(to: question, code: number == 3 ? 501 : 0)
            _ = try asker.next()
        }
        try asker.question(4, to: "city/tax", for: 0)
        _ = try asker.next()
        try asker.question(5, to: "city/none")
        _ = try asker.next()
        bench.stop()
        let report = bench.loop.services
        let figures = try #require(report.services["city/tax"])
        #expect(figures.asked == 4 && figures.answered == 2)
        #expect(figures.refused == [501: 1, RefusalCode.deadlinePassed.rawValue: 1])
        #expect(figures.requestBytes > 12 && figures.answerBytes >= 2)
        #expect(figures.durations.count == 2 && figures.durations.max > 0)
        #expect(figures.durations.percentile(0.5) <= figures.durations.percentile(0.99))
        #expect(figures.lastAnswered == Bench.wall && figures.lastRefused == Bench.wall)
        #expect(report.services.count == 1 && report.others.asked == 1)
        #expect(report.recent.map(\.exchange.code) == [0, 0, 501, 409, 222])
        #expect(report.recent.allSatisfy { $0.exchange.agency == "county" })
    }
}

extension Header {
    fileprivate static func answer(to question: Told) -> Header {
        var header = Header(.reply, number: 80)
        header.subject = question.header.subject
        return header
    }
}
