// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Who is at the other end of a unix socket, as the kernel noted when it connected.
package struct PeerCredentials: Equatable, Sendable {
    /// The process; it may have ended since, and its number may be another's now.
    package let processID: Int32
    /// The effective user.
    package let userID: UInt32
    /// The effective group.
    package let groupID: UInt32
}

/// What a read from a stream found.
package enum ReadResult: Equatable, Sendable {
    /// This many bytes, 1 or more, are in the buffer.
    case bytes(Int)
    /// Nothing to read now, or not within the receive timeout.
    case wouldBlock
    /// The peer has closed its end.
    case ended
}

/// One connection over a unix socket, closed when dropped.
package struct UnixStream: ~Copyable {
    private let descriptor: FileDescriptor

    init(_ descriptor: consuming FileDescriptor) {
        self.descriptor = descriptor
    }

    /// Connects to the listener at `path`, for reads and writes that wait.
    ///
    /// - Throws: `SystemFault`; `ECONNREFUSED` and `ENOENT` mean that nobody listens there.
    package init(connectingTo path: String) throws(SystemFault) {
        try self.init(connectingTo: path, isNonBlocking: false)
    }

    init(connectingTo path: String, isNonBlocking: Bool) throws(SystemFault) {
        let address = try UnixAddress(path)
        let descriptor = try UnixAddress.makeSocket()
        let number = descriptor.number
        if isNonBlocking { _ = fcntl(number, F_SETFL, O_NONBLOCK) }
        let status = uninterrupted { Int(address.withPointer { Glibc.connect(number, $0, $1) }) }
        guard status == 0 else { throw .latest("connect to", path) }
        self.descriptor = descriptor
    }

    /// The descriptor, for a `Poller`.
    package var fileDescriptor: Int32 { descriptor.number }

    /// Closes the connection now.
    package consuming func close() {}

    /// Reads what is there into `buffer`, which must have room for at least one byte.
    ///
    /// - Throws: `SystemFault` if the connection broke.
    package borrowing func read(
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(SystemFault) -> ReadResult {
        precondition(!buffer.isEmpty, "a read needs room for one byte")
        let number = descriptor.number
        let count = uninterrupted { recv(number, buffer.baseAddress, buffer.count, 0) }
        if count > 0 { return .bytes(count) }
        if count == 0 { return .ended }
        guard errno == EAGAIN else { throw .latest("read from a connection") }
        return .wouldBlock
    }

    /// Writes as many bytes as the system takes at once, and returns how many: 0 if none now.
    ///
    /// - Throws: `SystemFault`; `EPIPE` if the peer has closed.
    package borrowing func write(
        _ bytes: UnsafeRawBufferPointer
    ) throws(SystemFault) -> Int {
        let number = descriptor.number
        let count = uninterrupted {
            send(number, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
        }
        if count >= 0 { return count }
        guard errno == EAGAIN else { throw .latest("write to a connection") }
        return 0
    }

    /// Writes all bytes, waiting for the peer to read where the system's buffer is full.
    ///
    /// - Throws: `SystemFault`; `EPIPE` if the peer has closed.
    package borrowing func writeAll(_ bytes: UnsafeRawBufferPointer) throws(SystemFault) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = try write(UnsafeRawBufferPointer(rebasing: rest))
            rest = rest.dropFirst(count)
            guard count == 0 else { continue }
            var entry = pollfd(fd: descriptor.number, events: Int16(POLLOUT), revents: 0)
            _ = uninterrupted { Int(poll(&entry, 1, -1)) }
        }
    }

    /// Makes reads that find nothing give up after this time; 0 waits without end.
    ///
    /// - Throws: `SystemFault` if the connection broke.
    package borrowing func setReceiveTimeout(milliseconds: Int) throws(SystemFault) {
        var time = timeval(
            tv_sec: milliseconds / 1000,
            tv_usec: milliseconds % 1000 * 1000
        )
        let status = setsockopt(
            descriptor.number,
            SOL_SOCKET,
            SO_RCVTIMEO,
            &time,
            socklen_t(MemoryLayout<timeval>.size)
        )
        guard status == 0 else { throw .latest("set the timeout of a connection") }
    }

    /// Who connected.
    ///
    /// - Throws: `SystemFault` if the kernel does not say.
    package var peerCredentials: PeerCredentials {
        get throws(SystemFault) {
            // The kernel's `struct ucred`: process, user, group, 32 bits each.
            var record: (Int32, UInt32, UInt32) = (0, 0, 0)
            var size = socklen_t(MemoryLayout.size(ofValue: record))
            let status = getsockopt(
                descriptor.number,
                SOL_SOCKET,
                SO_PEERCRED,
                &record,
                &size
            )
            guard status == 0 else { throw .latest("ask who connected") }
            return PeerCredentials(
                processID: record.0,
                userID: record.1,
                groupID: record.2
            )
        }
    }

    /// Whether the peer has closed its end altogether; it may read on if it only ended sending.
    package var hasHungUp: Bool {
        var entry = pollfd(fd: descriptor.number, events: 0, revents: 0)
        return poll(&entry, 1, 0) > 0 && entry.revents & Int16(POLLHUP | POLLERR) != 0
    }
}
