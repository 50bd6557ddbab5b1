// SPDX-License-Identifier: Apache-2.0

internal import BaridClient
internal import Dispatch
internal import Glibc
internal import Platform
internal import Synchronization
internal import Wire

/// Measures fan-out: one session publishes on one topic, many subscribe to it.
///
/// The id of each event holds when it was published and which one it is, so the readers need neither
/// its envelope nor its body. The publisher never runs further ahead of the slowest reader than the
/// window: what is then left out or lost is the bus's doing.
struct FanoutBench: Sendable {
    struct Figures {
        var publishedCount: UInt64 = 0
        var deliveredCount: UInt64 = 0
        var nanoseconds: UInt64 = 1
        /// Microseconds from publishing to being read.
        var delivery = Histogram()
        /// Gaps told, and the events left out by them.
        var gapCount: UInt64 = 0
        var leftOutCount: UInt64 = 0
        /// Events neither delivered nor told as left out.
        var lostCount: UInt64 = 0
        var duplicatedCount: UInt64 = 0
        var refusedCount: UInt64 = 0
        /// What the sessions that had stopped reading were told afterwards.
        var stalled = StalledReaders.Figures()
    }

    let endpoint: String
    let agency: String
    let subscriberCount: Int
    /// Further sessions that subscribe and do not read.
    var stalledCount = 0
    let threadCount: Int
    let size: Int
    let window: UInt64
    /// Events a second; nil for as many as the readers keep up with.
    let rate: Double?

    /// Unanswered publications, well below what the bus takes.
    private static let unansweredMax = 4_000
    /// How long the readers may take for what is under way at the end.
    private static let drainNanoseconds: UInt64 = 10_000_000_000

    /// What the threads share.
    private final class Shared: Sendable {
        /// The events that the slowest session of each thread is past.
        let passed: Mutex<[UInt64]>
        let results = Mutex<[Result<Figures, BaridError>]>([])
        let isOver = Atomic<Bool>(false)

        init(threadCount: Int) { passed = Mutex([UInt64](repeating: 0, count: threadCount)) }

        var slowest: UInt64 { passed.withLock { $0.min() ?? 0 } }
    }

    /// Publishes for so long, then lets the readers come to their end.
    func run(seconds: Double) throws(BaridError) -> Figures {
        var random = SystemRandomNumberGenerator()
        let topic = "\(Topic.word(of: agency)).bench.\(String(random.next(), radix: 36))"
        let shared = Shared(threadCount: threadCount)
        let ready = DispatchSemaphore(value: 0)
        var threads: [WorkerThread] = []
        var fault: BaridError?
        for place in 0..<threadCount {
            let count =
                subscriberCount / threadCount + (place < subscriberCount % threadCount ? 1 : 0)
            do throws(SystemFault) {
                let thread = try WorkerThread(name: "reader") {
                    let result = read(topic, sessions: count, thread: place, shared, ready)
                    shared.results.withLock { $0.append(result) }
                    ready.signal()
                }
                threads.append(thread)
            } catch {
                fault = .faulty("The bench \(error).")
            }
        }
        for _ in threads { ready.wait() }
        fault = fault ?? shared.results.withLock { $0.lazy.compactMap(\.fault).first }
        var figures = Figures()
        if fault == nil {
            do throws(BaridError) {
                var stalled = try StalledReaders.open(
                    count: stalledCount,
                    topic: topic,
                    endpoint: endpoint,
                    agency: agency
                )
                figures = try publish(topic, seconds: seconds, shared)
                figures.stalled = try stalled.readAgain()
            } catch {
                fault = error
            }
        }
        shared.isOver.store(true, ordering: .releasing)
        for thread in threads { thread.join() }
        for result in shared.results.withLock({ $0 }) {
            switch result {
            case .success(let part): figures.add(part)
            case .failure(let error): fault = fault ?? error
            }
        }
        if let fault { throw fault }
        let expected = figures.publishedCount * UInt64(subscriberCount)
        let told = figures.deliveredCount + figures.leftOutCount
        figures.lostCount = expected - min(expected, told)
        return figures
    }

    // MARK: The publisher

    private func publish(
        _ topic: String,
        seconds: Double,
        _ shared: Shared
    ) throws(BaridError) -> Figures {
        var group = try RawGroup(endpoint: endpoint)
        let place = try group.open(agency: agency, name: "barid bench")
        var event = Envelope.Event()
        event.topic = topic
        event.source = agency
        let envelope = Envelope.bytes(of: event)
        let body = [UInt8](repeating: UInt8(ascii: "x"), count: size)
        var figures = Figures()
        var unanswered = 0
        let start = Self.now()
        let end = start + UInt64(seconds * 1e9)
        var slowest: UInt64 = 0
        var beatAt = start
        while Self.now() < end {
            let ahead = figures.publishedCount - slowest
            let due = rate.map { UInt64(Double(Self.now() - start) / 1e9 * $0) } ?? .max
            let room = min(
                window - min(ahead, window),
                UInt64(Self.unansweredMax - unanswered),
                due - min(due, figures.publishedCount)
            )
            for _ in 0..<room {
                var header = Header(.publish)
                header.id = Identifier(high: Self.now(), low: figures.publishedCount + 1)
                _ = try group.ask(place, header, envelope: envelope, body: body)
                figures.publishedCount += 1
                unanswered += 1
            }
            try group.flush()
            try group.receive(timeoutMilliseconds: room == 0 ? 1 : 0) { _, header, _ in
                guard header.verb == .answer || header.verb == .refusal else { return }
                unanswered -= 1
                if header.verb == .refusal { figures.refusedCount += 1 }
            }
            if Self.now() > beatAt {
                beatAt += 1_000_000_000
                _ = try group.ask(place, Header(.heartbeat))
            }
            slowest = shared.slowest
        }
        let drainEnd = Self.now() + Self.drainNanoseconds
        while Self.now() < drainEnd {
            guard unanswered > 0 || shared.slowest < figures.publishedCount - figures.refusedCount
            else { break }
            try group.receive(timeoutMilliseconds: 1) { _, header, _ in
                guard header.verb == .answer || header.verb == .refusal else { return }
                unanswered -= 1
                if header.verb == .refusal { figures.refusedCount += 1 }
            }
        }
        figures.nanoseconds = max(1, Self.now() - start)
        figures.publishedCount -= figures.refusedCount
        _ = try? group.call(place, Header(.bye))
        return figures
    }

