// SPDX-License-Identifier: Apache-2.0

internal import Platform
internal import Wire

/// What a service answered.
public struct Answer: Hashable, Sendable {
    /// Media type of the body, empty if the service gave none.
    public let contentType: String
    /// URI of the schema of the body, empty if the service gave none.
    public let schema: String
    /// The content.
    public let body: [UInt8]
    /// Whether this is the answer to an earlier question with the same key again.
    public let wasRepeated: Bool

    init(_ header: Header, envelope: [UInt8], body: [UInt8]) {
        let reply = envelope.withUnsafeBytes { bytes in
            try? Envelope.read(Envelope.Reply.self, from: bytes)
        }
        contentType = reply?.contentType ?? ""
        schema = reply?.schema ?? ""
        self.body = body
        wasRepeated = header.flags & Header.repeatedFlag != 0
    }
}

/// A question to a service, `agency/service`.
public struct Inquiry: Sendable {
    /// Whom.
    public var service: String
    /// Media type of the body.
    public var contentType = ""
    /// URI of the schema of the body.
    public var schema = ""
    /// W3C Trace Context.
    public var traceparent = ""
    /// W3C Trace Context.
    public var tracestate = ""
    /// Joins it to what it belongs to.
    public var correlation = ""
    /// The content, opaque to the bus; at most what the bus was configured to take (1 MiB).
    public var body: [UInt8] = []
    /// Makes repetitions harmless: within a minute the same key gets the same answer, and for a
    /// durable question as long as it is kept.
    public var key = SubmissionKey()

    /// A question to this service.
    public init(service: String, body: [UInt8] = []) {
        self.service = service
        self.body = body
    }

    fileprivate func header(deadline: Duration, flags: UInt8) -> Header {
        var header = Header(.ask)
        header.flags = flags
        header.instant = Clock.wallMilliseconds().clampedAdding(max(1, deadline.milliseconds))
        header.id = key.identifier
        return header
    }

    fileprivate func envelope() throws(BaridError) -> [UInt8] {
        guard Name.isLegalOffice(service) else { throw .client(.nameInvalid) }
        var question = Envelope.Question()
        question.service = service
        question.contentType = contentType
        question.schema = schema
        question.traceparent = traceparent
        question.tracestate = tracestate
        question.correlation = correlation
        return Envelope.bytes(of: question)
    }
}

extension Bus {
    /// How much longer than its deadline a question is waited for: the bus is to say that it passed.
    private static let deadlineGrace: Int64 = 2_000

    /// Asks a service and returns its answer.
    ///
    /// Over a lost connection the question is asked again with the same key. A cancelled task stops
    /// waiting at once; the service may answer all the same.
    ///
    /// - Parameters:
    ///   - inquiry: The question.
    ///   - deadline: How long the answer may take, to 5 min.
    /// - Returns: The answer.
    /// - Throws: `notOffered` if nobody offers the service now, `deadlinePassed` if no answer came in
    ///   time, `answerRefused` with the service's text if it does not answer, `nameInvalid`,
    ///   `mayNotUse`, or `notConnected`.
    public func ask(
        _ inquiry: Inquiry,
        deadline: Duration = .seconds(30)
    ) async throws(BaridError) -> Answer {
        let limited = min(deadline, .milliseconds(Limits.deadlineMilliseconds))
        let reply = try await loop.ask(
            Request(
                header: inquiry.header(deadline: limited, flags: 0),
                envelope: try inquiry.envelope(),
                body: inquiry.body,
                timeoutMilliseconds: limited.milliseconds + Self.deadlineGrace
            )
        )
        return Answer(reply.header, envelope: reply.envelope, body: reply.body)
    }

    /// Asks a service with these bytes and returns its answer.
    ///
    /// - Throws: As `ask(_:deadline:)`.
    public func ask(
        _ service: String,
        _ body: [UInt8],
        deadline: Duration = .seconds(30)
    ) async throws(BaridError) -> Answer {
        try await ask(Inquiry(service: service, body: body), deadline: deadline)
    }

    /// Asks a service durably, and returns once the question is on disk.
    ///
    /// The question is put to whoever offers the service until it is answered or its deadline passes,
    /// over restarts of everybody. To hear an answer that came while this program was away, ask again
    /// with the same key and content.
    ///
    /// - Parameters:
    ///   - inquiry: The question; keep its key.
    ///   - deadline: How long the answer may take, to 30 days.
    /// - Returns: The receipt, and where to wait for the answer.
    /// - Throws: `notOffered` if the bus does not know the service's agency, `keyConflict` if the key
    ///   was used for another question, or another refusal.
    public func askDurably(
        _ inquiry: Inquiry,
        deadline: Duration
    ) async throws(BaridError) -> DurableInquiry {
        let limited = min(deadline, .milliseconds(Limits.durableDeadlineMilliseconds))
        let standing = Standing(
            kind: .question(key: inquiry.key.identifier),
            header: inquiry.header(deadline: limited, flags: Header.durableFlag),
            envelope: try inquiry.envelope(),
            body: inquiry.body
        )
        let (post, answer) = try await loop.stand(standing)
        return DurableInquiry(
            receipt: EventReceipt(answer, key: inquiry.key),
            post: post
        )
    }
}

/// A question that is on disk and waits for its answer.
///
/// Dropping it ends the wait, not the question.
public struct DurableInquiry: Sendable {
    /// Proof that the question is durable.
    public let receipt: EventReceipt

    let post: Post

    /// Waits for the answer, over lost connections too.
    ///
    /// - Returns: The answer; one caller gets it.
    /// - Throws: `deadlinePassed` if there is none, `answerRefused` with the service's text if it does
    ///   not answer, `closed` if the connection was closed, or an error whose `isCancelled` is true.
    public func answer() async throws(BaridError) -> Answer {
        guard let news = try await post.tray.next() else {
            throw Task.isCancelled ? .cancelled : .client(.closed)
        }
        guard news.header.code == 0 else {
            let reply = news.envelope.withUnsafeBytes { bytes in
                try? Envelope.read(Envelope.Reply.self, from: bytes)
            }
            throw .refused(news.header.code, text: reply?.text ?? "", retryAt: 0)
        }
        return Answer(news.header, envelope: news.envelope, body: news.body)
    }
}

extension Int64 {
    /// The sum, or the largest number where it does not fit.
    fileprivate func clampedAdding(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
