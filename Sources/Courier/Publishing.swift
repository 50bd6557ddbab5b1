// SPDX-License-Identifier: Apache-2.0

internal import Rules
internal import Wire
internal import ZeroMQ

extension Switchboard {
    /// Publishes an event that is not durable, and answers to how many subscriptions.
    mutating func publish(
        _ header: Header,
        envelope: UnsafeRawBufferPointer,
        body: UnsafeRawBufferPointer,
        of session: Session
    ) throws(ZeroMQFault) {
        let topic: String
        let wall = wallClock()
        var event = Header(.event)
        do throws(RefusalCode) {
            let read = try EventNames(envelope)
            topic = read.topic
            try check(topic, of: session.agency)
            guard read.sourceOwner == session.agency else { throw .sourceForeign }
            try demand(.publish, on: topic, of: session)
            event.instant = try Admission.occurredAt(
                claimed: header.instant,
                now: wall,
                mayBackdate: true
            )
        } catch {
            return try refuse(error, number: header.number, to: session)
        }
        event.id = header.id == .none ? drawIdentifier(at: wall) : header.id
        counters.eventsPublished += 1
        let count = try putOut(event, topic: topic, concerned: nil, envelope: envelope, body: body)
        guard header.number != 0 else { return }
        var answer = Header(.answer, number: header.number)
        answer.subject = UInt64(count)
        answer.instant = wall
        answer.id = event.id
        try tell(session, answer)
    }

    /// Puts out the durable events that the ledger fed, some at a time so that nobody waits long.
    mutating func putOutFeed() throws(ZeroMQFault) {
        isFeedLeft = false
        for _ in 0..<Self.feedsInTurnMax {
            guard let feed = ledger.feed() else { return }
            try feed.bytes.withUnsafeBufferPointer { buffer throws(ZeroMQFault) in
                let bytes = UnsafeRawBufferPointer(buffer)
                for item in feed.items {
                    counters.eventsFed += 1
                    _ = try putOut(
                        item.header,
                        topic: item.topic,
                        concerned: item.concerned,
                        envelope: UnsafeRawBufferPointer(rebasing: bytes[item.envelope]),
                        body: UnsafeRawBufferPointer(rebasing: bytes[item.body])
                    )
                }
            }
        }
        isFeedLeft = true
    }

    /// Tells an event to every live subscription that matches and may hear it, by its policy where
    /// it is slow, and returns how many these are, slow ones included.
    ///
    /// `concerned` holds the agencies an act of a case concerns, and is nil for an agency's topic.
    mutating func putOut(
        _ header: Header,
        topic: String,
        concerned: [String]?,
        envelope: UnsafeRawBufferPointer,
        body: UnsafeRawBufferPointer
    ) throws(ZeroMQFault) -> Int {
        guard live.count > 0 else { return 0 }
        var found = matches
        matches = []
        defer {
            found.removeAll(keepingCapacity: true)
            matches = found
        }
        live.match(topic, isOfCases: concerned != nil, into: &found)
        if let concerned {
            found.removeAll { slot in
                let agency = live.slots[Int(slot)]?.session.agency ?? ""
                return !live.policy.mayHear(actConcerning: concerned, by: agency)
            }
        }
        guard !found.isEmpty else { return 0 }
        // Written once; for each subscription the bytes are copied and the subject is set.
        let template = self.template
        template.writer.append(header, envelope: envelope, body: body)
        try template.writer.finish { bytes throws(ZeroMQFault) in
            let operation = UnsafeRawBufferPointer(
                rebasing: bytes[Limits.packetHeaderBytes...]
            )
            var kept: KeptEvent?
            for slot in found {
                try tell(
                    operation,
                    cost: envelope.count + body.count,
                    sequence: header.serial,
                    topic: topic,
                    to: slot,
                    kept: &kept
                )
            }
        }
        return found.count
    }

    /// Tells a subscription what is kept for it, as far as credit and road go.
    mutating func tellKept(_ slot: UInt32) throws(ZeroMQFault) {
        guard let session = live.slots[Int(slot)]?.session else { return }
        while !session.isGone, session.outbox.isEmpty, let event = live.takeKept(slot) {
            try event.operation.withUnsafeBufferPointer { buffer throws(ZeroMQFault) in
                try tell(UnsafeRawBufferPointer(buffer), to: slot, of: session)
            }
        }
    }

