// SPDX-License-Identifier: Apache-2.0
// Goal: every hostile peer is refused or cut while a well-behaved flow over the same endpoint goes on
// and loses nothing. Method: one daemon, one flow of the real client over CURVE, a table of intruders.

import Control
import Foundation
import Glibc
import Keys
import Platform
import TestKit
import Testing
import Wire
import ZeroMQ

extension DaemonTests {
    @Suite("keeps intruders out while a flow goes on")
    struct IntruderTests {
        /// What an intruder is given to work with.
        struct Scene {
            let daemon: DaemonProcess
            let cityKey: KeyPair
            let thiefKey: KeyPair

            func peer(_ key: KeyPair, reconnects: Bool = false) throws -> RawPeer {
                try RawPeer(
                    daemon.network,
                    key: key,
                    server: daemon.serverKey,
                    reconnects: reconnects
                )
            }
        }

        private static let table: [(name: String, attempt: @Sendable (Scene) throws -> Void)] = [
            ("no key", noKey), ("a password instead of a key", password),
            ("a key nobody enrolled", unknownKey), ("a key for another daemon", wrongServer),
            ("a key revoked in a live session", revoked), ("a routing id of its own", routingID),
            ("another agency's session", session), ("another agency's office", office),
            ("recorded frames sent again", replay), ("raw garbage", garbage),
            ("a frame of 1 GiB before the handshake", hugeFrame),
            ("a frame above the limit", largeFrame), ("a message without end", endless),
            ("half-open handshakes, 10 000", halfOpen),
            ("authenticated connections, 5 000", crowd),
        ]

        @Test("a table of intruders costs a well-behaved flow nothing")
        func table() async throws {
            Descriptors.raiseLimit()
            let daemon = try DaemonProcess(["--listen", "tcp://127.0.0.1:*"], isKeyed: true)
            let scene = Scene(
                daemon: daemon,
                cityKey: try daemon.enrol("city"),
                thiefKey: try daemon.enrol("thief")
            )
            _ = try daemon.credentials(of: daemon.enrol("bench"), named: "bench")
            let words = [
                "bench", "flow", "--bus", daemon.network, "--key-file",
                "\(daemon.data)/bench.key", "--server-key", "\(daemon.data)/server.pub", "--agency",
                "bench", "--window", "20", "--json", "--seconds",
            ]
            let alone = try Ended("barid", words + ["10"])
            let flow = try ChildProcess("barid", words + ["90"])
            try await eventually { try daemon.status().sessions == 1 }
            for (name, attempt) in Self.table {
                let start = Clock.monotonicMilliseconds()
                do {
                    try attempt(scene)
                } catch {
                    Issue.record("\(name): \(error)")
                }
                #expect(!flow.listen(seconds: 0) { output, _ in !output.isEmpty }, "\(name)")
                #expect(try daemon.status().sessions > 0, "\(name)")
                print("\(name): \(Clock.monotonicMilliseconds() - start) ms")
            }
            #expect(flow.ending(seconds: 120) == .exited(0), "\(flow.errors)")
            #expect(flow.output.contains(#""refused":0,"lost":0,"duplicated":0"#), "\(flow.output)")
            print("a submission alone took \(try Self.p99(alone.output)) us at the 99th percentile")
            print("beside the intruders \(try Self.p99(flow.output)) us")
            let memory = try daemon.status().residentBytes
            print("\(memory >> 20) MiB resident after the intruders")
            #expect(memory < 512 << 20)
            let report = try daemon.verify()
            #expect(report.isSound, "\(report.findings)")
            #expect(daemon.terminate() == .exited(0))
        }

        /// The 99th percentile of a submission, in microseconds.
        private static func p99(_ report: String) throws -> Int {
            let value = try JSONSerialization.jsonObject(with: Data(report.utf8))
            let times = (value as? [String: Any])?["submit_us"] as? [String: Any]
            return try #require(times?["p99"] as? Int)
        }

        // MARK: The table

        private static func noKey(_ scene: Scene) throws {
            let peer = try RawPeer(scene.daemon.network, reconnects: false)
            #expect(try !peer.isLetIn())
            let greeting = try RawStream(scene.daemon.network)
            greeting.send(Self.greeting("NULL"))
            #expect(greeting.isClosed())
        }

