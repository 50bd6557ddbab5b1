// SPDX-License-Identifier: Apache-2.0

internal import Wire

/// A fact to be published: the attributes of CloudEvents 1.0 and a body.
public struct Publication: Sendable {
    /// Where: words joined by dots, the first the own agency; at most 16 words and 200 bytes.
    public var topic: String
    /// CloudEvents type, such as `sa.gov.civil-registry.birth.registered`; empty for the topic.
    public var type = ""
    /// CloudEvents source, whose first path segment is the agency; empty for the agency itself.
    public var source = ""
    /// CloudEvents subject.
    public var subject = ""
    /// Media type of the body.
    public var contentType = ""
    /// URI of the schema of the body.
    public var schema = ""
    /// W3C Trace Context.
    public var traceparent = ""
    /// W3C Trace Context.
    public var tracestate = ""
    /// CloudEvents correlationid.
    public var correlation = ""
    /// When it happened, in milliseconds since 1970, where that was earlier than now.
    public var occurredAt: Int64?
    /// The content, opaque to the bus; at most what the bus was configured to take (1 MiB).
    public var body: [UInt8] = []
    /// Id of the event; makes repetitions of a durable one harmless.
    public var key = SubmissionKey()

    /// A fact for this topic.
    public init(topic: String, body: [UInt8] = []) {
        self.topic = topic
        self.body = body
    }

    func request(
        agency: String,
        isDurable: Bool,
        timeoutMilliseconds: Int64
    ) throws(BaridError) -> Request {
        guard Topic.isLegal(topic) else { throw .client(.topicInvalid) }
        var event = Envelope.Event()
        event.topic = topic
        event.type = type
        event.source = source.isEmpty ? agency : source
        event.subject = subject
        event.contentType = contentType
        event.schema = schema
        event.traceparent = traceparent
        event.tracestate = tracestate
        event.correlation = correlation
        var header = Header(.publish)
        header.flags = isDurable ? Header.durableFlag : 0
        header.instant = occurredAt ?? 0
        header.id = key.identifier
        return Request(
            header: header,
            envelope: Envelope.bytes(of: event),
            body: body,
            timeoutMilliseconds: timeoutMilliseconds
        )
    }
}

/// Proof that an event is durable.
public struct EventReceipt: Hashable, Sendable {
    /// Id of the event, a UUID as text.
    public let id: String
    /// Its position in the journal.
    public let sequence: UInt64
    /// When the bus recorded it, in milliseconds since 1970.
    public let recordedAt: Int64
    /// The first 16 bytes of the journal record's chained SHA-256, as 32 hexadecimal digits.
    public let hashPrefix: String
    /// True if the request was a repetition and this is its first answer again.
    public let wasRepeated: Bool

    init(_ header: Header, key: SubmissionKey) {
        id = key.description
        sequence = header.subject
        recordedAt = header.instant
        hashPrefix =
            Identifier.hexadecimal(header.id.high) + Identifier.hexadecimal(header.id.low)
        wasRepeated = header.flags & Header.repeatedFlag != 0
    }
}

/// What became of an event that is published.
public enum Published: Hashable, Sendable {
    /// It is on disk.
    case durable(EventReceipt)
    /// It was put out to so many live subscriptions and is not kept.
    case live(id: String, subscriptions: UInt64)
}

extension Bus {
    /// Publishes an event on a topic of the own agency.
    ///
    /// While the bus is busy or stopping it is published again until the time is over. A durable event
    /// is safe to repeat, over a lost connection too: the same id is recorded once. One that is not
    /// durable may be heard twice after a lost connection.
    ///
    /// - Parameters:
    ///   - publication: Keep its key to repeat it safely after a failure.
    ///   - durable: Whether it is kept in the ledger; then this returns once it is on disk.
    ///   - timeout: How long to wait, restarts and repetitions included.
    /// - Returns: The receipt of a durable event, or how many live subscriptions it was put out to.
    /// - Throws: `topicInvalid`, `topicReserved`, `sourceForeign`, `mayNotUse`, `keyConflict` if the
    ///   key was used for another event, or `timedOut` or `notConnected`, after which it may have been
    ///   published: repeat it with the same key.
    @discardableResult
    public func publish(
        _ publication: Publication,
        durable: Bool = false,
        timeout: Duration = .seconds(30)
    ) async throws(BaridError) -> Published {
        let request = try publication.request(
            agency: agency,
            isDurable: durable,
            timeoutMilliseconds: timeout.milliseconds
        )
        let header = try await loop.ask(request).header
        guard durable else {
            return .live(id: header.id.text, subscriptions: header.subject)
        }
        return .durable(EventReceipt(header, key: publication.key))
    }

    /// Publishes bytes on a topic of the own agency, with no attributes but the topic.
    ///
    /// - Throws: As `publish(_:durable:timeout:)`.
    @discardableResult
    public func publish(
        _ topic: String,
        _ body: [UInt8],
        durable: Bool = false
    ) async throws(BaridError) -> Published {
        try await publish(Publication(topic: topic, body: body), durable: durable)
    }
}
