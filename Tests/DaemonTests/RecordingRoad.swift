// SPDX-License-Identifier: Apache-2.0

import Glibc
import Platform
import Synchronization
import Testing

/// A road between a peer and the daemon that writes down every byte the peer sends.
final class RecordingRoad: Sendable {
    /// Where the peer connects to.
    let endpoint: String
    private let listener: Int32
    private let recorded = Mutex<[UInt8]>([])
    private let isOver = Atomic<Bool>(false)
    private let thread = Mutex<WorkerThread?>(nil)

    /// A road to an endpoint on loopback, for one connection.
    init(to endpoint: String) throws {
        let target = try #require(UInt16(endpoint.split(separator: ":").last ?? ""))
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = loopback(port: 0)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, size) == 0 && listen(listener, 1) == 0
                    && getsockname(listener, $0, &size) == 0
            }
        }
        try #require(status)
        self.endpoint = "tcp://127.0.0.1:\(UInt16(bigEndian: address.sin_port))"
        self.listener = listener
        try thread.withLock { thread in
            // The thread keeps the road alive; `end` lets go of both.
            thread = try WorkerThread(name: "road") { self.carry(from: listener, to: target) }
        }
    }

    deinit {
        end()
        close(listener)
    }

    /// What the peer has sent so far.
    var bytes: [UInt8] { recorded.withLock { $0 } }

    /// Ends the road.
    func end() {
        isOver.store(true, ordering: .releasing)
        var ended: WorkerThread? = thread.withLock { $0.take() }
        ended.take()?.join()
    }

    private func carry(from listener: Int32, to port: UInt16) {
        var caller = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
        while poll(&caller, 1, 50) == 0 {
            guard !isOver.load(ordering: .acquiring) else { return }
        }
        let peer = accept(listener, nil, nil)
        let daemon = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer {
            close(peer)
            close(daemon)
        }
        var address = loopback(port: port)
        let status = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(daemon, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else { return }
        var block = [UInt8](repeating: 0, count: 65_536)
        while !isOver.load(ordering: .acquiring) {
            var ends = [
                pollfd(fd: peer, events: Int16(POLLIN), revents: 0),
                pollfd(fd: daemon, events: Int16(POLLIN), revents: 0),
            ]
            guard poll(&ends, 2, 50) >= 0 else { return }
            for (place, (from, to)) in [(peer, daemon), (daemon, peer)].enumerated()
            where ends[place].revents != 0 {
                let count = recv(from, &block, block.count, 0)
                guard count > 0 else { return }
                if place == 0 { recorded.withLock { $0 += block[..<count] } }
                var offset = 0
                while offset < count {
                    let sent = block[offset..<count].withUnsafeBytes {
                        Glibc.send(to, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                    }
                    guard sent > 0 else { return }
                    offset += sent
                }
            }
        }
    }
}

/// An address on loopback.
private func loopback(port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return address
}
