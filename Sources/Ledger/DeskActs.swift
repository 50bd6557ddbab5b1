// SPDX-License-Identifier: Apache-2.0

internal import Rules
internal import SQLite
internal import Wire

/// What an operator can change about offices, their queues and single cases.
package enum DeskAct: Sendable {
    /// An office takes no deliveries until it is resumed; its queue goes on filling.
    case pause(office: String)
    case resume(office: String)
    /// A case is not delivered anywhere until the hold is released.
    case hold(serial: UInt64)
    case release(serial: UInt64)
    /// One open branch of a case goes to another office, wherever it is now.
    case reroute(serial: UInt64, referral: UInt64, to: String)
    /// Waiting referrals go to another office, all of them or none.
    case move([WaitingReferral], to: String)
    /// Dead letters go into another office's queue, all of them or none.
    case redirect([UInt64], to: String)
    /// The branches of dead letters end, all of them or none.
    case dismiss([UInt64])
    /// The content of closed cases is erased, of those that are still as they were planned.
    case erase([ErasableCase])
    /// Records that a session was ended.
    case cut(connection: UInt64)
    /// Records that the daemon was told to stop.
    case drain
}

/// A referral in a queue, as an operator's plan names it.
package struct WaitingReferral: Equatable, Sendable {
    package var referral: UInt64
    package var serial: UInt64
    package var office: UInt32
    package var lane: UInt8
    /// Since when it has been there, ms since 1970.
    package var since: Int64

    /// A referral at its place.
    package init(referral: UInt64, serial: UInt64, office: UInt32, lane: UInt8, since: Int64) {
        self.referral = referral
        self.serial = serial
        self.office = office
        self.lane = lane
        self.since = since
    }
}

/// Why an operator's change was not made.
package enum DeskRefusal: String, Error, Sendable {
    case noSuchOffice
    case noSuchReferral
    case noSuchCase
    case caseClosed
    case unchanged
    case sameOffice
    case officeNotDeclared
    case planStale
    case tooManyHeld
    case caseOpen
    case caseErased
    case caseHeld

    /// What is wrong and what to do, for people.
    package var text: String {
        switch self {
        case .noSuchOffice: "There is no such office; baridctl office list shows which are."
        case .noSuchReferral:
            "No such referral of the case is open; baridctl case show tells where its branches are."
        case .noSuchCase: "There is no such case."
        case .caseClosed: "The case is closed."
        case .unchanged: "That is how it is already; nothing was changed."
        case .sameOffice: "It is at that office already; nothing was changed."
        case .officeNotDeclared:
            "The procedure declares no step at that office and it is of another agency; name an "
                + "office of the procedure, or one of the same agency."
        case .planStale:
            "What was planned is not as it was; nothing was changed. Plan it again."
        case .caseOpen: "The case is open; only what a closed case holds can be erased."
        case .caseErased: "The content of the case was erased; there is nothing more to do to it."
        case .caseHeld:
            "The case is held; release it first (baridctl case release), if nobody needs it any more."
        case .tooManyHeld: "\(Standing.heldMax) cases are held, as many as can be."
        }
    }
}

/// What came of an operator's change.
package enum DeskOutcome: Sendable {
    /// Done and journaled: the position of the last record, and how many referrals it was about.
    case done(position: UInt64, count: Int)
    case declined(DeskRefusal)
}

extension LedgerWriter {
    /// Carries out an act in a transaction of its own.
    ///
    /// - Throws: `LedgerFault.storage` if a row failed; nothing was kept.
    func carryOut(_ act: DeskAct, _ who: Operator) throws(LedgerFault) -> DeskOutcome {
        var outcome = DeskOutcome.declined(.unchanged)
        do throws(DeskRefusal) {
            try check(act)
        } catch {
            return .declined(error)
        }
        var refusal: DeskRefusal?
        try inTransaction { () throws(SQLiteFault) in
            do {
                outcome = .done(position: journal.head, count: try perform(act, who))
            } catch let declined as DeskRefusal {
                refusal = declined
            } catch let fault as SQLiteFault {
                throw fault
            } catch {
                preconditionFailure("an act failed in a way it cannot: \(error)")
            }
        }
        if let refusal { return .declined(refusal) }
        if case .done(_, let count) = outcome {
            outcome = .done(position: journal.head, count: count)
        }
        do throws(SQLiteFault) {
            try settle(act)
        } catch {
            throw LedgerFault(error)
        }
        return outcome
    }

    /// Everything that can be said before a row is written.
    private func check(_ act: DeskAct) throws(DeskRefusal) {
        switch act {
        case .pause(let name):
            guard !standing.isPaused(try office(name)) else { throw .unchanged }
        case .resume(let name):
            guard standing.isPaused(try office(name)) else { throw .unchanged }
        case .hold(let serial):
            guard !standing.isHeld(serial) else { throw .unchanged }
            guard standing.held.count < Standing.heldMax else { throw .tooManyHeld }
        case .release(let serial):
            guard standing.isHeld(serial) else { throw .unchanged }
        case .reroute(_, _, let name), .move(_, let name), .redirect(_, let name):
            _ = try office(name)
        case .dismiss, .erase, .cut, .drain: break
        }
    }

