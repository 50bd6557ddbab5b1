// SPDX-License-Identifier: Apache-2.0

import Testing
import ZeroMQ
import TestKit

@Suite struct SocketTests {
    let directory = TemporaryDirectory()
    var endpoint: String { "ipc://\(directory.path)/bus" }

    @Test("a router answers the dealer that asked, frame by frame")
    func roundTrip() throws {
        let context = try Context()
        let router = try Socket(.router, in: context)
        try router.bind(endpoint)
        let dealer = try Socket(.dealer, in: context)
        try dealer.connect(endpoint)

        #expect(try dealer.send(text: "question") == .sent)
        let question = try router.receiveMessage()
        try #require(question.count == 2)
        #expect(question[1] == Array("question".utf8))
        #expect(question[0].count == 5 && question[0][0] == 0)

        #expect(try router.send(bytes: question[0], more: true) == .sent)
        #expect(try router.send(text: "part", more: true) == .sent)
        #expect(try router.send(bytes: []) == .sent)
        #expect(try dealer.receiveMessage() == [Array("part".utf8), []])
    }

    @Test("a frame used again holds only the newest message, small or large")
    func reusedFrame() throws {
        let context = try Context()
        let router = try Socket(.router, in: context)
        try router.bind(endpoint)
        let dealer = try Socket(.dealer, in: context)
        try dealer.connect(endpoint)
        let frame = Frame()
        var poller = Poller()
        let slot = poller.add(router)
        // 33 and 34 bytes are either side of what libzmq keeps inside the message itself.
        for count in [70_000, 0, 33, 34, 1] {
            let content = [UInt8](repeating: UInt8(count % 251), count: count)
            #expect(try dealer.send(bytes: content) == .sent)
            _ = try poller.waitForWork(timeoutMilliseconds: patienceMilliseconds)
            #expect(poller.readiness(of: slot) == .readable)
            #expect(try router.receive(into: frame) == .message)
            #expect(frame.hasMore == true)
            #expect(try router.receive(into: frame) == .message)
            #expect(frame.hasMore == false)
            #expect(frame.count == count)
            #expect(frame.withBytes { [UInt8]($0) } == content)
        }
        #expect(try router.receive(into: frame) == .wouldBlock)
    }

    @Test("a payload frame knows its connection's properties, and not those it lacks")
    func properties() throws {
        let context = try Context()
        let router = try Socket(.router, in: context)
        try router.bind(endpoint)
        let dealer = try Socket(.dealer, in: context)
        try dealer.connect(endpoint)
        #expect(try dealer.send(text: "hello") == .sent)
        var poller = Poller()
        _ = poller.add(router)
        #expect(try poller.waitForWork(timeoutMilliseconds: patienceMilliseconds) == 1)
        let frame = Frame()
        #expect(try router.receive(into: frame) == .message)
        #expect(try router.receive(into: frame) == .message)
        let socketType = frame.property("Socket-Type")
        let userID = frame.property("User-Id")
        #expect(socketType == "DEALER")
        #expect(userID == nil)
    }

    @Test("a mandatory router reports an unknown peer")
    func unknownPeer() throws {
        let context = try Context()
        let router = try Socket(.router, in: context)
        try router.set(.routerMandatory(true))
        try router.bind(endpoint)
        #expect(try router.send(text: "nobody", more: true) == .unreachable)
    }

