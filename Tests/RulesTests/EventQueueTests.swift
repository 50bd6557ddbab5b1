// SPDX-License-Identifier: Apache-2.0

import Rules
import TestKit
import Testing
import Wire

/// Goal: a queue hands out in order, to who has credit, and its floor never passes what is not
/// settled.
///
/// Method: small cases by hand, and seeded ones against a model of sets.
@Suite("Event queues and service desks")
struct EventQueueTests {
    private var generation: UInt64 = 0

    private func loaded(_ positions: ClosedRange<UInt64>, serial: UInt64 = 0) -> EventQueue {
        var queue = EventQueue(floor: 0)
        queue.join(1)
        queue.load(
            positions.map { .event(EventKey(position: $0, serial: serial)) },
            upTo: positions.upperBound,
            failed: []
        )
        return queue
    }

    private mutating func handOut(
        _ queue: inout EventQueue,
        wall: Int64 = 0,
        until: Int64 = 100,
        limit: Int = 1_000
    ) -> [EventQueue.Handing] {
        var handed: [EventQueue.Handing] = []
        var limit = limit
        _ = queue.handOut(
            wall: wall,
            until: until,
            limit: &limit,
            generation: {
                generation += 1
                return generation
            },
            give: { (handing: EventQueue.Handing) in
                handed.append(handing)
                return .given(bytes: 10)
            }
        )
        return handed
    }

    @Test("the floor moves with the first that is not settled, to the horizon with the last")
    mutating func floor() throws {
        var queue = loaded(1...5)
        try queue.grant(1, messages: 10, bytes: 1_000)
        #expect(handOut(&queue).map(\.key.position) == [1, 2, 3, 4, 5])
        queue.settle(2)
        queue.settle(4)
        #expect(queue.settledUpTo == 0)
        #expect(queue.takeChanges().settled.sorted() == [2, 4])
        queue.settle(1)
        #expect(queue.settledUpTo == 2)
        _ = queue.takeChanges()
        #expect(queue.floor == 2)
        queue.settle(upTo: 5, with: 1)
        #expect(queue.takeChanges().settled.sorted() == [3, 5])
        #expect(queue.floor == 5)
    }

