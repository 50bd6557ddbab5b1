// SPDX-License-Identifier: Apache-2.0

import CZeroMQ
import Courier
import Rules
import Testing
import Wire
import ZeroMQ
import TestKit

@Suite(.timeLimit(.minutes(1))) struct HostileTests {
    @Test("an empty frame and a broken packet are refused whole, and the session goes on")
    func malformed() throws {
        let bench = try Bench()
        let (client, _, _) = try Client.open(bench)
        var wrongLevel: [UInt8] = [UInt8](repeating: 0, count: 72)
        wrongLevel.replaceSubrange(0..<8, with: [0x42, 0x52, 9, 0, 0, 0, 0, 1])
        let cases: [([UInt8], RefusalCode)] = [
            ([], .malformed), ([1, 2, 3], .malformed), (wrongLevel, .wrongLevel),
        ]
        for (bytes, code) in cases {
            try client.send(bytes: bytes)
            let refusal = try client.next()
            #expect(refusal.header.verb == .refusal && refusal.code == code)
            #expect(refusal.header.number == 0 && !refusal.envelope.isEmpty)
        }
        #expect(!bench.hasBatch())
        #expect(try client.untilHeartbeat() == [])
    }

    @Test("a message of several frames is refused and none of it is done")
    func multipart() throws {
        let bench = try Bench()
        let (client, _, _) = try Client.open(bench)
        var writer = PacketWriter()
        writer.append(Header(.track, number: 2))
        let packet = writer.finish { [UInt8]($0) }
        for _ in 0..<600 { try client.send(bytes: packet, more: true) }
        try client.send(bytes: packet)
        let refusal = try client.next()
        #expect(refusal.code == .multipart && refusal.header.number == 0)
        #expect(try client.untilHeartbeat() == [])
        #expect(!bench.hasBatch())
        bench.stop()
        #expect(bench.loop.counters.droppedFrames == 601)
    }

    @Test("an unknown verb and what only the daemon tells are refused, their neighbours are done")
    func neighbours() throws {
        let bench = try Bench()
        let (client, _, _) = try Client.open(bench)
        let told: [Verb] = [.answer, .refusal, .delivery, .step, .farewell]
        var writer = PacketWriter()
        writer.append(Header(.track, number: 2))
        writer.append(Header(.track, number: 3))
        for verb in told { writer.append(Header(verb, number: verb == .farewell ? 0 : 4)) }
        writer.append(Header(.track, number: 5))
        var packet = writer.finish { [UInt8]($0) }
        packet[8 + 64] = 200
        try client.send(bytes: packet)
        let unknown = try client.next()
        #expect(unknown.code == .unknownVerb && unknown.header.number == 3)
        for _ in told { #expect(try client.next().code == .unknownVerb) }
        #expect(try bench.answerNext().operations.map(\.header.number) == [2, 5])
    }

    @Test("a message over the limit costs its sender the connection, others go on")
    func oversize() throws {
        let bench = try Bench(bodyBytesMax: 1_000)
        let (other, _, _) = try Client.open(bench)
        let sender = try Client.open(
            bench,
            [.immediate(true), .reconnectInterval(milliseconds: -1)]
        ).client
        let largest = Limits.messageBytesMax(bodyBytesMax: 1_000)
        try sender.send(bytes: [UInt8](repeating: 0, count: largest))
        #expect(try sender.next().code == .malformed)
        try sender.send(bytes: [UInt8](repeating: 0, count: largest + 1))
        try sender.waitUntilCut()
        #expect(try other.untilHeartbeat() == [])
        #expect(!bench.hasBatch())
    }

    @Test("a body over the limit of this bus is refused")
    func bodyTooLarge() throws {
        let bench = try Bench(bodyBytesMax: 1_000)
        let (client, _, _) = try Client.open(bench)
        try client.ask(Header(.submit, number: 2), body: [UInt8](repeating: 1, count: 1_001))
        let refusal = try client.next()
        #expect(refusal.code == .bodyTooLarge && refusal.header.number == 0)
        try client.ask(Header(.submit, number: 3), body: [UInt8](repeating: 1, count: 1_000))
        let batch = try bench.answerNext()
        #expect(batch.operations.map(\.body.count) == [1_000])
        #expect(batch.bytes == [UInt8](repeating: 1, count: 1_000))
    }

    @Test("a peer that chooses its own routing id is not heard")
    func chosenRoutingId() throws {
        let bench = try Bench()
        let context = try #require(zmq_ctx_new())
        defer { zmq_ctx_term(context) }
        let socket = try #require(zmq_socket(context, ZMQ_DEALER))
        defer { zmq_close(socket) }
        var linger: Int32 = 0
        zmq_setsockopt(socket, ZMQ_LINGER, &linger, 4)
        zmq_setsockopt(socket, ZMQ_ROUTING_ID, "mayor", 5)
        #expect(zmq_connect(socket, bench.endpoints[0]) == 0)
        var writer = PacketWriter()
        writer.append(Header(.heartbeat))
        let size = writer.finish { zmq_send(socket, $0.baseAddress, $0.count, 0) }
        #expect(size == 72)
        let counters = try bench.counters { $0.droppedFrames == 2 }
        #expect(counters.packetsIn == 0 && counters.packetsOut == 0)
    }

    @Test("more requests than allowed are refused with a retry time until one is answered")
    func requestsLimit() throws {
        let bench = try Bench()
        let (client, session, _) = try Client.open(bench)
        let credit = (0..<1_000).map { Header(.credit, number: 100_000 + $0) }
        try client.ask(credit)
        var heard = 0
        while heard < 1_000 {
            heard += try bench.nextBatch().operations.count
            bench.complete()
        }
        for packet in 0..<10 {
            try client.ask(
                (0..<1_000).map { Header(.track, number: UInt32(packet * 1_000 + $0 + 1)) }
            )
        }
        heard = 0
        while heard < Limits.requestsMax {
            heard += try bench.nextBatch().operations.count
            bench.complete()
        }
        try client.ask(Header(.track, number: 20_000))
        let refusal = try client.next()
        #expect(refusal.code == .busy && refusal.header.number == 20_000)
        #expect(refusal.header.instant == 1_700_000_001_000)

        var effects = Effects()
        effects.append(Header(.answer, number: 1), session: session)
        bench.tell(effects)
        #expect(try client.next().header.verb == .answer)
        try client.ask(Header(.track, number: 20_001))
        #expect(try bench.answerNext().operations.map(\.header.number) == [20_001])
    }

    @Test("seeded garbage never ends the loop", arguments: [1, 20_260_101, 0xBA21D] as [UInt64])
    func garbage(seed: UInt64) throws {
        print("garbage from seed \(seed)")
        var random = SeededGenerator(seed: seed)
        let bench = try Bench()
        for _ in 0..<4 {
            let client = try Client(bench)
            for _ in 0..<500 {
                try client.send(
                    bytes: random.packet(),
                    more: Int.random(in: 0..<20, using: &random) == 0
                )
            }
            try client.send(bytes: [])
        }
        let (client, _, _) = try Client.open(bench)
        #expect(try client.untilHeartbeat() == [])
        bench.stop()
        #expect(throws: Never.self) { try bench.result?.get() }
    }
}

extension SeededGenerator {
    /// Bytes that are noise, or nearly a packet.
    mutating func packet() -> [UInt8] {
        guard Int.random(in: 0..<4, using: &self) > 0 else {
            return (0..<Int.random(in: 0..<300, using: &self)).map { _ in
                UInt8.random(in: 0...255, using: &self)
            }
        }
        var writer = PacketWriter()
        for _ in 0..<Int.random(in: 1...5, using: &self) {
            // Not hello or bye: a session would wait for a ledger that does not answer.
            let verb = Verb.allCases.filter { $0 != .hello }.randomElement(using: &self) ?? .track
            writer.append(
                Header(verb, number: UInt32.random(in: 0...9, using: &self)),
                envelope: [UInt8](repeating: 7, count: Int.random(in: 0..<40, using: &self))
            )
        }
        var bytes = writer.finish { [UInt8]($0) }
        for _ in 0..<Int.random(in: 0...3, using: &self) {
            bytes[Int.random(in: 0..<bytes.count, using: &self)] ^=
                1 << UInt8.random(in: 0..<8, using: &self)
        }
        return bytes
    }
}
