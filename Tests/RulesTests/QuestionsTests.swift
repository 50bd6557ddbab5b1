// SPDX-License-Identifier: Apache-2.0

import Rules
import TestKit
import Testing
import Wire

/// Goal: a question is answered once, by whoever has least to do, or lapses at its deadline, and
/// nothing of it stays behind.
///
/// Method: events by hand with a clock that is a number; then seeded histories against invariants.
@Suite("Questions that are not durable")
struct QuestionsTests {
    @Test(
        "it goes to the session with the fewest open, in turn among equals, up to what each takes"
    )
    func balance() {
        var bus = Desk()
        #expect(bus.ask(1) == [.refused(.notOffered, 1)])
        bus.offer(by: 10, atOnce: 2)
        bus.offer(by: 11, atOnce: 1)
        #expect(bus.ask(2) == [.put(10)])
        #expect(bus.ask(3) == [.put(11)])
        #expect(bus.ask(4) == [.put(10)])
        #expect(bus.ask(5) == [.refused(.busy, 5)])
        #expect(bus.reply(0, from: 10) == [.answered(2, isRepeated: false)])
        #expect(bus.ask(6) == [.put(10)])
        bus.offer(by: 11, atOnce: 9)
        #expect(bus.ask(7) == [.put(11)])
    }

    @Test("the first answer counts; another's, a second and a made-up one are refused")
    func answer() {
        var bus = Desk()
        bus.offer(by: 10)
        bus.offer(by: 11)
        #expect(bus.ask(1) == [.put(10)])
        #expect(bus.refusal(of: 0, from: 11) == .unknownQuestion)
        #expect(bus.refusal(of: 99, from: 10) == .unknownQuestion)
        #expect(bus.reply(0, from: 10) == [.answered(1, isRepeated: false)])
        #expect(bus.refusal(of: 0, from: 10) == .unknownQuestion)
        #expect(bus.questions.openCount == 0 && bus.questions.byteCount == 0)
    }

    @Test("nobody who answers in half the time: it is put to another once, and both may answer")
    func half() {
        var bus = Desk()
        bus.offer(by: 10)
        #expect(bus.ask(1, for: 100) == [.put(10)])
        bus.offer(by: 11)
        bus.offer(by: 12)
        #expect(bus.wake(at: 49) == [])
        #expect(bus.wake(at: 50) == [.putAgain(11)])
        #expect(bus.wake(at: 99) == [])
        #expect(bus.reply(0, from: 10) == [.answered(1, isRepeated: false)])
        #expect(bus.refusal(of: 0, from: 11) == .unknownQuestion)
        #expect(bus.questions.nextAlarm != nil)
        #expect(bus.wake(at: 200) == [])
        #expect(bus.questions.nextAlarm == nil)
    }

    @Test("at its deadline it is refused, and who answers later is told so")
    func deadline() {
        var bus = Desk()
        bus.offer(by: 10)
        #expect(bus.ask(1, for: 0) == [.refused(.deadlinePassed, 1)])
        _ = bus.ask(2, for: 100)
        #expect(bus.wake(at: 99) == [])
        #expect(bus.questions.nextAlarm == 100)
        #expect(bus.wake(at: 100) == [.refused(.deadlinePassed, 2)])
        #expect(bus.refusal(of: 0, from: 10) == .deadlinePassed)
        #expect(bus.refusal(of: 0, from: 11) == .unknownQuestion)
        // A late answer also ends what no alarm has ended yet.
        _ = bus.ask(3, for: 100)
        bus.now += 100
        #expect(bus.refusal(of: 1, from: 10) == .deadlinePassed)
        #expect(bus.questions.openCount == 0)
    }

    @Test("when who was to answer leaves, it is put to another once, at the latest to who comes")
    func answererLeaves() {
        var bus = Desk()
        bus.offer(by: 10)
        bus.offer(by: 11)
        _ = bus.ask(1)
        #expect(bus.end(10) == [.putAgain(11)])
        #expect(bus.refusal(of: 0, from: 10) == .unknownQuestion)
        #expect(bus.end(11) == [])
        #expect(bus.offer(by: 12) == [], "it was put twice already")
        #expect(bus.wake(at: bus.now + 1_000) == [.refused(.deadlinePassed, 1)])

        _ = bus.ask(2)
        #expect(bus.end(12) == [])
        #expect(bus.offer(by: 13) == [.putAgain(13)])
        #expect(bus.reply(1, from: 13) == [.answered(2, isRepeated: false)])
    }

