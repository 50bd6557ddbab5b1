// SPDX-License-Identifier: Apache-2.0

internal import Wire

/// Where a durable subscription begins, when it is made.
public enum SubscriptionStart: Hashable, Sendable {
    /// With what is published from now on.
    case now
    /// With the oldest event that is kept.
    case beginning
    /// At this position in the journal.
    case sequence(UInt64)
    /// With the first event recorded at this instant or later, in milliseconds since 1970.
    case instant(Int64)
    /// With the last event of each topic, then what follows.
    case last
}

extension Bus {
    /// Joins the durable subscription of a name, and makes it if there is none.
    ///
    /// It belongs to the agency and outlives connections and restarts; every connection that joins is a
    /// member, and each event goes to one member.
    ///
    /// ```swift
    /// for try await notice in try await bus.subscribe("case.>", durable: "archive") {
    ///     guard case .event(let delivered) = notice else { continue }
    ///     try await archive(delivered.event)
    ///     try await delivered.acknowledge()
    /// }
    /// ```
    /// - Parameters:
    ///   - pattern: A topic in which `*` stands for one word and a last `>` for one or more.
    ///   - name: A name on the bus, 1 to 100 bytes.
    ///   - start: Where it begins if it is made now; otherwise it goes on where it was.
    ///   - credit: Events that may be under way or unread at once, 1 to 10 000, and at most 16 MiB.
    ///   - acknowledgeWithin: How long a member may take before the event comes again; zero for 30 s.
    ///   - attemptsMax: Deliveries before an event is a dead letter; 0 for 10.
    /// - Returns: Events and gaps as they come; the membership ends when it is dropped.
    /// - Throws: `patternInvalid`, `nameInvalid`, `startInvalid`, `subscriptionDiffers`, or another
    ///   refusal of the bus.
    public func subscribe(
        _ pattern: String,
        durable name: String,
        from start: SubscriptionStart = .now,
        credit: Int = 100,
        acknowledgeWithin: Duration = .zero,
        attemptsMax: UInt32 = 0
    ) async throws(BaridError) -> DurableEvents {
        guard Topic.isLegalPattern(pattern) else { throw .client(.patternInvalid) }
        guard Name.isLegal(name) else { throw .client(.nameInvalid) }
        var subscribe = Envelope.Subscribe()
        subscribe.pattern = pattern
        subscribe.name = name
        subscribe.ackMs = UInt32(clamping: acknowledgeWithin.milliseconds)
        subscribe.attemptsMax = attemptsMax
        switch start {
        case .now: subscribe.from = .now
        case .beginning: subscribe.from = .beginning
        case .last: subscribe.from = .last
        case .sequence(let sequence):
            subscribe.from = .sequence
            subscribe.sequence = sequence
        case .instant(let instant):
            subscribe.from = .instant
            subscribe.instant = instant
        }
        let standing = Standing(
            kind: .durable(name: name),
            header: Header(.subscribe),
            envelope: Envelope.bytes(of: subscribe),
            credit: .subscription(credit)
        )
        let (post, answer) = try await loop.stand(standing)
        return DurableEvents(
            pattern: pattern,
            name: name,
            lastSequence: answer.serial,
            number: answer.subject,
            post: post
        )
    }
}

/// What a durable subscription tells this member.
public enum DurableNotice: Sendable {
    /// An event to be acknowledged.
    case event(DurableEvent)
    /// Events that the subscription will never be told.
    case gap(Gap)
}

/// What a durable subscription tells this member, as it comes.
///
/// The bus keeps at most the credit under way or unread here. An event that is not acknowledged in
/// time, or was delivered over a connection that was lost, comes again, to this member or another; so
/// what is done with it must bear repetition. After a lost connection the membership is renewed.
/// Iteration ends when the task is cancelled, `end` is called or the connection is closed, and throws
/// when the bus ends the subscription, with `forgotten` if it was ended for all.
public struct DurableEvents: AsyncSequence, Sendable {
    /// An event or a gap.
    public typealias Element = DurableNotice

    /// What it listens to.
    public let pattern: String
    /// Its name.
    public let name: String
    /// The last sequence recorded when this member joined.
    public let lastSequence: UInt64

