// SPDX-License-Identifier: Apache-2.0

import Glibc
import Platform
import TestKit
import Testing

/// Goal: the service manager hears what it waits for, and an absent one costs nothing.
///
/// Method: a datagram socket plays the manager, in the file system and in the abstract namespace.
@Suite("The service manager")
struct ServiceManagerTests {
    @Test("each piece of news is a line of one datagram", arguments: [false, true])
    func lines(isAbstract: Bool) throws {
        let directory = TemporaryDirectory()
        let name = directory.path + "/notify"
        let path = isAbstract ? "@" + name : name
        let listener = try Listener(name, isAbstract: isAbstract)
        let manager = try #require(ServiceManager { $0 == "NOTIFY_SOCKET" ? path : nil })
        #expect(manager.watchdogMilliseconds == nil)
        manager.tell(.ready, .status("two\nlines"), .alive, .stopping)
        #expect(listener.next() == "READY=1\nSTATUS=two lines\nWATCHDOG=1\nSTOPPING=1")
    }

    @Test("without a socket there is no manager, and one that is gone is not waited for")
    func absent() throws {
        #expect(ServiceManager { _ in nil } == nil)
        #expect(ServiceManager { _ in "relative" } == nil)
        let directory = TemporaryDirectory()
        let path = directory.path + "/nobody"
        try #require(ServiceManager { $0 == "NOTIFY_SOCKET" ? path : nil }).tell(.ready)
    }

    @Test("the watchdog's time is told only to the process it is meant for")
    func watchdog() throws {
        func manager(_ pid: Int32) -> ServiceManager? {
            ServiceManager { name in
                switch name {
                case "NOTIFY_SOCKET": "/run/notify"
                case "WATCHDOG_USEC": "30000000"
                default: "\(pid)"
                }
            }
        }
        #expect(manager(getpid())?.watchdogMilliseconds == 30_000)
        #expect(manager(getpid() + 1)?.watchdogMilliseconds == nil)
    }

    /// The socket a service manager would listen at.
    private final class Listener {
        private let number: Int32

        init(_ name: String, isAbstract: Bool) throws {
            number = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            let bytes = (isAbstract ? [0] : []) + Array(name.utf8)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
            let length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
            let number = number
            let status = withUnsafeBytes(of: address) { raw in
                raw.withMemoryRebound(to: sockaddr.self) {
                    Glibc.bind(number, $0.baseAddress, length)
                }
            }
            try #require(status == 0)
        }

        deinit { close(number) }

        /// The next datagram that is there already.
        func next() -> String {
            var bytes = [UInt8](repeating: 0, count: 4_096)
            let count = recv(number, &bytes, bytes.count, Int32(MSG_DONTWAIT))
            return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
        }
    }
}
