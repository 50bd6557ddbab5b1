// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// What the system knows of connections that another library opened, by their descriptors.
///
/// They stay the library's: nothing here closes one.
package enum Connections {
    /// Offset of `tcpi_bytes_received` in `struct tcp_info` (`linux/tcp.h`, since Linux 4.1); the
    /// C library's own copy of the structure ends before it.
    private static let bytesReceivedOffset = 128

    /// Where a connection comes from, such as `192.0.2.7` and its port; nil if it is not TCP or
    /// has ended.
    package static func peer(of descriptor: Int32) -> (address: String, port: UInt16)? {
        var storage = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let status = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                getpeername(descriptor, $0, &size)
            }
        }
        let isInternet = storage.ss_family == AF_INET || storage.ss_family == AF_INET6
        guard status == 0, isInternet else { return nil }
        var host = [CChar](repeating: 0, count: 64)
        var service = [CChar](repeating: 0, count: 16)
        let isNamed = withUnsafePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                getnameinfo(
                    $0,
                    size,
                    &host,
                    socklen_t(host.count),
                    &service,
                    socklen_t(service.count),
                    NI_NUMERICHOST | NI_NUMERICSERV
                )
            }
        }
        guard isNamed == 0 else { return nil }
        let port = UInt16(text(service)) ?? 0
        return (text(host), port)
    }

    /// Bytes that were read from a TCP connection; nil if the descriptor is none.
    ///
    /// What TCP has received, less what waits to be read.
    package static func bytesRead(_ descriptor: Int32) -> UInt64? {
        // Asked first: what comes in between is not counted as read.
        guard let received = bytesReceived(descriptor) else { return nil }
        var waiting: Int32 = 0
        guard ioctl(descriptor, UInt(FIONREAD), &waiting) == 0 else { return nil }
        return received - min(received, UInt64(max(waiting, 0)))
    }

    private static func bytesReceived(_ descriptor: Int32) -> UInt64? {
        var information = [UInt8](repeating: 0, count: 256)
        var size = socklen_t(information.count)
        let status = getsockopt(
            descriptor,
            Int32(IPPROTO_TCP),
            TCP_INFO,
            &information,
            &size
        )
        guard status == 0, Int(size) >= bytesReceivedOffset + 8 else { return nil }
        return information.withUnsafeBytes {
            $0.loadUnaligned(fromByteOffset: bytesReceivedOffset, as: UInt64.self)
        }
    }

    /// The process and user at the other end of a unix socket when it connected; nil if it is none
    /// or has ended.
    package static func credentials(of descriptor: Int32) -> (processID: Int32, userID: UInt32)? {
        // The kernel's `struct ucred`: process, user, group, 32 bits each.
        var record: (Int32, UInt32, UInt32) = (0, 0, 0)
        var size = socklen_t(MemoryLayout.size(ofValue: record))
        guard getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &record, &size) == 0, record.0 > 0
        else { return nil }
        return (record.0, record.1)
    }

    /// Ends a connection in both directions; its owner notices, and closes it.
    package static func cut(_ descriptor: Int32) {
        _ = shutdown(descriptor, Int32(SHUT_RDWR))
    }

    /// Ends a connection and drops what has arrived and was not read yet; a unix socket keeps that.
    package static func discard(_ descriptor: Int32) {
        cut(descriptor)
        // To connect to no address at all is how TCP is made to forget (`connect(2)`).
        var nowhere = sockaddr(sa_family: sa_family_t(AF_UNSPEC), sa_data: sockaddr().sa_data)
        _ = connect(descriptor, &nowhere, socklen_t(MemoryLayout<sockaddr>.size))
    }

    private static func text(_ characters: [CChar]) -> String {
        String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// How many descriptors this process may have.
package enum Descriptors {
    /// Raises the limit to as many as the system lets this process have.
    package static func raiseLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    /// Has the system make room for this many descriptors at once, or for as many as the limit allows.
    ///
    /// Otherwise its table doubles when it is full, and whoever opens the descriptor that is one too many
    /// waits for all processors: 16 ms at 512, 1 024, 2 048 and 4 096.
    ///
    /// - Parameter count: 1 or more.
    package static func makeRoom(for count: Int) {
        let highest = fcntl(0, F_DUPFD_CLOEXEC, Int32(clamping: min(count, limit) - 1))
        if highest >= 0 { close(highest) }
    }

    /// Descriptors this process may have open.
    package static var limit: Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            return 1_024
        }
        return Int(clamping: limit.rlim_cur)
    }
}
