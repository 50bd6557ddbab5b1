// SPDX-License-Identifier: Apache-2.0

internal import Rules
internal import SQLite
internal import Wire

/// Durable subscriptions: `subscribe` with a name, `unsubscribe`, and what sessions do to them.
extension LedgerWriter {
    func subscribe(_ request: Request, into effects: inout Effects) throws(SQLiteFault) {
        let asked: Envelope.Subscribe
        let pattern: TopicPattern
        do throws(RefusalCode) {
            asked = try Envelope.read(Envelope.Subscribe.self, from: request.envelope)
            pattern = try TopicPattern(asked.pattern)
            guard Name.isLegal(asked.name) else { throw .nameInvalid }
            guard asked.slow == .gap, asked.ackMs <= Limits.ackMillisecondsMax,
                asked.attemptsMax <= Limits.eventAttemptsMax
            else { throw .envelopeInvalid }
            try demand(.subscribe, on: pattern.text, of: request)
        } catch {
            return effects.refuse(error, request)
        }
        let agency = request.session.agency
        if let number = events.names[SubscriptionName(agency: agency, name: asked.name)] {
            guard let existing = events.subscriptions[number], existing.pattern == pattern else {
                return effects.refuse(.subscriptionDiffers, request)
            }
            return join(number, request, into: &effects)
        }
        try make(asked, pattern, request, into: &effects)
    }

    private func make(
        _ asked: Envelope.Subscribe,
        _ pattern: TopicPattern,
        _ request: Request,
        into effects: inout Effects
    ) throws(SQLiteFault) {
        let agency = request.session.agency
        let name = directory.agency(agency)?.name ?? ""
        guard !isStorageLow else {
            return effects.refuse(.storageFull, request, retryAt: now + 30_000)
        }
        let isOneTopic = Topic.isLegal(pattern.text) && !pattern.mayConcernCases
        guard !isOneTopic || policy.mayHear(pattern.text, by: name) else {
            return effects.refuse(.mayNotUse, request)
        }
        guard
            events.names.values.keys.count(where: { $0.agency == agency })
                < Limits.durableSubscriptionsMax,
            request.session.subscriptions.count < Limits.subscriptionsMax
        else { return effects.refuse(.tooManySubscriptions, request) }
        let start: EventRule.Start
        let head = journal.head
        let tables = events.tables
        switch try EventRule.start(
            of: asked,
            head: head,
            now: now,
            positionBefore: { instant throws(SQLiteFault) in
                try tables.position(before: instant, head: head)
            }
        ) {
        case .success(let value): start = value
        case .failure(let code): return effects.refuse(code, request)
        }
        let record = SubscriptionRecord(
            number: events.takeSubscriptionNumber(),
            agency: agency,
            name: asked.name,
            pattern: pattern,
            ackMilliseconds: asked.ackMs == 0 ? Limits.ackMillisecondsDefault : Int64(asked.ackMs),
            attemptsMax: asked.attemptsMax == 0 ? Limits.eventAttemptsDefault : asked.attemptsMax,
            lastUntil: start.lastUntil,
            queue: EventQueue(floor: start.floor),
            storedFloor: start.floor,
            settledRowsUpTo: 0,
            failedRowsUpTo: 0
        )
        try tables.insertSubscription(record)
        var entry = self.record(.subscribed, request)
        entry.subject = record.number
        entry.digest = Journal.digest(envelope: request.envelope, body: .empty)
        let receipt = try append(entry, occurredAt: now)
        try self.tables.insertContent(
            receipt.position,
            envelope: request.envelope,
            body: .empty
        )
        events.add(record)
        join(record.number, request, into: &effects)
        guard start.isAhead else { return }
        var gap = Header(.gap)
        gap.code = 3
        gap.subject = record.number
        if start.floor > head {
            gap.number = UInt32(clamping: start.floor - head)
            gap.generation = head + 1
            gap.serial = start.floor
        }
        effects.append(gap, session: request.number)
    }

    private func join(_ number: UInt64, _ request: Request, into effects: inout Effects) {
        guard
            request.session.subscriptions.contains(number)
                || request.session.subscriptions.count < Limits.subscriptionsMax
        else { return effects.refuse(.tooManySubscriptions, request) }
        events.subscriptions.change(number) {
            $0.queue.join(request.number)
            $0.queue.setHeld(request.session.underWay.isHeld, request.number)
        }
        events.attached.insert(number)
        if !request.session.subscriptions.contains(number) {
            sessions[request.number]?.subscriptions.append(number)
        }
        var answer = Header(.answer, number: request.header.number)
        answer.subject = number
        answer.serial = journal.head
        effects.append(answer, session: request.number)
    }

    func unsubscribe(_ request: Request, into effects: inout Effects) throws(SQLiteFault) {
        let number = request.header.subject
        guard request.session.subscriptions.contains(number),
            let record = events.subscriptions[number]
        else { return effects.refuse(.unknownSubscription, request) }
        if request.header.flags & Header.forgetFlag != 0 {
            var entry = self.record(.forgotten, request)
            entry.subject = number
            _ = try append(entry, occurredAt: now)
            try forget(record, besides: request.number)
        } else {
            leave(number, request.number)
        }
        sessions[request.number]?.subscriptions.removeAll { $0 == number }
        effects.append(
            Header(.answer, number: request.header.number),
            session: request.number
        )
    }

    /// Ends a subscription for all its members and keeps nothing of it.
    func forget(_ record: SubscriptionRecord, besides session: UInt32?) throws(SQLiteFault) {
        try events.tables.deleteSubscription(record.number)
        events.remove(record)
        for member in record.queue.sessions where member != session {
            events.endings.append((member, record.number))
        }
    }

    /// Tells the members of a subscription that it was forgotten, once that is on disk.
    func tellEndings(into effects: inout Effects) {
        for (session, number) in events.endings {
            sessions[session]?.subscriptions.removeAll { $0 == number }
            var ended = Header(.ended)
            ended.code = RefusalCode.forgotten.rawValue
            ended.subject = number
            var refused = Envelope.Refused()
            refused.text = RefusalCode.forgotten.text
            effects.append(ended, session: session, envelope: Envelope.bytes(of: refused))
        }
        events.endings.removeAll()
    }

    /// Takes a session out of a subscription; what it held goes to others, no attempt counted.
    func leave(_ number: UInt64, _ session: UInt32) {
        let isLast = events.subscriptions.change(number) { record in
            record.queue.leave(session)
            return record.queue.sessions.isEmpty
        }
        if isLast == true {
            events.attached.remove(number)
            events.busy.remove(number)
        } else {
            events.wake(number)
        }
    }

    /// Grants credit for a durable subscription, once the batch is committed.
    func grantEvents(_ header: Header, _ session: UInt32, into effects: inout Effects) {
        do throws(RefusalCode) {
            let granted: Void? = try events.subscriptions.change(header.subject) {
                record throws(RefusalCode) in
                try record.queue.grant(
                    session,
                    messages: header.generation,
                    bytes: header.serial
                )
            }
            guard granted != nil else { throw .unknownSubscription }
            events.wake(header.subject)
        } catch {
            effects.refuse(error, number: header.number, session: session)
        }
    }
}