        private static func password(_ scene: Scene) throws {
            let stream = try RawStream(scene.daemon.network)
            stream.send(Self.greeting("PLAIN"))
            #expect(stream.isClosed())
        }

        private static func unknownKey(_ scene: Scene) throws {
            let peer = try scene.peer(KeyPair())
            let event = try peer.event { $0 != .handshakeSucceeded }
            #expect(event == .authenticationRefused(status: 400))
        }

        private static func wrongServer(_ scene: Scene) throws {
            let peer = try RawPeer(
                scene.daemon.network,
                key: scene.cityKey,
                server: KeyPair(),
                reconnects: false
            )
            #expect(try !peer.isLetIn())
        }

        private static func revoked(_ scene: Scene) throws {
            let key = try scene.daemon.enrol("former")
            let peer = try scene.peer(key)
            try peer.sayHello("former")
            try scene.daemon.revoke("former")
            _ = try peer.send(peer.submission(office: "former/desk"))
            let told = try peer.next()
            #expect(told.header.verb == .farewell && told.code == .revoked)
            #expect(try peer.isCut())
            #expect(try !scene.peer(key).isLetIn())
        }

        private static func routingID(_ scene: Scene) throws {
            let peer = try RawPeer(
                scene.daemon.network,
                key: scene.thiefKey,
                server: scene.daemon.serverKey,
                routingID: "mayor"
            )
            try peer.send(peer.hello("thief"))
            #expect(try peer.isSilent(milliseconds: 300))
        }

        private static func session(_ scene: Scene) throws {
            let victim = try scene.peer(scene.cityKey)
            let token = try victim.sayHello("city").header.id
            let thief = try scene.peer(scene.thiefKey)
            #expect(try thief.sayHello("thief", replacing: token).header.id != token)
            #expect(try victim.ask(Header(.heartbeat)).header.verb == .heartbeat)
            let impostor = try scene.peer(scene.thiefKey)
            _ = try impostor.send(impostor.hello("city", replacing: token))
            #expect(try impostor.next().code == .otherIdentity)
            #expect(try victim.ask(Header(.heartbeat)).header.verb == .heartbeat)
        }

        private static func office(_ scene: Scene) throws {
            let thief = try scene.peer(scene.thiefKey)
            try thief.sayHello("thief")
            #expect(try thief.attach("city/desk").code == .otherAgency)
            #expect(try thief.attach("bench/o1").code == .otherAgency)
        }

        private static func replay(_ scene: Scene) throws {
            let road = try RecordingRoad(to: scene.daemon.network)
            let peer = try RawPeer(
                road.endpoint,
                key: scene.cityKey,
                server: scene.daemon.serverKey,
                reconnects: false
            )
            try peer.sayHello("city")
            #expect(try peer.attach("city/replayed").header.verb == .answer)
            let recorded = road.bytes
            #expect(recorded.count > 500)
            road.end()
            for length in [recorded.count, recorded.count / 2] {
                let again = try RawStream(scene.daemon.network)
                again.send(Array(recorded[..<length]))
                #expect(again.isClosed())
            }
        }

        private static func garbage(_ scene: Scene) throws {
            let seed = UInt64.random(in: 0 ... .max)
            print("garbage from seed \(seed)")
            var random = SeededGenerator(seed: seed)
            for _ in 0..<50 {
                let stream = try RawStream(scene.daemon.network)
                let count = Int.random(in: 0...4_000, using: &random)
                stream.send((0..<count).map { _ in UInt8.random(in: 0...255, using: &random) })
            }
            for head in [[0xFF], Self.greeting("CURVE")] as [[UInt8]] {
                let stream = try RawStream(scene.daemon.network)
                stream.send(head + [UInt8](repeating: 0x41, count: 2_000))
                #expect(stream.isClosed())
            }
        }

        private static func hugeFrame(_ scene: Scene) throws {
            let stream = try RawStream(scene.daemon.network)
            let size: [UInt8] = [0, 0, 0, 0, 0x40, 0, 0, 0]
            // A long command frame (0x06) and its length.
            stream.send(Self.greeting("CURVE") + [0x06] + size)
            for _ in 0..<64 { stream.send([UInt8](repeating: 1, count: 65_536)) }
            #expect(stream.isClosed())
        }

