// SPDX-License-Identifier: Apache-2.0

internal import Rules
internal import SQLite
internal import Wire

/// Who a session is, whether it may go on, and what it may do, judged beside the data: no act of a
/// key is committed after the commit that revoked it.
extension LedgerWriter {
    /// Puts the policy into the effects if the courier has yet to be told.
    func tellAccess(into effects: inout Effects) {
        guard accessBook.hasNews else { return }
        accessBook.hasNews = false
        effects.access = accessBook.access
        // Now and not with its next message: what it is told in between would come too late.
        for (number, record) in sessions where record.key != nil {
            _ = refusalAfterChange(of: number, record)
        }
    }

    /// Reads the policy anew after a rollback.
    func rewindAccess() {
        do throws(SQLiteFault) {
            try accessBook.rewind()
        } catch {
            Fatal.end("The policy could not be read again: \(error.description).")
        }
    }

    /// Remembers who the sessions are that say hello in this batch.
    func introduce(_ introductions: [Introduction]) {
        for introduction in introductions {
            introduced[introduction.session] = introduction
        }
    }

    /// Checks that a new session claims the agency its key belongs to.
    ///
    /// - Throws: `otherIdentity`, `revoked`.
    func checkIdentity(of session: UInt32, agency: String) throws(RefusalCode) {
        guard !accessBook.access.suspended.contains(agency) else { throw .revoked }
        guard let key = introduced[session]?.key else { return }
        guard key.agency == agency else { throw .otherIdentity }
        guard accessBook.access.denial(of: key, at: now) == nil else { throw .revoked }
    }

    /// Takes over who the session is, and journals that it came.
    func identify(
        _ record: SessionRecord,
        session: UInt32,
        program: String
    ) throws(SQLiteFault) {
        record.accessEpoch = accessBook.epoch
        guard let introduction = introduced.removeValue(forKey: session) else { return }
        record.key = introduction.key
        let program = String(program.prefix(100))
        try accessBook.note(
            connection: record.connection,
            key: introduction.key.number,
            at: now,
            address: introduction.address,
            program: program
        )
        var journaled = JournalRecord(.connected)
        journaled.agency = record.agency
        journaled.actor = record.connection
        journaled.generation = UInt64(introduction.key.number)
        try append(
            journaled,
            remark: "key \(introduction.key.number) from \(introduction.address)",
            text: program
        )
    }

    /// Judges a session again after the policy has changed or time has passed; nil if it may go on.
    func refusalAfterChange(of session: UInt32, _ record: SessionRecord) -> RefusalCode? {
        let agency = directory.agency(record.agency)?.name ?? ""
        guard !accessBook.access.suspended.contains(agency) else { return .revoked }
        if let key = record.key, accessBook.access.denial(of: key, at: now) != nil {
            return .revoked
        }
        record.accessEpoch = accessBook.epoch
        for office in record.offices where !mayStaff(office, record) {
            desks[Int(office)].detach(session)
            record.offices.removeAll { $0 == office }
        }
        for number in record.subscriptions {
            guard let pattern = events.subscriptions[number]?.pattern, record.key != nil,
                !accessBook.access.policy.allows(agency, .subscribe, on: pattern.text)
            else { continue }
            leave(number, session)
            record.subscriptions.removeAll { $0 == number }
        }
        record.unread = record.offices.compactMap { unread($0, of: record) }
        return nil
    }

    /// Whether the session may be handed an office's referrals and settle them.
    private func mayStaff(_ office: UInt32, _ record: SessionRecord) -> Bool {
        guard record.key != nil, let office = directory.office(office),
            let agency = directory.agency(record.agency)
        else { return record.key == nil }
        return accessBook.access.policy.allows(
            agency.name,
            .staff,
            on: office.name,
            at: directory.level(ofOffice: office.name)
        )
    }

    /// Checks that a session has a right on what is of a level; one at an open endpoint has all.
    ///
    /// - Throws: `notGranted`.
    func demand(
        _ right: Right,
        on object: String,
        at level: Classification = .public,
        of request: Request
    ) throws(RefusalCode) {
        guard request.session.key != nil else { return }
        let agency = directory.agency(request.session.agency)?.name ?? ""
        guard accessBook.access.policy.allows(agency, right, on: object, at: level) else {
            throw .notGranted
        }
    }

    /// Whether a request may claim an earlier instant for an act on a case of a procedure.
    func mayBackdate(
        _ procedure: String,
        at level: Classification = .public,
        _ request: Request
    ) -> Bool {
        guard request.header.instant != 0, let agency = directory.agency(request.session.agency),
            agency.mayBackdate
        else { return false }
        return request.session.key == nil
            || accessBook.access.policy.allows(agency.name, .backdate, on: procedure, at: level)
    }

    /// What a session may not read of what is handed to an office; nil if it may read all there is.
    func unread(_ office: UInt32, of record: SessionRecord) -> Unread? {
        guard record.key != nil else { return nil }
        let agency = directory.agency(record.agency)?.name ?? ""
        let name = directory.office(office)?.name ?? ""
        let ceiling = accessBook.access.policy.ceiling(agency, .read, on: name)
        // Not the office's own level: an operator may have sent a case where it was not declared.
        if let ceiling, ceiling >= directory.highestLevel { return nil }
        return Unread(office: office, ceiling: ceiling)
    }

    /// Whether the content of a referral is withheld from a session.
    func isWithheld(_ referral: Referral, from record: SessionRecord) -> Bool {
        guard let unread = record.unread.first(where: { $0.office == referral.office }) else {
            return false
        }
        guard let ceiling = unread.ceiling else { return true }
        return directory.level(ofProcedure: referral.step.procedure) > ceiling
    }

    /// Checks that the session may settle what the office holds.
    ///
    /// - Throws: `notGranted`.
    func demandStaff(_ office: UInt32, of request: Request) throws(RefusalCode) {
        // What it has attached was judged under this epoch.
        guard request.session.key != nil, !request.session.offices.contains(office) else { return }
        let name = directory.office(office)?.name ?? ""
        try demand(.staff, on: name, at: directory.level(ofOffice: name), of: request)
    }

    // MARK: The journal

    /// Journals what was refused at the door.
    func note(_ denials: [DenialCount]) throws(SQLiteFault) {
        for denial in denials {
            var record = JournalRecord(.denied)
            record.agency = directory.agencyNumber(denial.agency) ?? 0
            record.code = UInt16(denial.denial.rawValue)
            record.generation = denial.count
            try append(
                record,
                remark: "\(denial.denial.word) × \(denial.count)",
                text: denial.peer
            )
        }
    }

    /// Appends a record with a remark of the bus as its content.
    func append(
        _ record: consuming JournalRecord,
        remark: String,
        text: String
    ) throws(SQLiteFault) {
        var note = Envelope.Note()
        note.activity = remark
        note.text = String(text.prefix(Limits.textBytesMax / 4))
        let bytes = Envelope.bytes(of: note)
        record.digest = bytes.withUnsafeBytes { Journal.digest(envelope: $0, body: .empty) }
        let receipt = try append(record, occurredAt: now)
        try bytes.withBytes { bytes throws(SQLiteFault) in
            try tables.insertContent(receipt.position, envelope: bytes, body: .empty)
        }
    }
}

/// An office of which a session may read nothing, or only what is classified up to a ceiling.
struct Unread {
    var office: UInt32
    /// Nil if it may read nothing.
    var ceiling: Classification?
}

extension SessionRecord {
    /// Whether the time of its key is over.
    func isKeyEnding(by instant: Int64) -> Bool {
        key.map { instant >= $0.ends } ?? false
    }
}