    // MARK: The readers

    private struct Reader {
        var subscription: UInt64 = 0
        var used: (messages: UInt64, bytes: UInt64) = (0, 0)
        var last: UInt64 = 0
        var passed: UInt64 = 0
    }

    private func read(
        _ topic: String,
        sessions: Int,
        thread: Int,
        _ shared: Shared,
        _ ready: DispatchSemaphore
    ) -> Result<Figures, BaridError> {
        do throws(BaridError) {
            return .success(
                try listen(topic, sessions: sessions, thread: thread, shared, ready)
            )
        } catch {
            return .failure(error)
        }
    }

    private func listen(
        _ topic: String,
        sessions: Int,
        thread: Int,
        _ shared: Shared,
        _ ready: DispatchSemaphore
    ) throws(BaridError) -> Figures {
        var group = try RawGroup(endpoint: endpoint)
        var readers: [Reader] = []
        var subscribe = Envelope.Subscribe()
        subscribe.pattern = topic
        for _ in 0..<sessions {
            let place = try group.open(agency: agency, name: "barid bench")
            var reader = Reader()
            reader.subscription = try group.call(
                place,
                Header(.subscribe),
                envelope: Envelope.bytes(of: subscribe)
            ).subject
            try grant(
                &group,
                place,
                reader,
                (Limits.creditMessagesMax, Limits.creditBytesMax)
            )
            readers.append(reader)
        }
        try group.flush()
        ready.signal()
        var figures = Figures()
        var beatAt = Self.now()
        while !shared.isOver.load(ordering: .acquiring) {
            try group.receive(timeoutMilliseconds: 20) { place, header, _ in
                Self.take(header, &readers[place], &figures)
            }
            for place in readers.indices {
                let used = readers[place].used
                guard
                    used.messages >= Limits.creditMessagesMax / 4
                        || used.bytes >= Limits.creditBytesMax / 4
                else { continue }
                readers[place].used = (0, 0)
                try grant(&group, place, readers[place], used)
            }
            if Self.now() > beatAt {
                beatAt += 1_000_000_000
                for place in readers.indices { _ = try group.ask(place, Header(.heartbeat)) }
            }
            try group.flush()
            let passed = readers.lazy.map(\.passed).min() ?? .max
            shared.passed.withLock { $0[thread] = passed }
        }
        for place in readers.indices { _ = try? group.call(place, Header(.bye)) }
        return figures
    }

    private static func take(_ header: Header, _ reader: inout Reader, _ figures: inout Figures) {
        switch header.verb {
        case .event:
            figures.deliveredCount += 1
            reader.used.messages += 1
            reader.used.bytes += UInt64(header.envelopeLength) + UInt64(header.bodyLength)
            reader.passed += 1
            if header.id.low <= reader.last { figures.duplicatedCount += 1 }
            reader.last = max(reader.last, header.id.low)
            figures.delivery.add((max(now(), header.id.high) - header.id.high) / 1_000)
        case .gap:
            figures.gapCount += 1
            figures.leftOutCount += UInt64(header.number)
            reader.passed += UInt64(header.number)
        case .refusal, .ended: figures.refusedCount += 1
        default: return
        }
    }

    private func grant(
        _ group: inout RawGroup,
        _ place: Int,
        _ reader: Reader,
        _ credit: (messages: UInt64, bytes: UInt64)
    ) throws(BaridError) {
        var header = Header(.credit)
        header.subject = reader.subscription
        header.generation = credit.messages
        header.serial = credit.bytes
        _ = try group.ask(place, header)
    }

    static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}

extension FanoutBench.Figures {
    /// Whether nothing was lost, told twice or refused.
    var isClean: Bool { lostCount == 0 && duplicatedCount == 0 && refusedCount == 0 }

    /// Adds what a reading thread counted.
    fileprivate mutating func add(_ part: FanoutBench.Figures) {
        deliveredCount += part.deliveredCount
        delivery.add(part.delivery)
        gapCount += part.gapCount
        leftOutCount += part.leftOutCount
        duplicatedCount += part.duplicatedCount
        refusedCount += part.refusedCount
    }
}

extension Result {
    /// Why it failed; nil if it did not.
    fileprivate var fault: Failure? { if case .failure(let error) = self { error } else { nil } }
}
