// SPDX-License-Identifier: Apache-2.0

internal import Control
internal import Courier
internal import Ledger
internal import Platform
internal import Rules
internal import Synchronization
internal import Wire

/// What operators watch, and how they end sessions and the daemon itself.
extension LedgerCommands {
    func top(offices count: Int) throws(OperatorFault) -> TopView {
        var view = TopView(
            at: Instant(milliseconds: Clock.wallMilliseconds()),
            startedAt: Instant(milliseconds: startedAt)
        )
        let counters = bus.counters
        view.sessions = UInt64(counters.sessions)
        view.refusals = counters.refusals
        let chosen = LedgerReader.OfficeChoice.busiest(min(max(count, 0), 1_000))
        let (found, gauges) = try readAndLook { reader in
            (try reader.offices(chosen), try reader.pauses(), try reader.officeTotals())
        }
        let (offices, pauses, totals) = found
        view.offices = Self.officeRows(offices, pauses, gauges)
        view.officeCount = UInt64(totals.offices)
        view.paused = UInt64(pauses.count)
        view.referrals.delayed = UInt64(totals.delayed)
        view.referrals.custody = UInt64(totals.custody)
        view.referrals.dead = UInt64(totals.dead)
        let leased = min(gauges.leases, totals.waiting)
        view.referrals.leased = UInt64(leased)
        view.referrals.waiting = UInt64(totals.waiting - leased)
        view.commits = gauges.commits
        view.hops = gauges.hops
        view.deliveries = gauges.deliveries
        view.position = gauges.journalHead
        return view
    }

    // MARK: The journal

    func logHead() throws(OperatorFault) -> LogHead {
        if let head = ledger.head {
            return LogHead(
                position: head.position,
                hash: head.hash,
                at: Instant(milliseconds: head.time)
            )
        }
        guard let gauges = ledger.gauges() else {
            throw OperatorFault(code: "unavailable", exit: .busy, text: "The ledger is stopping.")
        }
        return LogHead(position: gauges.journalHead, hash: gauges.journalHash, at: nil)
    }

    func journal(
        after position: UInt64,
        limit: Int
    ) throws(OperatorFault) -> [JournalRow] {
        // Whoever follows asks five times a second; a ledger at rest is not opened for it.
        if let head = ledger.head, head.position <= position { return [] }
        return try read { try $0.entries(after: position, limit: limit) }.map { JournalRow($0) }
    }

    func verifyChain(_ arguments: ChainArguments) throws(OperatorFault) -> ChainReport {
        let check = try read {
            try $0.checkChain(after: arguments.after ?? 0, expecting: arguments.hash)
        }
        return ChainReport(
            records: check.records,
            position: check.position,
            hash: check.hash,
            brokenAt: check.brokenAt
        )
    }

    // MARK: Sessions

    func sessions() throws(OperatorFault) -> [SessionRow] {
        let views = ledger.sessions() ?? []
        let places = try read {
            try $0.connections(views.filter { $0.key != nil }.map(\.connection))
        }
        return views.map { view in
            var row = SessionRow(
                session: view.session,
                connection: view.connection,
                agency: view.agency,
                offices: view.offices,
                leases: UInt64(view.leases),
                credit: view.credit,
                subscriptions: UInt64(view.subscriptions),
                services: view.services
            )
            row.key = view.key
            if let place = places[view.connection] {
                row.address = place.address
                row.openedAt = Instant(milliseconds: place.opened)
            }
            return row
        }
    }

    func cutSession(
        _ session: UInt32,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> DeskChange {
        guard let view = ledger.sessions()?.first(where: { $0.session == session }) else {
            throw OperatorFault(
                code: "noSuchSession",
                exit: .notFound,
                text: "There is no session \(session); `baridctl session list` shows which are."
            )
        }
        let change = try changeDesk(.cut(connection: view.connection), identity, reason)
        guard bus.cut(session: session) else {
            throw OperatorFault(
                code: "busy",
                exit: .busy,
                text: "Too many sessions are being ended; try again in a second."
            )
        }
        return change
    }

    func drain(
        token: String?,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> PlanOutcome {
        let sessions = bus.counters.sessions
        let leases = ledger.gauges()?.leases ?? 0
        let selection = Selection(
            act: "drain",
            text:
                "stop the daemon: \(sessions) sessions are told to leave, \(leases) referrals are "
                + "out under leases that end with it"
        )
        return try carryOut(selection, token: token, by: identity) { () throws(OperatorFault) in
            let change = try changeDesk(.drain, identity, reason)
            DaemonSignals.raise(DaemonSignals.terminate)
            return change
        }
    }
}

extension JournalRow {
    fileprivate init(_ entry: LedgerReader.Entry) {
        let act = entry.act
        self.init(
            position: act.position,
            act: act.act,
            recordedAt: Instant(milliseconds: act.recordedAt),
            hash: act.hash
        )
        number = entry.serial == 0 ? nil : CaseNumber(serial: entry.serial)?.text
        // Of acts that are about no case the place of the referral has another meaning.
        referral = entry.serial == 0 || act.referral == 0 ? nil : act.referral
        office = act.office.isEmpty ? nil : act.office
        step = act.step.isEmpty ? nil : act.step
        outcome = act.outcome.isEmpty ? nil : act.outcome
        agency = act.agency.isEmpty ? nil : act.agency
        entered = act.entered
        by = act.actor.map { CaseView.Actor($0) }
    }
}
