// SPDX-License-Identifier: Apache-2.0

internal import Rules
internal import SQLite
internal import Wire

/// A referral in the hands of an office.
struct Holding {
    var referral: Referral
    /// Nil if it is in custody.
    var lease: Lease?
}

/// The verbs of the holder: `accept complete return refer release refuse note renew`.
extension LedgerWriter {
    func settle(_ request: Request, into effects: inout Effects) throws(SQLiteFault) {
        if request.header.verb == .note, request.header.id != .none,
            let position = try tables.submission(
                agency: request.session.agency,
                key: request.header.id
            )
        {
            return try answerRepeated(request, position, into: &effects)
        }
        guard let holding = try holding(of: request) else {
            return try answerSettled(request, into: &effects)
        }
        do {
            let occurredAt = try Admission.occurredAt(
                claimed: request.header.instant,
                now: now,
                mayBackdate: mayBackdate(
                    directory.procedure(holding.referral.step.procedure)?.procedure.name ?? "",
                    at: directory.level(ofProcedure: holding.referral.step.procedure),
                    request
                )
            )
            guard directory.agency(ofOffice: holding.referral.office) == request.session.agency
            else { throw RefusalCode.otherAgency }
            try demandStaff(holding.referral.office, of: request)
            guard holding.lease != nil || request.session.offices.contains(holding.referral.office)
            else { throw RefusalCode.notAttached }
            guard holding.referral.serial == request.header.serial else {
                throw RefusalCode.unknownReferral
            }
            let receipt = try carryOut(request, holding, occurredAt: occurredAt)
            effects.answer(request, receipt, commits: commits)
        } catch let code as RefusalCode {
            effects.refuse(code, request)
        } catch let fault as SQLiteFault {
            throw fault
        } catch {
            effects.refuse(.malformed, request)
        }
    }

    private func carryOut(
        _ request: Request,
        _ holding: Holding,
        occurredAt: Int64
    ) throws -> Receipt {
        guard let published = directory.procedure(holding.referral.step.procedure) else {
            preconditionFailure("referral \(holding.referral.number) names no procedure")
        }
        switch request.header.verb {
        case .accept: return try accept(request, holding, occurredAt: occurredAt)
        case .note: return try remark(request, holding, occurredAt: occurredAt)
        case .release: return try release(request, holding, published, occurredAt: occurredAt)
        default: break
        }
        var hop = Hop(
            request: request,
            holding: holding,
            published: published,
            occurredAt: occurredAt
        )
        switch request.header.verb {
        case .complete: try complete(&hop)
        case .return:
            _ = try reason(in: request)
            hop.movement = try published.movement(returning: holding.referral)
        case .refer: try refer(&hop)
        default:
            _ = try reason(in: request)
            hop.movement = try? published.movementToPrevious(of: holding.referral)
            if hop.movement == nil { hop.deadReason = .refused }
        }
        return try move(hop)
    }

    // MARK: Finding what is held

    private func holding(of request: Request) throws(SQLiteFault) -> Holding? {
        let header = request.header
        guard header.generation != 0 else {
            return try tables.custody(header.subject).map { Holding(referral: $0, lease: nil) }
        }
        guard let lease = leases.lease(of: header.subject),
            lease.generation == header.generation, lease.until > monotonic
        else { return nil }
        return Holding(referral: lease.referral, lease: lease)
    }

    /// Answers a settle for which there is no lease or custody: the first answer if it is a
    /// repetition, otherwise the reason why it comes too late.
    private func answerSettled(
        _ request: Request,
        into effects: inout Effects
    ) throws(SQLiteFault) {
        let header = request.header
        let acts = try journal.trail(of: header.serial)
        let digest =
            header.verb == .complete || header.verb == .accept
            ? [] : Journal.digest(envelope: request.envelope, body: request.body)
        let act = Act(settling: header.verb)
        var code = RefusalCode.unknownReferral
        for (record, receipt) in acts {
            if record.entries.contains(where: { $0.referral == header.subject }) { code = .stale }
            guard record.referral == header.subject, record.generation == header.generation else {
                continue
            }
            guard record.agency == request.session.agency else { continue }
            if record.act == act, record.digest == digest,
                header.verb != .complete || record.code == header.code
            {
                return effects.answer(request, receipt, commits: commits, isRepeated: true)
            }
            switch record.act {
            case .completed, .returned, .referred, .refused, .released, .accepted:
                code = record.act == .accepted ? .inCustody : .alreadySettled
            default: code = .stale
            }
        }
        effects.refuse(code, request)
    }

