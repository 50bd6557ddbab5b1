// SPDX-License-Identifier: Apache-2.0

internal import Wire
internal import ZeroMQ

/// What a gate found when it was asked for the next message.
enum Arrival {
    /// A message of one frame from this peer; the gate's frame holds it.
    case packet(from: UInt32)
    /// A message of several frames from this peer; none of it is kept.
    case multipart(from: UInt32)
    /// Frames that concern nobody: a further part, or a peer that chose its own routing id.
    case dropped
    /// Nothing waits.
    case nothing
}

/// One endpoint of the bus: a ROUTER socket and the frame it receives into.
///
/// libzmq names a peer by five bytes, a zero and a number of its own; that number is the *route*.
final class Gate {
    let endpoint: String
    let slot: Int
    let frame = Frame()
    /// Whether every peer must prove a key.
    let isKeyed: Bool
    private let socket: Socket
    private let monitor: Monitor
    /// Lets newcomers in at a bounded pace; nil at an open gate, whose file's mode says who may knock.
    private let listener: Listener?
    /// Where the poller tells that something happened to a connection.
    let eventSlot: Int
    /// True while parts of a refused message may still wait.
    private var isSkipping = false

    /// Binds a router.
    ///
    /// - Parameters:
    ///   - wanted: Where.
    ///   - bodyBytesMax: Largest body taken, in bytes.
    ///   - secretKey: The daemon's, for a keyed gate; nil for an open one.
    ///   - context: A keyed gate's has an authenticator already.
    ///   - poller: Wakes us for what arrives.
    /// - Throws: `ZeroMQFault` if the endpoint is taken or forbidden.
    init(
        _ wanted: Endpoint,
        bodyBytesMax: Int,
        secretKey: [UInt8]?,
        in context: Context,
        poller: inout Poller
    ) throws(ZeroMQFault) {
        let socket = try Socket(.router, in: context)
        // CURVE wraps each message in 33 bytes more, which libzmq counts.
        let messageBytesMax =
            Limits.messageBytesMax(bodyBytesMax: bodyBytesMax) + (secretKey == nil ? 0 : 64)
        // An unknown or full peer is told to us, where libzmq would drop silently.
        try socket.set(.routerMandatory(true))
        // Messages a peer, not bytes: the backstop behind credit and the outbox.
        try socket.set(.sendHighWater(256))
        try socket.set(.receiveHighWater(256))
        try socket.set(.maxMessageBytes(Int64(messageBytesMax)))
        // What the last turn sent, farewells above all, may take a second to leave.
        try socket.set(.linger(milliseconds: 1_000))
        try socket.set(.handshakeInterval(milliseconds: 5_000))
        try socket.set(.backlog(4_096))
        try socket.set(.heartbeatInterval(milliseconds: 10_000))
        try socket.set(.heartbeatTimeout(milliseconds: 30_000))
        try socket.set(.heartbeatLifetime(milliseconds: 30_000))
        try socket.set(.tcpKeepalive(true))
        try socket.set(.ipv6(wanted.text.contains("[")))
        if let secretKey {
            try socket.set(.curveServer(secretKey: secretKey, domain: "barid"))
        }
        let monitor = try Monitor(of: socket, name: "monitor-\(wanted.text)")
        eventSlot = poller.add(monitor.socket)
        isKeyed = secretKey != nil
        try socket.bind(wanted.text)
        listener = secretKey == nil ? nil : try monitor.listener()
        self.monitor = consume monitor
        endpoint = try socket.lastEndpoint
        slot = poller.add(socket)
        self.socket = socket
    }

    /// The next thing that happened to a connection, or nil.
    ///
    /// - Throws: `ZeroMQFault` if the context is shut down.
    func nextEvent() throws(ZeroMQFault) -> MonitorEvent? { try monitor.next() }

    /// The connection by which the message in `frame` came; -1 if libzmq does not know.
    var sourceDescriptor: Int32 { frame.sourceDescriptor() ?? -1 }

    /// Takes the next message, or at most `frameBudget` frames of one that is not kept.
    ///
    /// - Parameter frameBudget: Reduced by the frames read; 1 or more on entry.
    /// - Returns: What was found; a packet lies in `frame` until the next call.
    /// - Throws: `ZeroMQFault` if the context is shut down.
    func receive(frameBudget: inout Int) throws(ZeroMQFault) -> Arrival {
        guard !isSkipping else { return try skip(frameBudget: &frameBudget) }
        guard try socket.receive(into: frame) == .message else { return .nothing }
        frameBudget -= 1
        guard let route = frame.withBytes({ Self.route(of: $0) }) else {
            isSkipping = frame.hasMore
            return .dropped
        }
        // libzmq hands out a message only once all its frames are there.
        guard frame.hasMore, try socket.receive(into: frame) == .message else { return .dropped }
        frameBudget -= 1
        isSkipping = frame.hasMore
        return isSkipping ? .multipart(from: route) : .packet(from: route)
    }

    /// Sends a packet to a peer; never blocks.
    ///
    /// - Throws: `ZeroMQFault` if the context is shut down or memory is short.
    func send(_ bytes: UnsafeRawBufferPointer, to route: UInt32) throws(ZeroMQFault) -> SendResult {
        var name: (UInt8, UInt8, UInt8, UInt8, UInt8) = (0, 0, 0, 0, 0)
        let result = try withUnsafeMutableBytes(of: &name) { name throws(ZeroMQFault) in
            name.storeBigEndian(route, at: 1)
            return try socket.send(UnsafeRawBufferPointer(name), more: true)
        }
        // The first frame decides: after it libzmq takes the rest whatever becomes of the peer.
        guard result == .sent else { return result }
        return try socket.send(bytes)
    }

    private func skip(frameBudget: inout Int) throws(ZeroMQFault) -> Arrival {
        while isSkipping, frameBudget > 0 {
            guard try socket.receive(into: frame) == .message else {
                isSkipping = false
                return .nothing
            }
            frameBudget -= 1
            isSkipping = frame.hasMore
        }
        return .dropped
    }

    private static func route(of name: UnsafeRawBufferPointer) -> UInt32? {
        guard name.count == 5, name[0] == 0 else { return nil }
        return name.bigEndian(at: 1)
    }
}
