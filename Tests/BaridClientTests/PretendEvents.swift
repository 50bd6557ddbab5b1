// SPDX-License-Identifier: Apache-2.0

internal import Wire

/// What a pretended daemon has on disk of events, subscriptions and questions.
struct PretendEvents {
    struct Kept {
        var id: Identifier
        var topic: String
        var envelope: [UInt8]
        var body: [UInt8]
        var sequence: UInt64
    }

    struct Durable {
        var number: UInt64
        var pattern: String
        /// Sequences at or below this one are not its own.
        var after: UInt64
        var settled: Set<UInt64> = []
        var dead: Set<UInt64> = []
        var attempts: [UInt64: UInt16] = [:]
    }

    struct Asked {
        var position: UInt64
        var envelope: [UInt8]
        var body: [UInt8]
        var answer: (code: UInt16, envelope: [UInt8], body: [UInt8])?
    }

    var kept: [Kept] = []
    var durables: [String: Durable] = [:]
    var questions: [Identifier: Asked] = [:]
    var entries: [Envelope.Entry] = []
    var lastFence: UInt64 = 0
    /// Acknowledgements answered as repeated.
    var repeatedAckCount = 0
    /// Publications answered as repeated.
    var repeatedPublicationCount = 0
    /// Names of services in the order of their offers, over all lives.
    var offered: [String] = []
    /// Verbs by which something was left.
    var left: [Verb] = []
    /// Events sent to live subscriptions.
    var toldCount: UInt64 = 0
}

/// What a pretended daemon has in memory of them.
struct PretendLiveEvents {
    struct Member {
        /// Nil for a durable subscription.
        var pattern: String?
        var credit: UInt64 = 0
        var missedCount: UInt32 = 0

        mutating func grant(_ messages: UInt64) { credit += messages }
    }

    struct Open {
        var asker: [UInt8]
        var request: UInt32
        var answerer: [UInt8]
    }

    /// Members of each subscription.
    var subscriptions: [UInt64: [[UInt8]: Member]] = [:]
    /// Deliveries not settled, by subscription and sequence.
    var leases: [[UInt64]: (peer: [UInt8], fence: UInt64)] = [:]
    var offers: [String: [UInt8]] = [:]
    var questions: [UInt64: Open] = [:]
    /// Durable questions put to a session.
    var put: [Identifier: [UInt8]] = [:]
    /// Sessions that asked a durable question.
    var askers: [Identifier: Set<[UInt8]>] = [:]
    var nextNumber: UInt64 = 0

    mutating func end(_ peer: [UInt8]) {
        for number in subscriptions.keys { subscriptions[number]?[peer] = nil }
        leases = leases.filter { $0.value.peer != peer }
        offers = offers.filter { $0.value != peer }
        put = put.filter { $0.value != peer }
        for key in askers.keys { askers[key]?.remove(peer) }
    }
}

extension PretendLife {
    mutating func takeEvents(
        _ header: Header,
        _ envelope: [UInt8],
        _ body: [UInt8],
        from peer: [UInt8]
    ) throws {
        switch header.verb {
        case .publish: try publish(header, envelope, body, from: peer)
        case .subscribe: try subscribe(header, envelope, from: peer)
        case .ack: acknowledge(header, from: peer)
        case .unsubscribe, .withdraw:
            ledger.events.left.append(header.verb)
            live.subscriptions[header.subject]?[peer] = nil
            tell(peer, Header(.answer, number: header.number))
        case .ask: try ask(header, envelope, body, from: peer)
        case .offer:
            let offer = try envelope.withUnsafeBytes {
                try Envelope.read(Envelope.Offer.self, from: $0)
            }
            live.offers[offer.service] = peer
            ledger.events.offered.append(offer.service)
            live.nextNumber += 1
            var answer = Header(.answer, number: header.number)
            answer.subject = live.nextNumber
            tell(peer, answer)
        case .reply: reply(header, envelope, body, from: peer)
        case .catalogue: try catalogue(header, envelope, from: peer)
        default: refuse(peer, header.number, .unknownVerb)
        }
    }

