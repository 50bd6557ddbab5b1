// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Keys
import Platform
import TestKit
import Wire
import ZeroMQ

/// `Trials attack`: one hostile peer, again and again until its standard input ends.
///
/// Runs with `SCHED_IDLE`, so that on a small machine it is the daemon's work that is measured and not
/// the attacker's own.
struct AttackCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attack",
        abstract: "Attack a daemon until standard input ends.",
        shouldDisplay: false
    )

    @Argument var name: String
    @Option var bus: String
    @Option var server: String
    @Option var agency: String
    /// The attacker's own key, enrolled for its agency.
    @Option var key: String
    /// The key of `city`, whose agency it would like to be.
    @Option var victim: String

    func run() throws {
        // SCHED_IDLE of <sched.h>, which a process may always choose.
        var parameter = sched_param()
        guard sched_setscheduler(0, 5, &parameter) == 0 else {
            throw SystemFault.latest("run with SCHED_IDLE")
        }
        Descriptors.raiseLimit()
        guard let attempt = Attack.table.first(where: { $0.name == name })?.attempt else {
            throw ValidationError("There is no attack \(name).")
        }
        let attack = Attack(
            bus: bus,
            server: try KeyFile.publicKey(given: server),
            agency: agency,
            thief: try KeyFile.readPair(key),
            city: try KeyFile.readPair(victim),
            context: try Context(socketCountMax: 8_192)
        )
        var isAnnounced = false
        repeat {
            try attempt(attack)
            attack.attemptCount += 1
            if !isAnnounced {
                isAnnounced = true
                print("ready")
                fflush(nil)
            }
        } while !Attack.isOver
        print("\(attack.attemptCount) \(attack.admittedCount)")
    }
}

/// What a hostile peer does, and what came of it.
final class Attack {
    let bus: String
    let server: PublicKey
    let agency: String
    let thief: KeyPair
    let city: KeyPair
    let context: Context
    var attemptCount = 0
    /// How often the daemon let it do what it must not.
    var admittedCount = 0
    private var random = SystemRandomNumberGenerator()
    private var held: [PlainStream] = []
    private var peers: [Intruder] = []
    private var recording: [UInt8] = []
    private var wasRevoked = false

    typealias Attempt = @Sendable (Attack) throws -> Void

    static let table: [(name: String, title: String, attempt: Attempt)] = [
        ("no-key", "no key", { try $0.stranger(nil) }),
        ("plain", "NULL and PLAIN instead of CURVE", { $0.mechanisms() }),
        (
            "unknown-key", "a key nobody enrolled",
            { try $0.stranger((KeyPair(), $0.server)) }
        ),
        (
            "wrong-server", "a key for another daemon",
            { try $0.stranger(($0.city, KeyPair().publicKey)) }
        ),
        ("revoked", "a key revoked in a live session", { try $0.former() }),
        ("routing-id", "a routing id of its own", { try $0.named() }),
        ("session", "another agency's session", { try $0.takeOver() }),
        ("office", "another agency's office", { try $0.foreignOffice() }),
        ("replay", "recorded frames sent again", { try $0.replay() }),
        ("garbage", "raw garbage on the port", { $0.garbage() }),
        ("huge-frame", "a frame of 1 GiB before the handshake", { $0.hugeFrame() }),
        ("large-frame", "a frame above the limit", { try $0.largeFrame() }),
        ("endless", "a message without end", { try $0.endless() }),
        ("half-open", "10 000 half-open handshakes", { $0.halfOpen() }),
        ("crowd", "5 000 authenticated connections at once", { try $0.crowd() }),
        ("descriptors", "descriptors used up", { $0.descriptors() }),
    ]

    init(
        bus: String,
        server: PublicKey,
        agency: String,
        thief: KeyPair,
        city: KeyPair,
        context: Context
    ) {
        self.bus = bus
        self.server = server
        self.agency = agency
        self.thief = thief
        self.city = city
        self.context = context
    }

