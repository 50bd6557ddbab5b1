// SPDX-License-Identifier: Apache-2.0

internal import CZeroMQ

/// What happened to a connection of a monitored socket (`zmq_socket_monitor(3)`).
package enum MonitorEvent: Equatable, Sendable {
    /// A peer's connection was accepted under this descriptor; nothing is proven yet.
    case accepted(descriptor: Int32)
    /// Connections are accepted at this descriptor from now on.
    case listening(descriptor: Int32)
    /// The connection under this descriptor has ended; its number is free once this was reported.
    case disconnected(descriptor: Int32)
    /// The handshake is done.
    case handshakeSucceeded
    /// The handler refused the peer's key; the status it gave, 400 for a key that is not known.
    case authenticationRefused(status: Int32)
    /// The peer does not speak the mechanism, or speaks it wrongly; libzmq's number for it.
    case protocolViolated(code: Int32)
    /// The handshake ended otherwise: given up, or too slow; an error number.
    case handshakeFailed(errno: Int32)
}

/// Hears what happens to the connections of one socket.
///
/// Make it before the socket is bound or connected, on the socket's thread, and watch its `socket`.
package struct Monitor: ~Copyable {
    /// For a poller.
    package let socket: Socket
    private let frame = Frame()

    private static let events =
        ZMQ_EVENT_LISTENING | ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED
        | ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH
        | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL

    /// Begins to listen.
    ///
    /// - Parameters:
    ///   - watched: The socket.
    ///   - name: A name not used by another monitor of the context.
    /// - Throws: `ZeroMQFault`.
    package init(of watched: borrowing Socket, name: String) throws(ZeroMQFault) {
        let endpoint = "inproc://\(name)"
        guard zmq_socket_monitor(watched.handle, endpoint, Self.events) == 0 else {
            throw .latest("watch the connections of a socket")
        }
        let socket = try Socket(.pair, in: watched.context)
        // Events beyond this wait are lost rather than kept: a flood of connections must not
        // become a flood of memory. What is missed is caught up with by descriptor.
        try socket.set(.receiveHighWater(100_000))
        try socket.connect(endpoint)
        self.socket = socket
    }

    /// The next event, or nil if there is none now; never blocks.
    ///
    /// - Throws: `ZeroMQFault` if the context is shut down.
    package borrowing func next() throws(ZeroMQFault) -> MonitorEvent? {
        while try socket.receive(into: frame) == .message {
            let event = frame.withBytes { Self.event($0) }
            while frame.hasMore {
                guard try socket.receive(into: frame) == .message else { break }
            }
            if let event { return event }
        }
        return nil
    }

    /// 16 bits of event and 32 bits of value, in the machine's own order.
    private static func event(_ bytes: UnsafeRawBufferPointer) -> MonitorEvent? {
        guard bytes.count == 6 else { return nil }
        let value = bytes.loadUnaligned(fromByteOffset: 2, as: Int32.self)
        switch Int32(bytes.loadUnaligned(as: UInt16.self)) {
        case ZMQ_EVENT_ACCEPTED: return .accepted(descriptor: value)
        case ZMQ_EVENT_LISTENING: return .listening(descriptor: value)
        case ZMQ_EVENT_DISCONNECTED: return .disconnected(descriptor: value)
        case ZMQ_EVENT_HANDSHAKE_SUCCEEDED: return .handshakeSucceeded
        case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH: return .authenticationRefused(status: value)
        case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL: return .protocolViolated(code: value)
        case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL: return .handshakeFailed(errno: value)
        default: return nil
        }
    }
}
