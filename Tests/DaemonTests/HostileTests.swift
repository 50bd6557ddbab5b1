// SPDX-License-Identifier: Apache-2.0

import Control
import TestKit
import Testing
import Wire

extension DaemonTests {
    /// Goal: a peer can neither stop the daemon nor disturb its neighbours.
    ///
    /// Method: speak wrongly in every way beside one that speaks rightly.
    @Suite("withstands hostile peers") struct HostileTests {
        @Test("verbs out of their order are refused with the code of the specification")
        func outOfOrder() async throws {
            let daemon = try DaemonProcess()
            let peer = try RawPeer(daemon.bus)
            let verbs: [Verb] = [
                .attach, .credit, .submit, .accept, .complete, .return, .refer, .release, .refuse,
                .renew, .note, .track, .bye,
            ]
            for (place, verb) in verbs.enumerated() {
                let told = try peer.ask(Header(verb, number: UInt32(place + 1)))
                #expect(told.header.verb == .refusal && told.code == .noSession, "\(verb)")
                #expect(told.header.number == UInt32(place + 1), "\(verb)")
            }
            #expect(try peer.ask(Header(.heartbeat)).code == .noSession)

            try peer.sayHello("city")
            var credit = Header(.credit, number: 3)
            credit.subject = 1
            credit.generation = 1
            credit.serial = 1
            #expect(try peer.ask(credit).code == .notAttached)
            for verb in [Verb.accept, .complete] {
                var settle = Header(verb, number: 4)
                settle.subject = 999
                settle.generation = 7
                settle.serial = 999
                #expect(try peer.ask(settle).code == .unknownReferral, "\(verb)")
            }
            #expect(try peer.ask(Header(.track, number: 5)).code == .malformed)
            var lane = Header(.submit, number: 6)
            lane.flags = 3
            lane.id = Identifier(high: 1, low: 1)
            #expect(try peer.ask(lane).header.verb == .refusal)
            lane.flags = 128
            #expect(try peer.ask(lane).code == .unknownFlag)
            var hello = Envelope.Hello()
            hello.agency = "city"
            hello.levelMin = 1
            hello.levelMax = 1
            let again = try peer.ask(
                Header(.hello, number: 7),
                envelope: Envelope.bytes(of: hello)
            )
            #expect(again.code == .alreadyOpen)
            #expect(try peer.attach("fire/station").code == .otherAgency)
            #expect(try peer.attach("city/desk").header.verb == .answer)
            // 14 without a session, 8 within; the count is published once a second.
            try await eventually { try daemon.status().refusals == 22 }
        }

        @Test("packets cut anywhere, spoilt anywhere or empty are refused, and the session goes on")
        func packets() throws {
            let daemon = try DaemonProcess()
            let peer = try RawPeer(daemon.bus)
            try peer.sayHello("city")
            var writer = PacketWriter()
            var track = Header(.track, number: 9)
            track.serial = 1
            writer.append(track)
            let packet = writer.finish { [UInt8]($0) }
            for length in 0..<packet.count {
                try peer.send(Array(packet[..<length]))
                let told = try peer.next()
                #expect(told.code == .malformed && told.header.number == 0, "\(length) bytes")
            }
            var unknown = packet
            unknown[8] = 250
            try peer.send(unknown)
            #expect(try peer.next().code == .unknownVerb)
            try peer.send(packet, more: true)
            try peer.send(packet)
            #expect(try peer.next().code == .multipart)
            try peer.send(packet)
            #expect(try peer.next().code == .unknownCase)
        }

        @Test(
            "noise of every kind beside a well-behaved flow costs it nothing, and memory is bounded"
        )
        func noise() async throws {
            let seed = UInt64.random(in: 0 ... .max)
            print("noise from seed \(seed)")
            var random = SeededGenerator(seed: seed)
            let daemon = try DaemonProcess(["--listen", "tcp://127.0.0.1:*"], isKeyed: true)
            let endpoint = daemon.network
            let key = try daemon.enrol("city")
            let flow = try ChildProcess(
                "barid",
                [
                    "bench", "flow", "--data", daemon.data, "--seconds", "3", "--window", "50",
                    "--json",
                ]
            )
            // Peers that never read: what they are told must not pile up.
            let deaf = try [
                RawPeer(endpoint, key: key, server: daemon.serverKey), RawPeer(daemon.bus),
            ]
            var held: [RawStream] = []
            let tiny = [[], [0], Array("BR".utf8)] as [[UInt8]]
            while !flow.listen(seconds: 0, until: { output, _ in output.contains("\n") }) {
                for peer in deaf {
                    for _ in 0..<200 { try peer.send(random.packet()) }
                    for bytes in tiny { for _ in 0..<100 { try peer.send(bytes) } }
                }
                let large = try RawPeer(endpoint, key: key, server: daemon.serverKey)
                try large.send([UInt8](repeating: 7, count: 2 << 20))
                held.append(try Self.stranger(endpoint, &random))
                if held.count > 100 { held.removeFirst(50) }
            }
            #expect(flow.ending() == .exited(0), "\(flow.errors)")
            #expect(flow.output.contains(#""lost":0,"duplicated":0"#), "\(flow.output)")
            let memory = try daemon.status().residentBytes
            print("\(memory >> 20) MiB resident after the noise")
            #expect(memory < 256 << 20)
            try await eventually { try daemon.status().refusals > 1_000 }
            let peer = try RawPeer(endpoint, key: key, server: daemon.serverKey)
            try peer.sayHello("city")
            #expect(try peer.attach("city/desk").header.verb == .answer)
            #expect(try daemon.verify().isSound)
            #expect(daemon.terminate() == .exited(0))
        }

        /// A connection that does not speak ZeroMQ, or only begins to.
        private static func stranger(
            _ endpoint: String,
            _ random: inout SeededGenerator
        ) throws -> RawStream {
            let stream = try RawStream(endpoint)
            // The greeting of ZMTP 3.0 with the NULL mechanism, RFC 23.
            let greeting: [UInt8] =
                [0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 3, 0] + Array("NULL".utf8)
                + [UInt8](repeating: 0, count: 48)
            switch Int.random(in: 0..<5, using: &random) {
            case 0: stream.send(Array("GET / HTTP/1.1\r\nHost: bus\r\n\r\n".utf8))
            case 1: stream.send((0..<4_096).map { _ in .random(in: 0...255, using: &random) })
            case 2: stream.send(Array(greeting.prefix(20)))
            // A frame of 2^62 bytes is announced.
            case 3: stream.send(greeting + [2, 0x40, 0, 0, 0, 0, 0, 0, 0])
            default: break
            }
            return stream
        }
    }
}

extension SeededGenerator {
    /// Bytes that are noise, or nearly a packet.
    fileprivate mutating func packet() -> [UInt8] {
        guard Bool.random(using: &self) else {
            return (0..<Int.random(in: 0..<200, using: &self)).map { _ in
                UInt8.random(in: 0...255, using: &self)
            }
        }
        var writer = PacketWriter()
        for _ in 0..<Int.random(in: 1...4, using: &self) {
            writer.append(
                Header(Verb.allCases.randomElement(using: &self) ?? .track, number: 1),
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
