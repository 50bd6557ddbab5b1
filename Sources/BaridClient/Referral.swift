// SPDX-License-Identifier: Apache-2.0

internal import Wire

/// A case delivered to an office under a lease, to be settled before the lease ends.
///
/// Every verb returns once the bus has stored it. A verb repeated after a broken session returns
/// its first answer; one that comes too late fails with `stale`, and the case goes on without it.
public struct Referral: Sendable {
    /// The number of the case, `0000-0012-3456-77`.
    public var caseNumber: String { CaseNumber(serial: serial)?.text ?? String(serial) }
    /// The case's place in the ledger, from 1.
    public var serial: UInt64 { delivery.header.serial }
    /// The id of the case, a UUID as text.
    public var caseID: String { delivery.header.id.text }
    /// Number of the referral, by which custody is settled later.
    public var number: UInt64 { delivery.header.subject }
    /// The office it is for.
    public var office: String { delivery.step.office }
    /// Procedure of the case.
    public var procedure: String { delivery.step.procedure }
    /// Version of the procedure the case is pinned to.
    public var version: UInt32 { delivery.step.version }
    /// The step the case is at.
    public var step: String { delivery.step.step }
    /// The outcomes the step may close with.
    public var outcomes: [String] { delivery.step.outcomes }
    /// Whether the step can return the case.
    public var mayReturn: Bool { delivery.step.mayReturn }
    /// Whether the step can refer the case to other offices.
    public var mayRefer: Bool { delivery.step.mayRefer }
    /// Length of a lease.
    public var leaseTime: Duration { .milliseconds(Int64(delivery.step.leaseMilliseconds)) }
    /// When it is due, in milliseconds since 1970; nil if no term runs.
    public var dueAt: Int64? { delivery.header.instant == 0 ? nil : delivery.header.instant }
    /// Attempts that failed before this one.
    public var attempts: UInt16 { delivery.header.code }
    /// Its lane; nil if unknown to this version.
    public var lane: Lane? { Lane(rawValue: delivery.header.flags & Header.laneMask) }
    /// Pseudonymous identifier of the applicant.
    public var applicant: String { delivery.envelope.applicant }
    /// One line for people.
    public var subject: String { delivery.envelope.subject }
    /// The originating agency's own file number.
    public var reference: String { delivery.envelope.reference }
    /// Attributes of the case.
    public var attributes: [CaseAttribute] {
        delivery.envelope.attributes.map { CaseAttribute(name: $0.name, value: $0.value) }
    }
    /// Offices of the routing slip, empty where the procedure has none.
    public var itinerary: [String] { delivery.envelope.itinerary }
    /// Media type of the body.
    public var contentType: String { delivery.envelope.contentType }
    /// The content.
    public var body: [UInt8] { delivery.body }
    /// Whether the body was left out, because the agency has no right to read it here.
    public var isWithheld: Bool { delivery.header.flags & Header.withheldFlag != 0 }

    let delivery: Delivery
    let loop: BusLoop

    /// Whether this is the same delivery of the same referral.
    public func isSame(as other: Referral) -> Bool {
        number == other.number
            && delivery.header.generation == other.delivery.header.generation
            && delivery.session == other.delivery.session
    }

    private var holding: Holding {
        Holding(
            referral: number,
            generation: delivery.header.generation,
            serial: serial,
            loop: loop
        )
    }

    /// Takes custody: the lease ends, the referral stays with the office and is settled later
    /// through `Bus.custody`.
    ///
    /// `occurredAt` says when, in milliseconds since 1970, where that was earlier than now.
    public func accept(occurredAt: Int64? = nil) async throws(BaridError) -> Receipt {
        try await holding.settle(.accept, occurredAt: occurredAt)
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

    /// Gives the referral back to the queue, to be delivered again.
    ///
    /// It waits there until `delay` has passed. Counts as a failed attempt.
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

    /// Refuses custody of the case, saying why not.
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

    /// Prolongs the lease by its full length.
    ///
    /// - Returns: The new end of the lease, in milliseconds since 1970.
    @discardableResult
    public func renew() async throws(BaridError) -> Int64 { try await holding.renew() }

    /// Records a remark in the trail of the case.
    ///
    /// Repeated with the same key, even in a later delivery of the case, it returns its first receipt.
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
