// SPDX-License-Identifier: Apache-2.0

import Declarations
import Glibc
import Ledger
import Platform
import Rules
import TestKit
import Testing
import Wire

/// Goal: the ledger's threads together: what is committed is fed to who listens, and a replay runs
/// beside writes.
///
/// Method: a `LedgerThread` driven as the courier drives it, waiting on its signal.
@Suite("The event thread")
struct EventThreadTests {
    /// A courier that only hands over and collects.
    private final class Courier {
        let directory = TemporaryDirectory()
        let ledger: LedgerThread
        let signal: EventSignal
        private(set) var feed: [FeedItem] = []
        private(set) var told: [Told] = []
        private var key: UInt64 = 0

        init() throws {
            signal = try EventSignal()
            ledger = LedgerThread(signal: signal)
            try ledger.start(
                directory: directory.path,
                limits: LedgerLimits(
                    bodyBytesMax: Limits.bodyBytesMaxDefault,
                    daemon: "baridd/test",
                    diskReserveBytes: 0
                )
            ) { try? ProcedureDeclaration.read($0) }
        }

        deinit { ledger.stop() }

        func operation(_ header: Header, _ envelope: [UInt8], in batch: inout Batch) {
            var header = header
            header.envelopeLength = UInt32(envelope.count)
            envelope.withUnsafeBytes {
                batch.append(header, session: 1, envelope: $0, body: .empty)
            }
        }

        func publish(_ topic: String, in batch: inout Batch) {
            key += 1
            var event = Envelope.Event()
            event.topic = topic
            event.source = "city"
            var header = Header(.publish, number: UInt32(key))
            header.flags = Header.durableFlag
            header.id = Identifier(high: 7, low: key)
            operation(header, Envelope.bytes(of: event), in: &batch)
        }

        func hello() throws {
            var batch = Batch()
            var hello = Envelope.Hello()
            hello.agency = "city"
            operation(Header(.hello, number: 1), Envelope.bytes(of: hello), in: &batch)
            try run(batch)
        }

        /// Hands a batch over and waits until it is done.
        func run(_ batch: Batch) throws {
            ledger.hand(batch)
            try wait { $0 }
        }

        /// Collects until `isDone`, told whether a batch was completed.
        func wait(until isDone: (Bool) -> Bool) throws {
            var descriptor = pollfd(fd: signal.fileDescriptor, events: Int16(POLLIN), revents: 0)
            var isComplete = false
            while true {
                signal.drain()
                while let effects = ledger.collect() {
                    told += effects.items.map { Told($0, in: effects) }
                    isComplete = isComplete || effects.batchesCompleted > 0
                }
                while let items = ledger.collectFeed()?.items { feed += items }
                guard !isDone(isComplete) else { return }
                #expect(poll(&descriptor, 1, 120_000) == 1, "nothing came")
            }
        }
    }

    @Test("no answer is collected before it is on disk, with two batches under way")
    func gate() throws {
        let courier = try Courier()
        try courier.hello()
        var outstanding = 0
        var handed = 0
        var answers = 0
        // The head is told when a sync ends and before its answers are; looking for them all the time
        // finds those that are there too early.
        while handed < 40 || outstanding > 0 {
            while outstanding < 2, handed < 40 {
                var batch = Batch()
                for _ in 0..<100 { courier.publish("city.gate", in: &batch) }
                courier.ledger.hand(batch)
                outstanding += 1
                handed += 1
            }
            guard let effects = courier.ledger.collect() else { continue }
            let head = courier.ledger.head?.position ?? 0
            outstanding -= effects.batchesCompleted
            for effect in effects.items where effect.header.verb == .answer {
                answers += 1
                #expect(effect.header.subject <= head)
            }
        }
        #expect(answers == 4_000)
    }

    @Test("who listens is fed what is committed from then on, once and in order")
    func listening() throws {
        let courier = try Courier()
        try courier.hello()
        var batch = Batch()
        courier.publish("city.before", in: &batch)
        try courier.run(batch)
        courier.ledger.setListening(true)
        for round in 0..<20 {
            var batch = Batch()
            for index in 0..<100 { courier.publish("city.n\(round).i\(index)", in: &batch) }
            try courier.run(batch)
        }
        try courier.wait { _ in courier.feed.count >= 2_000 }
        #expect(courier.feed.count == 2_000)
        #expect(courier.feed.first?.topic == "city.n0.i0")
        #expect(courier.feed.last?.topic == "city.n19.i99")
        let sequences = courier.feed.map(\.header.serial)
        #expect(sequences == sequences.sorted() && Set(sequences).count == 2_000)
        courier.ledger.setListening(false)
        var last = Batch()
        courier.publish("city.after", in: &last)
        try courier.run(last)
        #expect(courier.ledger.collectFeed() == nil)
    }

    @Test("a replay from the beginning runs beside writes and catches up with them")
    func replay() throws {
        let courier = try Courier()
        try courier.hello()
        for _ in 0..<5 {
            var batch = Batch()
            for _ in 0..<1_000 { courier.publish("city.n", in: &batch) }
            try courier.run(batch)
        }
        var batch = Batch()
        var subscribe = Envelope.Subscribe()
        subscribe.pattern = "city.>"
        subscribe.name = "all"
        subscribe.from = .beginning
        courier.operation(
            Header(.subscribe, number: 900_000),
            Envelope.bytes(of: subscribe),
            in: &batch
        )
        try courier.run(batch)
        let answer = try #require(courier.told.first { $0.header.number == 900_000 })
        let number = answer.header.subject
        func heard() -> [Told] { courier.told.filter { $0.header.verb == .event } }
        var acknowledged = 0
        var rounds = 0
        while acknowledged < 5_000 + rounds {
            let new = heard().dropFirst(acknowledged)
            var batch = Batch()
            var credit = Header(.credit, number: 1)
            credit.subject = number
            credit.generation = 500
            credit.serial = 100_000
            if new.isEmpty, acknowledged > 0 {
                try courier.wait { _ in heard().count > acknowledged }
                continue
            }
            courier.operation(credit, [], in: &batch)
            for event in new {
                var ack = Header(.ack, number: 2)
                ack.subject = number
                ack.generation = event.header.generation
                ack.serial = event.header.serial
                courier.operation(ack, [], in: &batch)
            }
            if rounds < 5 {
                courier.publish("city.beside", in: &batch)
                rounds += 1
            }
            acknowledged += new.count
            try courier.run(batch)
            if acknowledged == 0 { try courier.wait { _ in !heard().isEmpty } }
        }
        let sequences = heard().map(\.header.serial)
        #expect(sequences.count == 5_005 && Set(sequences).count == 5_005)
        #expect(sequences == sequences.sorted())
    }
}
