// SPDX-License-Identifier: Apache-2.0

import Courier
import Platform
import TestKit
import Testing
import ZeroMQ

/// Goal: any SUB socket hears public notices and the head of the ledger, and nothing else.
///
/// Method: a bare subscriber at the bulletin of a bus.
@Suite(.timeLimit(.minutes(1))) struct BulletinTests {
    @Test("notices and heads reach a bare subscriber as a topic and a JSON object")
    func notices() throws {
        let bench = try Bench(bulletin: "tcp://127.0.0.1:*")
        let endpoint = try #require(bench.endpoints.last)
        let reader = try Reader(endpoint, prefixes: ["notice.", "ledger."])
        // A subscription takes a while to arrive and nothing says when.
        var first: [String] = []
        while first.isEmpty {
            #expect(bench.loop.announce(topic: "notice.up", text: "Up"))
            first = try reader.next(within: 10)
        }
        #expect(first == ["notice.up", #"{"text":"Up","time":"2023-11-14T22:13:20.000Z"}"#])
        while try !reader.next(within: 10).isEmpty {}

        #expect(bench.loop.announce(topic: "other.topic", text: "not asked for"))
        #expect(bench.loop.announce(topic: "notice.down", text: "\"a\\\n\u{1}م"))
        #expect(
            try reader.next() == [
                "notice.down",
                #"{"text":"\"a\\\n\u0001م","time":"2023-11-14T22:13:20.000Z"}"#,
            ]
        )
        bench.head.move(to: (position: 12, hash: "ab", time: 1_000))
        bench.advance(by: 1_000)
        #expect(
            try reader.next() == [
                "ledger.head",
                #"{"position":12,"hash":"ab","time":"1970-01-01T00:00:01.000Z"}"#,
            ]
        )
        bench.advance(by: 1_000)
        bench.advance(by: 1_000)
        bench.head.move(to: (position: 13, hash: "cd", time: 2_000))
        bench.advance(by: 1_000)
        #expect(try reader.next().last?.contains(#""position":13"#) == true)
    }

    @Test("without a bulletin, on the ledger's topics and on no topic nothing is announced")
    func notAnnounced() throws {
        let silent = try Bench()
        #expect(!silent.loop.announce(topic: "notice.up", text: "Up"))
        let bench = try Bench(bulletin: "ipc:///tmp/barid-\(Clock.monotonicNanoseconds()).bulletin")
        #expect(!bench.loop.announce(topic: "ledger.head", text: "forged"))
        #expect(!bench.loop.announce(topic: "Not a topic", text: "Up"))
        #expect(bench.loop.announce(topic: "notice.up", text: "Up"))
    }

    @Test("a bulletin that machines other than this one could reach is not bound")
    func loopback() throws {
        let directory = TemporaryDirectory()
        let loop = BusLoop(
            configuration: BusConfiguration(
                endpoints: ["ipc://\(directory.path)/bus"],
                bulletin: "tcp://0.0.0.0:7421"
            ),
            hand: { _ in },
            collect: { nil },
            signal: try EventSignal()
        )
        #expect(throws: BusFault.endpointNotLoopback("tcp://0.0.0.0:7421")) { try loop.run() }
    }
}

/// A bare SUB socket.
private final class Reader {
    private let socket: Socket
    private var poller = Poller()

    init(_ endpoint: String, prefixes: [String]) throws {
        socket = try Socket(.subscriber, in: try Context())
        for prefix in prefixes { try socket.subscribe(toPrefix: prefix) }
        try socket.connect(endpoint)
        _ = poller.add(socket)
    }

    /// The frames of the next message, or none if none comes in time.
    func next(within milliseconds: Int64 = patienceMilliseconds) throws -> [String] {
        guard try poller.waitForWork(timeoutMilliseconds: Int(milliseconds)) == 1 else {
            return []
        }
        var frames: [String] = []
        let frame = Frame()
        repeat {
            guard try socket.receive(into: frame) == .message else { break }
            frames.append(frame.withBytes { String(decoding: $0, as: UTF8.self) })
        } while frame.hasMore
        return frames
    }
}
