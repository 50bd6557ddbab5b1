// SPDX-License-Identifier: Apache-2.0

internal import Wire

extension Bus {
    /// Offers to answer the questions of a service of the own agency.
    ///
    /// The connection must staff at least one office, with a credit of 0 if it takes no referrals.
    ///
    /// ```swift
    /// for try await question in try await bus.offer("civil-registry/lookup") {
    ///     try await question.answer(find(question.body))
    /// }
    /// ```
    /// - Parameters:
    ///   - service: `agency/service`.
    ///   - atOnce: Questions that may be unanswered at once, 1 to 1 000.
    /// - Returns: The questions as they come; the offer is withdrawn when it is dropped.
    /// - Throws: `unknownService`, `nameInvalid`, or another refusal of the bus.
    public func offer(
        _ service: String,
        atOnce: Int = 10
    ) async throws(BaridError) -> Questions {
        guard Name.isLegalOffice(service) else { throw .client(.nameInvalid) }
        var offer = Envelope.Offer()
        offer.service = service
        var header = Header(.offer)
        header.generation = min(UInt64(max(1, atOnce)), Limits.questionsMax)
        let standing = Standing(
            kind: .offer(service: service),
            header: header,
            envelope: Envelope.bytes(of: offer)
        )
        return Questions(service: service, post: try await loop.stand(standing).0)
    }
}

/// The questions put to an offer, as they come.
///
/// The bus puts no more than the offer takes at once before one of them is answered. After a lost
/// connection the offer is renewed, and what was not handed out goes to others or comes again.
/// Iteration ends when the task is cancelled, `end` is called or the connection is closed. Several
/// tasks may iterate at once: each question goes to one of them.
public struct Questions: AsyncSequence, Sendable {
    /// A question to be answered.
    public typealias Element = Question

    /// The service that is offered.
    public let service: String

    let post: Post

    /// Takes the offer back, so that iterations end; questions handed out may still be answered.
    public func end() { post.leave() }

    /// An iteration of its own over the same offer.
    public func makeAsyncIterator() -> Iterator { Iterator(post: post) }

    /// Waits for one question after the other.
    public struct Iterator: AsyncIteratorProtocol {
        let post: Post

        /// The next question, or nil at the end.
        public mutating func next() async throws(BaridError) -> Question? {
            try await next(isolation: nil)
        }

        /// The next question, or nil at the end.
        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(BaridError) -> Question? {
            guard let news = try await post.tray.next() else { return nil }
            return try Question(news, loop: post.loop)
        }
    }
}

/// A question put to this connection, to be answered before its deadline.
///
/// An answer to a durable question is repeated over a lost connection; any other is put to another
/// then, and answering it fails with `unknownQuestion`. An answer that comes too late fails with
/// `deadlinePassed`.
public struct Question: Sendable {
    /// The service that was asked.
    public let service: String
    /// Media type of the body, empty if the asker gave none.
    public let contentType: String
    /// URI of the schema of the body, empty if the asker gave none.
    public let schema: String
    /// W3C Trace Context, empty if the asker gave none.
    public let traceparent: String
    /// W3C Trace Context, empty if the asker gave none.
    public let tracestate: String
    /// Joins it to what it belongs to, empty if the asker gave none.
    public let correlation: String
    /// The content, as asked.
    public let body: [UInt8]
    /// When it is too late to answer, in milliseconds since 1970.
    public let deadline: Int64
    /// How often it was put to others before.
    public let attempts: UInt16
    /// Whether it is kept in the ledger; answering it then returns once the answer is on disk.
    public var isDurable: Bool { generation > 0 }

    private let number: UInt64
    private let session: UInt64
    private let generation: UInt64
    private let loop: BusLoop

    init(_ news: News, loop: BusLoop) throws(BaridError) {
        let question = news.envelope.withUnsafeBytes { bytes in
            try? Envelope.read(Envelope.Question.self, from: bytes)
        }
        guard let question else { throw .client(.envelopeInvalid) }
        service = question.service
        contentType = question.contentType
        schema = question.schema
        traceparent = question.traceparent
        tracestate = question.tracestate
        correlation = question.correlation
        body = news.body
        deadline = news.header.instant
        attempts = news.header.code
        number = news.header.subject
        session = news.session
        generation = news.header.generation
        self.loop = loop
    }

    /// Answers the question.
    ///
    /// - Parameters:
    ///   - body: The answer, at most what the bus was configured to take (1 MiB).
    ///   - contentType: Media type of the body.
    ///   - schema: URI of the schema of the body.
    /// - Throws: `deadlinePassed`, `unknownQuestion`, or another refusal of the bus.
    public func answer(
        _ body: [UInt8],
        contentType: String = "",
        schema: String = ""
    ) async throws(BaridError) {
        var reply = Envelope.Reply()
        reply.contentType = contentType
        reply.schema = schema
        try await send(reply, code: 0, body: body)
    }

    /// Says why the question is not answered; the asker is told `answerRefused` with this text.
    ///
    /// - Parameter text: For the asker; at most 4 000 bytes.
    /// - Throws: As `answer`.
    public func refuse(_ text: String) async throws(BaridError) {
        var reply = Envelope.Reply()
        reply.text = text
        try await send(reply, code: RefusalCode.answerRefused.rawValue, body: [])
    }

    private func send(
        _ reply: Envelope.Reply,
        code: UInt16,
        body: [UInt8]
    ) async throws(BaridError) {
        var header = Header(.reply)
        header.code = code
        header.subject = number
        header.generation = generation
        _ = try await loop.ask(
            Request(
                header: header,
                envelope: Envelope.bytes(of: reply),
                body: body,
                timeoutMilliseconds: loop.timeoutMilliseconds,
                session: isDurable ? nil : session
            )
        )
    }
}
