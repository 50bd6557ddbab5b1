// SPDX-License-Identifier: Apache-2.0

internal import CZeroMQ

/// A ZeroMQ socket, closed when dropped.
///
/// Belongs to the thread that made it: libzmq's sockets are not thread-safe, and two threads on
/// one router abort the process. It is therefore not `Sendable`.
package struct Socket: ~Copyable {
    /// The pattern a socket speaks.
    package enum Kind: Sendable {
        /// Many peers, each message preceded by a frame that names the peer.
        case router
        /// One stream of messages to and from whoever is connected.
        case dealer
        /// To whoever subscribed, each message as far as it can be taken now; receives nothing.
        case publisher
        /// From publishers, only what begins with a prefix that was subscribed to; sends nothing.
        case subscriber
        /// One question after the other, each answered before the next.
        case reply
        /// One peer in this process.
        case pair
    }

    let handle: UnsafeMutableRawPointer
    let context: Context

    /// Opens a socket in a context.
    ///
    /// - Throws: `ZeroMQFault` if the context is shut down or its limit of sockets is reached.
    package init(_ kind: Kind, in context: Context) throws(ZeroMQFault) {
        let number =
            switch kind {
            case .router: ZMQ_ROUTER
            case .dealer: ZMQ_DEALER
            case .publisher: ZMQ_PUB
            case .subscriber: ZMQ_SUB
            case .reply: ZMQ_REP
            case .pair: ZMQ_PAIR
            }
        guard let handle = zmq_socket(context.handle, number) else {
            throw .latest("open a ZeroMQ socket")
        }
        self.handle = handle
        self.context = context
    }

    deinit {
        zmq_close(handle)
    }

    /// Accepts connections at an endpoint such as `tcp://*:7070` or `ipc:///run/barid/bus.sock`.
    ///
    /// - Throws: `ZeroMQFault` if the endpoint is malformed, taken or forbidden.
    package borrowing func bind(_ endpoint: String) throws(ZeroMQFault) {
        guard zmq_bind(handle, endpoint) == 0 else { throw .latest("bind", endpoint) }
    }

    /// Begins to connect to an endpoint; libzmq goes on trying in the background.
    ///
    /// - Throws: `ZeroMQFault` if the endpoint is malformed; an absent peer is no fault.
    package borrowing func connect(_ endpoint: String) throws(ZeroMQFault) {
        guard zmq_connect(handle, endpoint) == 0 else { throw .latest("connect to", endpoint) }
    }

    /// Ends a connection begun with `connect`, dropping what waits for it subject to linger.
    ///
    /// - Throws: `ZeroMQFault` if this endpoint was never connected.
    package borrowing func disconnect(_ endpoint: String) throws(ZeroMQFault) {
        guard zmq_disconnect(handle, endpoint) == 0 else {
            throw .latest("disconnect from", endpoint)
        }
    }

    /// Stops accepting at an endpoint, given as `lastEndpoint` reported it.
    ///
    /// - Throws: `ZeroMQFault` if this endpoint was never bound.
    package borrowing func unbind(_ endpoint: String) throws(ZeroMQFault) {
        guard zmq_unbind(handle, endpoint) == 0 else { throw .latest("unbind", endpoint) }
    }
}

/// What a call of `receive(into:)` found.
package enum ReceiveResult: Sendable {
    /// The frame holds the next frame of a message.
    case message
    /// Nothing to read now.
    case wouldBlock
}

/// What became of a frame that was to be sent.
package enum SendResult: Sendable {
    /// libzmq has taken a copy of the bytes.
    case sent
    /// The queue to the peer is full; nothing was taken.
    case wouldBlock
    /// No such peer is connected (mandatory routers only); nothing was taken.
    case unreachable
}

extension Socket {
    /// Takes the next waiting frame into `frame`, replacing its content; never blocks.
    ///
    /// - Throws: `ZeroMQFault` if the context is shut down.
    package borrowing func receive(
        into frame: borrowing Frame
    ) throws(ZeroMQFault) -> ReceiveResult {
        while zmq_msg_recv(frame.message, handle, ZMQ_DONTWAIT) < 0 {
            switch zmq_errno() {
            case barid_eintr: continue
            case barid_eagain: return .wouldBlock
            default: throw .latest("receive a message")
            }
        }
        return .message
    }

    /// Hands a copy of `bytes` to libzmq as one frame; never blocks.
    ///
    /// On a router the first frame names the peer and decides: once it was `sent`, the frames
    /// that follow it must be sent too, whatever happens to the peer meanwhile.
    ///
    /// - Parameters:
    ///   - bytes: Content of the frame; may be empty.
    ///   - more: True if further frames of the same message follow.
    /// - Returns: Whether libzmq took the frame, and if not, why.
    /// - Throws: `ZeroMQFault` if the context is shut down or memory is short.
    package borrowing func send(
        _ bytes: UnsafeRawBufferPointer,
        more: Bool = false
    ) throws(ZeroMQFault) -> SendResult {
        let flags = more ? ZMQ_DONTWAIT | ZMQ_SNDMORE : ZMQ_DONTWAIT
        while zmq_send(handle, bytes.baseAddress, bytes.count, flags) < 0 {
            switch zmq_errno() {
            case barid_eintr: continue
            case barid_eagain: return .wouldBlock
            case barid_ehostunreach: return .unreachable
            default: throw .latest("send a message")
            }
        }
        return .sent
    }
}
