// SPDX-License-Identifier: Apache-2.0

internal import Rules
internal import SQLite
internal import Wire

/// `submit`: a case enters, or an action is taken on a closed one.
extension LedgerWriter {
    /// What a submission was admitted as.
    private struct Admitted {
        var published: PublishedProcedure
        var occurredAt: Int64
        var due: Int64
        var itinerary: [UInt32]
        /// Action on a closed case, by its place in the procedure.
        var action: Int?
        var existing: CaseRow?
    }

    func submit(_ request: Request, into effects: inout Effects) throws(SQLiteFault) {
        let header = request.header
        guard header.id != .none else { return effects.refuse(.malformed, request) }
        let admitted: Admitted
        do {
            admitted = try admit(request)
        } catch let refusal as any Refusing {
            let code = refusal.code
            // A repetition gets the first answer even if today it would be refused.
            if let position = try tables.submission(
                agency: request.session.agency,
                key: header.id
            ) {
                return try answerRepeated(request, position, into: &effects)
            }
            return effects.refuse(
                code,
                request,
                text: refusal.text,
                retryAt: code == .storageFull || code == .busy ? now + 30_000 : 0
            )
        } catch let fault as SQLiteFault {
            throw fault
        } catch {
            return effects.refuse(.malformed, request)
        }
        let isNew = try tables.insertSubmission(
            agency: request.session.agency,
            key: header.id,
            position: journal.next,
            on: connection
        )
        guard isNew else {
            let position = try tables.submission(agency: request.session.agency, key: header.id)
            return try answerRepeated(request, position ?? 0, into: &effects)
        }
        let receipt =
            admitted.action == nil
            ? try open(admitted, request) : try act(admitted, request)
        effects.answer(request, receipt, commits: commits)
    }

    /// Answers a repetition of a keyed request: the first answer, or a conflict.
    func answerRepeated(
        _ request: Request,
        _ position: UInt64,
        into effects: inout Effects
    ) throws(SQLiteFault) {
        guard let (record, receipt) = try journal.record(at: position),
            record.digest == Journal.digest(envelope: request.envelope, body: request.body)
        else { return effects.refuse(.keyConflict, request) }
        effects.answer(request, receipt, commits: commits, isRepeated: true)
    }

    // MARK: Deciding

    private func admit(_ request: Request) throws -> Admitted {
        guard !isStorageLow else { throw RefusalCode.storageFull }
        guard request.header.flags & Header.laneMask < UInt8(Lane.allCases.count) else {
            throw RefusalCode.laneUnknown
        }
        guard nextSerial <= CaseNumber.serialMax else { throw RefusalCode.storageFull }
        let envelope = try Envelope.read(Envelope.Case.self, from: request.envelope)
        if request.header.serial != 0 { return try admitAction(envelope, request) }
        guard envelope.action.isEmpty else { throw RefusalCode.actionNotAllowed }
        guard Name.isLegal(envelope.procedure) else { throw RefusalCode.nameInvalid }
        guard let published = directory.latestProcedure(envelope.procedure) else {
            throw RefusalCode.unknownProcedure
        }
        let procedure = published.procedure
        try demand(.submit, on: procedure.name, at: procedure.classification, of: request)
        try demandRoom(for: request)
        let occurredAt = try occurredAt(procedure, request)
        try Admission.check(envelope.attributes, against: procedure)
        guard envelope.due == 0 || procedure.takesDue else { throw RefusalCode.dueNotAllowed }
        let due =
            envelope.due != 0 ? envelope.due : procedure.term?.end(from: occurredAt) ?? 0
        return Admitted(
            published: published,
            occurredAt: occurredAt,
            due: due,
            itinerary: try itinerary(envelope.itinerary, for: published)
        )
    }

    private func occurredAt(
        _ procedure: Procedure,
        _ request: Request
    ) throws(RefusalCode) -> Int64 {
        try Admission.occurredAt(
            claimed: request.header.instant,
            now: now,
            mayBackdate: mayBackdate(procedure.name, at: procedure.classification, request)
        )
    }

    private func admitAction(
        _ envelope: Envelope.Case,
        _ request: Request
    ) throws -> Admitted {
        guard let existing = try tables.caseRow(request.header.serial),
            let published = directory.procedure(existing.procedure)
        else { throw RefusalCode.unknownCase }
        try demand(
            .submit,
            on: published.procedure.name,
            at: published.procedure.classification,
            of: request
        )
        let occurredAt = try occurredAt(published.procedure, request)
        guard existing.closed != 0 else { throw RefusalCode.caseOpen }
        guard existing.erased == 0 else { throw RefusalCode.caseErased }
        let actions = published.procedure.actions
        guard let place = actions.firstIndex(where: { $0.name == envelope.action }) else {
            throw RefusalCode.actionNotAllowed
        }
        if let within = actions[place].within, occurredAt > within.end(from: existing.closed) {
            throw RefusalCode.actionNotAllowed
        }
        return Admitted(
            published: published,
            occurredAt: occurredAt,
            due: existing.due,
            itinerary: try itinerary(of: existing.serial),
            action: place,
            existing: existing
        )
    }