    @Test("going round, each member gets what its credit allows and no more")
    mutating func credit() throws {
        var queue = loaded(1...10)
        queue.join(2)
        try queue.grant(1, messages: 2, bytes: 1_000)
        try queue.grant(2, messages: 100, bytes: 25)
        #expect(handOut(&queue).map(\.session) == [1, 2, 1, 2, 2])
        #expect(throws: RefusalCode.unknownSubscription) {
            try queue.grant(3, messages: 1, bytes: 1)
        }
        #expect(throws: RefusalCode.creditTooLarge) {
            try queue.grant(1, messages: .max, bytes: 1)
        }
    }

    @Test("later events of a case wait for the member that has the earlier ones")
    mutating func order() throws {
        var queue = loaded(1...3, serial: 7)
        queue.join(2)
        try queue.grant(1, messages: 1, bytes: 1_000)
        try queue.grant(2, messages: 9, bytes: 1_000)
        #expect(handOut(&queue).map(\.session) == [1])
        #expect(handOut(&queue).isEmpty)
        queue.leave(1)
        #expect(handOut(&queue).map(\.key.position) == [1, 2, 3])
        queue.fail(1, until: 50)
        #expect(!queue.isOut(2) && !queue.isOut(3))
        #expect(handOut(&queue, wall: 49).isEmpty)
        #expect(queue.nextResume == 50)
        let again = handOut(&queue, wall: 50)
        #expect(again.map(\.attempts) == [1, 0, 0])
    }

    @Test("an acknowledgement counts only under the generation that is out")
    mutating func verdicts() throws {
        var queue = loaded(1...2)
        try queue.grant(1, messages: 10, bytes: 1_000)
        let first = try #require(handOut(&queue).first)
        #expect(queue.judge(1, generation: first.generation) == .out)
        #expect(queue.judge(1, generation: first.generation + 9) == .stale)
        #expect(queue.judge(9, generation: first.generation) == .notHere)
        queue.fail(1, until: 0)
        #expect(queue.judge(1, generation: first.generation) == .failedBefore)
        let second = try #require(handOut(&queue).first)
        #expect(queue.judge(1, generation: first.generation) == .stale)
        queue.settle(1)
        #expect(queue.judge(1, generation: second.generation) == .notHere)
    }

    @Test("erased runs are told once, use no credit and hold the floor until they are")
    mutating func erased() throws {
        var queue = EventQueue(floor: 0)
        queue.join(1)
        var run = ErasedRun(at: 3)
        run.last = 5
        queue.load(
            [.event(EventKey(position: 1, serial: 0)), .erased(run)],
            upTo: 9,
            failed: []
        )
        try queue.grant(1, messages: 5, bytes: 100)
        var limit = 10
        _ = queue.handOut(
            wall: 0,
            until: 9,
            limit: &limit,
            generation: { 1 },
            give: { (handing: EventQueue.Handing) in
                handing.erased == nil ? .given(bytes: 1) : .erased
            }
        )
        queue.settle(1)
        #expect(queue.settledUpTo == 9)
        #expect(queue.takeChanges().settled == [1])
    }

    @Test("what is forgotten is searched again, what is out stays out")
    mutating func forgetting() throws {
        var queue = loaded(1...6)
        try queue.grant(1, messages: 3, bytes: 1_000)
        #expect(handOut(&queue).count == 3)
        queue.settle(1)
        queue.forgetWaiting()
        #expect(queue.horizon == 3 && queue.isOut(2))
        queue.load(
            [.event(EventKey(position: 3, serial: 0)), .event(EventKey(position: 5, serial: 0))],
            upTo: 6,
            failed: []
        )
        try queue.grant(1, messages: 9, bytes: 1_000)
        #expect(handOut(&queue).map(\.key.position) == [5])
        #expect(queue.settledUpTo == 1)
    }

    @Test("lapsed are those whose time is over, and only those", arguments: [3, 4] as [UInt64])
    mutating func lapses(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var queue = loaded(1...200)
        try queue.grant(1, messages: 1_000, bytes: 100_000)
        var until: [UInt64: Int64] = [:]
        for _ in 0..<40 {
            let end = Int64.random(in: 1...100, using: &random)
            for handing in handOut(&queue, until: end, limit: 5) {
                until[handing.key.position] = end
            }
        }
        for now in stride(from: Int64(0), through: 100, by: 7) {
            let lapsed = queue.lapsed(at: now)
            let expected = until.filter { $0.value <= now }.keys.sorted()
            #expect(lapsed == expected, "seed \(seed)")
            for position in lapsed {
                queue.settle(position)
                until[position] = nil
            }
            #expect(until.isEmpty || queue.nextLapse <= until.values.min() ?? .max)
        }
    }

    // MARK: Service desks

    @Test("a desk asks the disk first, puts the oldest to the least loaded, and takes back in time")
    func desk() throws {
        var desk = ServiceDesk()
        #expect(desk.loadAfter == nil && desk.isIdle)
        desk.offer(1, by: 10, capacity: 2)
        desk.offer(2, by: 20, capacity: 1)
        #expect(desk.loadAfter == 0)
        desk.load([(5, 1_000), (6, 1_000), (7, 90_000)], limit: 512)
        desk.add(8, deadline: 90_000)
        var generation: UInt64 = 0
        func put(_ wall: Int64, _ monotonic: Int64) -> ServiceDesk.Putting? {
            desk.put(wall: wall, monotonic: monotonic) {
                generation += 1
                return generation
            }
        }
        #expect(put(0, 0)?.session == 10)
        #expect(put(0, 0)?.session == 20)
        #expect(put(0, 0)?.session == 10)
        #expect(put(0, 0) == nil)
        #expect(desk.nextLapse == 1_000)
        #expect(desk.isOut(5, with: 10, 1) && !desk.isOut(5, with: 20, 1))
        // At its deadline a question is taken back and not put any more.
        let lapsed = desk.lapse(at: 1_000)
        #expect(lapsed)
        let next = put(1_000, 1_000)
        #expect(next?.position == 8 && next?.puts == 0)
        desk.leave(10)
        let again = put(1_001, 1_001)
        #expect(again == nil || again?.session == 20)
        desk.leave(20)
        #expect(desk.isIdle)
    }

    @Test("a desk that cannot hold all leaves the rest on disk")
    func fullDesk() {
        var desk = ServiceDesk()
        desk.offer(1, by: 1, capacity: 1_000)
        desk.load([], limit: 512)
        for position in 1...UInt64(ServiceDesk.itemsMax + 1) { desk.add(position, deadline: .max) }
        #expect(!desk.isComplete && desk.loadAfter == nil)
        for position in 1...UInt64(ServiceDesk.itemsMax) { desk.remove(position) }
        #expect(desk.loadAfter == 0)
    }
}