    // MARK: Verbs that stay at the office

    private func accept(
        _ request: Request,
        _ holding: Holding,
        occurredAt: Int64
    ) throws -> Receipt {
        guard let lease = holding.lease else { throw RefusalCode.inCustody }
        let record = self.record(.accepted, request, holding)
        let receipt = try append(record, occurredAt: occurredAt)
        try leaveQueue(holding)
        endLease(lease)
        try tables.insertCustody(holding.referral, accepted: occurredAt)
        count(holding.referral.office) { $0.custody += 1 }
        return receipt
    }

    private func remark(
        _ request: Request,
        _ holding: Holding,
        occurredAt: Int64
    ) throws -> Receipt {
        let note = try Envelope.read(Envelope.Note.self, from: request.envelope)
        guard
            max(note.activity.utf8.count, note.person.utf8.count, note.text.utf8.count)
                <= Limits.textBytesMax
        else { throw RefusalCode.envelopeInvalid }
        var record = self.record(.noted, request, holding)
        record.digest = Journal.digest(envelope: request.envelope, body: request.body)
        let receipt = try append(record, occurredAt: occurredAt)
        try tables.insertContent(
            receipt.position,
            envelope: request.envelope,
            body: request.body
        )
        if request.header.id != .none {
            _ = try tables.insertSubmission(
                agency: request.session.agency,
                key: request.header.id,
                position: receipt.position,
                on: connection
            )
        }
        return receipt
    }

    private func release(
        _ request: Request,
        _ holding: Holding,
        _ published: PublishedProcedure,
        occurredAt: Int64
    ) throws -> Receipt {
        let reason = try reason(in: request)
        guard request.header.id.high == 0, request.header.id.low <= 365 * 86_400_000 else {
            throw RefusalCode.malformed
        }
        var record = self.record(.released, request, holding)
        record.digest = Journal.digest(envelope: request.envelope, body: request.body)
        let receipt = try fail(
            holding,
            record,
            published,
            pauseAtLeast: Int64(request.header.id.low),
            cause: reason.text,
            occurredAt: occurredAt
        )
        try tables.insertContent(
            receipt.position,
            envelope: request.envelope,
            body: request.body
        )
        return receipt
    }

    func renew(_ request: Request, into effects: inout Effects) {
        guard let lease = leases.lease(of: request.header.subject),
            lease.generation == request.header.generation, lease.until > monotonic,
            let published = directory.procedure(lease.referral.step.procedure),
            let step = published.step(lease.referral.step)
        else { return effects.refuse(.stale, request) }
        guard directory.office(lease.referral.office)?.agency == request.session.agency else {
            return effects.refuse(.otherAgency, request)
        }
        leases.renew(lease.referral.number, until: monotonic + step.leaseMilliseconds)
        var answer = Header(.answer, number: request.header.number)
        answer.subject = lease.referral.number
        answer.instant = now + step.leaseMilliseconds
        answer.serial = lease.referral.serial
        effects.append(answer, session: request.number)
    }

