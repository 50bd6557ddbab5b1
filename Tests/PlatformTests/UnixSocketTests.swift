// SPDX-License-Identifier: Apache-2.0

import Glibc
import Platform
import Testing
import TestKit

@Suite struct UnixSocketTests {
    let directory = TemporaryDirectory()
    var path: String { "\(directory.path)/control.sock" }

    @Test("what is written to a stream is read at the other end, of a known peer")
    func echo() throws {
        let listener = try UnixListener(path: path)
        #expect(try listener.accept() == nil)
        let content = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let socketPath = path
        let echoes = Mailbox<[UInt8]>(capacity: 1)
        let thread = try WorkerThread(name: "client") {
            guard let client = try? UnixStream(connectingTo: socketPath) else { return }
            try? content.withUnsafeBytes { try client.writeAll($0) }
            _ = echoes.put((try? readBytes(client, countMax: content.count)) ?? [])
        }
        defer { thread.join() }
        var entry = pollfd(fd: listener.fileDescriptor, events: Int16(POLLIN), revents: 0)
        #expect(poll(&entry, 1, 10_000) == 1)
        guard let server = try listener.accept(isNonBlocking: false) else {
            Issue.record("nobody connected")
            return
        }
        #expect(
            try server.peerCredentials.processID == getpid()
                && server.peerCredentials.userID == geteuid()
                && server.peerCredentials.groupID == getegid()
        )
        var own = [gid_t](repeating: 0, count: 1_024)
        let ownCount = try #require(Int(exactly: getgroups(Int32(own.count), &own)))
        #expect(try Set(server.peerGroups) == Set(own[..<ownCount]))
        let received = try readBytes(server, countMax: content.count)
        #expect(received == content)
        try received.withUnsafeBytes { try server.writeAll($0) }
        #expect(try readBytes(server, countMax: 1) == [])
        #expect(echoes.take(until: Clock.monotonicMilliseconds() + 10_000) == content)
    }

    @Test("a read gives up after its timeout, and ends when the peer is gone")
    func readOutcomes() throws {
        let listener = try UnixListener(path: path)
        let client = try UnixStream(connectingTo: path)
        guard let server = try listener.accept() else {
            Issue.record("nobody connected")
            return
        }
        try client.setReceiveTimeout(milliseconds: 5)
        #expect(try readOnce(client) == .wouldBlock)
        #expect(try readOnce(server) == .wouldBlock)
        server.close()
        #expect(try readOnce(client) == .ended)
        let fault = #expect(throws: SystemFault.self) {
            try [1, 2, 3].withUnsafeBytes { try client.writeAll($0) }
        }
        #expect(fault?.errno == EPIPE)
    }

    @Test("the socket is open to owner and group only, and goes with its listener")
    func modeAndRemoval() throws {
        func listen() throws -> mode_t {
            let listener = try UnixListener(path: path)
            var status = stat()
            #expect(lstat(listener.path, &status) == 0)
            return status.st_mode & 0o777
        }
        #expect(try listen() == 0o660)
        #expect(access(path, F_OK) != 0)
    }

    @Test("a socket left by a dead process is replaced")
    func abandoned() throws {
        try abandonSocket(at: path)
        #expect(access(path, F_OK) == 0)
        let listener = try UnixListener(path: path)
        _ = try UnixStream(connectingTo: path)
        #expect(try listener.accept() != nil)
    }

    @Test("a listener that still answers is left alone")
    func answering() throws {
        let first = try UnixListener(path: path)
        let fault = #expect(throws: SystemFault.self) { _ = try UnixListener(path: path) }
        #expect(fault?.errno == EADDRINUSE)
        _ = try UnixStream(connectingTo: path)
        #expect(try first.accept() != nil)
    }

    @Test("a listener too busy to answer is left alone, without waiting for it")
    func busy() throws {
        let first = try UnixListener(path: path, waitingCountMax: 0)
        // The system holds one more connection than asked for.
        _ = try UnixStream(connectingTo: path)
        let fault = #expect(throws: SystemFault.self) { _ = try UnixListener(path: path) }
        #expect(fault?.errno == EADDRINUSE)
        #expect(try first.accept() != nil)
    }

    @Test("a file that is no socket is never removed")
    func regularFile() throws {
        let file = try #require(fopen(path, "w"))
        fclose(file)
        let fault = #expect(throws: SystemFault.self) { _ = try UnixListener(path: path) }
        #expect(fault?.errno == EEXIST)
        #expect(fault?.advice?.contains("no socket") == true)
        #expect(access(path, F_OK) == 0)
    }

    @Test("a path of 107 bytes is taken, one of 108 refused")
    func pathLength() throws {
        let filler = String(repeating: "s", count: 107 - directory.path.utf8.count - 1)
        let longest = "\(directory.path)/\(filler)"
        #expect(longest.utf8.count == 107)
        _ = try UnixListener(path: longest)
        let fault = #expect(throws: SystemFault.self) { _ = try UnixListener(path: longest + "s") }
        #expect(fault?.errno == ENAMETOOLONG)
        #expect(throws: SystemFault.self) { _ = try UnixStream(connectingTo: "") }
    }
}

/// Reads until `countMax` bytes have come or the peer has ended.
private func readBytes(_ stream: borrowing UnixStream, countMax: Int) throws -> [UInt8] {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while bytes.count < countMax {
        let result = try buffer.withUnsafeMutableBytes { try stream.read(into: $0) }
        guard case .bytes(let count) = result else { break }
        bytes += buffer.prefix(count)
    }
    return bytes
}

/// What one read finds.
private func readOnce(_ stream: borrowing UnixStream) throws -> ReadResult {
    var buffer = [UInt8](repeating: 0, count: 8)
    return try buffer.withUnsafeMutableBytes { try stream.read(into: $0) }
}

/// Leaves a socket file behind that nobody listens at.
private func abandonSocket(at path: String) throws {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let status = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
    }
    try #require(status == 0)
}
