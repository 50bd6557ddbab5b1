// SPDX-License-Identifier: Apache-2.0
// Goal: nobody comes in without a key that was judged. Method: real sockets on loopback, one thread.

import CZeroMQ
import Testing
import ZeroMQ

@Suite("CURVE and its handler", .timeLimit(.minutes(1)))
struct CurveTests {
    /// Both halves of a key as libzmq makes them.
    struct Keys {
        var publicKey = [UInt8](repeating: 0, count: 32)
        var secretKey = [UInt8](repeating: 0, count: 32)

        init() {
            var texts = (
                [CChar](repeating: 0, count: 41), [CChar](repeating: 0, count: 41)
            )
            zmq_curve_keypair(&texts.0, &texts.1)
            zmq_z85_decode(&publicKey, texts.0)
            zmq_z85_decode(&secretKey, texts.1)
        }
    }

    let server = Keys()

    private func router(in context: Context) throws -> Socket {
        let router = try Socket(.router, in: context)
        try router.set(.linger(milliseconds: 0))
        try router.set(.curveServer(secretKey: server.secretKey, domain: "barid"))
        return router
    }

    private func dealer(_ keys: Keys? = Keys(), to endpoint: String) throws -> Socket {
        let dealer = try Socket(.dealer, in: try Context())
        try dealer.set(.linger(milliseconds: 0))
        try dealer.set(.reconnectInterval(milliseconds: -1))
        if let keys {
            try dealer.set(
                .curveClient(
                    publicKey: keys.publicKey,
                    secretKey: keys.secretKey,
                    serverKey: server.publicKey
                )
            )
        }
        try dealer.connect(endpoint)
        return dealer
    }

    /// Waits for the next event of a monitor.
    private func event(_ monitor: borrowing Monitor) throws -> MonitorEvent? {
        var poller = Poller()
        _ = poller.add(monitor.socket)
        _ = try poller.waitForWork(timeoutMilliseconds: patienceMilliseconds)
        return try monitor.next()
    }

    /// Waits for a question, checks it and returns it.
    private func question(
        _ authenticator: borrowing Authenticator,
        from keys: Keys
    ) throws -> AdmissionQuestion {
        var poller = Poller()
        _ = poller.add(authenticator.socket)
        _ = try poller.waitForWork(timeoutMilliseconds: patienceMilliseconds)
        let question = try #require(try authenticator.next())
        #expect(question.domain == "barid" && question.address == "127.0.0.1")
        #expect(question.publicKey == keys.publicKey)
        return question
    }

    @Test("an admitted peer's payload frames bear the user it was admitted as, and its descriptor")
    func admitted() throws {
        let context = try Context()
        let authenticator = try Authenticator(in: context)
        let router = try router(in: context)
        let monitor = try Monitor(of: router, name: "watch")
        try router.bind("tcp://127.0.0.1:*")
        _ = try monitor.listener()
        let keys = Keys()
        var peer: Socket? = try dealer(keys, to: router.lastEndpoint)
        _ = try peer?.send(text: "first", more: true)
        _ = try peer?.send(text: "second")
        let asked = try question(authenticator, from: keys)
        try authenticator.admit(asked, as: "city#7")
        let accepted = try event(monitor)
        guard case .accepted(let descriptor) = accepted else {
            Issue.record("\(String(describing: accepted))")
            return
        }
        #expect(try event(monitor) == .handshakeSucceeded)
        // Polled before it is read: that is when 4.3.4 loses the properties of the first frame.
        var poller = Poller()
        _ = poller.add(router)
        _ = try poller.waitForWork(timeoutMilliseconds: patienceMilliseconds)
        let frame = Frame()
        #expect(try router.receive(into: frame) == .message)
        for _ in 0..<2 {
            #expect(try router.receive(into: frame) == .message)
            let user = frame.property("User-Id")
            #expect(user == "city#7")
            let answers = [
                frame.hasProperty("User-Id", Array("city#7".utf8CString)),
                frame.hasProperty("User-Id", Array("city#70".utf8CString)),
                frame.hasProperty("User-Name", Array("city#7".utf8CString)),
            ]
            #expect(answers == [true, false, false])
            let source = frame.sourceDescriptor()
            #expect(source == descriptor)
        }
        peer = nil
        #expect(try event(monitor) == .disconnected(descriptor: descriptor))
    }

    @Test("a refused peer learns it from its monitor at once, and nothing of it arrives")
    func refused() throws {
        let context = try Context()
        let authenticator = try Authenticator(in: context)
        let router = try router(in: context)
        try router.bind("tcp://127.0.0.1:*")
        let keys = Keys()
        let dealer = try Socket(.dealer, in: try Context())
        try dealer.set(.linger(milliseconds: 0))
        try dealer.set(
            .curveClient(
                publicKey: keys.publicKey,
                secretKey: keys.secretKey,
                serverKey: server.publicKey
            )
        )
        let monitor = try Monitor(of: dealer, name: "client")
        try dealer.connect(router.lastEndpoint)
        _ = try dealer.send(text: "let me in")
        try authenticator.refuse(try question(authenticator, from: keys))
        #expect(try event(monitor) == .authenticationRefused(status: 400))
        #expect(try router.receiveMessage(within: 50).isEmpty)
    }

    @Test("with no handler in the context nobody comes in, whatever the key")
    func noHandler() throws {
        let context = try Context()
        let router = try router(in: context)
        let monitor = try Monitor(of: router, name: "watch")
        try router.bind("tcp://127.0.0.1:*")
        _ = try monitor.listener()
        let peer = try dealer(to: router.lastEndpoint)
        _ = try peer.send(text: "let me in")
        guard case .accepted = try event(monitor) else {
            Issue.record("not accepted")
            return
        }
        let failure = try event(monitor)
        #expect(failure != .handshakeSucceeded, "it failed open")
        #expect(try router.receiveMessage(within: 50).isEmpty)
    }

    @Test("a handler that goes away keeps everybody out from then on")
    func handlerGone() throws {
        let context = try Context()
        let router: Socket
        do {
            let authenticator = try Authenticator(in: context)
            router = try self.router(in: context)
            try router.bind("tcp://127.0.0.1:*")
            _ = authenticator.socket
        }
        let monitor = try Monitor(of: router, name: "watch")
        let peer = try dealer(to: router.lastEndpoint)
        _ = try peer.send(text: "let me in")
        guard case .accepted = try event(monitor) else {
            Issue.record("not accepted")
            return
        }
        #expect(try event(monitor) != .handshakeSucceeded, "it failed open")
        #expect(try router.receiveMessage(within: 50).isEmpty)
    }

    @Test("a peer without keys is not let in, and the handler is not even asked")
    func plain() throws {
        let context = try Context()
        let authenticator = try Authenticator(in: context)
        let router = try router(in: context)
        let monitor = try Monitor(of: router, name: "watch")
        try router.bind("tcp://127.0.0.1:*")
        _ = try monitor.listener()
        let peer = try dealer(nil, to: router.lastEndpoint)
        _ = try peer.send(text: "let me in")
        guard case .accepted = try event(monitor) else {
            Issue.record("not accepted")
            return
        }
        let failure = try event(monitor)
        #expect(failure != nil && failure != .handshakeSucceeded)
        #expect(try authenticator.next() == nil)
        #expect(try router.receiveMessage(within: 50).isEmpty)
    }
}
