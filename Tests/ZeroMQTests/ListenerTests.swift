// SPDX-License-Identifier: Apache-2.0

import Glibc
import Platform
import Testing

@testable import ZeroMQ

/// Goal: newcomers are let in at a bounded pace, and none is turned away for it.
///
/// Method: more peers than may come at once wait at a listener; however slow this machine is, no more
/// of them get in than the time that passed allows, and in the end all do.
@Suite("newcomers come in at a pace") struct ListenerTests {
    private func listening() throws -> (descriptor: Int32, address: sockaddr_in) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                #expect(bind(descriptor, address, size) == 0)
                #expect(listen(descriptor, 64) == 0)
                #expect(getsockname(descriptor, address, &size) == 0)
            }
        }
        return (descriptor, address)
    }

    private typealias Accept =
        @convention(c) (
            Int32, UnsafeMutableRawPointer?, UnsafeMutableRawPointer?, Int32
        ) -> Int32

    @Test("no more get in than the time that passed allows, and all in the end")
    func pace() throws {
        var (descriptor, address) = try listening()
        defer { close(descriptor) }
        // What the loader finds first under the name, as it does for libzmq.
        let everywhere: UnsafeMutableRawPointer? = nil
        let found = try #require(dlsym(everywhere, "accept4"))
        let accept = unsafeBitCast(found, to: Accept.self)
        let listener = Listener(descriptor)
        let peers = (0..<12).map { _ in
            let peer = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            let status = withUnsafePointer(to: &address) { address in
                address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(peer, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            #expect(status == 0)
            return peer
        }
        let begun = Clock.monotonicNanoseconds()
        var accepted: [Int32] = []
        while accepted.count < peers.count {
            let newcomer = accept(descriptor, nil, nil, 0)
            if newcomer < 0 {
                try #require(errno == EAGAIN)
                continue
            }
            accepted.append(newcomer)
            let passed = Clock.monotonicNanoseconds() - begun
            #expect(accepted.count <= 4 + Int(passed / 5_000_000))
        }
        for peer in peers + accepted { close(peer) }
        withExtendedLifetime(listener) {}
    }
}
