// SPDX-License-Identifier: Apache-2.0

import Control
import Glibc
import Platform
import TestKit

/// A server with a stub behind it, in a directory of its own; stopped when dropped.
final class ServerBench {
    let commands: StubCommands
    let server: ControlServer
    let path: String
    private let directory: TemporaryDirectory

    init(
        traceCount: Int = 1,
        door: ControlDoor = ControlDoor(.control),
        change: (inout ControlLimits) -> Void = { _ in }
    ) throws {
        var limits = ControlLimits()
        limits.requestMilliseconds = 600_000
        change(&limits)
        directory = TemporaryDirectory()
        path = "\(directory.path)/control.sock"
        commands = StubCommands(traceCount: traceCount)
        server = try ControlServer(commands: commands, limits: limits, door: door)
        try server.start(path: path)
    }

    deinit { server.stop() }
}

/// The other end of the socket, down to its bytes.
struct Peer: ~Copyable {
    private let stream: UnixStream
    private var received: [UInt8] = []

    init(path: String) throws(SystemFault) {
        stream = try Self.connected(to: path)
    }

    private static func connected(to path: String) throws(SystemFault) -> UnixStream {
        let stream = try UnixStream(connectingTo: path)
        try stream.setReceiveTimeout(milliseconds: 60_000)
        return stream
    }

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { try stream.writeAll($0) }
    }

    /// Says that nothing more will be sent.
    func endSending() { shutdown(stream.fileDescriptor, Int32(SHUT_WR)) }

    /// The next line without its end; nil once the server has closed the connection.
    mutating func line() throws -> String? {
        while true {
            if let end = received.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: received[..<end], as: UTF8.self)
                received.removeSubrange(...end)
                return line
            }
            var buffer = [UInt8](repeating: 0, count: 64 << 10)
            switch try buffer.withUnsafeMutableBytes({ try stream.read(into: $0) }) {
            case .bytes(let count): received += buffer[..<count]
            case .wouldBlock: throw SystemFault(errno: ETIMEDOUT, operation: "await a reply")
            case .ended: return nil
            }
        }
    }

    mutating func reply(to request: String) throws -> String? {
        try send(request + "\n")
        return try line()
    }
}
