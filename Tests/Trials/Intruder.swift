// SPDX-License-Identifier: Apache-2.0

import Foundation
import Keys
import Platform
import TestKit
import Wire
import ZeroMQ

/// A bare DEALER that sends what it likes, and hears what it is told.
final class Intruder {
    let socket: Socket
    private let frame = Frame()
    private var poller = Poller(capacity: 1)

    init(
        _ endpoint: String,
        key: (pair: KeyPair, server: PublicKey)? = nil,
        routingID: String? = nil,
        in context: Context
    ) throws {
        socket = try Socket(.dealer, in: context)
        try socket.set(.linger(milliseconds: 0))
        try socket.set(.reconnectInterval(milliseconds: -1))
        if let routingID { try socket.set(.routingID(Array(routingID.utf8))) }
        if let key {
            try socket.set(
                .curveClient(
                    publicKey: key.pair.publicKey.bytes,
                    secretKey: key.pair.secret,
                    serverKey: key.server.bytes
                )
            )
        }
        try socket.connect(endpoint)
        _ = poller.add(socket)
    }

    /// A packet that says hello.
    static func hello(_ agency: String, replacing session: Identifier = .none) -> [UInt8] {
        var hello = Envelope.Hello()
        hello.agency = agency
        hello.levelMin = UInt32(Limits.level)
        hello.levelMax = UInt32(Limits.level)
        var header = Header(.hello, number: 1)
        header.id = session
        return packet(header, Envelope.bytes(of: hello))
    }

    /// A packet that asks to staff an office.
    static func attach(_ office: String) -> [UInt8] {
        var attach = Envelope.Attach()
        attach.office = office
        return packet(Header(.attach, number: 2), Envelope.bytes(of: attach))
    }

    static func packet(_ header: Header, _ envelope: [UInt8] = []) -> [UInt8] {
        var writer = PacketWriter()
        writer.append(header, envelope: envelope)
        return writer.finish { [UInt8]($0) }
    }

    /// Sends one frame; gives up where the road is full.
    func send(_ bytes: [UInt8], more: Bool = false) throws {
        _ = try bytes.withUnsafeBytes { try socket.send($0, more: more) }
    }

    /// The first operation told within a time, or nil.
    func told(within milliseconds: Int) throws -> Header? {
        guard try poller.waitForWork(timeoutMilliseconds: milliseconds) > 0,
            try socket.receive(into: frame) == .message
        else { return nil }
        return try frame.withBytes { bytes in
            var reader = try PacketReader(bytes, bodyBytesMax: Int(UInt32.max))
            guard case .operation(let header, _, _) = reader.next() else { return nil }
            return header
        }
    }
}

/// A plain TCP connection to loopback.
final class PlainStream {
    let descriptor: Int32

    /// Connects; nil if nobody takes the connection.
    init?(_ endpoint: String) {
        descriptor = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = (UInt16(endpoint.split(separator: ":").last ?? "") ?? 0).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let status = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else { return nil }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Sends what the peer takes; a peer that has hung up is what is wanted.
    func send(_ bytes: [UInt8]) {
        _ = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    /// Whether the peer hangs up in time, reading away what it says before.
    func isClosed(within milliseconds: Int64) -> Bool {
        let limit = Clock.monotonicMilliseconds() + milliseconds
        var block = [UInt8](repeating: 0, count: 4_096)
        while Clock.monotonicMilliseconds() < limit {
            var end = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&end, 1, 50) > 0 else { continue }
            guard recv(descriptor, &block, block.count, 0) > 0 else { return true }
        }
        return false
    }

    /// A greeting of ZMTP 3.0 (RFC 23) that names a mechanism.
    static func greeting(_ mechanism: String) -> [UInt8] {
        var greeting: [UInt8] = [0xFF, 0, 0, 0, 0, 0, 0, 0, 0, 0x7F, 3, 0]
        greeting += Array(mechanism.utf8)
        greeting += [UInt8](repeating: 0, count: 20 - mechanism.utf8.count)
        return greeting + [UInt8](repeating: 0, count: 32)
    }
}
