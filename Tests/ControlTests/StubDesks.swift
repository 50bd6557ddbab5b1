// SPDX-License-Identifier: Apache-2.0

import Control

/// Offices, queues, single cases, and what is watched.
extension StubCommands {
    /// The token every plan of this daemon has.
    static let token = "t8k2z1-0123456789abcdef01234567"

    /// Plans without a token, does it with the right one.
    func planned(
        _ what: String,
        _ token: String?,
        _ identity: OperatorIdentity,
        _ reason: String
    ) throws(OperatorFault) -> PlanOutcome {
        guard let token else {
            note("plan \(what)", identity, reason)
            var plan = Plan(
                text: "do it to 1 referral",
                count: 1,
                token: Self.token,
                validUntil: Self.later
            )
            plan.oldestAt = Self.opened
            plan.newestAt = Self.opened
            plan.samples = [
                Plan.Sample(
                    referral: 418,
                    number: Self.number,
                    office: "city/fire",
                    since: Self.opened
                )
            ]
            return PlanOutcome(plan: plan)
        }
        guard token == Self.token else { throw .planStale }
        note(what, identity, reason)
        return PlanOutcome(done: 1, position: 312)
    }

    private func paused(_ name: String) -> OfficeRow {
        var office = OfficeRow(name: name, title: "Fire service", agency: "city")
        office.waiting = 3
        office.paused = StandMark(since: Self.later, uid: 1000, reason: "burst pipe")
        return office
    }

    func office(_ name: String) throws(OperatorFault) -> OfficeRow {
        guard name.hasPrefix("city/") else {
            throw OperatorFault(
                code: "noSuchOffice",
                exit: .notFound,
                text: "There is no office \(name)."
            )
        }
        return paused(name)
    }

