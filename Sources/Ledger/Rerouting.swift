// SPDX-License-Identifier: Apache-2.0

internal import Rules
internal import SQLite
internal import Wire

/// An operator sends referrals to another office: the step stays, the office is another, and the
/// referral joins the end of that office's queue under a new number.
extension LedgerWriter {
    func reroute(
        _ serial: UInt64,
        _ number: UInt64,
        to office: UInt32,
        _ who: Operator
    ) throws {
        let place = try fold(serial).places.first { $0.referral == number }
        guard let place, let referral = try row(of: place, serial) else {
            throw DeskRefusal.noSuchReferral
        }
        try demandWay(for: referral, to: office)
        try send(referral, at: place, to: office, .rerouted, who)
    }

    func move(_ referrals: [WaitingReferral], to office: UInt32, _ who: Operator) throws {
        // Everything is looked at before anything is written: all of it, or nothing.
        var found: [Referral] = []
        for waiting in referrals {
            let referral = try tables.ready.referral(
                waiting.referral,
                office: waiting.office,
                lane: waiting.lane
            )
            guard let referral, referral.serial == waiting.serial,
                leases.lease(of: referral.number) == nil
            else { throw DeskRefusal.planStale }
            try demandWay(for: referral, to: office)
            found.append(referral)
        }
        for referral in found {
            try send(referral, at: TrailPlace(of: referral, .waiting), to: office, .rerouted, who)
        }
    }

    func redirect(_ letters: [UInt64], to office: UInt32, _ who: Operator) throws {
        var found: [Referral] = []
        for letter in letters {
            guard let referral = try tables.dead(letter) else { throw DeskRefusal.planStale }
            // A dead letter may go back to where it died: that is a retry under a new number.
            if referral.office != office { try demandWay(for: referral, to: office) }
            found.append(referral)
        }
        for referral in found {
            try send(referral, at: TrailPlace(of: referral, .dead), to: office, .redirected, who)
        }
    }

    /// Checks that a referral may go to an office: the procedure names it, or it is a neighbour.
    private func demandWay(for referral: Referral, to office: UInt32) throws(DeskRefusal) {
        guard referral.office != office else { throw .sameOffice }
        guard let published = directory.procedure(referral.step.procedure) else {
            throw .noSuchReferral
        }
        guard
            published.procedure.takesItinerary || published.declaredOffices.contains(office)
                || directory.agency(ofOffice: office) == directory.agency(ofOffice: referral.office)
        else { throw .officeNotDeclared }
    }

    /// Takes a referral out of where it is and puts it into the queue of another office.
    private func send(
        _ referral: Referral,
        at place: TrailPlace,
        to office: UInt32,
        _ act: Act,
        _ who: Operator
    ) throws(SQLiteFault) {
        var next = referral
        next.number = referralNumber(0)
        next.office = office
        next.attempts = 0
        next.entered = now
        if act == .redirected { next.hops = 0 }
        var reason = Envelope.Reason()
        reason.text = String(who.reason.prefix(Limits.textBytesMax / 4))
        let bytes = Envelope.bytes(of: reason)
        var record = record(act, who)
        record.agency = directory.agency(ofOffice: place.office)
        record.entries = [JournalRecord.entry(of: next)]
        record.digest = bytes.withUnsafeBytes { Journal.digest(envelope: $0, body: .empty) }
        let position = journal.next
        // Ends a lease there may be: whoever holds it is refused as stale.
        try withdraw(place, of: referral.serial, record, occurredAt: now)
        try bytes.withBytes { bytes throws(SQLiteFault) in
            try tables.insertContent(position, envelope: bytes, body: .empty)
        }
        try enter(next)
    }

    /// The row of an open branch, wherever it is.
    private func row(of place: TrailPlace, _ serial: UInt64) throws(SQLiteFault) -> Referral? {
        switch place.state {
        case .custody: return try tables.custody(place.referral)
        case .dead: return try tables.dead(place.referral)
        case .waiting:
            if let ready = try tables.ready.referral(
                place.referral,
                office: place.office,
                lane: place.lane
            ) {
                return ready
            }
            return try delayedReferral(place.referral)
        }
    }

    private func delayedReferral(_ number: UInt64) throws(SQLiteFault) -> Referral? {
        let rows = try Statement(
            "SELECT office, lane, serial, slip FROM delayed WHERE referral = ?",
            on: connection
        )
        rows.bind(1, Int64(number))
        guard try rows.step() else { return nil }
        return Referral(
            number: number,
            serial: UInt64(bitPattern: rows.int64(2)),
            office: UInt32(truncatingIfNeeded: rows.int64(0)),
            lane: UInt8(truncatingIfNeeded: rows.int64(1)),
            slip: rows.blob(3)
        )
    }
}