        private static func largeFrame(_ scene: Scene) throws {
            let peer = try scene.peer(scene.thiefKey)
            #expect(try peer.isLetIn())
            try peer.sendWhole([UInt8](repeating: 7, count: 8 << 20))
            #expect(try peer.isCut())
        }

        private static func endless(_ scene: Scene) throws {
            let peer = try scene.peer(scene.thiefKey)
            #expect(try peer.isLetIn())
            // Two largest messages, and what comes between two looks.
            #expect(try scene.daemon.growth { try peer.sendEndless() } < 32 << 20)
        }

        private static func halfOpen(_ scene: Scene) throws {
            var streams: [RawStream] = []
            for count in 0..<10_000 {
                let stream = try RawStream(scene.daemon.network)
                if count % 2 == 0 { stream.send([0xFF, 0, 0, 0]) }
                streams.append(stream)
                if count % 1_000 == 999 {
                    let peer = try scene.peer(scene.cityKey, reconnects: true)
                    try peer.sayHello("city")
                    _ = try peer.ask(Header(.bye, number: 3))
                    if streams.count > 5_000 { streams.removeFirst(1_000) }
                }
            }
            streams.removeAll()
        }

        private static func crowd(_ scene: Scene) throws {
            let context = try Context(ioThreadCount: 1, socketCountMax: 6_000)
            var peers: [RawPeer] = []
            var openCount = 0
            // In waves below the backlog of the port, and none leaves before the last is there. Those
            // without a session are cut after a while, and not all are heard.
            for _ in 0..<20 {
                let wave = try (0..<250).map { _ in
                    try RawPeer(
                        scene.daemon.network,
                        key: scene.thiefKey,
                        server: scene.daemon.serverKey,
                        reconnects: false,
                        isWatched: false,
                        in: context
                    )
                }
                for peer in wave { try peer.send(peer.hello("thief")) }
                peers += wave
                let limit = Clock.monotonicMilliseconds() + 10_000
                for peer in wave {
                    let left = max(0, limit - Clock.monotonicMilliseconds())
                    guard try !peer.isSilent(milliseconds: Int(left)) else { continue }
                    let told = try peer.next()
                    if told.header.verb == .answer {
                        openCount += 1
                    } else {
                        #expect(told.code == .tooManySessions)
                    }
                }
            }
            #expect(peers.count == 5_000)
            // Some of the thief's earlier sessions may not have ended yet.
            #expect(openCount >= 1_000, "\(openCount) sessions")
            // Those of the attempts before it have not all ended.
            #expect(try scene.daemon.status().sessions <= 1_024 + 64)
        }

        /// A greeting of ZMTP 3.0 (RFC 23) that names a mechanism.
        private static func greeting(_ mechanism: String) -> [UInt8] {
            var greeting: [UInt8] = [0xFF, 0, 0, 0, 0, 0, 0, 0, 0, 0x7F, 3, 0]
            greeting += Array(mechanism.utf8)
            greeting += [UInt8](repeating: 0, count: 20 - mechanism.utf8.count)
            return greeting + [UInt8](repeating: 0, count: 32)
        }

        // MARK: Messages without end

        @Test("a message without end is cut long before it fills the memory")
        func endlessMessage() throws {
            let daemon = try DaemonProcess(["--listen", "tcp://127.0.0.1:*"], isKeyed: true)
            for hasSession in [false, true] {
                let key = try daemon.enrol(hasSession ? "thief" : "stranger")
                let peer = try RawPeer(
                    daemon.network,
                    key: key,
                    server: daemon.serverKey,
                    reconnects: false
                )
                #expect(try peer.isLetIn())
                if hasSession { try peer.sayHello("thief") }
                #expect(try daemon.growth { try peer.sendEndless() } < 32 << 20)
                let again = try RawPeer(
                    daemon.network,
                    key: key,
                    server: daemon.serverKey,
                    reconnects: false
                )
                // Without a hello no key is known to the connection.
                #expect(try again.isLetIn() == !hasSession)
            }
        }

