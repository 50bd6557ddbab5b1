// SPDX-License-Identifier: Apache-2.0

import Glibc
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

    private let socket: Socket
    private var poller = Poller()
    private var waiting: [Told] = []

    init(_ endpoint: String) throws {
        socket = try Socket(.dealer, in: try Context())
        try socket.set(.linger(milliseconds: 0))
        try socket.connect(endpoint)
        _ = poller.add(socket)
    }

    /// Opens a session for an agency.
    func sayHello(_ agency: String) throws {
        var hello = Envelope.Hello()
        hello.agency = agency
        hello.levelMin = UInt32(Limits.level)
        hello.levelMax = UInt32(Limits.level)
        let answer = try ask(Header(.hello, number: 1), envelope: Envelope.bytes(of: hello))
        try #require(answer.header.verb == .answer)
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
        let limit = Clock.monotonicMilliseconds() + 20_000
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

    /// Sends what the peer takes; a peer that has hung up is what a test like this wants.
    func send(_ bytes: [UInt8]) {
        _ = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }
}