    func setPaused(
        _ isPaused: Bool,
        office name: String,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> OfficeRow {
        note("\(isPaused ? "pause" : "resume") \(name)", identity, reason)
        var office = paused(name)
        if !isPaused { office.paused = nil }
        return office
    }

    func queue(_ office: String) throws(OperatorFault) -> QueueView {
        var lane = QueueView.LaneRow(lane: "normal", referrals: 3)
        lane.first = 418
        lane.firstEnteredAt = Self.opened
        var queue = QueueView(office: paused(office), lanes: [lane])
        queue.nextDelayedAt = Self.later
        return queue
    }

    func peek(_ arguments: PeekArguments) throws(OperatorFault) -> [QueueRow] {
        [
            QueueRow(
                referral: 418,
                number: Self.number,
                step: "opinion",
                lane: "normal",
                state: "delayed",
                enteredAt: Self.opened,
                until: Self.later,
                dueAt: Self.due,
                attempts: 1
            )
        ]
    }

    func move(
        _ arguments: MoveArguments,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> PlanOutcome {
        try planned("move \(arguments.office) \(arguments.to)", arguments.token, identity, reason)
    }

    func waits(number: String) throws(OperatorFault) -> [WaitRow] {
        var row = WaitRow(
            office: "city/planning",
            step: "review",
            reason: "leased",
            text: "Connection 4294967297 of city has it until 2026-03-02T08:00:00.250Z."
        )
        row.referral = 417
        row.since = Self.opened
        row.until = Self.later
        row.agency = "city"
        row.connection = 4_294_967_297
        return [row]
    }

    func setHeld(
        _ isHeld: Bool,
        number: String,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> DeskChange {
        note("\(isHeld ? "hold" : "release") \(number)", identity, reason)
        return DeskChange(position: 312, referrals: 1)
    }

    func reroute(
        _ arguments: RerouteArguments,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> DeskChange {
        note("reroute \(arguments.number) \(arguments.to)", identity, reason)
        return DeskChange(position: 312, referrals: 1)
    }

    func deadLetter(_ referral: UInt64) throws(OperatorFault) -> DeadLetter {
        var found: DeadLetter?
        try deadLetters(office: nil) { letter throws(OperatorFault) in found = letter }
        guard let found, found.referral == referral else {
            throw OperatorFault(
                code: "notDead",
                exit: .notFound,
                text: "Referral \(referral) is not a dead letter."
            )
        }
        return found
    }

    func redirectDead(
        _ selection: DeadSelection,
        to office: String,
        token: String?,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> PlanOutcome {
        try planned("redirect \(selection) \(office)", token, identity, reason)
    }

    // MARK: Watching

    func top(offices count: Int) throws(OperatorFault) -> TopView {
        var view = TopView(at: Self.later, startedAt: Self.opened)
        view.sessions = 2
        view.officeCount = 4
        view.paused = 1
        view.referrals.waiting = 4
        view.commits = 120
        view.hops = 260
        view.deliveries = 270
        view.refusals = 5
        view.position = 311
        view.offices = [paused("city/fire")]
        return view
    }

    func health() throws(OperatorFault) -> Health {
        Health([
            Health.Check(stage: .live, name: "bus", isGood: true, text: "The bus turns."),
            Health.Check(
                stage: .ready,
                name: "commit",
                isGood: true,
                text: "A commit reached the disk in 2 ms."
            ),
            Health.Check(
                stage: .healthy,
                name: "dead",
                isGood: false,
                text: "1 dead letters wait for an operator: baridctl dead list."
            ),
        ])
    }

    func logHead() throws(OperatorFault) -> LogHead {
        LogHead(position: 311, hash: Self.hash, at: Self.later)
    }

    func journal(
        after position: UInt64,
        limit: Int
    ) throws(OperatorFault) -> [JournalRow] {
        (position + 1..<312).prefix(limit).map { position in
            var row = JournalRow(
                position: position,
                act: "completed",
                recordedAt: Self.later,
                hash: Self.hash
            )
            row.number = Self.number
            row.referral = 417
            row.office = "city/intake"
            row.step = "intake"
            row.outcome = "complete"
            row.agency = "city"
            row.entered = ["city/planning"]
            return row
        }
    }

    func verifyChain(_ arguments: ChainArguments) throws(OperatorFault) -> ChainReport {
        ChainReport(
            records: 311,
            position: 311,
            hash: Self.hash,
            brokenAt: arguments.hash == nil ? nil : 300
        )
    }

    func sessions() throws(OperatorFault) -> [SessionRow] {
        var row = SessionRow(
            session: 5,
            connection: 4_294_967_297,
            agency: "city",
            offices: ["city/planning"],
            leases: 1,
            credit: 9
        )
        row.key = 7
        row.address = "192.0.2.7 port 4711"
        row.openedAt = Self.opened
        return [row]
    }

    func cutSession(
        _ session: UInt32,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> DeskChange {
        guard session == 5 else {
            throw OperatorFault(
                code: "noSuchSession",
                exit: .notFound,
                text: "There is no session \(session)."
            )
        }
        note("cut \(session)", identity, reason)
        return DeskChange(position: 312, referrals: 0)
    }

    func drain(
        token: String?,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> PlanOutcome {
        try planned("drain", token, identity, reason)
    }

    // MARK: Retention

    func runRetention(
        _ arguments: RetentionRunArguments,
        by identity: OperatorIdentity,
        reason: String?
    ) throws(OperatorFault) -> RetentionReport {
        let isDryRun = arguments.dryRun ?? false
        if !isDryRun { note("retention \(arguments.procedure ?? "all")", identity, reason) }
        var row = RetentionReport.Row(procedure: "building-permit", period: "P10Y")
        row.cases = 2
        row.bytes = 4_096
        row.oldestClosedAt = Self.opened
        var report = RetentionReport(isDryRun: isDryRun, at: Self.later)
        report.cases = 2
        report.bytes = 4_096
        report.procedures = [row]
        report.isLogEmptied = isDryRun ? nil : true
        report.seconds = 0.25
        return report
    }

    func erase(
        _ arguments: EraseArguments,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> PlanOutcome {
        guard arguments.number == Self.number else {
            throw OperatorFault(
                code: "noSuchCase",
                exit: .notFound,
                text: "No case has the number \(arguments.number)."
            )
        }
        return try planned("erase \(arguments.number)", arguments.token, identity, reason)
    }
}
