// SPDX-License-Identifier: Apache-2.0

internal import Rules
internal import Wire
internal import ZeroMQ

extension Switchboard {
    /// Subscribes live, or forwards it where it names a durable subscription.
    mutating func subscribe(
        _ header: Header,
        envelope: UnsafeRawBufferPointer,
        of session: Session
    ) throws(ZeroMQFault) {
        var answer = Header(.answer, number: header.number)
        do throws(RefusalCode) {
            let wanted = try Envelope.read(Envelope.Subscribe.self, from: envelope)
            guard wanted.name.isEmpty else {
                return forward(header, envelope: envelope, body: .empty, of: session)
            }
            answer.subject = try insert(wanted, of: session)
        } catch {
            return try refuse(error, number: header.number, to: session)
        }
        if header.number != 0 { try tell(session, answer) }
    }

    /// Ends a live subscription, or forwards it.
    mutating func unsubscribe(_ header: Header, of session: Session) throws(ZeroMQFault) {
        guard header.subject >= Numbering.liveSubscriptions else {
            return forward(header, envelope: .empty, body: .empty, of: session)
        }
        guard header.flags & Header.forgetFlag == 0 else {
            return try refuse(.malformed, number: header.number, to: session)
        }
        guard let slot = live.slot(of: header.subject, session: session.number) else {
            return try refuse(.unknownSubscription, number: header.number, to: session)
        }
        drop(slot)
        if header.number != 0 { try tell(session, Header(.answer, number: header.number)) }
    }

    /// Grants a live subscription credit, and tells it what is kept for it.
    mutating func grantLive(_ header: Header, of session: Session) throws(ZeroMQFault) {
        guard let slot = live.slot(of: header.subject, session: session.number) else {
            return try refuse(.unknownSubscription, number: header.number, to: session)
        }
        do throws(RefusalCode) {
            try live.grant(slot, messages: header.generation, bytes: header.serial)
        } catch {
            return try refuse(error, number: header.number, to: session)
        }
        if session.keptBytes > 0 { try tellKept(slot) }
        try tellGap(slot, of: session)
    }

    /// Removes a live subscription; with the last one the ledger need not feed us.
    mutating func drop(_ slot: UInt32) {
        live.slots[Int(slot)]?.session.meter?.subscriptions -= 1
        live.remove(slot)
        if live.count == 0 { ledger.listening(false) }
    }

    /// Removes what a session that leaves listens to, and remembers to tell its questions.
    mutating func dropInterests(of session: Session) {
        for slot in live.slots(of: session.number) { drop(slot) }
        departures.append(session.number)
    }

    private mutating func insert(
        _ wanted: Envelope.Subscribe,
        of session: Session
    ) throws(RefusalCode) -> UInt64 {
        let pattern = try TopicPattern(wanted.pattern)
        guard wanted.from == .now, wanted.sequence == 0, wanted.instant == 0 else {
            throw .startInvalid
        }
        guard wanted.ackMs == 0, wanted.attemptsMax == 0, let slow = LiveReader.Slow(wanted.slow)
        else { throw .envelopeInvalid }
        if pattern.isTopic, !pattern.mayConcernCases,
            !live.policy.mayHear(pattern.text, by: session.agency)
        {
            throw .mayNotUse
        }
        try demand(.subscribe, on: pattern.text, of: session)
        guard live.slots(of: session.number).count < Limits.subscriptionsMax,
            session.meter?.hasRoomForSubscription != false
        else { throw .tooManySubscriptions }
        let number = live.insert(pattern, slow: slow, of: session)
        session.meter?.subscriptions += 1
        if live.count == 1 { ledger.listening(true) }
        return number
    }
}

extension LiveReader.Slow {
    /// The policy of an envelope, or nil if it is none.
    fileprivate init?(_ slow: Envelope.Subscribe.Slow) {
        switch slow {
        case .gap: self = .gap
        case .latest: self = .latest
        case .evict: self = .evict
        case .UNRECOGNIZED: return nil
        }
    }
}
