// SPDX-License-Identifier: Apache-2.0

import Courier
import Keys
import Platform
import Rules
import Synchronization
import Testing
import Wire
import TestKit

/// Longest wait for what must happen; reached only by a failing test.
let patienceMilliseconds: Int64 = 10_000

/// A clock that moves only when told.
final class TestClock: Sendable {
    private let milliseconds = Atomic<Int64>(1_000_000)

    var now: Int64 { milliseconds.load(ordering: .relaxed) }

    /// Stands still but for `passWall`.
    var wall: Int64 { Bench.wall + wallOffset.load(ordering: .relaxed) }
    private let wallOffset = Atomic<Int64>(0)

    func passWall(_ step: Int64) { wallOffset.add(step, ordering: .relaxed) }

    func advance(by step: Int64) { milliseconds.add(step, ordering: .relaxed) }
}

/// The end of a journal that a test writes.
final class TestHead: Sendable {
    private let head = Mutex<LedgerHead?>(nil)

    var current: LedgerHead? { head.withLock { $0 } }

    func move(to head: LedgerHead) { self.head.withLock { $0 = head } }
}

/// A bus on a thread of its own, with the test in the ledger's place.
final class Bench {
    /// What the bus takes for the time of day, in milliseconds since 1970.
    static let wall: Int64 = 1_700_000_000_000

    let directory = TemporaryDirectory()
    let clock = TestClock()
    /// The daemon's key.
    let serverKey = KeyPair()
    let loop: BusLoop
    private(set) var endpoints: [String] = []
    private let batches = Mailbox<Batch>(capacity: 2)
    /// One for each batch that is not completed.
    private let outstanding = Mailbox<Bool>(capacity: 2)
    private let effects = Mailbox<Effects>(capacity: 10_000)
    private let feeds = Mailbox<Feed>(capacity: 1_000)
    /// What the bus said about being listened to, oldest first.
    let listenings = Mailbox<Bool>(capacity: 1_000)
    /// The end of the journal that the bulletin tells.
    let head = TestHead()
    private let signal: EventSignal
    private let outcome = Mailbox<Result<Void, BusFault>>(capacity: 1)
    private var thread: WorkerThread?
    /// How `run` ended, after `stop`.
    private(set) var result: Result<Void, BusFault>?

    init(
        bodyBytesMax: Int = Limits.bodyBytesMaxDefault,
        sessionsMax: Int = 16,
        endpoints wanted: [String] = [],
        bulletin: String? = nil,
        isRealTime: Bool = false,
        adjust: (inout BusConfiguration) -> Void = { _ in }
    ) throws {
        let signal = try EventSignal()
        self.signal = signal
        var configuration = BusConfiguration(
            endpoints: ["ipc://\(directory.path)/bus"] + wanted,
            bulletin: bulletin,
            bodyBytesMax: bodyBytesMax,
            sessionsMax: sessionsMax
        )
        configuration.secretKey = serverKey.secret
        adjust(&configuration)
        let loop = BusLoop(
            configuration: configuration,
            hand: { [batches, outstanding] batch in
                let isRefused = outstanding.put(true) != nil || batches.put(batch) != nil
                precondition(!isRefused, "more than two batches were handed over")
            },
            collect: { [effects] in effects.tryTake() },
            signal: signal,
            feed: { [feeds] in feeds.tryTake() },
            listening: { [listenings] in _ = listenings.put($0) },
            head: { [head] in head.current },
            now: { [clock] in isRealTime ? Clock.monotonicMilliseconds() : clock.now },
            wallNow: { [clock] in clock.wall }
        )
        self.loop = loop
        let places = Mailbox<[String]>(capacity: 1)
        thread = try WorkerThread(name: "bus") { [outcome] in
            do throws(BusFault) {
                try loop.run { _ = places.put($0) }
                _ = outcome.put(.success(()))
            } catch {
                _ = outcome.put(.failure(error))
            }
        }
        endpoints = try #require(places.take(until: deadline), "the bus did not start")
    }

    deinit { stop() }

    /// Stops the bus, completing the batch it handed over, taken by the test or not.
    func stop() {
        loop.requestStop()
        while result == nil {
            _ = batches.tryTake()
            complete()
            result = outcome.take(until: Clock.monotonicMilliseconds() + 5)
        }
        thread.take()?.join()
    }

    /// The next batch the bus hands over.
    func nextBatch(_ location: SourceLocation = #_sourceLocation) throws -> Batch {
        try #require(
            batches.take(until: deadline),
            "no batch was handed over",
            sourceLocation: location
        )
    }

    /// Takes and completes batches until one is as wanted; it is completed as well.
    func batch(
        _ location: SourceLocation = #_sourceLocation,
        where isWanted: (Batch) -> Bool
    ) throws -> Batch {
        while true {
            let batch = try nextBatch(location)
            complete()
            if isWanted(batch) { return batch }
        }
    }

    /// Whether a batch was handed over that the test has not taken.
    func hasBatch() -> Bool {
        guard let batch = batches.tryTake() else { return false }
        _ = batches.put(batch)
        return true
    }

    /// Tells the bus these effects; they complete the oldest outstanding batch.
    func complete(_ tell: (inout Effects) -> Void = { _ in }) {
        var effects = Effects()
        tell(&effects)
        effects.batchesCompleted = outstanding.tryTake() == nil ? 0 : 1
        self.tell(effects)
    }

    /// Tells the bus effects.
    func tell(_ effects: Effects) {
        _ = self.effects.put(effects)
        signal.signal()
    }

    /// Feeds the bus durable events.
    func feed(_ feed: Feed) {
        _ = feeds.put(feed)
        signal.signal()
    }

    /// Takes the next batch and answers every numbered operation in it.
    @discardableResult
    func answerNext(_ location: SourceLocation = #_sourceLocation) throws -> Batch {
        let batch = try nextBatch(location)
        complete { effects in
            for operation in batch.operations where operation.header.number != 0 {
                var header = Header(.answer, number: operation.header.number)
                if operation.header.verb == .hello { header.id = operation.header.id }
                if operation.header.verb == .offer { header.subject = 7 }
                effects.append(header, session: operation.session)
            }
        }
        return batch
    }

    /// Moves the clock and lets the bus see it.
    func advance(by milliseconds: Int64) {
        clock.advance(by: milliseconds)
        signal.signal()
    }

    /// Sweeps until the published counters fulfil a condition.
    func counters(where isMet: (BusCounters) -> Bool) throws -> BusCounters {
        let limit = deadline
        while Clock.monotonicMilliseconds() < limit {
            let counters = loop.counters
            if isMet(counters) { return counters }
            advance(by: 1_000)
            _ = outcome.take(until: Clock.monotonicMilliseconds() + 5)
        }
        return try #require(nil, "the counters stayed at \(loop.counters)")
    }

    private var deadline: Int64 { Clock.monotonicMilliseconds() + patienceMilliseconds }
}
