// SPDX-License-Identifier: Apache-2.0

internal import CZeroMQ

/// A setting of a socket, to be made before `bind` or `connect` unless said otherwise.
///
/// Times are in milliseconds; names in libzmq's manual (`zmq_setsockopt(3)`) are given with each.
package enum SocketOption: Sendable {
    /// Finished messages that may wait for each peer; 0 is no limit (`ZMQ_SNDHWM`).
    case sendHighWater(Int32)
    /// Finished messages from each peer that may wait for us; 0 is no limit (`ZMQ_RCVHWM`).
    case receiveHighWater(Int32)
    /// How long closing keeps trying to send what waits; 0 drops it, -1 never gives up
    /// (`ZMQ_LINGER`). May change at any time.
    case linger(milliseconds: Int32)
    /// Largest single frame accepted, in bytes; a peer that exceeds it is disconnected
    /// (`ZMQ_MAXMSGSIZE`). Counts each frame, not the message.
    case maxMessageBytes(Int64)
    /// Reports an unknown or full peer instead of dropping silently; router only
    /// (`ZMQ_ROUTER_MANDATORY`).
    case routerMandatory(Bool)
    /// Queues only to finished connections (`ZMQ_IMMEDIATE`).
    case immediate(Bool)
    /// First pause before connecting again (`ZMQ_RECONNECT_IVL`).
    case reconnectInterval(milliseconds: Int32)
    /// Longest pause before connecting again, approached by doubling; 0 keeps the first
    /// (`ZMQ_RECONNECT_IVL_MAX`).
    case reconnectIntervalMax(milliseconds: Int32)
    /// Pause between pings; 0 sends none (`ZMQ_HEARTBEAT_IVL`).
    case heartbeatInterval(milliseconds: Int32)
    /// Silence after a ping that ends the connection (`ZMQ_HEARTBEAT_TIMEOUT`).
    case heartbeatTimeout(milliseconds: Int32)
    /// Silence after which the *peer* is told to give up on us; kept in tenths of a second
    /// (`ZMQ_HEARTBEAT_TTL`).
    case heartbeatLifetime(milliseconds: Int32)
    /// Time a peer has to finish the handshake; 0 is unlimited (`ZMQ_HANDSHAKE_IVL`).
    case handshakeInterval(milliseconds: Int32)
    /// Connections the system may hold before they are accepted (`ZMQ_BACKLOG`).
    case backlog(Int32)
    /// Lets the system probe silent TCP connections (`ZMQ_TCP_KEEPALIVE`).
    case tcpKeepalive(Bool)
    /// Whether IPv6 endpoints may be bound and connected, beside IPv4 (`ZMQ_IPV6`).
    case ipv6(Bool)
    /// A routing id of the peer's own choosing, 1 to 255 bytes; the bus hears no such peer
    /// (`ZMQ_ROUTING_ID`).
    case routingID([UInt8])
    /// The name under which a router knows the peer of its next `connect`, 1 to 255 bytes, not
    /// beginning with a zero; the peer does not learn it (`ZMQ_CONNECT_ROUTING_ID`). Made before each
    /// `connect`.
    case connectedPeerID([UInt8])
    /// Makes the socket the server's end of CURVE: every peer must know `key`'s public half and
    /// prove a key of its own, which `Authenticator` judges (`ZMQ_CURVE_SERVER`,
    /// `ZMQ_CURVE_SECRETKEY`, `ZMQ_ZAP_DOMAIN`, `ZMQ_ZAP_ENFORCE_DOMAIN`).
    case curveServer(secretKey: [UInt8], domain: String)
    /// Makes the socket a client's end of CURVE (`ZMQ_CURVE_SERVERKEY`, `ZMQ_CURVE_PUBLICKEY`,
    /// `ZMQ_CURVE_SECRETKEY`). Keys are 32 bytes each.
    case curveClient(publicKey: [UInt8], secretKey: [UInt8], serverKey: [UInt8])
}

