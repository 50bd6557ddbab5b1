// SPDX-License-Identifier: Apache-2.0

internal import BaridClient
internal import Platform
internal import Wire

/// Measures questions: one session asks, another answers each at once.
///
/// Both are driven by one thread, so the daemon and not this program is what is measured.
struct AskBench: ~Copyable {
    struct Figures {
        var answeredCount: UInt64 = 0
        var nanoseconds: UInt64 = 1
        /// Microseconds from asking to the answer.
        var answer = Histogram()
        var refusedCount: UInt64 = 0
        /// Questions that got no answer at all.
        var lostCount: UInt64 = 0
    }

    let endpoint: String
    let agency: String
    let size: Int
    let window: Int

    /// How long a question may wait, and the bench for what is under way at its end.
    private static let deadlineMilliseconds: Int64 = 10_000

    /// Keeps so many questions open for so long, then lets them come to their end.
    consuming func run(seconds: Double) throws(BaridError) -> Figures {
        let word = String(UInt64.random(in: 0 ... .max), radix: 36)
        let service = "\(agency)/echo-\(word)"
        var group = RawGroup()
        let answerer = try group.open(endpoint: endpoint, agency: agency, name: "barid bench")
        let asker = try group.open(endpoint: endpoint, agency: agency, name: "barid bench")
        var attach = Envelope.Attach()
        attach.office = "\(agency)/echo"
        _ = try group.call(answerer, Header(.attach), envelope: Envelope.bytes(of: attach))
        var offer = Envelope.Offer()
        offer.service = service
        var offering = Header(.offer)
        offering.generation = Limits.questionsMax
        _ = try group.call(answerer, offering, envelope: Envelope.bytes(of: offer))
        var question = Envelope.Question()
        question.service = service
        let envelope = Envelope.bytes(of: question)
        let body = [UInt8](repeating: UInt8(ascii: "x"), count: size)
        var figures = Figures()
        var asked: [UInt32: UInt64] = [:]
        var questions: [UInt64] = []
        let start = FanoutBench.now()
        let end = start + UInt64(seconds * 1e9)
        let drainEnd = end + UInt64(Self.deadlineMilliseconds) * 1_000_000
        var measuredUntil = start
        var beatAt = start
        while true {
            let now = FanoutBench.now()
            if now < end {
                while asked.count < window {
                    var header = Header(.ask)
                    header.instant = Clock.wallMilliseconds() + Self.deadlineMilliseconds
                    let number = try group.ask(asker, header, envelope: envelope, body: body)
                    asked[number] = FanoutBench.now()
                }
            } else if asked.isEmpty || now > drainEnd {
                break
            }
            if now > beatAt {
                beatAt = now + 1_000_000_000
                for place in [asker, answerer] { _ = try group.ask(place, Header(.heartbeat)) }
            }
            try group.flush()
            questions.removeAll(keepingCapacity: true)
            try group.receive(timeoutMilliseconds: 100) { place, header in
                if place == answerer {
                    if header.verb == .question { questions.append(header.subject) }
                } else if let askedAt = asked[header.number], header.verb != .heartbeat {
                    asked[header.number] = nil
                    measuredUntil = FanoutBench.now()
                    guard header.verb == .answer else { return figures.refusedCount += 1 }
                    figures.answeredCount += 1
                    figures.answer.add((measuredUntil - askedAt) / 1_000)
                }
            }
            for question in questions {
                var header = Header(.reply)
                header.subject = question
                _ = try group.ask(answerer, header, body: body)
            }
        }
        figures.nanoseconds = max(1, measuredUntil - start)
        figures.lostCount = UInt64(asked.count)
        for place in [asker, answerer] { _ = try? group.call(place, Header(.bye)) }
        return figures
    }
}