    /// Whether whoever started the attack wants its end.
    static var isOver: Bool {
        var input = pollfd(fd: 0, events: Int16(POLLIN), revents: 0)
        return poll(&input, 1, 0) != 0
    }

    private var own: (pair: KeyPair, server: PublicKey) { (thief, server) }

    /// A peer that must not be answered, and leaves after a moment.
    private func stranger(_ key: (pair: KeyPair, server: PublicKey)?) throws {
        let peer = try Intruder(bus, key: key, in: context)
        try peer.send(Intruder.hello("city"))
        if try peer.told(within: 5) != nil { admittedCount += 1 }
    }

    private func mechanisms() {
        for mechanism in ["NULL", "PLAIN"] {
            let stream = PlainStream(bus)
            stream?.send(PlainStream.greeting(mechanism))
            if stream?.isClosed(within: 5_000) == false { admittedCount += 1 }
        }
    }

    /// A live session that asks all the time; whoever started this revokes its key meanwhile.
    private func former() throws {
        let peer = try Intruder(bus, key: own, in: context)
        try peer.send(Intruder.hello(agency))
        let answer = try peer.told(within: 1_000)
        guard answer?.verb == .answer else { return }
        if wasRevoked { admittedCount += 1 }
        let limit = attemptCount == 0 ? 1 : Int.max
        for count in 0..<limit where !Self.isOver {
            try peer.send(Intruder.packet(Header(.track, number: UInt32(count % 1_000_000) + 2)))
            guard let told = try peer.told(within: 1_000) else { break }
            guard told.verb == .farewell else { continue }
            wasRevoked = true
            break
        }
    }

    private func named() throws {
        let peer = try Intruder(bus, key: own, routingID: "mayor-\(attemptCount)", in: context)
        for _ in 0..<20 { try peer.send(Intruder.hello(agency)) }
        if try peer.told(within: 5) != nil { admittedCount += 1 }
    }

    private func takeOver() throws {
        let victim = try Intruder(bus, key: (city, server), in: context)
        try victim.send(Intruder.hello("city"))
        guard let token = try victim.told(within: 2_000)?.id else { return }
        let peer = try Intruder(bus, key: own, in: context)
        for _ in 0..<200 where !Self.isOver {
            try peer.send(Intruder.hello("city", replacing: token))
            if try peer.told(within: 2_000)?.verb == .answer { admittedCount += 1 }
        }
    }

    private func foreignOffice() throws {
        let peer = try Intruder(bus, key: own, in: context)
        try peer.send(Intruder.hello(agency))
        guard try peer.told(within: 2_000)?.verb == .answer else { return }
        for _ in 0..<200 where !Self.isOver {
            try peer.send(Intruder.attach("city/o1"))
            if try peer.told(within: 2_000)?.verb == .answer { admittedCount += 1 }
        }
    }

    private func replay() throws {
        if recording.isEmpty { recording = try recorded() }
        for count in [recording.count, recording.count / 2] {
            let stream = PlainStream(bus)
            stream?.send(Array(recording[..<count]))
            if stream?.isClosed(within: 8_000) == false { admittedCount += 1 }
        }
    }

