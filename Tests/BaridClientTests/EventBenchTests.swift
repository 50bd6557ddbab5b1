// SPDX-License-Identifier: Apache-2.0
// Goal: the benches count right. Method: run them shortly against a pretended bus.

internal import TestKit
internal import Testing

@testable internal import barid

@Suite("Benches of events and questions", .serialized, .timeLimit(.minutes(1)))
struct EventBenchTests {
    @Test("every event published is delivered to every subscriber, or the bench says so")
    func fanout() throws {
        let place = TemporaryDirectory()
        let endpoint = "ipc://\(place.path)/bus.sock"
        let daemon = try PretendBus(PretendLedger(), endpoint: endpoint)
        let figures = try FanoutBench(
            endpoint: endpoint,
            agency: "bench",
            subscriberCount: 3,
            threadCount: 2,
            size: 16,
            window: 50,
            rate: nil
        ).run(seconds: 0.3)
        daemon.kill()
        #expect(figures.publishedCount > 0)
        // On a machine that is busy elsewhere a reader may be stopped before it has read all.
        #expect(figures.deliveredCount + figures.lostCount == 3 * figures.publishedCount)
        #expect(figures.delivery.count == figures.deliveredCount)
        #expect(figures.gapCount + figures.duplicatedCount == 0)
        #expect(figures.refusedCount == 0)
    }

    @Test("a pace is kept")
    func rate() throws {
        let place = TemporaryDirectory()
        let endpoint = "ipc://\(place.path)/bus.sock"
        let daemon = try PretendBus(PretendLedger(), endpoint: endpoint)
        let figures = try FanoutBench(
            endpoint: endpoint,
            agency: "bench",
            subscriberCount: 1,
            threadCount: 1,
            size: 16,
            window: 50,
            rate: 100
        ).run(seconds: 0.3)
        daemon.kill()
        #expect((1...31).contains(figures.publishedCount))
        #expect(figures.lostCount == 0)
    }

    @Test("every question asked is answered, or the bench says so")
    func ask() throws {
        let place = TemporaryDirectory()
        let endpoint = "ipc://\(place.path)/bus.sock"
        let daemon = try PretendBus(PretendLedger(), endpoint: endpoint)
        let figures = try AskBench(
            endpoint: endpoint,
            agency: "bench",
            size: 16,
            window: 8
        ).run(seconds: 0.3, progress: BenchProgress())
        daemon.kill()
        #expect(figures.answeredCount > 0)
        #expect(figures.answer.count == figures.answeredCount)
        #expect(figures.refusedCount + figures.lostCount == 0)
    }
}
