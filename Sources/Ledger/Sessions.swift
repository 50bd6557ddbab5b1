// SPDX-License-Identifier: Apache-2.0

internal import Rules
internal import SQLite
internal import Wire

/// Sessions, their offices and their credit; and which method an operation is for.
extension LedgerWriter {
    func perform(
        _ operation: Operation,
        _ envelope: UnsafeRawBufferPointer,
        _ body: UnsafeRawBufferPointer,
        into effects: inout Effects
    ) throws(SQLiteFault) {
        let header = operation.header
        guard header.verb != .hello else { return try hello(operation, envelope, into: &effects) }
        guard let session = self.session(operation.session) else {
            return effects.refuse(.noSession, number: header.number, session: operation.session)
        }
        if session.accessEpoch != accessBook.epoch || session.isKeyEnding(by: now),
            let code = refusalAfterChange(of: operation.session, session)
        {
            return effects.refuse(code, number: header.number, session: operation.session)
        }
        let request = Request(operation, session: session, envelope: envelope, body: body)
        guard diskStage < .settling || header.verb != .note else {
            return effects.refuse(.storageFull, request, retryAt: now + 30_000)
        }
        switch header.verb {
        case .submit: try submit(request, into: &effects)
        case .accept, .complete, .return, .refer, .release, .refuse, .note:
            try settle(request, into: &effects)
        case .renew: renew(request, into: &effects)
        case .attach: try attach(request, into: &effects)
        case .credit: credits.append((operation.session, header))
        case .track: try track(request, into: &effects)
        case .bye:
            effects.append(Header(.answer, number: header.number), session: operation.session)
        case .publish: try publish(request, into: &effects)
        case .subscribe: try subscribe(request, into: &effects)
        case .unsubscribe: try unsubscribe(request, into: &effects)
        case .ack: try acknowledge(request, into: &effects)
        case .ask: try ask(request, into: &effects)
        case .offer: offer(request, into: &effects)
        case .withdraw: withdraw(request, into: &effects)
        case .reply: try reply(request, into: &effects)
        case .catalogue: catalogue(request, into: &effects)
        case .hello, .heartbeat, .answer, .refusal, .delivery, .step, .farewell, .event, .gap,
            .ended, .question, .replied:
            effects.refuse(.malformed, number: header.number, session: operation.session)
        }
    }

    /// The session of this number, or nil if there is none.
    func session(_ number: UInt32) -> SessionRecord? {
        if let lastSession, lastSession.number == number { return lastSession.record }
        guard let record = sessions[number] else { return nil }
        lastSession = (number, record)
        return record
    }

    private func hello(
        _ operation: Operation,
        _ envelope: UnsafeRawBufferPointer,
        into effects: inout Effects
    ) throws(SQLiteFault) {
        let number = operation.header.number
        let hello: Envelope.Hello
        do {
            hello = try Envelope.read(Envelope.Hello.self, from: envelope)
            guard Name.isLegal(hello.agency) else { throw RefusalCode.nameInvalid }
            guard
                directory.agencyNumber(hello.agency) != nil
                    || directory.agencies.count < Directory.agenciesMax
            else { throw RefusalCode.busy }
            try checkIdentity(of: operation.session, agency: hello.agency)
        } catch let code as RefusalCode {
            return effects.refuse(code, number: number, session: operation.session)
        } catch {
            return effects.refuse(.malformed, number: number, session: operation.session)
        }
        nextConnection += 1
        let agency = try openAgency(hello.agency)
        let record = SessionRecord(agency: agency, connection: nextConnection)
        try identify(record, session: operation.session, program: hello.connection)
        sessions[operation.session] = record
        lastSession = nil
        var welcome = Envelope.Welcome()
        welcome.level = UInt32(Limits.level)
        welcome.heartbeatMs = UInt32(Limits.heartbeatMilliseconds)
        welcome.expiryMs = UInt32(Limits.expiryMilliseconds)
        welcome.envelopeBytesMax = UInt32(Limits.envelopeBytesMax)
        welcome.bodyBytesMax = UInt32(limits.bodyBytesMax)
        welcome.packetBytesMax = UInt32(Limits.packetBytesMax)
        welcome.requestsMax = UInt32(Limits.requestsMax)
        welcome.daemon = limits.daemon
        var answer = Header(.answer, number: number)
        answer.subject = nextConnection
        answer.id = operation.header.id
        effects.append(answer, session: operation.session, envelope: Envelope.bytes(of: welcome))
    }

    /// The number of an agency, opened and journaled if it is new.
    func openAgency(_ name: String) throws(SQLiteFault) -> UInt32 {
        if let number = directory.agencyNumber(name) { return number }
        let agency = try directory.openAgency(name)
        var record = JournalRecord(.agencyOpened)
        record.agency = agency.number
        _ = try append(record, occurredAt: now)
        return agency.number
    }

