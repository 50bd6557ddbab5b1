// SPDX-License-Identifier: Apache-2.0

internal import Rules
internal import Wire
internal import ZeroMQ

extension Switchboard {
    /// Puts what the ledger tells into the packets of its sessions.
    mutating func tell(_ effects: Effects) throws(ZeroMQFault) {
        if let policy = effects.policy { live.setPolicy(policy) }
        if let access = effects.access { try enforce(access) }
        try effects.bytes.withUnsafeBufferPointer { buffer throws(ZeroMQFault) in
            let bytes = UnsafeRawBufferPointer(buffer)
            for effect in effects.items {
                guard let session = sessions[effect.session] else {
                    reportUndelivered(effect.header, session: effect.session)
                    continue
                }
                try tell(
                    session,
                    effect.header,
                    envelope: UnsafeRawBufferPointer(rebasing: bytes[effect.envelope]),
                    body: UnsafeRawBufferPointer(rebasing: bytes[effect.body])
                )
                if effect.header.verb == .delivery || effect.header.verb == .event {
                    session.toldBytes += UInt64(effect.envelope.count + effect.body.count)
                    reportPassed(by: session)
                }
                settle(effect.header, of: session)
                if !session.pendingOffers.isEmpty { try settleOffer(effect.header, of: session) }
            }
        }
    }

    /// Puts one operation into the session's packet, sending the packet first if it is full.
    mutating func tell(
        _ session: Session,
        _ header: Header,
        envelope: UnsafeRawBufferPointer = .empty,
        body: UnsafeRawBufferPointer = .empty
    ) throws(ZeroMQFault) {
        if let packet = session.packet,
            !packet.writer.hasRoom(envelopeLength: envelope.count, bodyLength: body.count)
        {
            try flush(session)
        }
        guard !session.isGone else {
            return reportUndelivered(header, session: session.number)
        }
        let packet = session.packet ?? beginPacket(for: session)
        packet.writer.append(header, envelope: envelope, body: body)
    }

    /// Puts one operation with its envelope in an array into the session's packet.
    mutating func tell(
        _ session: Session,
        _ header: Header,
        envelope: [UInt8]
    ) throws(ZeroMQFault) {
        try envelope.withUnsafeBufferPointer { buffer throws(ZeroMQFault) in
            try tell(session, header, envelope: UnsafeRawBufferPointer(buffer))
        }
    }

    /// Puts one operation with its envelope and body in arrays into the session's packet.
    mutating func tell(
        _ session: Session,
        _ header: Header,
        envelope: [UInt8],
        body: [UInt8]
    ) throws(ZeroMQFault) {
        try body.withUnsafeBufferPointer { body throws(ZeroMQFault) in
            try envelope.withUnsafeBufferPointer { envelope throws(ZeroMQFault) in
                try tell(
                    session,
                    header,
                    envelope: UnsafeRawBufferPointer(envelope),
                    body: UnsafeRawBufferPointer(body)
                )
            }
        }
    }

    /// Refuses a request of a session on the courier's own account.
    mutating func refuse(
        _ code: RefusalCode,
        number: UInt32,
        to session: Session
    ) throws(ZeroMQFault) {
        let peer = Peer(gate: session.gate, route: session.route, session: session)
        try refuse(code, number: number, to: peer)
    }

    /// Refuses a request on the courier's own account.
    mutating func refuse(
        _ code: RefusalCode,
        number: UInt32,
        to peer: Peer,
        pause: Int64 = 1_000
    ) throws(ZeroMQFault) {
        counters.refusals += 1
        var header = Header(.refusal, number: number)
        header.code = code.rawValue
        switch code {
        case .busy: header.instant = wallClock() + pause
        case .tooManySessions, .draining: header.instant = wallClock() + 5_000
        default: break
        }
        let envelope = texts.envelope(of: code)
        if let session = peer.session, !session.isGone {
            return try tell(session, header, envelope: envelope)
        }
        if !stray.writer.hasRoom(envelopeLength: envelope.count, bodyLength: 0) {
            try sendStray(to: peer)
        }
        stray.writer.append(header, envelope: envelope)
    }

    /// Sends the refusals gathered for a peer without a session, if it can take them.
    mutating func sendStray(to peer: Peer) throws(ZeroMQFault) {
        guard !stray.writer.isEmpty else { return }
        try sendOrDrop(stray, gate: peer.gate, route: peer.route)
    }

    /// Tells a session that has left the table why, if its peer can take it.
    mutating func sendFarewell(
        _ code: RefusalCode,
        to session: Session
    ) throws(ZeroMQFault) {
        let packet = pool.take()
        var header = Header(.farewell)
        header.code = code.rawValue
        packet.writer.append(header, envelope: texts.envelope(of: code))
        try sendOrDrop(packet, gate: session.gate, route: session.route)
        pool.put(packet, largestBytes: 0)
    }

    /// Reports the deliveries of a packet that was not sent.
    mutating func reportUndelivered(in bytes: UnsafeRawBufferPointer, of session: Session) {
        // Written by us, so it is well-formed; the reader is what knows its layout.
        guard var reader = try? PacketReader(bytes, bodyBytesMax: .max) else { return }
        counters.droppedPackets += 1
        while let item = reader.next() {
            guard case .operation(let header, _, _) = item else { continue }
            reportUndelivered(header, session: session.number)
        }
    }

