// SPDX-License-Identifier: Apache-2.0

import Keys
import Platform
import Rules
import Testing
import Wire
import ZeroMQ

/// One operation as the client received it.
struct Told: Equatable {
    var header: Header
    var envelope: [UInt8]
    var body: [UInt8]

    var code: RefusalCode? { RefusalCode(rawValue: header.code) }
}

/// A bare DEALER that speaks packets.
final class Client {
    let socket: Socket
    private var poller = Poller()
    private var waiting: [Told] = []

    init(
        _ bench: Bench,
        endpoint: Int = 0,
        key: KeyPair? = nil,
        _ options: [SocketOption] = []
    ) throws {
        socket = try Socket(.dealer, in: try Context())
        if let key {
            try socket.set(
                .curveClient(
                    publicKey: key.publicKey.bytes,
                    secretKey: key.secret,
                    serverKey: bench.serverKey.publicKey.bytes
                )
            )
        }
        try socket.set(.linger(milliseconds: 0))
        for option in options { try socket.set(option) }
        try socket.connect(bench.endpoints[endpoint])
        _ = poller.add(socket)
    }

    /// A client whose session is open, with the session's number and token.
    static func open(
        _ bench: Bench,
        agency: String = "city",
        token: Identifier = .none,
        _ options: [SocketOption] = []
    ) throws -> (client: Client, session: UInt32, token: Identifier) {
        let client = try Client(bench, options)
        try client.sayHello(agency: agency, token: token)
        let batch = try bench.answerNext()
        let operation = try #require(batch.operations.first)
        let answer = try client.next()
        #expect(answer.header.verb == .answer && answer.header.number == 1)
        return (client, operation.session, operation.header.id)
    }

    func sayHello(
        agency: String = "city",
        number: UInt32 = 1,
        token: Identifier = .none,
        levels: ClosedRange<UInt32> = 1...1
    ) throws {
        var hello = Envelope.Hello()
        hello.agency = agency
        hello.levelMin = levels.lowerBound
        hello.levelMax = levels.upperBound
        var header = Header(.hello, number: number)
        header.id = token
        try ask(header, envelope: Envelope.bytes(of: hello))
    }

    func ask(_ header: Header, envelope: [UInt8] = [], body: [UInt8] = []) throws {
        var writer = PacketWriter()
        writer.append(header, envelope: envelope, body: body)
        try send(&writer)
    }

    /// Asks for several things in one packet.
    func ask(_ headers: [Header]) throws {
        var writer = PacketWriter()
        for header in headers { writer.append(header) }
        try send(&writer)
    }

    func send(_ writer: inout PacketWriter) throws {
        let bytes = writer.finish { [UInt8]($0) }
        try send(bytes: bytes)
    }

    func send(bytes: [UInt8], more: Bool = false) throws {
        let limit = Clock.monotonicMilliseconds() + patienceMilliseconds
        var result = SendResult.wouldBlock
        // An immediate dealer takes nothing before it is connected.
        while result == .wouldBlock, Clock.monotonicMilliseconds() < limit {
            result = try bytes.withUnsafeBytes { try socket.send($0, more: more) }
            if result == .wouldBlock { _ = try poller.waitForWork(timeoutMilliseconds: 5) }
        }
        #expect(result == .sent)
    }

    /// The next operation told; waits for it.
    func next(_ location: SourceLocation = #_sourceLocation) throws -> Told {
        if waiting.isEmpty { try receive(within: Int(patienceMilliseconds)) }
        try #require(!waiting.isEmpty, "nothing was told", sourceLocation: location)
        return waiting.removeFirst()
    }

    /// Everything told until a heartbeat of ours is answered; what was asked before it was heard.
    func untilHeartbeat(_ location: SourceLocation = #_sourceLocation) throws -> [Told] {
        try ask(Header(.heartbeat))
        var told: [Told] = []
        while true {
            let operation = try next(location)
            if operation.header.verb == .heartbeat { return told }
            told.append(operation)
        }
    }

    /// Makes operations the next that `next` returns.
    func putBack(_ told: [Told]) { waiting.insert(contentsOf: told, at: 0) }

    /// Waits until libzmq has given up the connection.
    func waitUntilCut() throws {
        let limit = Clock.monotonicMilliseconds() + patienceMilliseconds
        while Clock.monotonicMilliseconds() < limit {
            guard try socket.events.contains(.writable) else { return }
            _ = try poller.waitForWork(timeoutMilliseconds: 5)
        }
        Issue.record("the connection was not cut")
    }

    private func receive(within milliseconds: Int) throws {
        guard try poller.waitForWork(timeoutMilliseconds: milliseconds) == 1 else { return }
        let frame = Frame()
        guard try socket.receive(into: frame) == .message else { return }
        let isSingle = !frame.hasMore
        #expect(isSingle)
        try frame.withBytes { bytes in
            var reader = try PacketReader(bytes, bodyBytesMax: .max)
            while let item = reader.next() {
                guard case .operation(let header, let envelope, let body) = item else {
                    Issue.record("the bus told an operation that cannot be understood")
                    continue
                }
                waiting.append(
                    Told(header: header, envelope: [UInt8](envelope), body: [UInt8](body))
                )
            }
        }
    }
}
