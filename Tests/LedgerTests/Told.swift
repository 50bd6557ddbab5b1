// SPDX-License-Identifier: Apache-2.0

import Rules
import Wire

/// One operation the ledger told a session, with its bytes.
struct Told {
    let header: Header
    let session: UInt32
    let envelope: [UInt8]
    let body: [UInt8]

    init(_ effect: Effect, in effects: Effects) {
        header = effect.header
        session = effect.session
        envelope = Array(effects.bytes[effect.envelope])
        body = Array(effects.bytes[effect.body])
    }

    /// Whether it is a positive answer.
    var isAnswer: Bool { header.verb == .answer }
    /// Whether it is the first answer again.
    var isRepeated: Bool { header.flags & Header.repeatedFlag != 0 }
    /// Why the request was refused; nil if it was not.
    var refusal: RefusalCode? {
        header.verb == .refusal ? RefusalCode(rawValue: header.code) : nil
    }

    func read<Message>(_ type: Message.Type) -> Message?
    where Message: Reading {
        envelope.withUnsafeBytes { Message.reading($0) }
    }
}

/// Envelopes the tests read back.
protocol Reading {
    static func reading(_ bytes: UnsafeRawBufferPointer) -> Self?
}

extension Envelope.Step: Reading {
    static func reading(_ bytes: UnsafeRawBufferPointer) -> Self? {
        try? Envelope.read(Self.self, from: bytes)
    }
}

extension Envelope.Trail: Reading {
    static func reading(_ bytes: UnsafeRawBufferPointer) -> Self? {
        try? Envelope.read(Self.self, from: bytes)
    }
}

/// A referral handed to a session under a lease.
struct Delivery {
    let session: UInt32
    let referral: UInt64
    let generation: UInt64
    let serial: UInt64
    let lane: UInt8
    let attempts: Int
    let due: Int64
    let id: Identifier
    let envelope: [UInt8]
    let body: [UInt8]
    /// The step as announced to the session.
    let step: Envelope.Step

    /// The place of an outcome among the announced ones.
    func place(of outcome: String) -> UInt16 {
        UInt16(step.outcomes.firstIndex(of: outcome) ?? Int(UInt16.max))
    }

    /// The same referral as held in custody.
    var inCustody: Delivery {
        Delivery(
            session: session,
            referral: referral,
            generation: 0,
            serial: serial,
            lane: lane,
            attempts: attempts,
            due: due,
            id: id,
            envelope: envelope,
            body: body,
            step: step
        )
    }

    /// The same referral in the hands of another session.
    func held(by session: UInt32) -> Delivery {
        Delivery(
            session: session,
            referral: referral,
            generation: generation,
            serial: serial,
            lane: lane,
            attempts: attempts,
            due: due,
            id: id,
            envelope: envelope,
            body: body,
            step: step
        )
    }
}
