// SPDX-License-Identifier: Apache-2.0

import Courier
import Rules
import Testing
import Wire
import ZeroMQ

@Suite(.timeLimit(.minutes(1))) struct BatchTests {
    @Test("what comes while a batch is at the ledger forms one next batch, in order")
    func gathering() throws {
        let bench = try Bench()
        let first = try Client.open(bench)
        let second = try Client.open(bench)
        try first.client.ask(Header(.track, number: 10))
        let outstanding = try bench.nextBatch()
        #expect(outstanding.operations.map(\.header.number) == [10])
        try first.client.ask(Header(.track, number: 11))
        try first.client.ask([Header(.track, number: 12), Header(.track, number: 13)])
        #expect(try first.client.untilHeartbeat() == [])
        try second.client.ask(Header(.note, number: 14), envelope: [1, 2], body: [3])
        #expect(try second.client.untilHeartbeat() == [])
        #expect(!bench.hasBatch())

        bench.complete()
        let gathered = try bench.nextBatch()
        #expect(gathered.operations.map(\.header.number) == [11, 12, 13, 14])
        let note = gathered.operations[3]
        #expect(note.session == second.session)
        #expect([UInt8](gathered.bytes[note.envelope]) == [1, 2])
        #expect([UInt8](gathered.bytes[note.body]) == [3])
        bench.complete()
    }

    @Test("a large batch is handed over beside one that is not complete, and no third")
    func besides() throws {
        let bench = try Bench()
        let (client, _, _) = try Client.open(bench)
        try client.ask(Header(.track, number: 1))
        #expect(try bench.nextBatch().operations.map(\.header.number) == [1])
        try client.ask((0..<1_000).map { Header(.track, number: 2 + $0) })
        let second = try bench.nextBatch()
        #expect(second.operations.count >= 128)
        try client.ask((0..<1_000).map { Header(.track, number: 2_000 + $0) })
        #expect(try client.untilHeartbeat() == [])
        #expect(!bench.hasBatch())
        bench.complete()
        #expect(try bench.nextBatch().operations.last?.header.number == 2_999)
        bench.complete()
        bench.complete()
    }

    @Test("a full batch stops the reading; nothing is lost or reordered, and nobody seems silent")
    func fullBatch() throws {
        let bench = try Bench()
        let (client, _, _) = try Client.open(bench)
        try client.ask(Header(.credit, number: 1))
        _ = try bench.nextBatch()
        let perPacket: UInt32 = 1_000
        for packet in 0..<12 as Range<UInt32> {
            try client.ask(
                (0..<perPacket).map { Header(.credit, number: 2 + packet * perPacket + $0) }
            )
        }
        _ = try bench.counters { $0.operations > Batch.operationsMax }
        bench.advance(by: 2 * Limits.expiryMilliseconds)
        var numbers: [UInt32] = []
        while numbers.count < 12 * Int(perPacket) {
            bench.complete()
            let batch = try bench.nextBatch()
            #expect(batch.operations.count <= Batch.operationsMax + Limits.packetOperationsMax)
            #expect(batch.endedSessions.isEmpty)
            numbers += batch.operations.map(\.header.number)
        }
        #expect(numbers == (2..<2 + 12 * perPacket).map { $0 })
    }

    @Test("what one turn tells a session comes in order, also beyond one packet")
    func largeEffects() throws {
        let bench = try Bench()
        let (client, session, _) = try Client.open(bench)
        var effects = Effects()
        let body = [UInt8](repeating: 5, count: 40_000)
        for referral in 1...20 as ClosedRange<UInt64> {
            effects.appendDelivery(referral, session: session, body: body)
        }
        bench.tell(effects)
        for referral in 1...20 as ClosedRange<UInt64> {
            let delivery = try client.next()
            #expect(delivery.header.subject == referral && delivery.body == body)
        }
    }

    @Test("deliveries to a session that is gone go back to the ledger")
    func goneSession() throws {
        let bench = try Bench()
        var effects = Effects()
        effects.appendDelivery(71, session: 9_999)
        effects.append(Header(.answer, number: 3), session: 9_999)
        bench.tell(effects)
        let batch = try bench.nextBatch()
        #expect(batch.undeliveredReferrals == [71])
        #expect(batch.endedSessions == [] && batch.operations.isEmpty)
        bench.complete()
    }

    @Test("a lost road ends the session, and what it was to deliver goes back to the ledger")
    func lostRoad() throws {
        let bench = try Bench()
        let session = try Client.open(bench).session
        // The client is gone; libzmq needs a moment to see it, so deliveries before that are lost
        // to the lease, and from then on none is.
        var referral: UInt64 = 0
        var batch = Batch()
        repeat {
            referral += 1
            var effects = Effects()
            effects.appendDelivery(referral, session: session)
            bench.tell(effects)
            _ = try bench.counters { $0.packetsOut + $0.undelivered > referral }
            if bench.hasBatch() { batch = try bench.nextBatch() }
        } while batch.isEmpty && referral < 1_000
        #expect(batch.endedSessions == [session])
        #expect(batch.undeliveredReferrals == [referral])
        bench.complete()
    }

    @Test("a peer that does not read loses its session, and no delivery is unaccounted for")
    func slowReader() throws {
        let bench = try Bench()
        let (client, session, _) = try Client.open(bench, [.receiveHighWater(1)])
        let body = [UInt8](repeating: 5, count: 60_000)
        let count: UInt64 = 600
        for referral in 1...count {
            var effects = Effects()
            effects.appendDelivery(referral, session: session, body: body)
            bench.tell(effects)
        }
        // What no credit bounds.
        for _ in 0..<100 {
            var effects = Effects()
            effects.append(Header(.answer, number: 9), session: session, envelope: body)
            bench.tell(effects)
        }
        let batch = try bench.batch { !$0.endedSessions.isEmpty }
        #expect(batch.endedSessions == [session])
        var returned = batch.undeliveredReferrals
        while returned.last != count {
            returned += try bench.nextBatch().undeliveredReferrals
            bench.complete()
        }
        let first = try #require(returned.first)
        #expect(returned == (first...count).map { $0 })
        for referral in 1..<first {
            #expect(try client.next().header.subject == referral)
        }
    }
}

extension Effects {
    mutating func appendDelivery(_ referral: UInt64, session: UInt32, body: [UInt8] = []) {
        var header = Header(.delivery)
        header.subject = referral
        header.generation = 1
        body.withUnsafeBytes { append(header, session: session, body: $0) }
    }
}
