// SPDX-License-Identifier: Apache-2.0

internal import Platform
internal import Rules
internal import Wire
internal import ZeroMQ

extension Switchboard {
    /// Opens a session for a peer and asks the ledger to welcome it, or refuses.
    mutating func admit(
        _ header: Header,
        envelope: UnsafeRawBufferPointer,
        body: UnsafeRawBufferPointer,
        from peer: inout Peer
    ) throws(ZeroMQFault) {
        let agency: String
        do throws(RefusalCode) {
            agency = try agencyAdmitted(envelope, from: peer)
        } catch {
            return try refuse(error, number: header.number, to: peer)
        }
        if let earlier = sessions.session(token: header.id), earlier.agency == agency {
            try end(earlier, farewell: .noSession)
        }
        let meter = peer.identity.flatMap { _ in door?.meter(of: agency, now: now) }
        guard sessions.count < configuration.sessionsMax, meter?.hasRoom != false,
            let number = sessions.nextNumber()
        else { return try refuse(.tooManySessions, number: header.number, to: peer) }
        let session = Session(
            number: number,
            gate: peer.gate,
            route: peer.route,
            token: drawToken(),
            agency: agency,
            identity: peer.identity,
            descriptor: peer.descriptor,
            meter: meter,
            helloNumber: header.number,
            lastSeen: listeningNow
        )
        sessions.insert(session)
        peer.session = session
        introduce(session)
        var header = header
        header.id = session.token
        forward(header, envelope: envelope, body: body, of: session)
    }

    /// Tells the ledger that a session leaves, after its bye was forwarded.
    mutating func leave(_ session: Session, byeNumber: UInt32) throws(ZeroMQFault) {
        batch.events.append(.departed(session: session.number))
        session.isEndTold = true
        dropInterests(of: session)
        session.phase = .leaving(byeNumber)
        // Number 0 asks for no answer, so there is none to wait for.
        guard byeNumber == 0 else { return }
        session.phase = .left
        try flush(session)
    }

    /// Removes a session at once and tells the ledger what became of it; does nothing if it is gone.
    ///
    /// - Parameters:
    ///   - session: Its packets that were not sent are reported delivery by delivery.
    ///   - farewell: Why, told to the peer if it still can take it; nil tells nothing.
    /// - Throws: `ZeroMQFault` if libzmq fails.
    mutating func end(_ session: Session, farewell: RefusalCode? = nil) throws(ZeroMQFault) {
        guard sessions.remove(session) else { return }
        session.isGone = true
        leaveDoor(session)
        dropInterests(of: session)
        while let bytes = session.outbox.first {
            bytes.withUnsafeBytes { reportUndelivered(in: $0, of: session) }
            session.outbox.removeFirst()
        }
        if let packet = session.packet {
            session.packet = nil
            let byteCount = packet.writer.finish { bytes in
                reportUndelivered(in: bytes, of: session)
                return bytes.count
            }
            pool.put(packet, largestBytes: byteCount)
        }
        if !session.isEndTold { batch.events.append(.ended(session: session.number)) }
        if let farewell { try sendFarewell(farewell, to: session) }
    }

    /// Ends the sessions an operator wants ended; those that are gone already are passed over.
    mutating func cutSessions() throws(ZeroMQFault) {
        while let number = cuts.tryTake() {
            guard let session = sessions[number] else { continue }
            try end(session, farewell: .noSession)
        }
    }

    /// Checks all that can be checked before the session is made; returns its agency.
    private func agencyAdmitted(
        _ envelope: UnsafeRawBufferPointer,
        from peer: Peer
    ) throws(RefusalCode) -> String {
        guard peer.session == nil else { throw .alreadyOpen }
        guard stage == .serving else { throw .draining }
        let hello = try Envelope.read(Envelope.Hello.self, from: envelope)
        guard Name.isLegal(hello.agency) else { throw .nameInvalid }
        let level = UInt32(Limits.level)
        guard hello.levelMin <= level, level <= hello.levelMax else { throw .wrongLevel }
        try checkStanding(of: hello.agency, peer)
        return hello.agency
    }

    private func drawToken() -> Identifier {
        while true {
            let token = randomBytes(16).withUnsafeBytes { bytes in
                Identifier(high: bytes.bigEndian(at: 0), low: bytes.bigEndian(at: 8))
            }
            if token != .none, sessions.session(token: token) == nil { return token }
        }
    }
}