    private func attach(_ request: Request, into effects: inout Effects) throws(SQLiteFault) {
        let attach: Envelope.Attach
        do {
            attach = try Envelope.read(Envelope.Attach.self, from: request.envelope)
            guard Name.isLegalOffice(attach.office),
                attach.title.utf8.count <= Limits.nameBytesMax * 2
            else { throw RefusalCode.nameInvalid }
            let agency = directory.agencyNumber(Name.agency(ofOffice: attach.office))
            guard agency == request.session.agency else { throw RefusalCode.otherAgency }
            try demand(
                .staff,
                on: attach.office,
                at: directory.level(ofOffice: attach.office),
                of: request
            )
            guard
                directory.officeNumber(attach.office) != nil
                    || directory.offices.count < Directory.officesMax
            else { throw RefusalCode.tooManyOffices }
        } catch let code as RefusalCode {
            return effects.refuse(code, request)
        } catch {
            return effects.refuse(.malformed, request)
        }
        let office = try openOffice(
            attach.office,
            agency: request.session.agency,
            title: attach.title,
            actor: request.session.connection
        )
        desks[Int(office)].attach(request.number)
        desks[Int(office)].setHeld(request.session.underWay.isHeld, request.number)
        if !request.session.offices.contains(office) {
            request.session.offices.append(office)
            if let unread = unread(office, of: request.session) {
                request.session.unread.append(unread)
            }
        }
        var answer = Header(.answer, number: request.header.number)
        answer.subject = UInt64(office)
        effects.append(answer, session: request.number)
    }

    /// The number of an office, opened and journaled if it is new.
    func openOffice(
        _ name: String,
        agency: UInt32,
        title: String,
        actor: UInt64
    ) throws(SQLiteFault) -> UInt32 {
        if let number = directory.officeNumber(name) { return number }
        let office = try directory.openOffice(name, agency: agency, title: title)
        growDesks()
        var record = JournalRecord(.officeOpened)
        record.agency = agency
        record.office = office.number
        record.actor = actor
        _ = try append(record, occurredAt: now)
        return office.number
    }

    /// Grants the credit a committed batch asked for.
    func grantCredits(into effects: inout Effects) {
        for (session, header) in credits {
            guard header.subject < Numbering.durableSubscriptions else {
                grantEvents(header, session, into: &effects)
                continue
            }
            guard desks.indices.contains(Int(clamping: header.subject)), header.subject > 0 else {
                effects.refuse(.notAttached, number: header.number, session: session)
                continue
            }
            let office = UInt32(header.subject)
            do {
                try desks[Int(office)].grant(
                    session,
                    messages: header.generation,
                    bytes: header.serial
                )
                markBusy(office)
            } catch {
                effects.refuse(error, number: header.number, session: session)
            }
        }
        credits.removeAll(keepingCapacity: true)
    }

    /// Takes in what happened to a session, after the operations of the batch.
    func note(_ event: SessionEvent) {
        switch event {
        case .ended(let session):
            guard let record = sessions.removeValue(forKey: session) else { return }
            lastSession = nil
            for office in record.offices { desks[Int(office)].detach(session) }
            for subscription in record.subscriptions { leave(subscription, session) }
            leaveServices(record.services, session)
        case .undelivered(let session, let referral, let generation):
            guard let lease = leases.lease(of: referral), lease.generation == generation else {
                return takeBack(generation, of: referral, from: session)
            }
            desks[Int(lease.referral.office)].refund(session)
            giveBack(lease)
        case .passed(let session, let bytes): pass(bytes, of: session)
        case .departed(let session):
            for lease in leases.leases(of: session) { giveBack(lease) }
            note(.ended(session: session))
        }
    }

    /// Ends a lease without counting an attempt; its referral is next again.
    private func giveBack(_ lease: Lease) {
        leases.end(lease.referral.number)
        desks[Int(lease.referral.office)].leased -= 1
        offer(lease.referral)
        markBusy(lease.referral.office)
    }

    func markBusy(_ office: UInt32) {
        guard !isBusy[Int(office)], !standing.isPaused(office) else { return }
        isBusy[Int(office)] = true
        busyOffices.append(office)
    }

    /// Appends a record at this instant.
    func append(
        _ record: consuming JournalRecord,
        occurredAt: Int64
    ) throws(SQLiteFault) -> Receipt {
        record.recordedAt = now
        record.occurredAt = occurredAt
        return try journal.append(record)
    }
}

/// An operation with its session and bytes.
struct Request {
    let header: Header
    /// Number of the session.
    let number: UInt32
    let session: SessionRecord
    let envelope: UnsafeRawBufferPointer
    let body: UnsafeRawBufferPointer

    init(
        _ operation: Operation,
        session: SessionRecord,
        envelope: UnsafeRawBufferPointer,
        body: UnsafeRawBufferPointer
    ) {
        header = operation.header
        number = operation.session
        self.session = session
        self.envelope = envelope
        self.body = body
    }
}

extension Effects {
    /// Refuses a request.
    mutating func refuse(
        _ code: RefusalCode,
        _ request: Request,
        text: String? = nil,
        retryAt: Int64 = 0
    ) {
        refuse(
            code,
            number: request.header.number,
            session: request.number,
            text: text,
            retryAt: retryAt
        )
    }

    /// Answers a request with the receipt of a durable act.
    mutating func answer(
        _ request: Request,
        _ receipt: Receipt,
        commits: UInt64,
        isRepeated: Bool = false
    ) {
        var answer = Header(.answer, number: request.header.number)
        answer.flags = isRepeated ? Header.repeatedFlag : 0
        answer.subject = receipt.position
        answer.generation = commits
        answer.instant = receipt.recordedAt
        answer.serial = receipt.serial
        answer.id = receipt.hash
        append(answer, session: request.number)
    }
}
