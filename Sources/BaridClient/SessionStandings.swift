// SPDX-License-Identifier: Apache-2.0

internal import Wire

/// What stands in a session: subscriptions, offers and durable questions.
extension SessionState {
    /// The code of a gap this library tells; the bus sends no such code.
    ///
    /// The session was lost, and it is not known what was published until the next one.
    static let reconnectedCode: UInt16 = .max

    /// Asks for something that shall stand; the ticket is answered once it does.
    ///
    /// `key` is the caller's number, not in use by a desk or another standing.
    mutating func stand(_ key: Int, _ standing: Standing, now: Int64) {
        let ticket = standing.ticket ?? Self.openingTicket
        guard mayAsk(ticket, envelope: standing.envelope, body: standing.body) else { return }
        guard
            standing.kind == .live
                || !standings.values.contains(where: { $0.kind == standing.kind })
        else {
            return fail(
                ticket,
                .faulty("This connection has the same subscription, offer or question already.")
            )
        }
        standings[key] = standing
        if phase == .open { sendStanding(key, now: now) }
    }

    /// Lets go of something that stands; the bus is told if it knows of it.
    mutating func leave(_ key: Int, now: Int64) {
        guard let standing = standings.removeValue(forKey: key) else { return }
        let verb: Verb
        switch standing.kind {
        case .live, .durable: verb = .unsubscribe
        case .offer: verb = .withdraw
        case .question: return forgetRequests(of: key)
        }
        // What is under way is undone once it is answered.
        for (number, asked) in standingRequests where asked == key { leaving[number] = verb }
        forgetRequests(of: key)
        if let number = standing.number { undo(verb, number, now: now) }
    }

    /// Ends what the bus calls `number`; its answer is not waited for.
    mutating func undo(_ verb: Verb, _ number: UInt64, now: Int64) {
        subscriptionKeys[number] = nil
        guard phase == .open else { return }
        var header = Header(verb, number: requests.takeNumber())
        header.subject = number
        send(Outgoing(header: header), now: now)
    }

    private mutating func forgetRequests(of key: Int) {
        for (number, asked) in standingRequests where asked == key {
            standingRequests[number] = nil
        }
    }

    mutating func sendStanding(_ key: Int, now: Int64) {
        guard let standing = standings[key] else { return }
        standings[key]?.askAt = nil
        var header = standing.header
        header.number = requests.takeNumber()
        standingRequests[header.number] = key
        send(
            Outgoing(header: header, envelope: standing.envelope, body: standing.body),
            now: now
        )
    }

    mutating func standingAnswered(_ key: Int, _ header: Header, now: Int64) {
        guard var standing = standings[key] else { return }
        let ticket = standing.ticket
        let isRenewed = standing.wasAnswered
        standing.number = header.subject
        standing.ticket = nil
        standing.wasAnswered = true
        standings[key] = standing
        if standing.header.verb == .subscribe { subscriptionKeys[header.subject] = key }
        if let ticket {
            outcomes.append(.answered(ticket: ticket, Reply(header: header, envelope: [])))
        }
        if standing.kind == .live, isRenewed {
            var gap = Header(.gap)
            gap.code = Self.reconnectedCode
            outcomes.append(.told(standing: key, News(session: sessionCount, header: gap)))
        }
        grant(standing.number, standing.credit.fresh, now: now)
    }

    mutating func standingConsumed(
        _ key: Int,
        session: UInt64,
        messages: UInt64,
        bytes: UInt64,
        now: Int64
    ) {
        guard let standing = standings[key], session == sessionCount || standing.keepsUnread,
            let credit = standings[key]?.credit.consume(messages: messages, bytes: bytes)
        else { return }
        grant(standing.number, credit, now: now)
    }

    /// Takes what the bus tells of a standing.
    mutating func told(
        _ header: Header,
        envelope: UnsafeRawBufferPointer,
        body: UnsafeRawBufferPointer
    ) {
        guard phase == .open, let key = standing(for: header, envelope) else { return }
        if header.verb == .ended {
            let error = error(of: header, envelope)
            standings[key] = nil
            subscriptionKeys[header.subject] = nil
            outcomes.append(.standingEnded(key, error))
            return
        }
        let news = News(
            session: sessionCount,
            header: header,
            envelope: [UInt8](envelope),
            body: [UInt8](body)
        )
        if news.usesCredit { standings[key]?.credit.deliver(bytes: news.creditBytes) }
        outcomes.append(.told(standing: key, news))
    }

    /// The standing the header is about; nil if it was left meanwhile.
    private func standing(for header: Header, _ envelope: UnsafeRawBufferPointer) -> Int? {
        switch header.verb {
        case .question:
            guard let question = try? Envelope.read(Envelope.Question.self, from: envelope) else {
                return nil
            }
            return standings.first {
                $0.value.kind == .offer(service: question.service)
            }?.key
        case .replied:
            return standings.first { $0.value.kind == .question(key: header.id) }?.key
        default: return subscriptionKeys[header.subject]
        }
    }

    mutating func dropStanding(_ key: Int, _ error: BaridError) {
        guard let standing = standings.removeValue(forKey: key) else { return }
        forgetRequests(of: key)
        if let number = standing.number { subscriptionKeys[number] = nil }
        if let ticket = standing.ticket { fail(ticket, error) }
        outcomes.append(.standingEnded(key, error))
    }

    /// The connection has no session any more.
    mutating func loseStandings() {
        standingRequests.removeAll()
        leaving.removeAll()
        subscriptionKeys.removeAll()
        for key in standings.keys {
            standings[key]?.number = nil
            standings[key]?.askAt = nil
            standings[key]?.credit.lose()
        }
    }

    /// A new session: what others will be given is not handed out any more.
    mutating func voidStandings() {
        for (key, standing) in standings.sorted(by: { $0.key < $1.key }) where !standing.keepsUnread
        {
            standings[key]?.credit.void()
            outcomes.append(.standingVoided(key))
        }
    }
}