    @Test("an offer that is taken back gets no more, and what it was given may be answered")
    func withdraw() {
        var bus = Desk()
        bus.offer(by: 10)
        _ = bus.ask(1)
        bus.questions.withdraw(number: 710, by: 11)
        bus.questions.withdraw(number: 711, by: 10)
        #expect(bus.questions.offerCount(of: 10) == 1)
        bus.questions.withdraw(number: 710, by: 10)
        #expect(bus.questions.offerCount(of: 10) == 0)
        #expect(bus.ask(2) == [.refused(.notOffered, 2)])
        #expect(bus.reply(0, from: 10) == [.answered(1, isRepeated: false)])
    }

    @Test("repeated with its key it waits for the same answer, and gets it for a minute")
    func repetition() {
        var bus = Desk()
        bus.offer(by: 10)
        #expect(bus.ask(1, key: 5) == [.put(10)])
        #expect(bus.ask(2, key: 5) == [])
        #expect(bus.ask(3, key: 5, body: [9]) == [.refused(.keyConflict, 3)])
        #expect(bus.ask(4, key: 5, agency: "county") == [.put(10)])
        #expect(
            bus.reply(0, from: 10) == [
                .answered(1, isRepeated: false), .answered(2, isRepeated: true),
            ]
        )
        bus.now += 59_999
        #expect(bus.ask(6, key: 5) == [.answered(6, isRepeated: true)])
        #expect(bus.ask(7, key: 5, body: [9]) == [.refused(.keyConflict, 7)])
        bus.now += 1
        #expect(bus.ask(8, key: 5) == [.put(10)])
    }

    @Test("an asker that leaves takes its question along, unless a key lets it be repeated")
    func askerLeaves() {
        var bus = Desk()
        bus.offer(by: 10)
        _ = bus.ask(1, session: 20)
        _ = bus.ask(2, key: 5, session: 20)
        #expect(bus.end(20) == [])
        #expect(bus.questions.openCount == 1)
        #expect(bus.refusal(of: 0, from: 10) == .unknownQuestion)
        #expect(bus.ask(3, key: 5, session: 21) == [])
        #expect(bus.reply(1, from: 10) == [.answered(3, isRepeated: true)])
    }

    @Test("a flood of one agency is refused with busy and leaves room for others")
    func flood() {
        var bus = Desk()
        bus.offer(by: 10, atOnce: .max)
        for number in 0..<UInt32(Questions.openOfAgencyMax) { _ = bus.ask(number) }
        #expect(bus.ask(1) == [.refused(.busy, 1)])
        #expect(bus.ask(2, agency: "county") == [.put(10)])
        let large = [UInt8](repeating: 0, count: Questions.bytesOfAgencyMax)
        #expect(bus.ask(3, agency: "county", body: large) == [.refused(.busy, 3)])
        #expect(bus.wake(at: bus.now + 1_000).count == Questions.openOfAgencyMax + 1)
        #expect(bus.questions.openCount == 0 && bus.questions.byteCount == 0)
    }

    @Test("a stop refuses everything that is open")
    func stop() {
        var bus = Desk()
        bus.offer(by: 10)
        _ = bus.ask(1, key: 5)
        _ = bus.ask(2, key: 5)
        var decisions: [QuestionDecision] = []
        bus.questions.refuseAll(.draining, into: &decisions)
        #expect(
            bus.told(decisions) == [.refused(.draining, 1), .refused(.draining, 2)]
        )
    }

    @Test(
        "whatever happens, every question is answered or refused exactly once",
        arguments: [1, 4, 20_261_124] as [UInt64]
    )
    func random(seed: UInt64) {
        print("questions from seed \(seed)")
        var random = SeededGenerator(seed: seed)
        var bus = Desk()
        var waiting: Set<UInt32> = []
        var put: [UInt64: [UInt32: Int]] = [:]
        var answerers: [UInt32] = [10, 11, 12, 13, 14]
        for step in 0..<5_000 as Range<UInt32> {
            var decisions: [QuestionDecision] = []
            let place = Int.random(in: 0..<answerers.count, using: &random)
            let session = answerers[place]
            switch Int.random(in: 0..<10, using: &random) {
            case 0:
                bus.questions.sessionEnded(session, into: &decisions)
                answerers[place] += 10
            case 1, 2:
                bus.questions.offer(
                    "a/s",
                    by: session,
                    number: UInt64(session),
                    questionsMax: UInt64.random(in: 1...4, using: &random),
                    into: &decisions
                )
            case 3: bus.now += Int64.random(in: 0...40, using: &random)
            case 4...6:
                if let number = put.keys.sorted().randomElement(using: &random),
                    let session = put[number]?.keys.sorted().randomElement(using: &random)
                {
                    try? bus.questions.reply(
                        to: number,
                        from: session,
                        Answer(),
                        at: bus.now,
                        into: &decisions
                    )
                }
            default:
                waiting.insert(step)
                bus.questions.ask(
                    bus.asked(
                        step,
                        key: UInt64.random(in: 0...3, using: &random) * UInt64(step / 40),
                        deadline: bus.now + Int64.random(in: 0...100, using: &random)
                    ),
                    at: bus.now,
                    into: &decisions
                )
            }
            bus.questions.wake(at: bus.now, into: &decisions)
            for decision in decisions {
                switch decision {
                case .put(let number, to: let session, _, _):
                    put[number, default: [:]][session, default: 0] += 1
                    #expect(put[number]?[session] == 1, "put to one session twice")
                    #expect(put[number]?.count ?? 0 <= 2)
                case .answer(_, to: _, _, let number, _), .refuse(_, _, let number):
                    #expect(waiting.remove(number) != nil, "told twice at step \(step)")
                case .closed: break
                }
            }
            if let alarm = bus.questions.nextAlarm { #expect(alarm > bus.now) }
        }
        var decisions: [QuestionDecision] = []
        bus.questions.wake(at: bus.now + 1_000, into: &decisions)
        for case .refuse(_, _, let number) in decisions { waiting.remove(number) }
        #expect(waiting == [] && bus.questions.openCount == 0)
        #expect(bus.questions.nextAlarm == nil)
    }
}