extension Socket {
    /// Makes one setting.
    ///
    /// - Throws: `ZeroMQFault` if libzmq refuses the value or this kind of socket has no such
    ///   setting.
    package borrowing func set(_ option: SocketOption) throws(ZeroMQFault) {
        switch option {
        case .sendHighWater(let count): try set(ZMQ_SNDHWM, count)
        case .receiveHighWater(let count): try set(ZMQ_RCVHWM, count)
        case .linger(let time): try set(ZMQ_LINGER, time)
        case .maxMessageBytes(let bytes): try set(ZMQ_MAXMSGSIZE, bytes)
        case .routerMandatory(let isOn): try set(ZMQ_ROUTER_MANDATORY, Int32(isOn ? 1 : 0))
        case .immediate(let isOn): try set(ZMQ_IMMEDIATE, Int32(isOn ? 1 : 0))
        case .reconnectInterval(let time): try set(ZMQ_RECONNECT_IVL, time)
        case .reconnectIntervalMax(let time): try set(ZMQ_RECONNECT_IVL_MAX, time)
        case .heartbeatInterval(let time): try set(ZMQ_HEARTBEAT_IVL, time)
        case .heartbeatTimeout(let time): try set(ZMQ_HEARTBEAT_TIMEOUT, time)
        case .heartbeatLifetime(let time): try set(ZMQ_HEARTBEAT_TTL, time)
        case .handshakeInterval(let time): try set(ZMQ_HANDSHAKE_IVL, time)
        case .backlog(let count): try set(ZMQ_BACKLOG, count)
        case .tcpKeepalive(let isOn): try set(ZMQ_TCP_KEEPALIVE, Int32(isOn ? 1 : 0))
        case .ipv6(let isOn): try set(ZMQ_IPV6, Int32(isOn ? 1 : 0))
        case .routingID(let name): try set(ZMQ_ROUTING_ID, name)
        case .connectedPeerID(let name): try set(ZMQ_CONNECT_ROUTING_ID, name)
        case .curveServer(let secretKey, let domain):
            try set(ZMQ_CURVE_SERVER, Int32(1))
            try set(ZMQ_CURVE_SECRETKEY, secretKey)
            try set(ZMQ_ZAP_DOMAIN, Array(domain.utf8))
            // Without it libzmq 4.3.4 admits every key while no handler is there to judge it.
            try set(barid_zap_enforce_domain, Int32(1))
        case .curveClient(let publicKey, let secretKey, let serverKey):
            try set(ZMQ_CURVE_SERVERKEY, serverKey)
            try set(ZMQ_CURVE_PUBLICKEY, publicKey)
            try set(ZMQ_CURVE_SECRETKEY, secretKey)
        }
    }

    private borrowing func set(_ name: Int32, _ value: [UInt8]) throws(ZeroMQFault) {
        let status = value.withUnsafeBytes { bytes in
            zmq_setsockopt(handle, name, bytes.baseAddress, bytes.count)
        }
        guard status == 0 else { throw .latest("make setting \(name) of a socket") }
    }

    /// Asks for the messages whose first frame begins with these bytes; subscribers only, may be
    /// called at any time and adds to what was asked for before (`ZMQ_SUBSCRIBE`).
    ///
    /// - Throws: `ZeroMQFault` if this is no subscriber.
    package borrowing func subscribe(toPrefix prefix: String) throws(ZeroMQFault) {
        var text = prefix
        let status = text.withUTF8 { bytes in
            zmq_setsockopt(handle, ZMQ_SUBSCRIBE, bytes.baseAddress, bytes.count)
        }
        guard status == 0 else { throw .latest("subscribe to \(prefix)") }
    }

    private borrowing func set<Value: BitwiseCopyable>(
        _ name: Int32,
        _ value: Value
    ) throws(ZeroMQFault) {
        let status = withUnsafeBytes(of: value) { bytes in
            zmq_setsockopt(handle, name, bytes.baseAddress, bytes.count)
        }
        guard status == 0 else { throw .latest("make setting \(name) of a socket") }
    }
}
