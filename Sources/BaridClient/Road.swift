// SPDX-License-Identifier: Apache-2.0

internal import Keys
internal import Wire
internal import ZeroMQ

/// The one socket of a connection, with the settings every client uses.
///
/// Belongs to the thread that made it.
struct Road: ~Copyable {
    let socket: Socket
    /// Tells at once that a key is not admitted; nil on an open road.
    private let monitor: Monitor?

    /// Largest message taken from the bus, in bytes; bodies are limited by what `hello` tells.
    private static let messageBytesMax = Limits.messageBytesMax(bodyBytesMax: 256 << 20)

    /// Begins to connect; libzmq goes on trying.
    ///
    /// - Throws: `ZeroMQFault` if the endpoint is malformed or descriptors have run out.
    init(_ endpoint: String, _ credentials: Credentials? = nil) throws(ZeroMQFault) {
        let socket = try Socket(.dealer, in: try Context())
        // Nothing is queued for a daemon that is away: it is sent again once a session is open.
        try socket.set(.immediate(true))
        try socket.set(.linger(milliseconds: 500))
        try socket.set(.reconnectInterval(milliseconds: 100))
        try socket.set(.reconnectIntervalMax(milliseconds: 2_000))
        try socket.set(.maxMessageBytes(Int64(Self.messageBytesMax)))
        try socket.set(.sendHighWater(10_000))
        try socket.set(.receiveHighWater(10_000))
        // A peer that vanished without a word is noticed, and the connection made anew.
        try socket.set(.heartbeatInterval(milliseconds: 3_000))
        try socket.set(.heartbeatTimeout(milliseconds: 15_000))
        if let credentials {
            try socket.set(
                .curveClient(
                    publicKey: credentials.pair.publicKey.bytes,
                    secretKey: credentials.pair.secret,
                    serverKey: credentials.server.bytes
                )
            )
        }
        let monitor: Monitor? = credentials == nil ? nil : try Monitor(of: socket, name: "road")
        try socket.connect(endpoint)
        self.socket = socket
        self.monitor = monitor
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

    private enum NotSent: Error {
        case blocked
        case broken(ZeroMQFault)
    }

    /// Sends the packet and empties the writer; false, leaving it as it is, while the road is
    /// broken or full.
    borrowing func send(_ writer: inout PacketWriter) throws(ZeroMQFault) -> Bool {
        do throws(NotSent) {
            try writer.finish { bytes throws(NotSent) in try send(bytes) }
            return true
        } catch {
            switch error {
            case .blocked: return false
            case .broken(let fault): throw fault
            }
        }
    }

    private borrowing func send(_ bytes: UnsafeRawBufferPointer) throws(NotSent) {
        let result: SendResult
        do throws(ZeroMQFault) { result = try socket.send(bytes) } catch { throw .broken(error) }
        guard case .sent = result else { throw .blocked }
    }
}
