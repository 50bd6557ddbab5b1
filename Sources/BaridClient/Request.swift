// SPDX-License-Identifier: Apache-2.0

internal import Wire

/// Something asked of the bus, kept whole until it is answered so that it can be sent again.
///
/// The bus knows a repetition by its key or its lease, or because nothing is stored.
struct Request: Sendable {
    /// All fields but the number and the lengths.
    var header: Header
    var envelope: [UInt8] = []
    var body: [UInt8] = []
    /// How long the caller waits, from the moment of asking.
    var timeoutMilliseconds: Int64
    /// The one session it makes sense in; nil for any.
    ///
    /// What the bus numbers anew after a restart must not reach the wrong one of a later session.
    var session: UInt64?
}

/// The answer to a request.
struct Reply: Sendable {
    var header: Header
    var envelope: [UInt8]
    var body: [UInt8] = []
}

/// One operation on its way out.
struct Outgoing: Sendable {
    var header: Header
    var envelope: [UInt8] = []
    var body: [UInt8] = []
}

/// A step as the bus announced it in this session.
struct AnnouncedStep: Sendable {
    let procedure: String
    let version: UInt32
    let step: String
    let office: String
    let outcomes: [String]
    let mayReturn: Bool
    let mayRefer: Bool
    let leaseMilliseconds: UInt32

    init(_ step: Envelope.Step) {
        procedure = step.procedure
        version = step.version
        self.step = step.step
        office = step.office
        outcomes = step.outcomes
        mayReturn = step.mayReturn
        mayRefer = step.mayRefer
        leaseMilliseconds = step.leaseMs
    }
}

/// A referral as it arrived at a desk.
struct Delivery: Sendable {
    /// Which of the client's sessions it came in.
    let session: UInt64
    let header: Header
    let step: AnnouncedStep
    let envelope: Envelope.Case
    let body: [UInt8]

    /// What it costs of the credit in bytes.
    var creditBytes: UInt64 { Self.bytes(of: header) }

    /// What something delivered with this header costs of the credit in bytes.
    static func bytes(of header: Header) -> UInt64 {
        UInt64(header.envelopeLength) + UInt64(header.bodyLength)
    }
}

/// What the session has to tell its callers.
enum Outcome: Sendable {
    case answered(ticket: UInt64, Reply)
    case failed(ticket: UInt64, BaridError)
    /// A referral for a desk.
    case delivered(desk: Int, Delivery)
    /// The leases of what this desk has not yet handed out are void.
    case voided(desk: Int)
    /// The desk cannot go on.
    case unstaffed(desk: Int, BaridError)
    /// Something for a subscription, an offer or a durable question.
    case told(standing: Int, News)
    /// What this one has not yet handed out is void.
    case standingVoided(Int)
    /// It cannot go on; what it has not yet handed out is still good.
    case standingEnded(Int, BaridError)
    /// The session is over for good; nil if it was closed in order.
    case ended(BaridError?)
}
