// SPDX-License-Identifier: Apache-2.0

internal import Wire

/// A referral that an office holds in custody, found by `Bus.track` and settled without a delivery.
///
/// The connection must staff the office. Verbs behave as those of `Referral`.
public struct Custody: Sendable {
    /// Number of the referral.
    public let number: UInt64
    /// The case's place in the ledger, from 1.
    public let serial: UInt64
    /// The outcomes the step may close with.
    public let outcomes: [String]

    private let holding: Holding

    init(
        number: UInt64,
        serial: UInt64,
        outcomes: [String],
        loop: BusLoop
    ) {
        self.number = number
        self.serial = serial
        self.outcomes = outcomes
        holding = Holding(referral: number, generation: 0, serial: serial, loop: loop)
    }

    /// Closes the step with one of its outcomes; the case goes on.
    ///
    /// - Throws: `unknownOutcome` before anything is sent if the step declares no such outcome.
    @discardableResult
    public func complete(
        _ outcome: String,
        occurredAt: Int64? = nil
    ) async throws(BaridError) -> Receipt {
        guard let place = outcomes.firstIndex(of: outcome).flatMap({ UInt16(exactly: $0) }) else {
            throw .client(.unknownOutcome)
        }
        return try await holding.settle(.complete, code: place, occurredAt: occurredAt)
    }

    /// Sends the case back to where it came from.
    @discardableResult
    public func `return`(
        reason: String,
        person: String = "",
        occurredAt: Int64? = nil
    ) async throws(BaridError) -> Receipt {
        try await holding.settle(
            .return,
            reason: Reason(text: reason, person: person),
            occurredAt: occurredAt
        )
    }

    /// Sends the case to other offices first, where the step allows it.
    @discardableResult
    public func refer(
        to offices: [String],
        reason: String,
        person: String = "",
        occurredAt: Int64? = nil
    ) async throws(BaridError) -> Receipt {
        try await holding.settle(
            .refer,
            reason: Reason(text: reason, person: person, offices: offices),
            occurredAt: occurredAt
        )
    }

    /// Gives the referral back to the queue, not before the delay has passed.
    @discardableResult
    public func release(
        after delay: Duration = .zero,
        reason: String = "",
        occurredAt: Int64? = nil
    ) async throws(BaridError) -> Receipt {
        try await holding.settle(
            .release,
            reason: reason.isEmpty ? nil : Reason(text: reason),
            delay: delay,
            occurredAt: occurredAt
        )
    }

    /// Gives custody up, saying why.
    @discardableResult
    public func refuse(
        reason: String,
        person: String = "",
        occurredAt: Int64? = nil
    ) async throws(BaridError) -> Receipt {
        try await holding.settle(
            .refuse,
            reason: Reason(text: reason, person: person),
            occurredAt: occurredAt
        )
    }

    /// Records a remark in the trail of the case; see `Referral.note`.
    @discardableResult
    public func note(
        activity: String,
        person: String = "",
        text: String = "",
        body: [UInt8] = [],
        occurredAt: Int64? = nil,
        key: SubmissionKey = SubmissionKey()
    ) async throws(BaridError) -> Receipt {
        try await holding.note(
            activity: activity,
            person: person,
            text: text,
            body: body,
            occurredAt: occurredAt,
            key: key
        )
    }
}

/// Why, by whom, and where to.
struct Reason {
    var text: String
    var person = ""
    var offices: [String] = []

    var bytes: [UInt8] {
        var reason = Envelope.Reason()
        reason.text = text
        reason.person = person
        reason.offices = offices
        return Envelope.bytes(of: reason)
    }
}

/// The numbers that name a referral to the bus, under a lease or in custody.
struct Holding: Sendable {
    let referral: UInt64
    /// Fencing of the lease; 0 settles from custody.
    let generation: UInt64
    let serial: UInt64
    let loop: BusLoop

    func settle(
        _ verb: Verb,
        code: UInt16 = 0,
        reason: Reason? = nil,
        delay: Duration = .zero,
        occurredAt: Int64?
    ) async throws(BaridError) -> Receipt {
        var header = header(verb, occurredAt: occurredAt)
        header.code = code
        header.id.low = UInt64(max(0, delay.milliseconds))
        return Receipt(try await ask(header, envelope: reason?.bytes ?? []).header)
    }

    func note(
        activity: String,
        person: String,
        text: String,
        body: [UInt8],
        occurredAt: Int64?,
        key: SubmissionKey
    ) async throws(BaridError) -> Receipt {
        var note = Envelope.Note()
        note.activity = activity
        note.person = person
        note.text = text
        var header = header(.note, occurredAt: occurredAt)
        header.id = key.identifier
        return Receipt(
            try await ask(header, envelope: Envelope.bytes(of: note), body: body).header
        )
    }

    func renew() async throws(BaridError) -> Int64 {
        var header = Header(.renew)
        header.subject = referral
        header.generation = generation
        return try await ask(header, envelope: []).header.instant
    }

    private func header(_ verb: Verb, occurredAt: Int64?) -> Header {
        var header = Header(verb)
        header.subject = referral
        header.generation = generation
        header.instant = occurredAt ?? 0
        header.serial = serial
        return header
    }

    private func ask(
        _ header: Header,
        envelope: [UInt8],
        body: [UInt8] = []
    ) async throws(BaridError) -> Reply {
        try await loop.ask(
            Request(
                header: header,
                envelope: envelope,
                body: body,
                timeoutMilliseconds: loop.timeoutMilliseconds
            )
        )
    }
}

extension Duration {
    /// Whole milliseconds, cut off; the largest number where it does not fit.
    var milliseconds: Int64 {
        let (whole, overflow) = components.seconds.multipliedReportingOverflow(by: 1_000)
        let (sum, carry) = whole.addingReportingOverflow(
            components.attoseconds / 1_000_000_000_000_000
        )
        return overflow || carry ? (components.seconds < 0 ? .min : .max) : sum
    }
}