    /// A delivery failed: back to the queue after a pause, or a dead letter when the step allows no
    /// more.
    ///
    /// The pause is the longer of the step's backoff and what the office asked for.
    func fail(
        _ holding: Holding,
        _ record: consuming JournalRecord,
        _ published: PublishedProcedure,
        pauseAtLeast: Int64,
        cause: String,
        occurredAt: Int64
    ) throws(SQLiteFault) -> Receipt {
        var referral = holding.referral
        referral.attempts += 1
        let rule = published.step(referral.step)?.retries ?? RetryRule()
        let isDead = referral.attempts >= rule.attemptsMax
        if isDead { record.flags.insert(.dead) }
        let receipt = try append(record, occurredAt: occurredAt)
        try leaveQueue(holding)
        if let lease = holding.lease { endLease(lease) }
        guard !isDead else {
            try tables.insertDead(referral, reason: .attempts, cause: cause, at: now)
            count(referral.office) { $0.dead += 1 }
            return receipt
        }
        let pause = rule.pauseMilliseconds(after: referral.attempts, random: random.next())
        let until = now + max(pause, pauseAtLeast)
        try tables.insertDelayed(referral, until: until)
        count(referral.office) { $0.delayed += 1 }
        nextDelayed = min(nextDelayed ?? until, until)
        return receipt
    }

    // MARK: Verbs that move the case

    private func complete(_ hop: inout Hop) throws {
        let referral = hop.holding.referral
        let published = hop.published
        let outcome = Int(hop.request.header.code)
        var values: [String: String] = [:]
        if published.isGuarded(outcome: outcome, of: referral.step) {
            values = try attributes(of: referral.serial)
        }
        if published.procedure.takesItinerary {
            hop.itinerary = try itinerary(of: referral.serial)
        }
        hop.movement = try published.movement(
            completing: outcome,
            of: referral,
            itineraryCount: hop.itinerary.count,
            attribute: { values[$0] }
        )
    }

    private func refer(_ hop: inout Hop) throws {
        let referral = hop.holding.referral
        let reason = try reason(in: hop.request)
        guard hop.published.step(referral.step)?.mayRefer == true else {
            throw RefusalCode.referNotAllowed
        }
        let level = hop.published.procedure.classification
        guard hop.published.procedure.takesItinerary else {
            guard reason.offices.count == 1, let name = reason.offices.first,
                let office = directory.officeNumber(name),
                hop.published.declaredOffices.contains(office)
            else { throw RefusalCode.unknownOffice }
            try demand(.refer, on: name, at: level, of: hop.request)
            hop.movement = .office(office)
            return
        }
        try demand(.amend, on: hop.published.procedure.name, at: level, of: hop.request)
        for name in reason.offices { try demand(.refer, on: name, at: level, of: hop.request) }
        let rest = try itinerary(reason.offices, for: hop.published)
        let visited = try itinerary(of: referral.serial).prefix(Int(referral.slot) + 1)
        guard visited.count + rest.count <= Limits.itineraryOfficesMax else {
            throw RefusalCode.itineraryTooLong
        }
        hop.itinerary = visited + rest
        hop.amendsItinerary = true
        hop.movement = .slot(referral.slot + 1)
    }

    private func attributes(of serial: UInt64) throws -> [String: String] {
        let envelope = try tables.withFile(serial) { _, envelope, _, _ in
            try? Envelope.read(Envelope.Case.self, from: envelope)
        }
        var values: [String: String] = [:]
        for attribute in envelope??.attributes ?? [] { values[attribute.name] = attribute.value }
        return values
    }

    private func reason(in request: Request) throws(RefusalCode) -> Envelope.Reason {
        let reason = try Envelope.read(Envelope.Reason.self, from: request.envelope)
        guard reason.text.utf8.count <= Limits.textBytesMax,
            reason.person.utf8.count <= Limits.textBytesMax
        else { throw .envelopeInvalid }
        return reason
    }

    /// A record of an act on a referral that is held.
    func record(_ act: Act, _ request: Request, _ holding: Holding) -> JournalRecord {
        var record = self.record(act, request)
        record.describe(holding)
        return record
    }
}

extension JournalRecord {
    /// Says which referral was acted on, and how it was held.
    mutating func describe(_ holding: Holding) {
        serial = holding.referral.serial
        referral = holding.referral.number
        office = holding.referral.office
        step = holding.referral.step
        generation = holding.lease?.generation ?? 0
        if holding.lease == nil { flags.insert(.fromCustody) }
    }
}
