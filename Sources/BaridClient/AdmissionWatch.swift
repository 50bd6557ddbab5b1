// SPDX-License-Identifier: Apache-2.0

internal import Keys
internal import Wire
internal import ZeroMQ

/// Hears whether the bus refuses the key of a socket; hears nothing on an open road.
///
/// Belongs to the thread that made it.
struct AdmissionWatch: ~Copyable {
    private let monitor: Monitor?

    /// Watches a socket that has not begun to connect.
    ///
    /// - Throws: `ZeroMQFault` if descriptors have run out.
    init(
        of socket: borrowing Socket,
        _ credentials: Credentials?,
        name: String
    ) throws(ZeroMQFault) {
        monitor = credentials == nil ? nil : try Monitor(of: socket, name: name)
    }

    /// Whether the bus has refused our key since the last call.
    ///
    /// A client that does not ask would go on connecting and never learn why nothing answers.
    borrowing func isNotAdmitted() throws(ZeroMQFault) -> Bool {
        switch monitor {
        case .some(let monitor):
            var isRefused = false
            while let event = try monitor.next() {
                if case .authenticationRefused = event { isRefused = true }
            }
            return isRefused
        case .none: return false
        }
    }

    /// Has a poller wake us for what `isNotAdmitted` tells.
    borrowing func watch(with poller: inout Poller) {
        switch monitor {
        case .some(let monitor): _ = poller.add(monitor.socket)
        case .none: return
        }
    }
}

extension Socket {
    /// The settings of every client's socket; before it connects.
    ///
    /// - Throws: `ZeroMQFault` if libzmq does not take the keys.
    borrowing func setAsClient(_ credentials: Credentials?) throws(ZeroMQFault) {
        try set(.linger(milliseconds: 500))
        try set(.reconnectInterval(milliseconds: 100))
        try set(.reconnectIntervalMax(milliseconds: 2_000))
        // Bodies are limited by what `hello` tells.
        try set(.maxMessageBytes(Int64(Limits.messageBytesMax(bodyBytesMax: 256 << 20))))
        try set(.sendHighWater(10_000))
        try set(.receiveHighWater(10_000))
        guard let credentials else { return }
        try set(
            .curveClient(
                publicKey: credentials.pair.publicKey.bytes,
                secretKey: credentials.pair.secret,
                serverKey: credentials.server.bytes
            )
        )
    }
}