/// Questions under test, with a clock; session 1 asks, of the agency `city`.
private struct Desk {
    enum Told: Equatable {
        case put(UInt32)
        case putAgain(UInt32)
        case answered(UInt32, isRepeated: Bool)
        case refused(RefusalCode, UInt32)
    }

    var questions = Questions()
    var now: Int64 = 0

    @discardableResult
    mutating func offer(by session: UInt32, atOnce: UInt64 = 10) -> [Told] {
        var decisions: [QuestionDecision] = []
        questions.offer(
            "a/s",
            by: session,
            number: 700 + UInt64(session),
            questionsMax: atOnce,
            into: &decisions
        )
        return told(decisions)
    }

    func asked(
        _ number: UInt32,
        key: UInt64 = 0,
        session: UInt32 = 1,
        agency: String = "city",
        body: [UInt8] = [1],
        deadline: Int64
    ) -> Asked {
        Asked(
            session: session,
            number: number,
            agency: agency,
            service: "a/s",
            key: Identifier(high: 0, low: key),
            deadline: deadline,
            instant: 1,
            envelope: [],
            body: body
        )
    }

    mutating func ask(
        _ number: UInt32,
        for time: Int64 = 1_000,
        key: UInt64 = 0,
        session: UInt32 = 1,
        agency: String = "city",
        body: [UInt8] = [1]
    ) -> [Told] {
        let asked = asked(
            number,
            key: key,
            session: session,
            agency: agency,
            body: body,
            deadline: now + time
        )
        var decisions: [QuestionDecision] = []
        questions.ask(asked, at: now, into: &decisions)
        return told(decisions)
    }

    /// Answers a question, counted from 0.
    mutating func reply(_ place: UInt64, from session: UInt32) -> [Told] {
        var decisions: [QuestionDecision] = []
        try? questions.reply(
            to: Numbering.transientQuestions + place,
            from: session,
            Answer(body: [2]),
            at: now,
            into: &decisions
        )
        return told(decisions)
    }

    mutating func refusal(of place: UInt64, from session: UInt32) -> RefusalCode? {
        var decisions: [QuestionDecision] = []
        do throws(RefusalCode) {
            try questions.reply(
                to: Numbering.transientQuestions + place,
                from: session,
                Answer(),
                at: now,
                into: &decisions
            )
            return nil
        } catch {
            return error
        }
    }

    mutating func wake(at instant: Int64) -> [Told] {
        now = instant
        var decisions: [QuestionDecision] = []
        questions.wake(at: now, into: &decisions)
        return told(decisions)
    }

    mutating func end(_ session: UInt32) -> [Told] {
        var decisions: [QuestionDecision] = []
        questions.sessionEnded(session, into: &decisions)
        return told(decisions)
    }

    func told(_ decisions: [QuestionDecision]) -> [Told] {
        decisions.compactMap { decision in
            switch decision {
            case .put(_, to: let session, let before, _):
                before == 0 ? .put(session) : .putAgain(session)
            case .answer(_, to: _, _, let number, let isRepeated):
                .answered(number, isRepeated: isRepeated)
            case .refuse(let code, _, let number): .refused(code, number)
            case .closed: nil
            }
        }
    }
}
