// SPDX-License-Identifier: Apache-2.0

internal import Wire

extension Bus {
    /// Subscribes live: what is published from now on, as long as the connection lasts.
    ///
    /// ```swift
    /// for try await notice in try await bus.subscribe("civil-registry.birth.>") {
    ///     if case .event(let event) = notice { print(event.topic) }
    /// }
    /// ```
    /// - Parameters:
    ///   - pattern: A topic in which `*` stands for one word and a last `>` for one or more.
    ///   - slow: What the bus does while this program reads more slowly than others publish.
    ///   - credit: Events that may be under way or unread at once, 1 to 10 000, and at most 16 MiB.
    /// - Returns: Events and gaps as they come; the subscription ends when it is dropped.
    /// - Throws: `patternInvalid`, `mayNotUse`, or another refusal of the bus.
    public func subscribe(
        _ pattern: String,
        slow: SlowPolicy = .gap,
        credit: Int = 1_000
    ) async throws(BaridError) -> LiveEvents {
        guard Topic.isLegalPattern(pattern) else { throw .client(.patternInvalid) }
        var subscribe = Envelope.Subscribe()
        subscribe.pattern = pattern
        subscribe.slow =
            switch slow {
            case .gap: .gap
            case .latest: .latest
            case .evict: .evict
            }
        let standing = Standing(
            kind: .live,
            header: Header(.subscribe),
            envelope: Envelope.bytes(of: subscribe),
            credit: .subscription(credit)
        )
        return LiveEvents(pattern: pattern, post: try await loop.stand(standing).0)
    }
}

/// What a live subscription is told, as it comes.
///
/// The bus keeps at most the credit under way or unread here, so a program that stops reading is sent
/// nothing more: what then happens is the subscription's policy. An event counts until its iteration
/// asks for the next one. After a lost connection the subscription is opened again, and a gap of
/// unknown size tells that something may have been missed. Iteration ends when the task is cancelled,
/// `end` is called or the connection is closed, and throws when the bus ends the subscription. Several
/// tasks may iterate at once: each notice goes to one of them.
public struct LiveEvents: AsyncSequence, Sendable {
    /// An event or a gap.
    public typealias Element = BusNotice

    /// What it listens to.
    public let pattern: String

    let post: Post

    /// Ends the subscription; iterations end.
    public func end() { post.leave() }

    /// An iteration of its own over the same subscription.
    public func makeAsyncIterator() -> Iterator { Iterator(post) }

    /// Waits for one notice after the other.
    public struct Iterator: AsyncIteratorProtocol {
        private let post: Post
        private let hand: Hand

        init(_ post: Post) {
            self.post = post
            hand = Hand(key: post.key, loop: post.loop)
        }

        /// The next notice, or nil at the end.
        public mutating func next() async throws(BaridError) -> BusNotice? {
            try await next(isolation: nil)
        }

        /// The next notice, or nil at the end.
        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(BaridError) -> BusNotice? {
            hand.empty()
            guard let news = try await post.tray.next() else { return nil }
            guard news.usesCredit else { return .gap(Gap(news.header)) }
            hand.take(session: news.session, bytes: news.creditBytes)
            return .event(try BusEvent(news))
        }
    }
}

extension CreditCount {
    /// Bytes a subscription may have under way or unread: a quarter of the most the bus allows.
    private static let subscriptionBytes = Limits.creditBytesMax / 4

    /// The credit of a subscription for so many events.
    static func subscription(_ messages: Int) -> CreditCount {
        CreditCount(
            messages: min(UInt64(max(1, messages)), Limits.creditMessagesMax),
            bytes: subscriptionBytes
        )
    }
}