    /// What a peer of `city` sends from its greeting to its first question.
    private func recorded() throws -> [UInt8] {
        let listener = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(listener) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, size) == 0 && listen(listener, 1) == 0
                    && getsockname(listener, $0, &size) == 0
            }
        }
        let peer = try Intruder(
            "tcp://127.0.0.1:\(UInt16(bigEndian: address.sin_port))",
            key: (city, server),
            in: context
        )
        try peer.send(Intruder.hello("city"))
        let near = accept(listener, nil, nil)
        defer { close(near) }
        guard let far = PlainStream(bus) else { throw SystemFault.latest("connect") }
        var bytes: [UInt8] = []
        // Until the answer to the hello has passed.
        while try peer.told(within: 0) == nil {
            try far.exchange(with: near, recording: &bytes)
        }
        return bytes
    }

    private func garbage() {
        for _ in 0..<20 {
            let stream = PlainStream(bus)
            let count = Int.random(in: 0...4_000, using: &random)
            // From the system, so that what is measured is not the making of it.
            stream?.send(randomBytes(count))
        }
        let stream = PlainStream(bus)
        stream?.send(PlainStream.greeting("CURVE") + [UInt8](repeating: 0x41, count: 2_000))
        if stream?.isClosed(within: 8_000) == false { admittedCount += 1 }
    }

    private func hugeFrame() {
        let stream = PlainStream(bus)
        // A long command frame (0x06) and its length.
        stream?.send(PlainStream.greeting("CURVE") + [0x06, 0, 0, 0, 0, 0x40, 0, 0, 0])
        for _ in 0..<64 { stream?.send([UInt8](repeating: 1, count: 65_536)) }
        if stream?.isClosed(within: 8_000) == false { admittedCount += 1 }
    }

    private func largeFrame() throws {
        let peer = try Intruder(bus, key: own, in: context)
        try peer.send(Intruder.hello(agency))
        guard try peer.told(within: 2_000)?.verb == .answer else { return }
        try peer.send([UInt8](repeating: 7, count: 8 << 20))
        try peer.send(Intruder.packet(Header(.heartbeat)))
        if try peer.told(within: 200)?.verb == .heartbeat { admittedCount += 1 }
    }

    private func endless() throws {
        let peer = try Intruder(bus, key: own, in: context)
        try peer.send(Intruder.hello(agency))
        guard try peer.told(within: 2_000)?.verb == .answer else { return }
        // libzmq sends nothing of a message before its last frame is there.
        let frame = [UInt8](repeating: 7, count: 1 << 20)
        for _ in 0..<100 { try peer.send(frame, more: true) }
        try peer.send(frame)
        // The refusal of a finished message of several frames would be told.
        if try peer.told(within: 500)?.code == RefusalCode.multipart.rawValue {
            admittedCount += 1
        }
    }

    private func halfOpen() {
        for count in 0..<500 where !Self.isOver {
            guard let stream = PlainStream(bus) else { continue }
            if count % 2 == 0 { stream.send([0xFF, 0, 0, 0]) }
            held.append(stream)
        }
        if held.count > 10_000 { held.removeFirst(held.count - 10_000) }
    }

    private func crowd() throws {
        if peers.count >= 5_000 { peers.removeAll() }
        let wave = try (0..<50).map { _ in try Intruder(bus, key: own, in: context) }
        for peer in wave { try peer.send(Intruder.hello(agency)) }
        for peer in wave where !Self.isOver { _ = try peer.told(within: 100) }
        peers += wave
    }

    private func descriptors() {
        for _ in 0..<50 where !Self.isOver {
            if let stream = PlainStream(bus) { held.append(stream) }
        }
        if held.count > 1_000 { held.removeFirst(held.count - 1_000) }
    }
}

extension PlainStream {
    /// Passes on what has come from either side, and keeps what the near one sends.
    fileprivate func exchange(with near: Int32, recording: inout [UInt8]) throws {
        var ends = [
            pollfd(fd: near, events: Int16(POLLIN), revents: 0),
            pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
        ]
        _ = poll(&ends, 2, 20)
        var block = [UInt8](repeating: 0, count: 65_536)
        for (place, (from, to)) in [(near, descriptor), (descriptor, near)].enumerated()
        where ends[place].revents != 0 {
            let count = recv(from, &block, block.count, 0)
            guard count > 0 else { throw SystemFault.latest("record what a peer sends") }
            if place == 0 { recording += block[..<count] }
            _ = Glibc.send(to, block, count, Int32(MSG_NOSIGNAL))
        }
    }
}