    private mutating func publish(
        _ header: Header,
        _ envelope: [UInt8],
        _ body: [UInt8],
        from peer: [UInt8]
    ) throws {
        let topic = try envelope.withUnsafeBytes {
            try Envelope.read(Envelope.Event.self, from: $0)
        }.topic
        guard !topic.hasPrefix("case.") else { return refuse(peer, header.number, .topicReserved) }
        var answer = Header(.answer, number: header.number)
        guard header.flags & Header.durableFlag != 0 else {
            answer.id = header.id
            for number in live.subscriptions.keys {
                for peer in live.subscriptions[number, default: [:]].keys {
                    guard let pattern = live.subscriptions[number]?[peer]?.pattern,
                        matches(pattern, topic)
                    else { continue }
                    answer.subject += 1
                    put(header, envelope, body, number, peer)
                }
            }
            return tell(peer, answer)
        }
        if let kept = ledger.events.kept.first(where: { $0.id == header.id }) {
            ledger.events.repeatedPublicationCount += 1
            answer.flags = Header.repeatedFlag
            answer.subject = kept.sequence
        } else {
            ledger.position += 1
            answer.subject = ledger.position
            ledger.events.kept.append(
                PretendEvents.Kept(
                    id: header.id,
                    topic: topic,
                    envelope: envelope,
                    body: body,
                    sequence: ledger.position
                )
            )
        }
        tell(peer, answer)
    }

    private mutating func put(
        _ header: Header,
        _ envelope: [UInt8],
        _ body: [UInt8],
        _ number: UInt64,
        _ peer: [UInt8]
    ) {
        guard var member = live.subscriptions[number]?[peer] else { return }
        defer { live.subscriptions[number]?[peer] = member }
        guard member.credit > 0 else { return member.missedCount += 1 }
        if member.missedCount > 0 {
            var gap = Header(.gap, number: member.missedCount)
            gap.code = 1
            gap.subject = number
            tell(peer, gap)
            member.missedCount = 0
        }
        member.credit -= 1
        var event = Header(.event)
        event.subject = number
        event.instant = 1_700_000_000_000
        event.id = header.id
        ledger.events.toldCount += 1
        tell(peer, event, envelope, body)
    }

    private mutating func subscribe(
        _ header: Header,
        _ envelope: [UInt8],
        from peer: [UInt8]
    ) throws {
        let interest = try envelope.withUnsafeBytes {
            try Envelope.read(Envelope.Subscribe.self, from: $0)
        }
        var answer = Header(.answer, number: header.number)
        live.nextNumber += 1
        if interest.name.isEmpty {
            answer.subject = Numbering.liveSubscriptions + nextToken << 8 + live.nextNumber
            live.subscriptions[answer.subject, default: [:]][peer] = .init(
                pattern: interest.pattern
            )
            return tell(peer, answer)
        }
        let durable =
            ledger.events.durables[interest.name]
            ?? PretendEvents.Durable(
                number: Numbering.durableSubscriptions + UInt64(ledger.events.durables.count),
                pattern: interest.pattern,
                after: interest.from == .beginning ? 0 : ledger.position
            )
        guard durable.pattern == interest.pattern else {
            return refuse(peer, header.number, .subscriptionDiffers)
        }
        ledger.events.durables[interest.name] = durable
        live.subscriptions[durable.number, default: [:]][peer] = .init()
        answer.subject = durable.number
        answer.serial = ledger.position
        tell(peer, answer)
    }

    private mutating func acknowledge(_ header: Header, from peer: [UInt8]) {
        guard live.subscriptions[header.subject]?[peer] != nil,
            let name = ledger.events.durables.first(where: {
                $0.value.number == header.subject
            })?.key, var durable = ledger.events.durables[name]
        else { return refuse(peer, header.number, .unknownSubscription) }
        var answer = Header(.answer, number: header.number)
        answer.subject = header.subject
        if durable.settled.contains(header.serial) {
            ledger.events.repeatedAckCount += 1
            answer.flags = Header.repeatedFlag
            return tell(peer, answer)
        }
        guard let lease = live.leases[[header.subject, header.serial]], lease.peer == peer,
            lease.fence == header.generation
        else { return refuse(peer, header.number, .stale) }
        let covered = live.leases.filter { key, lease in
            key[0] == header.subject && lease.peer == peer
                && (key[1] == header.serial
                    || header.flags & Header.cumulativeFlag != 0 && key[1] < header.serial)
        }.keys
        for key in covered {
            live.leases[key] = nil
            switch header.code {
            case 0: durable.settled.insert(key[1])
            case 1: durable.attempts[key[1], default: 0] += 1
            default:
                durable.settled.insert(key[1])
                durable.dead.insert(key[1])
            }
        }
        ledger.events.durables[name] = durable
        answer.serial = durable.settled.max() ?? 0
        tell(peer, answer)
    }