    /// The offices of an itinerary by number.
    ///
    /// - Throws: A refusal if the procedure takes none, needs one, or an office is not known to it.
    func itinerary(
        _ names: [String],
        for published: PublishedProcedure
    ) throws(RefusalCode) -> [UInt32] {
        guard published.procedure.takesItinerary else {
            guard names.isEmpty else { throw .itineraryNotAllowed }
            return []
        }
        guard !names.isEmpty else { throw .itineraryMissing }
        guard names.count <= Limits.itineraryOfficesMax else { throw .itineraryTooLong }
        var offices: [UInt32] = []
        offices.reserveCapacity(names.count)
        for name in names {
            guard let office = directory.officeNumber(name) else { throw .unknownOffice }
            guard
                published.declaredOffices.isEmpty || published.declaredOffices.contains(office)
            else { throw .unknownOffice }
            offices.append(office)
        }
        return offices
    }

    // MARK: Writing

    private func open(_ admitted: Admitted, _ request: Request) throws(SQLiteFault) -> Receipt {
        let serial = nextSerial
        nextSerial += 1
        let published = admitted.published
        let id = Identifier(version7At: now, random: (random.next(), random.next()))
        try tables.insertCase(
            CaseRow(
                serial: serial,
                id: id,
                procedure: published.number,
                agency: request.session.agency,
                opened: admitted.occurredAt,
                due: admitted.due,
                itinerary: admitted.itinerary
            )
        )
        try tables.insertFile(
            serial,
            id: id,
            envelope: request.envelope,
            body: request.body
        )
        noteOpened(by: request)
        recent.keep(
            RecentCase(
                serial: serial,
                id: id,
                envelope: request.envelope,
                body: request.body,
                itinerary: admitted.itinerary
            )
        )
        var referral = Referral(
            number: referralNumber(0),
            serial: serial,
            office: admitted.itinerary.first ?? published.offices[0],
            lane: request.header.flags & Header.laneMask,
            step: published.number(ofStep: 0),
            entered: admitted.occurredAt
        )
        referral.due =
            published.procedure.steps[0].term?.end(from: admitted.occurredAt) ?? 0
        var record = self.record(.submitted, request)
        record.serial = serial
        record.step = referral.step
        record.digest = Journal.digest(envelope: request.envelope, body: request.body)
        record.entries = [JournalRecord.entry(of: referral)]
        let receipt = try append(record, occurredAt: admitted.occurredAt)
        try enter(referral)
        return receipt
    }

    private func act(_ admitted: Admitted, _ request: Request) throws(SQLiteFault) -> Receipt {
        guard let existing = admitted.existing, let action = admitted.action else {
            preconditionFailure("an action was admitted without its case")
        }
        let published = admitted.published
        var record = self.record(.acted, request)
        record.serial = existing.serial
        record.code = UInt16(action)
        record.digest = Journal.digest(envelope: request.envelope, body: request.body)
        let position = journal.next
        guard let place = published.procedure.actions[action].step else {
            let receipt = try append(record, occurredAt: admitted.occurredAt)
            try tables.insertContent(position, envelope: request.envelope, body: request.body)
            return receipt
        }
        var referral = Referral(
            number: referralNumber(0),
            serial: existing.serial,
            office: admitted.itinerary.first ?? published.offices[place],
            lane: request.header.flags & Header.laneMask,
            step: published.number(ofStep: place),
            entered: admitted.occurredAt
        )
        referral.due =
            published.procedure.steps[place].term?.end(from: admitted.occurredAt) ?? 0
        record.flags = .reopens
        record.step = referral.step
        record.entries = [JournalRecord.entry(of: referral)]
        let receipt = try append(record, occurredAt: admitted.occurredAt)
        try tables.insertContent(position, envelope: request.envelope, body: request.body)
        try tables.closeCase(existing.serial, at: 0, result: "")
        tally.closed -= 1
        try noteChanged(existing.serial, isClosed: false)
        try enter(referral)
        return receipt
    }

    /// The number of the `index`-th referral the next act makes: the act's journal position and the
    /// index, so that numbers rise with time and need no counter of their own.
    func referralNumber(_ index: Int) -> UInt64 { journal.next << 8 | UInt64(index & 0xFF) }

    /// A record of an act of a session.
    func record(_ act: Act, _ request: Request) -> JournalRecord {
        var record = JournalRecord(act)
        record.agency = request.session.agency
        record.actor = request.session.connection
        return record
    }
}
