// SPDX-License-Identifier: Apache-2.0

internal import CZeroMQ

/// A peer that wants in, as libzmq asks about it (ZAP, RFC 27).
package struct AdmissionQuestion: Equatable, Sendable {
    /// The domain of the socket it knocked at.
    package var domain: String
    /// Its address, without a port; empty for a unix socket.
    package var address: String
    /// The public key it has proven, 32 bytes; nil for a mechanism without keys.
    package var publicKey: [UInt8]?
    fileprivate var id: [UInt8]
}

/// Answers libzmq's questions whether a peer may in, for all sockets of one context.
///
/// Make it before the first `bind`, keep it until the last socket is closed, and answer every
/// question: while nobody answers, a peer waits, and without a handler at all a socket with a
/// domain refuses everybody.
package struct Authenticator: ~Copyable {
    /// For a poller.
    package let socket: Socket
    private let frame = Frame()

    /// Frames of a question that are looked at; libzmq sends seven for CURVE.
    private static let framesMax = 16

    /// Takes the place of the context's handler.
    ///
    /// - Throws: `ZeroMQFault`, with `EADDRINUSE` if there is one already.
    package init(in context: Context) throws(ZeroMQFault) {
        let socket = try Socket(.reply, in: context)
        try socket.set(.linger(milliseconds: 0))
        // No limit: what waits here are handshakes, which end by themselves after some seconds.
        try socket.set(.receiveHighWater(0))
        try socket.bind("inproc://zeromq.zap.01")
        self.socket = socket
    }

    /// The next question, or nil if there is none now; it must be answered before the next.
    ///
    /// - Throws: `ZeroMQFault` if the context is shut down.
    package borrowing func next() throws(ZeroMQFault) -> AdmissionQuestion? {
        guard try socket.receive(into: frame) == .message else { return nil }
        var frames = [frame.withBytes { [UInt8]($0) }]
        while frame.hasMore {
            guard try socket.receive(into: frame) == .message else { break }
            if frames.count < Self.framesMax { frames.append(frame.withBytes { [UInt8]($0) }) }
        }
        func text(_ place: Int) -> String {
            frames.indices.contains(place) ? String(decoding: frames[place], as: UTF8.self) : ""
        }
        // version, request id, domain, address, routing id, mechanism, credentials …
        let hasKey = text(5) == "CURVE" && frames.count == 7 && frames[6].count == 32
        return AdmissionQuestion(
            domain: text(2),
            address: text(3),
            publicKey: hasKey ? frames[6] : nil,
            id: frames.count > 1 ? frames[1] : []
        )
    }

    /// Lets the peer in; every payload frame of it will bear `userID` as its `User-Id`.
    ///
    /// - Throws: `ZeroMQFault` if the context is shut down.
    package borrowing func admit(
        _ question: AdmissionQuestion,
        as userID: String
    ) throws(ZeroMQFault) {
        try answer(question, "200", "OK", userID)
    }

    /// Keeps the peer out; its own monitor reports status 400.
    ///
    /// - Throws: `ZeroMQFault` if the context is shut down.
    package borrowing func refuse(_ question: AdmissionQuestion) throws(ZeroMQFault) {
        try answer(question, "400", "not admitted", "")
    }

    private borrowing func answer(
        _ question: AdmissionQuestion,
        _ status: String,
        _ text: String,
        _ userID: String
    ) throws(ZeroMQFault) {
        let frames = [
            Array("1.0".utf8), question.id, Array(status.utf8), Array(text.utf8),
            Array(userID.utf8), [],
        ]
        for (place, frame) in frames.enumerated() {
            _ = try frame.withUnsafeBufferPointer { bytes throws(ZeroMQFault) in
                try socket.send(UnsafeRawBufferPointer(bytes), more: place < frames.count - 1)
            }
        }
    }
}