    /// Tells a session whose road is free again what is kept for it.
    mutating func resume(_ session: Session) throws(ZeroMQFault) {
        for slot in live.slots(of: session.number) {
            if session.keptBytes > 0 { try tellKept(slot) }
            try tellGap(slot, of: session)
        }
    }

    /// Tells a subscription what it missed as soon as it could be told an event, since the next one
    /// may be long in coming.
    mutating func tellGap(_ slot: UInt32, of session: Session) throws(ZeroMQFault) {
        guard live.canBeTold(slot), let number = live.slots[Int(slot)]?.number,
            let gap = live.takeGap(slot)
        else { return }
        try tell(session, Header(gap, of: number))
    }

    private mutating func tell(
        _ operation: UnsafeRawBufferPointer,
        cost: Int,
        sequence: UInt64,
        topic: String,
        to slot: UInt32,
        kept: inout KeptEvent?
    ) throws(ZeroMQFault) {
        guard let session = live.slots[Int(slot)]?.session else { return }
        // A full packet leaves first, since only then is it known whether the road is free.
        if let packet = session.packet, !packet.writer.hasRoom(operationBytes: operation.count) {
            try flush(session)
        }
        switch live.judge(slot, cost: cost, sequence: sequence) {
        case .tell: try tell(operation, to: slot, of: session)
        case .keep:
            let event =
                kept
                ?? KeptEvent(
                    topic: topic,
                    cost: cost,
                    sequence: sequence,
                    operation: operation,
                    tally: live.tally
                )
            kept = event
            if !live.keep(event, for: slot) { counters.eventsLeftOut += 1 }
        case .leaveOut: counters.eventsLeftOut += 1
        case .evict: try evict(slot, of: session)
        }
    }

    /// Puts an event into the session's packet, behind what the subscription must know first.
    private mutating func tell(
        _ operation: UnsafeRawBufferPointer,
        to slot: UInt32,
        of session: Session
    ) throws(ZeroMQFault) {
        guard let number = live.slots[Int(slot)]?.number else { return }
        if let gap = live.takeGap(slot) { try tell(session, Header(gap, of: number)) }
        if let packet = session.packet, !packet.writer.hasRoom(operationBytes: operation.count) {
            try flush(session)
        }
        guard !session.isGone else { return }
        let packet = session.packet ?? beginPacket(for: session)
        packet.writer.append(operation: operation, subject: number)
        counters.eventsDelivered += 1
    }

    private mutating func evict(_ slot: UInt32, of session: Session) throws(ZeroMQFault) {
        guard let number = live.slots[Int(slot)]?.number else { return }
        counters.eventsLeftOut += 1
        drop(slot)
        var header = Header(.ended)
        header.code = RefusalCode.tooSlow.rawValue
        header.subject = number
        try tell(session, header, envelope: texts.envelope(of: .tooSlow))
    }

    /// Checks that an agency may publish on a topic; what was checked last is remembered, since who
    /// publishes much does it on few topics.
    ///
    /// - Throws: `topicInvalid` or `topicReserved`.
    private mutating func check(_ topic: String, of agency: String) throws(RefusalCode) {
        guard topic != lastPublished.topic || agency != lastPublished.agency else { return }
        guard Topic.isLegal(topic) else { throw .topicInvalid }
        guard Topic.owner(of: topic) == agency, agency != Topic.cases else {
            throw .topicReserved
        }
        lastPublished = (topic, agency)
    }

    private mutating func drawIdentifier(at wall: Int64) -> Identifier {
        Identifier(
            version7At: wall,
            random: (UInt64.random(in: .min ... .max), UInt64.random(in: .min ... .max))
        )
    }
}

extension Header {
    /// The `gap` of a subscription.
    fileprivate init(_ gap: LiveReader.Gap, of subscription: UInt64) {
        self.init(.gap, number: UInt32(clamping: gap.count))
        code = 1
        subject = subscription
        generation = gap.first
        serial = gap.last
    }
}
