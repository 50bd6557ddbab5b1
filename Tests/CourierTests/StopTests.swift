// SPDX-License-Identifier: Apache-2.0

import Courier
import Keys
import Platform
import Rules
import Testing
import Wire
import TestKit

@Suite(.timeLimit(.minutes(1))) struct StopTests {
    @Test("stopping completes what was gathered, answers it and says farewell")
    func drain() throws {
        let bench = try Bench()
        let (client, session, _) = try Client.open(bench)
        try client.ask(Header(.track, number: 2))
        _ = try bench.nextBatch()
        try client.ask(Header(.track, number: 3))
        #expect(try client.untilHeartbeat() == [])

        bench.loop.requestStop()
        let late = try Client(bench)
        var refusal: Told
        // The stop is seen at the next turn; a hello before that would be forwarded and is not
        // answered here, so ask with a verb that is refused either way until it is draining.
        repeat {
            try client.ask(Header(.submit, number: 0))
            let told = try client.untilHeartbeat()
            refusal = told.first ?? Told(header: Header(.heartbeat), envelope: [], body: [])
        } while refusal.code != .draining
        #expect(refusal.header.instant == 1_700_000_005_000)
        try late.sayHello()
        #expect(try late.next().code == .draining)
        try client.ask(Header(.complete, number: 4))
        #expect(try client.untilHeartbeat() == [])

        bench.complete { $0.append(Header(.answer, number: 2), session: session) }
        let last = try bench.answerNext()
        #expect(last.operations.map(\.header.number).filter { $0 != 0 } == [3, 4])
        for number in 2...4 as ClosedRange<UInt32> {
            #expect(try client.next().header == Header(.answer, number: number))
        }
        let farewell = try client.next()
        #expect(farewell.header.verb == .farewell && farewell.code == .draining)
        bench.stop()
        #expect(throws: Never.self) { try bench.result?.get() }
        #expect(bench.loop.counters.sessions == 0)
    }

    @Test("an idle bus stops at once, also if asked before it began")
    func idle() throws {
        let bench = try Bench()
        bench.stop()
        #expect(!bench.hasBatch())
        #expect(throws: Never.self) { try bench.result?.get() }

        let loop = try Self.loop(at: "ipc://\(bench.directory.path)/second")
        loop.requestStop()
        #expect(throws: Never.self) { try loop.run() }
    }

    @Test("a system-chosen port is reported and serves beside the others")
    func ports() throws {
        let bench = try Bench(endpoints: ["tcp://127.0.0.1:*"])
        try #require(bench.endpoints.count == 2)
        #expect(bench.endpoints[1].hasPrefix("tcp://127.0.0.1:"))
        #expect(!bench.endpoints[1].hasSuffix("*"))
        let local = try Client.open(bench)
        let key = KeyPair()
        try bench.enrol([("city", key)])
        let client = try Client(bench, endpoint: 1, key: key)
        try client.sayHello()
        #expect(try bench.answerNext().operations.count == 1)
        #expect(try client.next().header.verb == .answer)
        #expect(try local.client.untilHeartbeat() == [])
        #expect(try client.untilHeartbeat() == [])
    }

    @Test(
        "an endpoint whose peers need keys is refused while the daemon has none",
        arguments: ["tcp://*:7070", "tcp://127.0.0.1:7070", "tcp://[::1]:7070", "tcp://h-1.org:80"]
    )
    func keyless(endpoint: String) throws {
        let loop = try Self.loop(at: endpoint)
        let fault = #expect(throws: BusFault.self) { try loop.run() }
        #expect(fault == .keyMissing(endpoint))
        #expect(fault?.description.contains("baridctl init") == true)
    }

    @Test(
        "an endpoint that is none is refused with the reason",
        arguments: [
            "", "bus.sock", "ipc://", "ipc://bus.sock", "ipc://@bus", "ipc://*",
            "ipc:///\(String(repeating: "a", count: 107))", "tcp://127.0.0.1", "tcp://127.0.0.1:",
            "tcp://127.0.0.1:0", "tcp://127.0.0.1:+80", "tcp://127.0.0.1:65536",
            "inproc://bus", "udp://127.0.0.1:7070", "tcp://:80", "tcp://a b:80", "tcp://[x]:80",
        ]
    )
    func invalidEndpoint(endpoint: String) throws {
        let loop = try Self.loop(at: endpoint)
        let fault = #expect(throws: BusFault.self) { try loop.run() }
        guard case .endpointInvalid(endpoint, let reason) = fault else {
            Issue.record("\(endpoint): \(String(describing: fault))")
            return
        }
        #expect(!reason.isEmpty)
    }

    @Test("no endpoint, and one that cannot be bound, are faults of the start")
    func unbindable() throws {
        #expect(throws: BusFault.endpointMissing) { try Self.loop(at: nil).run() }
        let directory = TemporaryDirectory()
        let loop = try Self.loop(at: "ipc://\(directory.path)/missing/bus")
        let fault = #expect(throws: BusFault.self) { try loop.run() }
        #expect(fault?.description.contains("\(directory.path)/missing/bus") == true)
    }

    private static func loop(at endpoint: String?) throws -> BusLoop {
        BusLoop(
            configuration: BusConfiguration(endpoints: endpoint.map { [$0] } ?? []),
            hand: { _ in },
            collect: { nil },
            signal: try EventSignal()
        )
    }
}