        @Test("a message without end at the unix socket is cut, and an honest large one is not")
        func endlessMessageAtSocket() throws {
            let daemon = try DaemonProcess()
            let honest = try RawPeer(daemon.bus, reconnects: false)
            try honest.sayHello("city")
            // The largest body again and again: the daemon grows, and nothing of it is endless.
            var note = Header(.note, number: 5)
            note.serial = 1
            for _ in 0..<64 {
                let body = [UInt8](repeating: 1, count: Limits.bodyBytesMaxDefault)
                #expect(try honest.ask(note, body: body).header.verb == .refusal)
            }
            let peer = try RawPeer(daemon.bus, reconnects: false)
            try peer.sayHello("city")
            #expect(try daemon.growth { try peer.sendEndless() } < 64 << 20)
            #expect(try honest.ask(Header(.heartbeat)).header.verb == .heartbeat)
        }

        // MARK: Descriptors

        @Test("with its descriptors used up the daemon serves who is there, rests, and recovers")
        func descriptors() async throws {
            let daemon = try DaemonProcess(
                ["--listen", "tcp://127.0.0.1:*"],
                isKeyed: true,
                descriptorsMax: 120
            )
            let key = try daemon.enrol("city")
            let peer = try RawPeer(daemon.network, key: key, server: daemon.serverKey)
            try peer.sayHello("city")
            var crowd: [RawStream] = []
            for _ in 0..<400 {
                // What is no longer accepted is refused or waits in the backlog.
                if let stream = try? RawStream(daemon.network) { crowd.append(stream) }
            }
            // It may work off the crowd first, but then it must rest: one that goes on trying to
            // accept uses a whole core.
            try await eventually {
                let before = try daemon.processorTicks()
                let start = Clock.monotonicMilliseconds()
                for _ in 0..<20 {
                    #expect(try peer.ask(Header(.heartbeat)).header.verb == .heartbeat)
                    try await Task.sleep(for: .milliseconds(10))
                }
                let spent = try Int64(daemon.processorTicks() - before) * 10
                return spent * 3 < Clock.monotonicMilliseconds() - start
            }
            try await eventually { try daemon.status().sessions == 1 }
            crowd.removeAll()
            try await eventually {
                guard
                    let late = try? RawPeer(
                        daemon.network,
                        key: key,
                        server: daemon.serverKey,
                        reconnects: false
                    )
                else { return false }
                return try late.event(seconds: 2) { $0 == .handshakeSucceeded } != nil
            }
            #expect(try peer.ask(Header(.heartbeat)).header.verb == .heartbeat)
        }
    }
}

extension RawPeer {
    /// Sends a message of 400 MiB, which is never finished before the daemon has cut the peer.
    ///
    /// libzmq sends nothing of a message before its last frame is there: to the receiver such a one is
    /// as one without end.
    func sendEndless() throws {
        let frame = [UInt8](repeating: 7, count: 1 << 20)
        for _ in 0..<400 { try sendWhole(frame, more: true) }
        try sendWhole(frame)
        #expect(try isCut())
    }
}

extension DaemonProcess {
    /// By how many bytes the daemon's memory grew at its peak while something was done.
    func growth(during act: () throws -> Void) throws -> Int {
        let memory = "/proc/\(process.number)"
        try "5".write(toFile: memory + "/clear_refs", atomically: false, encoding: .utf8)
        let before = try peakBytes(memory)
        try act()
        let growth = try peakBytes(memory) - before
        print("it grew by \(growth >> 20) MiB at its peak")
        return growth
    }

    private func peakBytes(_ memory: String) throws -> Int {
        let status = try String(contentsOfFile: memory + "/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        return try #require(line.flatMap { Int($0.filter(\.isNumber)) }) << 10
    }

    /// Processor time the daemon has used, in hundredths of a second.
    func processorTicks() throws -> Int {
        let text = String(
            decoding: try SmallFile.read(
                "/proc/\(process.number)/stat",
                bytesMax: 4_096,
                isSecret: false
            ),
            as: UTF8.self
        )
        // After the name in brackets: state is field 3, user and system time are 14 and 15.
        let fields = text.split(separator: ")").last?.split(separator: " ") ?? []
        return try #require(Int(fields[11])) + #require(Int(fields[12]))
    }
}