    private mutating func ask(
        _ header: Header,
        _ envelope: [UInt8],
        _ body: [UInt8],
        from peer: [UInt8]
    ) throws {
        let service = try envelope.withUnsafeBytes {
            try Envelope.read(Envelope.Question.self, from: $0)
        }.service
        guard header.flags & Header.durableFlag == 0 else {
            if ledger.events.questions[header.id] == nil {
                ledger.position += 1
                ledger.events.questions[header.id] = .init(
                    position: ledger.position,
                    envelope: envelope,
                    body: body
                )
            }
            var answer = Header(.answer, number: header.number)
            answer.subject = ledger.events.questions[header.id]?.position ?? 0
            tell(peer, answer)
            live.askers[header.id, default: []].insert(peer)
            return replied(header.id)
        }
        guard let answerer = live.offers[service] else {
            return refuse(
                peer,
                header.number,
                service == "city/slow" ? .deadlinePassed : .notOffered
            )
        }
        live.nextNumber += 1
        let number = Numbering.transientQuestions + live.nextNumber
        live.questions[number] = .init(asker: peer, request: header.number, answerer: answerer)
        var question = Header(.question)
        question.subject = number
        question.instant = header.instant
        tell(answerer, question, envelope, body)
    }

    private mutating func reply(
        _ header: Header,
        _ envelope: [UInt8],
        _ body: [UInt8],
        from peer: [UInt8]
    ) {
        var answer = Header(.answer, number: header.number)
        answer.subject = header.subject
        if header.generation > 0 {
            guard
                let key = ledger.events.questions.first(where: {
                    $0.value.position == header.subject
                })?.key
            else { return refuse(peer, header.number, .unknownQuestion) }
            ledger.events.questions[key]?.answer = (header.code, envelope, body)
            tell(peer, answer)
            return replied(key)
        }
        guard let open = live.questions.removeValue(forKey: header.subject), open.answerer == peer
        else { return refuse(peer, header.number, .unknownQuestion) }
        tell(peer, answer)
        guard header.code == 0 else {
            var refused = Envelope.Refused()
            refused.text =
                (try? envelope.withUnsafeBytes { try Envelope.read(Envelope.Reply.self, from: $0) })?
                .text ?? ""
            var refusal = Header(.refusal, number: open.request)
            refusal.code = header.code
            return tell(open.asker, refusal, Envelope.bytes(of: refused))
        }
        tell(open.asker, Header(.answer, number: open.request), envelope, body)
    }

    private mutating func replied(_ key: Identifier) {
        guard let answer = ledger.events.questions[key]?.answer else { return }
        var header = Header(.replied)
        header.code = answer.code
        header.id = key
        for peer in live.askers[key, default: []] {
            tell(peer, header, answer.envelope, answer.body)
        }
    }

    private mutating func catalogue(
        _ header: Header,
        _ envelope: [UInt8],
        from peer: [UInt8]
    ) throws {
        let query = try envelope.withUnsafeBytes {
            try Envelope.read(Envelope.CatalogueQuery.self, from: $0)
        }
        let matching = ledger.events.entries.filter { entry in
            (query.kind.isEmpty || entry.kind == query.kind) && entry.name.hasPrefix(query.prefix)
                && (entry.kind, entry.name) > (query.afterKind, query.afterName)
        }
        var page = Envelope.Catalogue()
        page.entries = Array(matching.prefix(2))
        page.more = matching.count > 2
        tell(peer, Header(.answer, number: header.number), Envelope.bytes(of: page))
    }

    /// Hands out what durable subscriptions and questions wait for.
    mutating func deliverEvents() {
        for (_, durable) in ledger.events.durables.sorted(by: { $0.key < $1.key }) {
            for kept in ledger.events.kept {
                guard kept.sequence > durable.after, matches(durable.pattern, kept.topic),
                    !durable.settled.contains(kept.sequence),
                    live.leases[[durable.number, kept.sequence]] == nil,
                    let peer = live.subscriptions[durable.number]?.first(where: {
                        $0.value.credit > 0
                    })?.key
                else { continue }
                live.subscriptions[durable.number]?[peer]?.credit -= 1
                ledger.events.lastFence += 1
                live.leases[[durable.number, kept.sequence]] = (peer, ledger.events.lastFence)
                var event = Header(.event)
                event.flags = Header.durableFlag
                event.code = durable.attempts[kept.sequence] ?? 0
                event.subject = durable.number
                event.generation = ledger.events.lastFence
                event.instant = 1_700_000_000_000
                event.serial = kept.sequence
                event.id = kept.id
                tell(peer, event, kept.envelope, kept.body)
            }
        }
        for (key, asked) in ledger.events.questions {
            guard asked.answer == nil, live.put[key] == nil,
                let service =
                    (try? asked.envelope.withUnsafeBytes {
                        try Envelope.read(Envelope.Question.self, from: $0)
                    })?.service,
                let answerer = live.offers[service]
            else { continue }
            live.put[key] = answerer
            var question = Header(.question)
            question.subject = asked.position
            question.generation = 1
            tell(answerer, question, asked.envelope, asked.body)
        }
    }

    private func matches(_ pattern: String, _ topic: String) -> Bool {
        pattern.hasSuffix(">") ? topic.hasPrefix(pattern.dropLast()) : pattern == topic
    }
}
