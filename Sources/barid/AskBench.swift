// SPDX-License-Identifier: Apache-2.0

internal import BaridClient
internal import Platform
internal import Wire

/// Measures questions: some sessions ask, another answers each at once.
///
/// All are driven by one thread, so the daemon and not this program is what is measured.
struct AskBench: ~Copyable {
    struct Figures {
        var answeredCount: UInt64 = 0
        var nanoseconds: UInt64 = 1
        /// Microseconds from when a question was to be asked to the answer.
        var answer = Histogram()
        var refusedCount: UInt64 = 0
        /// Questions that got no answer at all.
        var lostCount: UInt64 = 0
    }

    let endpoint: String
    let agency: String
    let size: Int
    let window: Int
    /// Questions a second; nil for as many as the window lets.
    var rate: Double?
    /// Sessions that ask.
    var sessionCount = 1

    /// How long a question may wait, and the bench for what is under way at its end.
    private static let deadlineMilliseconds: Int64 = 10_000
    /// Questions open at once at a rate, below what an offer and the bus take.
    private static let openMax = 1_000

    /// Keeps so many questions open, or asks so many a second, then lets them come to their end.
    consuming func run(seconds: Double, progress: BenchProgress) throws(BaridError) -> Figures {
        let word = String(UInt64.random(in: 0 ... .max), radix: 36)
        let service = "\(agency)/echo-\(word)"
        var group = try RawGroup(endpoint: endpoint)
        let timer: AlarmTimer
        do throws(SystemFault) { timer = try AlarmTimer() } catch {
            throw .faulty("The bench \(error).")
        }
        group.watch(timer)
        let answerer = try group.open(agency: agency, name: "barid bench")
        try group.open(sessionCount, agency: agency, name: "barid bench")
        try Self.offer(service, agency, answerer, &group)
        var question = Envelope.Question()
        question.service = service
        let envelope = Envelope.bytes(of: question)
        let body = [UInt8](repeating: UInt8(ascii: "x"), count: size)
        var figures = Figures()
        var asked: [UInt64: Int64] = [:]
        var askedCount: UInt64 = 0
        var questions: [UInt64] = []
        let start = Clock.monotonicNanoseconds()
        let end = start + Int64(seconds * 1e9)
        let drainEnd = end + Self.deadlineMilliseconds * 1_000_000
        var measuredUntil = start
        while true {
            var now = Clock.monotonicNanoseconds()
            if now < end {
                while asked.count < (rate == nil ? window : Self.openMax) {
                    var instant = now
                    if let rate {
                        instant = start + Int64(Double(askedCount + 1) / rate * 1e9)
                        if instant > now {
                            timer.set(to: instant)
                            break
                        }
                    }
                    var header = Header(.ask)
                    header.instant = Clock.wallMilliseconds() + Self.deadlineMilliseconds
                    let place = answerer + 1 + Int(askedCount % UInt64(sessionCount))
                    let number = try group.ask(place, header, envelope: envelope, body: body)
                    asked[UInt64(place) << 32 | UInt64(number)] = instant
                    askedCount += 1
                }
            } else if asked.isEmpty || now > drainEnd {
                break
            }
            try group.beat()
            try group.flush()
            questions.removeAll(keepingCapacity: true)
            try group.receive(timeoutMilliseconds: 100) { place, header, _ in
                if place == answerer {
                    if header.verb == .question { questions.append(header.subject) }
                    return
                }
                guard header.verb == .answer || header.verb == .refusal,
                    let askedAt = asked.removeValue(
                        forKey: UInt64(place) << 32 | UInt64(header.number)
                    )
                else { return }
                now = Clock.monotonicNanoseconds()
                measuredUntil = now
                guard header.verb == .answer else { return figures.refusedCount += 1 }
                figures.answeredCount += 1
                figures.answer.add(UInt64(max(0, now - askedAt)) / 1_000)
            }
            for question in questions {
                var header = Header(.reply)
                header.subject = question
                _ = try group.ask(answerer, header, body: body)
            }
            progress.show(
                "\(figures.answeredCount) answers",
                figures.answeredCount,
                done: Double(now - start) / Double(end - start)
            )
        }
        progress.clear()
        figures.nanoseconds = UInt64(max(1, measuredUntil - start))
        figures.lostCount = UInt64(asked.count)
        _ = try? group.callAll(group.count) { group, place throws(BaridError) in
            (place, try group.ask(place, Header(.bye)))
        }
        return figures
    }

    /// Staffs an office and offers a service there.
    private static func offer(
        _ service: String,
        _ agency: String,
        _ answerer: Int,
        _ group: inout RawGroup
    ) throws(BaridError) {
        var attach = Envelope.Attach()
        attach.office = "\(agency)/echo"
        _ = try group.call(answerer, Header(.attach), envelope: Envelope.bytes(of: attach))
        var offer = Envelope.Offer()
        offer.service = service
        var offering = Header(.offer)
        offering.generation = Limits.questionsMax
        _ = try group.call(answerer, offering, envelope: Envelope.bytes(of: offer))
    }
}
