// SPDX-License-Identifier: Apache-2.0

import Glibc
import Keys
import Platform
import Testing
import Wire
import ZeroMQ

/// A bare DEALER that sends what it likes.
final class RawPeer {
    /// One operation as the daemon told it.
    struct Told {
        var header: Header
        var code: RefusalCode? { RefusalCode(rawValue: header.code) }
    }

    let socket: Socket
    /// What is told of its connection; nil where nobody watches, which spares its descriptors.
    private let watch: Watch?

    private final class Watch {
        let monitor: Monitor

        init(_ socket: borrowing Socket) throws {
            monitor = try Monitor(of: socket, name: "peer-\(UInt64.random(in: 0 ... .max))")
        }
    }

    private var poller = Poller()
    private var waiting: [Told] = []

    init(
        _ endpoint: String,
        key: KeyPair? = nil,
        server: KeyPair? = nil,
        reconnects: Bool = true,
        routingID: String? = nil,
        isWatched: Bool = true,
        in context: Context? = nil
    ) throws {
        let socket = try Socket(.dealer, in: try context ?? Context())
        if let routingID { try socket.set(.routingID(Array(routingID.utf8))) }
        if !reconnects { try socket.set(.reconnectInterval(milliseconds: -1)) }
        try socket.set(.linger(milliseconds: 0))
        if let key, let server {
            try socket.set(
                .curveClient(
                    publicKey: key.publicKey.bytes,
                    secretKey: key.secret,
                    serverKey: server.publicKey.bytes
                )
            )
        }
        watch = isWatched ? try Watch(socket) : nil
        try socket.connect(endpoint)
        _ = poller.add(socket)
        self.socket = socket
    }

    /// The first event of its connection that is wanted; nil if it does not come in time.
    func event(seconds: Int64 = 20, where isWanted: (MonitorEvent) -> Bool) throws -> MonitorEvent?
    {
        let watch = try #require(watch, "nobody watches this peer")
        var events = Poller()
        _ = events.add(watch.monitor.socket)
        let limit = Clock.monotonicMilliseconds() + seconds * 1_000
        while Clock.monotonicMilliseconds() < limit {
            while let event = try watch.monitor.next() {
                if isWanted(event) { return event }
            }
            _ = try events.waitForWork(timeoutMilliseconds: 100)
        }
        return nil
    }

    /// Whether the daemon let it in; false if its handshake failed.
    func isLetIn() throws -> Bool {
        try event { event in
            switch event {
            case .listening, .accepted, .disconnected: false
            default: true
            }
        } == .handshakeSucceeded
    }

    /// Whether the daemon has cut it off, waiting for that.
    func isCut() throws -> Bool {
        try event { event in
            if case .disconnected = event { true } else { false }
        } != nil
    }

    /// Opens a session for an agency.
    @discardableResult
    func sayHello(_ agency: String, replacing session: Identifier = .none) throws -> Told {
        try sendWhole(hello(agency, replacing: session))
        let answer = try next()
        try #require(answer.header.verb == .answer, "\(String(describing: answer.code))")
        return answer
    }

    /// A packet that says hello.
    func hello(_ agency: String, replacing session: Identifier = .none) -> [UInt8] {
        var hello = Envelope.Hello()
        hello.agency = agency
        hello.levelMin = UInt32(Limits.level)
        hello.levelMax = UInt32(Limits.level)
        var header = Header(.hello, number: 1)
        header.id = session
        var writer = PacketWriter()
        writer.append(header, envelope: Envelope.bytes(of: hello))
        return writer.finish { [UInt8]($0) }
    }

    /// Sends bytes as one frame, waiting for room.
    func sendWhole(_ bytes: [UInt8], more: Bool = false) throws {
        let limit = Clock.monotonicMilliseconds() + 20_000
        while try !send(bytes, more: more), Clock.monotonicMilliseconds() < limit {
            _ = try poller.waitForWork(timeoutMilliseconds: 5)
        }
    }

    /// Whether nothing is told for so long.
    func isSilent(milliseconds: Int) throws -> Bool {
        try poller.waitForWork(timeoutMilliseconds: milliseconds) == 0
    }

    /// Staffs an office; returns the answer or refusal.
    func attach(_ office: String) throws -> Told {
        var attach = Envelope.Attach()
        attach.office = office
        return try ask(Header(.attach, number: 2), envelope: Envelope.bytes(of: attach))
    }

    /// Asks one thing and waits for what is told next.
    func ask(_ header: Header, envelope: [UInt8] = [], body: [UInt8] = []) throws -> Told {
        var writer = PacketWriter()
        writer.append(header, envelope: envelope, body: body)
        try send(writer.finish { [UInt8]($0) })
        return try next()
    }

    /// Sends bytes as one message; gives up where the road is full.
    @discardableResult
    func send(_ bytes: [UInt8], more: Bool = false) throws -> Bool {
        try bytes.withUnsafeBytes { try socket.send($0, more: more) } == .sent
    }

    /// The next operation told.
    func next(_ location: SourceLocation = #_sourceLocation) throws -> Told {
        let limit = Clock.monotonicMilliseconds() + 30_000
        while waiting.isEmpty, Clock.monotonicMilliseconds() < limit {
            guard try poller.waitForWork(timeoutMilliseconds: 1_000) > 0 else { continue }
            try receive()
        }
        try #require(!waiting.isEmpty, "nothing was told", sourceLocation: location)
        return waiting.removeFirst()
    }

    private func receive() throws {
        let frame = Frame()
        guard try socket.receive(into: frame) == .message else { return }
        try frame.withBytes { bytes in
            var reader = try PacketReader(bytes, bodyBytesMax: .max)
            while case .operation(let header, _, _) = reader.next() {
                waiting.append(Told(header: header))
            }
        }
    }
}

/// A plain TCP connection to a loopback endpoint that sends bytes of its own making.
final class RawStream {
    private let descriptor: Int32

    init(_ endpoint: String) throws {
        let port = try #require(UInt16(endpoint.split(separator: ":").last ?? ""))
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let status = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(status == 0, "no connection to \(endpoint)")
    }

    deinit { close(descriptor) }

    /// Whether the peer hangs up, reading away what it says before.
    func isClosed(seconds: Int64 = 20) -> Bool {
        let limit = Clock.monotonicMilliseconds() + seconds * 1_000
        var block = [UInt8](repeating: 0, count: 4_096)
        while Clock.monotonicMilliseconds() < limit {
            var end = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&end, 1, 100) > 0 else { continue }
            guard recv(descriptor, &block, block.count, 0) > 0 else { return true }
        }
        return false
    }

    /// Sends what the peer takes; a peer that has hung up is what a test like this wants.
    func send(_ bytes: [UInt8]) {
        _ = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }
}