    private func office(_ name: String) throws(DeskRefusal) -> UInt32 {
        guard let number = directory.officeNumber(name) else { throw .noSuchOffice }
        return number
    }

    /// Writes what an act amounts to; returns how many referrals it is about.
    ///
    /// A refusal is thrown before the first row is written.
    private func perform(_ act: DeskAct, _ who: Operator) throws -> Int {
        switch act {
        case .pause(let name): return try setPaused(true, try office(name), who)
        case .resume(let name): return try setPaused(false, try office(name), who)
        case .hold(let serial): return try setHeld(true, serial, who)
        case .release(let serial): return try setHeld(false, serial, who)
        case .reroute(let serial, let referral, let name):
            try reroute(serial, referral, to: try office(name), who)
            return 1
        case .move(let referrals, let name):
            try move(referrals, to: try office(name), who)
            return referrals.count
        case .redirect(let letters, let name):
            try redirect(letters, to: try office(name), who)
            return letters.count
        case .dismiss(let letters):
            for letter in letters {
                guard try tables.dead(letter) != nil else { throw DeskRefusal.planStale }
            }
            // The end of one branch may end others of the same case that are in the plan.
            for letter in letters { _ = try dismiss(letter, who) }
            return letters.count
        case .erase(let cases): return try erase(cases, who)
        case .cut(let connection):
            var record = record(.sessionCut, who)
            record.generation = connection
            let session = sessions.values.first { $0.connection == connection }
            record.agency = session?.agency ?? 0
            _ = try append(record, content: who)
            return 0
        case .drain:
            _ = try append(record(.drained, who), content: who)
            return 0
        }
    }

    /// What follows for deliveries, once it is on disk.
    private func settle(_ act: DeskAct) throws(SQLiteFault) {
        switch act {
        case .pause(let name):
            guard let number = directory.officeNumber(name) else { return }
            standing.setPaused(true, number)
            busyOffices.removeAll { $0 == number }
            isBusy[Int(number)] = false
        case .resume(let name):
            guard let number = directory.officeNumber(name) else { return }
            standing.setPaused(false, number)
            markBusy(number)
        case .hold(let serial):
            standing.setHeld(true, serial)
            for referral in try readyReferrals(of: serial) {
                desks[Int(referral.office)].remove(referral)
            }
        case .release(let serial):
            standing.setHeld(false, serial)
            for referral in try readyReferrals(of: serial)
            where leases.lease(of: referral.number) == nil {
                desks[Int(referral.office)].insert(referral, atMost: windowItemsMax)
                markBusy(referral.office)
            }
        case .reroute, .move, .redirect, .dismiss, .erase, .cut, .drain: break
        }
    }

    private func readyReferrals(of serial: UInt64) throws(SQLiteFault) -> [Referral] {
        var found: [Referral] = []
        for place in try fold(serial).places where place.state == .waiting {
            let referral = try tables.ready.referral(
                place.referral,
                office: place.office,
                lane: place.lane
            )
            if let referral { found.append(referral) }
        }
        return found
    }

    // MARK: Offices and cases

    private func setPaused(_ isPaused: Bool, _ office: UInt32, _ who: Operator) throws -> Int {
        try mark("pause", "office", Int64(office), isSet: isPaused, who)
        var record = record(isPaused ? .officePaused : .officeResumed, who)
        record.office = office
        record.agency = directory.agency(ofOffice: office)
        _ = try append(record, content: who)
        return 0
    }

    private func setHeld(_ isHeld: Bool, _ serial: UInt64, _ who: Operator) throws -> Int {
        guard let row = try tables.caseRow(serial) else { throw DeskRefusal.noSuchCase }
        guard !isHeld || row.closed == 0 else { throw DeskRefusal.caseClosed }
        try mark("hold", "serial", Int64(bitPattern: serial), isSet: isHeld, who)
        var record = record(isHeld ? .held : .holdReleased, who)
        record.serial = serial
        record.agency = row.agency
        _ = try append(record, content: who)
        return try fold(serial).places.count
    }

    private func mark(
        _ table: String,
        _ key: String,
        _ value: Int64,
        isSet: Bool,
        _ who: Operator
    ) throws(SQLiteFault) {
        let statement = try Statement(
            isSet
                ? "INSERT OR REPLACE INTO \(table) (\(key), since, uid, reason) VALUES (?, ?, ?, ?)"
                : "DELETE FROM \(table) WHERE \(key) = ?",
            on: connection
        )
        statement.bind(1, value)
        if isSet {
            statement.bind(2, now)
            statement.bind(3, Int64(who.uid))
            statement.bind(4, who.reason)
        }
        try statement.run()
    }
}