    /// Sends the packets of this turn.
    mutating func flush() throws(ZeroMQFault) {
        for session in touched { try flush(session) }
        touched.removeAll(keepingCapacity: true)
    }

    /// Sends the session's packet, or puts it behind those that wait already.
    mutating func flush(_ session: Session) throws(ZeroMQFault) {
        if let packet = session.packet {
            session.packet = nil
            var byteCount = 0
            let fate = try packet.writer.finish { bytes throws(ZeroMQFault) in
                byteCount = bytes.count
                return try post(bytes, to: session)
            }
            pool.put(packet, largestBytes: byteCount)
            switch fate {
            case .onItsWay: break
            case .roadLost: try end(session)
            case .outboxFull: try end(session, farewell: .busy)
            }
        }
        if session.phase == .left, session.outbox.isEmpty { try end(session) }
    }

    /// Sends again what waits for peers whose queue was full.
    mutating func retry() throws(ZeroMQFault) {
        guard !congested.isEmpty, now >= nextRetry else { return }
        nextRetry = now + Self.retryMilliseconds
        var remaining: [Session] = []
        for session in congested where !session.isGone {
            try empty(session)
            reportPassed(by: session)
            if !session.isGone, session.outbox.isEmpty { try resume(session) }
            if !session.isGone, !session.outbox.isEmpty { remaining.append(session) }
        }
        congested = remaining
    }
}

/// What became of a packet.
private enum Fate {
    /// Sent, or waiting in the outbox.
    case onItsWay
    case roadLost
    case outboxFull
}

extension Switchboard {
    /// Notes what an answer or refusal means for the session it goes to.
    private mutating func settle(_ header: Header, of session: Session) {
        guard header.verb == .answer || header.verb == .refusal else { return }
        if header.verb == .refusal { counters.refusals += 1 }
        if header.number != 0, session.unansweredCount > 0 { session.unansweredCount -= 1 }
        switch session.phase {
        case .opening(header.number):
            session.phase = header.verb == .answer ? .open : .left
        case .leaving(header.number): session.phase = .left
        default: break
        }
    }

    /// Tells the ledger what has passed, some of it at a time and once it hardly waits any more.
    private mutating func reportPassed(by session: Session) {
        guard session.toldBytes - session.passedBytes >= UInt64(Outbox.passedBytesMax),
            session.outbox.byteCount <= Outbox.passedBytesMax, !session.isGone
        else { return }
        session.passedBytes = session.toldBytes
        batch.events.append(.passed(session: session.number, bytes: session.toldBytes))
    }

    mutating func beginPacket(for session: Session) -> Packet {
        let packet = pool.take()
        session.packet = packet
        touched.append(session)
        return packet
    }

    private mutating func post(
        _ bytes: UnsafeRawBufferPointer,
        to session: Session
    ) throws(ZeroMQFault) -> Fate {
        if session.outbox.isEmpty {
            let result = try send(bytes, to: session)
            if result == .sent { return .onItsWay }
            // Also what has no road is kept, so that `end` reports all of it in order.
            session.outbox.append(bytes)
            guard result == .wouldBlock else { return .roadLost }
            congested.append(session)
            return .onItsWay
        }
        let isFull = session.isOutboxFull
        session.outbox.append(bytes)
        return isFull ? .outboxFull : .onItsWay
    }

    private mutating func empty(_ session: Session) throws(ZeroMQFault) {
        while let bytes = session.outbox.first {
            let result = try bytes.withUnsafeBufferPointer { buffer throws(ZeroMQFault) in
                try send(UnsafeRawBufferPointer(buffer), to: session)
            }
            switch result {
            case .sent: session.outbox.removeFirst()
            case .wouldBlock: return
            case .unreachable: return try end(session)
            }
        }
        if session.phase == .left, session.packet == nil { try end(session) }
    }

    private mutating func send(
        _ bytes: UnsafeRawBufferPointer,
        to session: Session
    ) throws(ZeroMQFault) -> SendResult {
        let result = try gates[session.gate].send(bytes, to: session.route)
        if result == .sent { countSent(bytes.count) }
        return result
    }

    private mutating func sendOrDrop(
        _ packet: Packet,
        gate: Int,
        route: UInt32
    ) throws(ZeroMQFault) {
        try packet.writer.finish { bytes throws(ZeroMQFault) in
            if try gates[gate].send(bytes, to: route) == .sent {
                countSent(bytes.count)
            } else {
                counters.droppedPackets += 1
            }
        }
    }

    private mutating func countSent(_ byteCount: Int) {
        counters.packetsOut += 1
        counters.bytesOut += UInt64(byteCount)
    }

    private mutating func reportUndelivered(_ header: Header, session: UInt32) {
        guard header.verb == .delivery else { return }
        counters.undelivered += 1
        batch.events.append(
            .undelivered(
                session: session,
                referral: header.subject,
                generation: header.generation
            )
        )
    }
}
