// SPDX-License-Identifier: Apache-2.0

internal import Wire

/// A published fact as a subscription is told it: the attributes of CloudEvents 1.0 and a body.
public struct BusEvent: Hashable, Sendable {
    /// Id of the event, a UUID as text, chosen by the publisher; for acts of cases zeros and the
    /// sequence.
    public let id: String
    /// The topic it was published on.
    public let topic: String
    /// CloudEvents type; the topic if the publisher gave none.
    public let type: String
    /// CloudEvents source; `barid:journal` for acts of cases.
    public let source: String
    /// CloudEvents subject; the case number for acts of cases, empty if there is none.
    public let subject: String
    /// Media type of the body, empty if the publisher gave none.
    public let contentType: String
    /// URI of the schema of the body, empty if the publisher gave none.
    public let schema: String
    /// W3C Trace Context, empty if the publisher gave none.
    public let traceparent: String
    /// W3C Trace Context, empty if the publisher gave none.
    public let tracestate: String
    /// CloudEvents correlationid, empty if the publisher gave none.
    public let correlation: String
    /// When it happened, in milliseconds since 1970.
    public let occurredAt: Int64
    /// Its position in the journal; nil if it is not kept.
    public let sequence: UInt64?
    /// Whether it is kept in the ledger.
    public var isDurable: Bool { sequence != nil }
    /// The content, as published.
    public let body: [UInt8]

    init(_ news: News) throws(BaridError) {
        let event = news.envelope.withUnsafeBytes { bytes in
            try? Envelope.read(Envelope.Event.self, from: bytes)
        }
        guard let event else { throw .client(.envelopeInvalid) }
        id = news.header.id.text
        topic = event.topic
        type = event.type.isEmpty ? event.topic : event.type
        source = event.source
        subject = event.subject
        contentType = event.contentType
        schema = event.schema
        traceparent = event.traceparent
        tracestate = event.tracestate
        correlation = event.correlation
        occurredAt = news.header.instant
        sequence = news.header.serial == 0 ? nil : news.header.serial
        body = news.body
    }
}

/// Events that a subscription is not told.
public struct Gap: Hashable, Sendable {
    /// Why they are missing.
    public enum Reason: String, Sendable {
        /// The reader was too slow.
        case tooSlow
        /// Their content was erased by retention.
        case erased
        /// The start lies ahead of what is recorded.
        case startAhead
        /// The connection was lost, and a live subscription hears nothing meanwhile.
        case reconnected
        /// A reason unknown to this version.
        case other
    }

    /// Why.
    public let reason: Reason
    /// How many, 4294967295 for that or more; nil if it is not known.
    public let count: UInt32?
    /// First and last sequence missed; nil if they have none.
    public let sequences: ClosedRange<UInt64>?

    init(_ header: Header) {
        switch header.code {
        case 1: reason = .tooSlow
        case 2: reason = .erased
        case 3: reason = .startAhead
        case SessionState.reconnectedCode: reason = .reconnected
        default: reason = .other
        }
        count = header.number == 0 ? nil : header.number
        let first = header.generation
        sequences = first > 0 && first <= header.serial ? first...header.serial : nil
    }
}

/// What a live subscription is told.
public enum BusNotice: Hashable, Sendable {
    /// Something was published.
    case event(BusEvent)
    /// Events that this subscription will not be told.
    case gap(Gap)
}

/// What a live subscription does when its reader is slower than what is published.
public enum SlowPolicy: String, CaseIterable, Sendable {
    /// Leave events out, and say how many.
    case gap
    /// Keep the last event of each topic, up to 1 000 topics.
    case latest
    /// End with `tooSlow`.
    case evict
}
