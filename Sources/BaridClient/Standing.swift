// SPDX-License-Identifier: Apache-2.0

internal import Wire

/// Something that stands as long as its caller wants it, and is asked for again in every session: a
/// subscription, an offer, or a durable question that waits for its answer.
struct Standing: Sendable {
    /// What it is, and so what a new session means to it.
    enum Kind: Equatable, Sendable {
        /// What the bus published meanwhile is missed; what lies here is still good.
        case live
        /// What lies here comes again.
        case durable(name: String)
        /// What lies here goes to others, or comes again.
        case offer(service: String)
        /// Nothing is missed: the answer is kept.
        case question(key: Identifier)
    }

    let kind: Kind
    /// `subscribe`, `offer` or `ask`: all fields but the number and the lengths.
    let header: Header
    let envelope: [UInt8]
    var body: [UInt8] = []
    /// What a subscription may hold; nothing is granted to the others.
    var credit = CreditCount(messages: 0, bytes: 0)
    /// Who waits for the first answer; nil after it.
    var ticket: UInt64?
    /// When that one gives up, in monotonic milliseconds.
    var deadline: Int64 = 0
    /// When to ask again after a refusal that will pass; nil if not refused.
    var askAt: Int64?
    /// What the bus calls it in this session; nil until answered.
    var number: UInt64?
    /// Whether it was answered in an earlier session.
    var wasAnswered = false

    /// Whether what came in an earlier session is still good.
    var keepsUnread: Bool {
        switch kind {
        case .live, .question: true
        case .durable, .offer: false
        }
    }
}

/// Something the bus told a standing.
struct News: Sendable {
    /// Which of the client's sessions it came in.
    let session: UInt64
    /// `event`, `gap`, `question` or `replied`.
    let header: Header
    var envelope: [UInt8] = []
    var body: [UInt8] = []

    /// What it costs of the credit in bytes.
    var creditBytes: UInt64 { Delivery.bytes(of: header) }
    /// Whether it used credit.
    var usesCredit: Bool { header.verb == .event }
}