    let number: UInt64
    let post: Post

    /// Leaves the subscription; what was not acknowledged comes again, to other members.
    public func end() { post.leave() }

    /// Ends the subscription for all its members; nothing of it is kept.
    ///
    /// - Throws: `unknownSubscription` if it was left or forgotten before.
    public func forget() async throws(BaridError) {
        var header = Header(.unsubscribe)
        header.flags = Header.forgetFlag
        header.subject = number
        _ = try await post.loop.ask(
            Request(header: header, timeoutMilliseconds: post.loop.timeoutMilliseconds)
        )
        post.leave()
    }

    /// An iteration of its own over the same membership.
    public func makeAsyncIterator() -> Iterator { Iterator(self) }

    /// Waits for one notice after the other.
    public struct Iterator: AsyncIteratorProtocol {
        private let post: Post
        private let hand: Hand

        init(_ events: DurableEvents) {
            post = events.post
            hand = Hand(key: post.key, loop: post.loop)
        }

        /// The next notice, or nil at the end.
        public mutating func next() async throws(BaridError) -> DurableNotice? {
            try await next(isolation: nil)
        }

        /// The next notice, or nil at the end.
        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(BaridError) -> DurableNotice? {
            hand.empty()
            guard let news = try await post.tray.next() else { return nil }
            guard news.usesCredit else { return .gap(Gap(news.header)) }
            hand.take(session: news.session, bytes: news.creditBytes)
            return .event(
                DurableEvent(event: try BusEvent(news), header: news.header, loop: post.loop)
            )
        }
    }
}

/// An event of a durable subscription, to be settled before its time is over.
///
/// Every verb returns once the bus has stored it, and is repeated over lost connections. One that
/// comes too late fails with `stale`, and the event comes again.
public struct DurableEvent: Sendable {
    /// What was published.
    public let event: BusEvent
    /// Deliveries that failed before this one.
    public var attempts: UInt16 { header.code }

    let header: Header
    let loop: BusLoop

    /// Says that this event is done with.
    ///
    /// - Returns: The sequence up to which everything is settled.
    /// - Throws: `stale` if it came too late, `unknownSubscription` if the membership has ended.
    @discardableResult
    public func acknowledge() async throws(BaridError) -> UInt64 { try await settle(.done) }

    /// Says that every event delivered to this connection up to this one is done with.
    ///
    /// - Returns: The sequence up to which everything is settled.
    /// - Throws: As `acknowledge`.
    @discardableResult
    public func acknowledgeUpTo() async throws(BaridError) -> UInt64 {
        try await settle(.done, flags: Header.cumulativeFlag)
    }

    /// Asks for this event again after a pause; counts as a failed attempt.
    ///
    /// - Parameter reason: For operators; at most 4 000 bytes.
    /// - Throws: As `acknowledge`.
    public func again(_ reason: String = "") async throws(BaridError) {
        _ = try await settle(.again, reason: reason)
    }

    /// Makes this event a dead letter of the subscription, kept for operators.
    ///
    /// - Parameter reason: For operators; at most 4 000 bytes.
    /// - Throws: As `acknowledge`.
    public func giveUp(_ reason: String) async throws(BaridError) {
        _ = try await settle(.dead, reason: reason)
    }

    /// The kinds of acknowledgement (`Protocols/bus.md` § ack).
    private enum Settlement: UInt16 {
        case done = 0
        case again = 1
        case dead = 2
    }

    private func settle(
        _ settlement: Settlement,
        flags: UInt8 = 0,
        reason: String = ""
    ) async throws(BaridError) -> UInt64 {
        var ack = Header(.ack)
        ack.flags = flags
        ack.code = settlement.rawValue
        ack.subject = header.subject
        ack.generation = header.generation
        ack.serial = header.serial
        let answer = try await loop.ask(
            Request(
                header: ack,
                envelope: reason.isEmpty ? [] : Reason(text: reason).bytes,
                timeoutMilliseconds: loop.timeoutMilliseconds
            )
        )
        return answer.header.serial
    }
}
