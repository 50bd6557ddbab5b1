// SPDX-License-Identifier: Apache-2.0
// Goal: at a keyed gate nobody is heard whose key the policy does not admit now, for his own agency.
// Method: the real loop with the test in the ledger's place; peers over loopback TCP.

import Courier
import Keys
import Platform
import Rules
import Testing
import Wire
import ZeroMQ

extension Bench {
    /// A bench with a keyed endpoint beside its socket.
    static func keyed(
        sessionsMax: Int = 16,
        bodyBytesMax: Int = 1_000,
        adjust: (inout BusConfiguration) -> Void = { _ in }
    ) throws -> Bench {
        try Bench(
            bodyBytesMax: bodyBytesMax,
            sessionsMax: sessionsMax,
            endpoints: ["tcp://127.0.0.1:*"],
            adjust: adjust
        )
    }

    /// Gives the bus a policy with these keys, numbered from 1, and waits until it is in force.
    func enrol(
        _ keys: [(agency: String, pair: KeyPair)],
        epoch: UInt64 = 1,
        change: (inout Access) -> Void = { _ in },
        key changeKey: (inout EnrolledKey) -> Void = { _ in }
    ) throws {
        var access = Access()
        access.epoch = epoch
        for (index, key) in keys.enumerated() {
            var enrolled = EnrolledKey(
                number: UInt32(index + 1),
                agency: key.agency,
                publicKey: key.pair.publicKey,
                begins: 0,
                ends: .max
            )
            changeKey(&enrolled)
            access.enrol(enrolled)
        }
        change(&access)
        var effects = Effects()
        effects.access = access
        tell(effects)
        // Effects are taken in before anything is heard, so an answer shows that they were.
        let probe = try Client(self)
        try probe.ask(Header(.heartbeat))
        #expect(try probe.next().code == .noSession)
    }
}

extension Client {
    /// A client with a key whose session is open, with the session's number.
    static func keyed(
        _ bench: Bench,
        _ key: KeyPair,
        agency: String = "city"
    ) throws -> (client: Client, session: UInt32, batch: Batch) {
        let client = try Client(
            bench,
            endpoint: 1,
            key: key,
            [.reconnectInterval(milliseconds: -1), .immediate(true)]
        )
        try client.sayHello(agency: agency)
        let batch = try bench.answerNext()
        let operation = try #require(batch.operations.first)
        #expect(try client.next().header.verb == .answer)
        return (client, operation.session, batch)
    }
}

@Suite("The door", .timeLimit(.minutes(1)))
struct GuardTests {
    @Test("an enrolled key opens a session, and the ledger is told whose it is and where from")
    func enrolled() throws {
        let bench = try Bench.keyed()
        let key = KeyPair()
        try bench.enrol([("ministry", KeyPair()), ("city", key)])
        let (client, session, batch) = try Client.keyed(bench, key)
        let introduction = try #require(batch.introductions.first)
        #expect(batch.introductions.count == 1 && introduction.session == session)
        #expect(introduction.key.userID == "city#2")
        #expect(introduction.address.hasPrefix("127.0.0.1 port "))
        #expect(try client.untilHeartbeat() == [])
    }

    @Test("before the ledger has given a policy nobody with a key comes in")
    func noPolicy() throws {
        let bench = try Bench.keyed()
        let client = try Client(bench, endpoint: 1, key: KeyPair(), [.immediate(true)])
        let monitor = try Monitor(of: client.socket, name: "watch")
        #expect(try Self.refusal(monitor))
    }