    @Test("a frame over the limit costs the sender its connection and is never seen")
    func oversizedFrame() throws {
        let context = try Context()
        let router = try Socket(.router, in: context)
        try router.set(.routerMandatory(true))
        try router.set(.maxMessageBytes(1024))
        try router.bind(endpoint)
        let dealer = try Socket(.dealer, in: context)
        try dealer.set(.linger(milliseconds: 0))
        try dealer.set(.reconnectInterval(milliseconds: -1))
        try dealer.connect(endpoint)

        #expect(try dealer.send(bytes: [UInt8](repeating: 1, count: 1024)) == .sent)
        let first = try router.receiveMessage()
        try #require(first.count == 2)
        #expect(first[1].count == 1024)

        #expect(try dealer.send(bytes: [UInt8](repeating: 2, count: 1025)) == .sent)
        var poller = Poller()
        let slot = poller.add(router)
        var isConnected = true
        for _ in 0..<1000 where isConnected {
            _ = try poller.waitForWork(timeoutMilliseconds: 10)
            #expect(poller.readiness(of: slot) == [])
            isConnected = try router.send(bytes: first[0], more: true) == .sent
            if isConnected { _ = try router.send(text: "still there?") }
        }
        #expect(!isConnected)
    }

    @Test("a full queue is a result, and takes nothing more")
    func highWater() throws {
        let context = try Context()
        let dealer = try Socket(.dealer, in: context)
        try dealer.set(.sendHighWater(3))
        try dealer.set(.linger(milliseconds: 0))
        try dealer.connect(endpoint)
        for _ in 0..<3 { #expect(try dealer.send(text: "waiting") == .sent) }
        #expect(try dealer.send(text: "too many") == .wouldBlock)
        #expect(try !dealer.events.contains(.writable))

        let router = try Socket(.router, in: context)
        try router.bind(endpoint)
        for _ in 0..<3 { #expect(try router.receiveMessage().last == Array("waiting".utf8)) }
        #expect(try router.receiveMessage(within: 0) == [])
    }

    @Test("an immediate dealer queues nothing before it is connected")
    func immediate() throws {
        let dealer = try Socket(.dealer, in: try Context())
        try dealer.set(.immediate(true))
        try dealer.connect(endpoint)
        #expect(try dealer.send(text: "early") == .wouldBlock)
    }

    @Test("every setting of a bus socket is accepted by the installed libzmq")
    func settings() throws {
        let router = try Socket(.router, in: try Context(ioThreadCount: 2, socketCountMax: 8))
        for option: SocketOption in [
            .sendHighWater(64), .receiveHighWater(64), .linger(milliseconds: 0),
            .maxMessageBytes(1 << 20), .routerMandatory(true), .immediate(true),
            .reconnectInterval(milliseconds: 100), .reconnectIntervalMax(milliseconds: 30_000),
            .heartbeatInterval(milliseconds: 10_000), .heartbeatTimeout(milliseconds: 30_000),
            .heartbeatLifetime(milliseconds: 30_000), .handshakeInterval(milliseconds: 5000),
            .backlog(1024), .tcpKeepalive(true),
        ] {
            try router.set(option)
        }
        try router.bind("tcp://127.0.0.1:*")
        #expect(try router.lastEndpoint.hasPrefix("tcp://127.0.0.1:"))
        #expect(try router.lastEndpoint != "tcp://127.0.0.1:*")
        #expect(try router.fileDescriptor >= 0)
    }

    @Test("a setting the socket does not know is a fault, not a silence")
    func refusedSetting() throws {
        let dealer = try Socket(.dealer, in: try Context())
        #expect(throws: ZeroMQFault.self) { try dealer.set(.routerMandatory(true)) }
    }

    @Test("a fault names the endpoint and the reason")
    func faultText() throws {
        let router = try Socket(.router, in: try Context())
        let place = "ipc://\(directory.path)/missing/bus"
        let fault = #expect(throws: ZeroMQFault.self) { try router.bind(place) }
        #expect(fault?.endpoint == place)
        #expect(
            fault?.description == "could not bind \(place): No such file or directory (errno 2)"
        )
    }

    @Test("a shut down context ends the sockets' work")
    func shutdown() throws {
        let context = try Context()
        let dealer = try Socket(.dealer, in: context)
        context.shutdown()
        let frame = Frame()
        let fault = #expect(throws: ZeroMQFault.self) { try dealer.receive(into: frame) }
        #expect(fault?.isTerminated == true)
    }
}
