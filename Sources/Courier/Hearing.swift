// SPDX-License-Identifier: Apache-2.0

internal import Rules
internal import Wire
internal import ZeroMQ

/// Who is heard now: a peer at a gate, and its session if it has one.
struct Peer {
    let gate: Int
    let route: UInt32
    var session: Session?
    /// Who it is, as its key proves; nil at an open gate.
    var identity: Identity?
    /// The connection it speaks by; -1 if libzmq does not know.
    var descriptor: Int32 = -1
}

extension Switchboard {
    /// Reads the next message of a gate, or returns false if there is none.
    mutating func hearNext(
        at index: Int,
        frameBudget: inout Int
    ) throws(ZeroMQFault) -> Bool {
        let gate = gates[index]
        let before = frameBudget
        switch try gate.receive(frameBudget: &frameBudget) {
        case .packet(let route):
            guard let peer = try known(peer(at: index, route)) else {
                counters.droppedFrames += 1
                return true
            }
            try gate.frame.withBytes { bytes throws(ZeroMQFault) in
                try hear(bytes, from: peer)
            }
        case .multipart(let route):
            counters.droppedFrames += 1
            guard let peer = try known(peer(at: index, route)) else { return true }
            try refuse(.multipart, number: 0, to: peer)
            try sendStray(to: peer)
        case .dropped:
            counters.droppedFrames += UInt64(before - frameBudget)
        case .nothing: return false
        }
        return true
    }

    /// Does what a packet asks, operation by operation.
    private mutating func hear(
        _ bytes: UnsafeRawBufferPointer,
        from speaker: Peer
    ) throws(ZeroMQFault) {
        var peer = speaker
        counters.packetsIn += 1
        counters.bytesIn += UInt64(bytes.count)
        peer.session?.meter?.charge(bytes: bytes.count, now: now)
        var reader: PacketReader
        do throws(PacketFault) {
            reader = try PacketReader(bytes, bodyBytesMax: configuration.bodyBytesMax)
        } catch {
            try refuse(error.refusal, number: 0, to: peer)
            return try sendStray(to: peer)
        }
        while let item = reader.next() {
            switch item {
            case .refused(let number, let code): try refuse(code, number: number, to: peer)
            case .operation(let header, let envelope, let body):
                try operate(header, envelope: envelope, body: body, of: &peer)
            }
        }
        try sendStray(to: peer)
    }

    /// Does one operation: forwards it, answers it or refuses it.
    private mutating func operate(
        _ header: Header,
        envelope: UnsafeRawBufferPointer,
        body: UnsafeRawBufferPointer,
        of peer: inout Peer
    ) throws(ZeroMQFault) {
        // A session may have ended while an earlier operation of the packet was answered.
        if let session = peer.session, session.isGone { peer.session = nil }
        switch header.verb {
        case .answer, .refusal, .delivery, .step, .farewell, .event, .gap, .ended, .question,
            .replied:
            try refuse(.unknownVerb, number: header.number, to: peer)
        case .hello: try admit(header, envelope: envelope, body: body, from: &peer)
        case .heartbeat:
            guard let session = peer.session else {
                return try refuse(.noSession, number: 0, to: peer)
            }
            try tell(session, Header(.heartbeat))
        case .attach, .credit, .submit, .accept, .complete, .return, .refer, .release, .refuse,
            .renew, .note, .track, .bye, .publish, .subscribe, .unsubscribe, .ack, .ask, .offer,
            .withdraw, .reply, .catalogue:
            guard let session = peer.session, session.phase == .open else {
                return try refuse(.noSession, number: header.number, to: peer)
            }
            if let code = obstacle(to: header, of: session) {
                return try refuse(code, number: header.number, to: peer)
            }
            if let pause = session.meter?.pause(before: header.verb, now: now) {
                return try hold(header.number, for: pause, to: peer)
            }
            if try doHere(header, envelope: envelope, body: body, of: session) { return }
            forward(header, envelope: envelope, body: body, of: session)
            if header.verb == .bye { try leave(session, byeNumber: header.number) }
        }
    }

    /// Why an operation of an open session may not go to the ledger now, or nil.
    private func obstacle(to header: Header, of session: Session) -> RefusalCode? {
        switch stage {
        case .serving: break
        case .draining where !header.verb.isNewWork: break
        case .draining, .closing: return .draining
        }
        // Leaving lightens the load, so it is always allowed.
        guard header.verb != .bye, header.isCounted else { return nil }
        return session.unansweredCount < Limits.requestsMax ? nil : .busy
    }

    /// Does what the courier does itself; returns false for what is the ledger's.
    private mutating func doHere(
        _ header: Header,
        envelope: UnsafeRawBufferPointer,
        body: UnsafeRawBufferPointer,
        of session: Session
    ) throws(ZeroMQFault) -> Bool {
        let isDurable = header.flags & Header.durableFlag != 0
        switch header.verb {
        case .publish where !isDurable:
            try publish(header, envelope: envelope, body: body, of: session)
        case .subscribe: try subscribe(header, envelope: envelope, of: session)
        case .unsubscribe: try unsubscribe(header, of: session)
        case .credit where header.subject >= Numbering.liveSubscriptions:
            try grantLive(header, of: session)
        case .ask where !isDurable:
            try ask(header, envelope: envelope, body: body, of: session)
        case .offer: try offer(header, envelope: envelope, of: session)
        case .withdraw: try withdraw(header, of: session)
        case .reply where header.subject >= Numbering.transientQuestions:
            try reply(header, envelope: envelope, body: body, of: session)
        default: return false
        }
        return true
    }

    /// Appends an operation to the gathering batch.
    mutating func forward(
        _ header: Header,
        envelope: UnsafeRawBufferPointer,
        body: UnsafeRawBufferPointer,
        of session: Session
    ) {
        batch.append(header, session: session.number, envelope: envelope, body: body)
        counters.operations += 1
        if header.isCounted { session.unansweredCount += 1 }
    }

    private func peer(at gate: Int, _ route: UInt32) -> Peer {
        let session = sessions.session(gate: gate, route: route)
        session?.lastSeen = listeningNow
        return Peer(
            gate: gate,
            route: route,
            session: session,
            descriptor: session?.descriptor ?? gates[gate].sourceDescriptor
        )
    }
}

extension Verb {
    /// Whether this begins something, which a bus that stops does not take.
    fileprivate var isNewWork: Bool {
        switch self {
        case .submit, .publish, .subscribe, .ask, .offer: true
        default: false
        }
    }
}

extension Header {
    /// Whether the ledger owes an answer or refusal.
    ///
    /// Credit is refused or goes unanswered, so it cannot be counted; a number of zero asks for no
    /// answer.
    fileprivate var isCounted: Bool { number != 0 && verb != .credit }
}