    @Test("a key that is unknown, revoked, not in force or of a suspended agency is not admitted")
    func notAdmitted() throws {
        let wall: Int64 = 1_700_000_000_000
        let bench = try Bench.keyed()
        let cases: [(Denial, (inout Access) -> Void, (inout EnrolledKey) -> Void)] = [
            (.revoked, { _ in }, { $0.isRevoked = true }),
            (.outOfTime, { _ in }, { $0.ends = wall }),
            (.outOfTime, { _ in }, { $0.begins = wall + 1 }),
            (.suspended, { $0.suspended = ["city"] }, { _ in }),
        ]
        for (index, (_, change, changeKey)) in cases.enumerated() {
            let key = KeyPair()
            try bench.enrol(
                [("city", key)],
                epoch: UInt64(index + 1),
                change: change,
                key: changeKey
            )
            #expect(try Self.isRefused(bench, key), "case \(index)")
        }
        #expect(try Self.isRefused(bench, KeyPair()))
        bench.advance(by: 1_000)
        let denials = try bench.batch { !$0.denials.isEmpty }.denials
        #expect(
            Set(denials.map(\.denial)) == [.revoked, .outOfTime, .suspended, .unknownKey],
            "\(denials)"
        )
        #expect(denials.first { $0.denial == .unknownKey }?.peer == "127.0.0.1")
        #expect(denials.first { $0.denial == .revoked }?.peer == "city#1")
        #expect(denials.first { $0.denial == .outOfTime }?.count == 2)
    }

    @Test("hello must name the agency of the key")
    func otherAgency() throws {
        let bench = try Bench.keyed()
        let key = KeyPair()
        try bench.enrol([("city", key)])
        let client = try Client(bench, endpoint: 1, key: key)
        try client.sayHello(agency: "ministry")
        #expect(try client.next().code == .otherIdentity)
        #expect(!bench.hasBatch())
        try client.sayHello(agency: "city", number: 2)
        #expect(try bench.answerNext().operations.count == 1)
    }

    @Test("a revocation ends the session, tells it why, and cuts the connection")
    func revoked() throws {
        let bench = try Bench.keyed()
        let (key, other) = (KeyPair(), KeyPair())
        try bench.enrol([("city", key), ("ministry", other)])
        let (client, session, _) = try Client.keyed(bench, key)
        let neighbour = try Client.keyed(bench, other, agency: "ministry").client
        try bench.enrol(
            [("city", key), ("ministry", other)],
            epoch: 2,
            key: { $0.isRevoked = $0.agency == "city" }
        )
        let farewell = try client.next()
        #expect(farewell.header.verb == .farewell && farewell.code == .revoked)
        let batch = try bench.nextBatch()
        guard case .ended(session) = batch.events.first else {
            Issue.record("\(batch.events)")
            return
        }
        bench.complete()
        // The connection goes once the farewell has had time to leave.
        bench.advance(by: 200)
        bench.advance(by: 200)
        try client.waitUntilCut()
        #expect(try neighbour.untilHeartbeat() == [])
    }

    @Test("a session whose key's time is over is refused with its next message")
    func outOfTime() throws {
        let bench = try Bench.keyed()
        let key = KeyPair()
        try bench.enrol([("city", key)], key: { $0.ends = bench.clock.wall + 1_000 })
        let (client, _, _) = try Client.keyed(bench, key)
        #expect(try client.untilHeartbeat() == [])
        bench.clock.passWall(1_000)
        try client.ask(Header(.heartbeat))
        let farewell = try client.next()
        #expect(farewell.header.verb == .farewell && farewell.code == .revoked)
    }

    @Test("a session of a suspended agency ends at an open gate too, and none is opened")
    func suspended() throws {
        let bench = try Bench.keyed()
        let (client, _, _) = try Client.open(bench)
        try bench.enrol([], change: { $0.suspended = ["city"] })
        let farewell = try client.next()
        #expect(farewell.header.verb == .farewell && farewell.code == .revoked)
        try client.sayHello(number: 9)
        #expect(try client.next().code == .revoked)
    }

    @Test("a unix socket demands keys where the configuration says so")
    func keyedSocket() throws {
        let bench = try Bench(adjust: { $0.isEveryEndpointKeyed = true })
        let client = try Client(bench, [.immediate(true)])
        let monitor = try Monitor(of: client.socket, name: "watch")
        var poller = Poller()
        _ = poller.add(monitor.socket)
        _ = try poller.waitForWork(timeoutMilliseconds: Int(patienceMilliseconds))
        let event = try monitor.next()
        #expect(event != .handshakeSucceeded, "\(String(describing: event))")
    }

    @Test("more sessions than its quota are refused to an agency, and settling is never held up")
    func quota() throws {
        let bench = try Bench.keyed()
        let key = KeyPair()
        try bench.enrol([("city", key)]) { access in
            access.quotas["city"] = Quota(sessions: 1, operations: 10)
        }
        let (client, _, _) = try Client.keyed(bench, key)
        let second = try Client(bench, endpoint: 1, key: key)
        try second.sayHello()
        #expect(try second.next().code == .tooManySessions)
        // Ten new ones a second, the last of which may overdraw; the clock of the test stands still.
        try client.ask((2...40).map { Header(.track, number: $0) })
        #expect(try bench.answerNext().operations.count == 10)
        for number in 2...40 {
            let told = try client.next()
            if number <= 30 { #expect(told.code == .busy && told.header.verb == .refusal) }
            if told.code == .busy { #expect(told.header.instant > 1_700_000_000_000) }
        }
        try client.ask((50...60).map { Header(.complete, number: $0) })
        #expect(try bench.answerNext().operations.count == 11)
        bench.advance(by: 5_000)
        for _ in 0..<11 { _ = try client.next() }
        try client.ask([Header(.track, number: 70)])
        #expect(try bench.batch { !$0.operations.isEmpty }.operations.count == 1)
    }

    // MARK: Peers that do not behave

    @Test("a message without end costs its sender the connection, and its neighbours nothing")
    func endless() throws {
        let bench = try Bench.keyed()
        let (key, other) = (KeyPair(), KeyPair())
        try bench.enrol([("city", key), ("ministry", other)])
        let (client, _, _) = try Client.keyed(bench, key)
        let neighbour = try Client.keyed(bench, other, agency: "ministry").client
        // libzmq sends nothing of a message before its last frame is there: a finite one of 120 MB
        // is to the receiver as one without end.
        let frame = [UInt8](repeating: 7, count: 60_000)
        for _ in 0..<2_000 { try client.send(bytes: frame, more: true) }
        try client.send(bytes: frame)
        let limit = Clock.monotonicMilliseconds() + patienceMilliseconds
        while try client.socket.events.contains(.writable),
            Clock.monotonicMilliseconds() < limit
        {
            bench.advance(by: 100)
            #expect(try neighbour.untilHeartbeat() == [])
        }
        #expect(Clock.monotonicMilliseconds() < limit, "it was never cut")
        #expect(try neighbour.untilHeartbeat() == [])
        bench.advance(by: 1_000)
        let denials = try bench.batch { !$0.denials.isEmpty }.denials
        #expect(denials.contains { $0.denial == .endless && $0.peer == "city#1" })
    }

    @Test("a connection that says no hello in time is cut")
    func silent() throws {
        let bench = try Bench.keyed()
        let key = KeyPair()
        try bench.enrol([("city", key)])
        let client = try Client(
            bench,
            endpoint: 1,
            key: key,
            [.reconnectInterval(milliseconds: -1), .immediate(true)]
        )
        try client.ask(Header(.heartbeat))
        #expect(try client.next().code == .noSession)
        bench.advance(by: 14_900)
        try client.ask(Header(.heartbeat))
        #expect(try client.next().code == .noSession)
        bench.advance(by: 200)
        try client.waitUntilCut()
    }

    @Test("connections beyond the limit are cut at once, and those within it go on")
    func flood() throws {
        let bench = try Bench.keyed(adjust: { $0.connectionsMax = 4 })
        let key = KeyPair()
        try bench.enrol([("city", key)])
        let (client, _, _) = try Client.keyed(bench, key)
        let crowd = try (0..<8).map { _ in
            try Client(
                bench,
                endpoint: 1,
                key: key,
                [.reconnectInterval(milliseconds: -1), .immediate(true)]
            )
        }
        // Those that wait longest make room; seen twenty times, since some come while others go.
        let limit = Clock.monotonicMilliseconds() + patienceMilliseconds
        var seenCount = 0
        while seenCount < 20, Clock.monotonicMilliseconds() < limit {
            #expect(try client.untilHeartbeat() == [])
            let admitted = try crowd.count { try $0.socket.events.contains(.writable) }
            seenCount = admitted == 3 ? seenCount + 1 : 0
        }
        #expect(seenCount == 20)
    }

    private static func isRefused(_ bench: Bench, _ key: KeyPair) throws -> Bool {
        let socket = try Socket(.dealer, in: try Context())
        try socket.set(.linger(milliseconds: 0))
        try socket.set(
            .curveClient(
                publicKey: key.publicKey.bytes,
                secretKey: key.secret,
                serverKey: bench.serverKey.publicKey.bytes
            )
        )
        let monitor = try Monitor(of: socket, name: "watch")
        try socket.connect(bench.endpoints[1])
        return try refusal(monitor)
    }

    private static func refusal(_ monitor: borrowing Monitor) throws -> Bool {
        var poller = Poller()
        _ = poller.add(monitor.socket)
        let limit = Clock.monotonicMilliseconds() + patienceMilliseconds
        while Clock.monotonicMilliseconds() < limit {
            _ = try poller.waitForWork(timeoutMilliseconds: 100)
            while let event = try monitor.next() {
                if event == .authenticationRefused(status: 400) { return true }
                if event == .handshakeSucceeded { return false }
            }
        }
        return false
    }
}
