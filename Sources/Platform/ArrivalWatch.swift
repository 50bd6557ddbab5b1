// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Tells at which of many connections bytes have arrived since they were last asked for
/// (`epoll(7)`, edge-triggered).
///
/// The connections stay the library's that opened them; one that is closed leaves by itself.
package final class ArrivalWatch: Sendable {
    private let descriptor: FileDescriptor

    /// `EPOLLIN | EPOLLET`.
    private static let interest: UInt32 = 1 | 1 << 31
    private static let addition: Int32 = 1

    // `struct epoll_event`: 32 bits of events and 64 of the owner's, packed on x86-64 only.
    #if arch(x86_64)
        private static let eventBytes = 12
        private static let dataOffset = 4
    #else
        private static let eventBytes = 16
        private static let dataOffset = 8
    #endif

    /// A watch over nothing yet.
    ///
    /// - Throws: `SystemFault` if the limit of open descriptors is reached.
    package init() throws(SystemFault) {
        let number = LinuxCalls.epollCreate(O_CLOEXEC)
        guard number >= 0 else { throw .latest("watch connections") }
        descriptor = FileDescriptor(number)
    }

    /// Readable while `take` would find something.
    package var fileDescriptor: Int32 { descriptor.number }

    /// Watches one more; a number that is no connection, or is watched already, changes nothing.
    package func add(_ connection: Int32) {
        withUnsafeTemporaryAllocation(byteCount: Self.eventBytes, alignment: 8) { event in
            event.storeBytes(of: Self.interest, as: UInt32.self)
            event.storeBytes(
                of: UInt64(bitPattern: Int64(connection)),
                toByteOffset: Self.dataOffset,
                as: UInt64.self
            )
            _ = LinuxCalls.epollControl(
                descriptor.number,
                Self.addition,
                connection,
                event.baseAddress
            )
        }
    }

    /// Appends connections at which bytes arrived, the longest waiting first, or that have ended.
    ///
    /// - Parameters:
    ///   - countMax: How many at most, 1 to 1 024; the others are told the next time.
    ///   - connections: Extended by their descriptors.
    package func take(countMax: Int, into connections: inout [Int32]) {
        precondition((1...1_024).contains(countMax), "a look needs room for 1 to 1 024 arrivals")
        withUnsafeTemporaryAllocation(
            byteCount: Self.eventBytes * countMax,
            alignment: 8
        ) { events in
            let count = LinuxCalls.epollWait(
                descriptor.number,
                events.baseAddress,
                Int32(countMax),
                0
            )
            for place in 0..<Int(max(count, 0)) {
                let data = events.loadUnaligned(
                    fromByteOffset: place * Self.eventBytes + Self.dataOffset,
                    as: UInt64.self
                )
                connections.append(Int32(truncatingIfNeeded: data))
            }
        }
    }
}
