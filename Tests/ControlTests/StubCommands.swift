// SPDX-License-Identifier: Apache-2.0

import Control
import Synchronization

/// A daemon that knows one case of each thing, and notes what it was told to do.
final class StubCommands: OperatorCommands {
    struct Act: Equatable {
        var what: String
        var identity: OperatorIdentity
        var reason: String?
    }

    /// Traces an export hands over; a negative number makes it fail after the first.
    let traceCount: Int
    private let notes = Mutex<[Act]>([])

    init(traceCount: Int = 1) { self.traceCount = traceCount }

    var acts: [Act] { notes.withLock { $0 } }

    static let opened = Instant(milliseconds: 1_772_352_000_000)
    static let later = Instant(milliseconds: 1_772_438_400_250)
    static let due = Instant(milliseconds: 1_774_944_000_000)
    static let number = "0000-0000-0042-69"
    static let hash = String(repeating: "5e", count: 32)

    func status() throws(OperatorFault) -> Status {
        var status = Status(version: "0.1.0", startedAt: Self.opened, directory: "/var/lib/barid")
        status.endpoints = ["tcp://127.0.0.1:7420"]
        status.epoch = 3
        status.sessions = 2
        status.offices = 4
        status.cases = Status.Cases(open: 7, closed: 35)
        status.referrals.waiting = 4
        status.referrals.leased = 1
        status.referrals.custody = 1
        status.referrals.dead = 1
        status.journal = Status.Journal(position: 311, hash: Self.hash)
        status.commits = 120
        status.hops = 260
        status.refusals = 5
        status.walBytes = 131_072
        status.freeDiskBytes = 53_687_091_200
        status.residentBytes = 25_165_824
        return status
    }

    private static let procedure = ProcedureRow(
        name: "building-permit",
        version: 2,
        publishedAt: opened,
        by: "uid 1000",
        steps: 5,
        offices: ["city/intake", "city/planning"],
        title: "Building permit"
    )

    func procedures() throws(OperatorFault) -> [ProcedureRow] { [Self.procedure] }

    func procedureSource(
        name: String,
        version: UInt32?
    ) throws(OperatorFault) -> ProcedureSource {
        guard name == "building-permit" else {
            throw OperatorFault(
                code: "noSuchProcedure",
                exit: .notFound,
                text: "No procedure \"\(name)\" is published; see baridctl procedure list."
            )
        }
        return ProcedureSource(
            name: name,
            version: version ?? 2,
            source: "procedure: building-permit\n"
        )
    }

    func checkProcedure(source: String) throws(OperatorFault) -> ProcedureCheck {
        let finding = ProcedureCheck.Finding(
            line: 1,
            column: 1,
            code: "missingKey",
            text: "A procedure needs \"steps\"."
        )
        return ProcedureCheck(name: nil, findings: [finding])
    }

    func publishProcedure(
        source: String,
        by identity: OperatorIdentity,
        reason: String?
    ) throws(OperatorFault) -> Publication {
        note("publish \(source)", identity, reason)
        return Publication(procedure: Self.procedure, isNew: true)
    }

    func offices() throws(OperatorFault) -> [OfficeRow] {
        var intake = OfficeRow(name: "city/intake", title: "مكتب الاستقبال", agency: "city")
        intake.waiting = 4
        intake.oldestEnteredAt = Self.opened
        intake.sessions = 1
        return [intake, OfficeRow(name: "city/planning", title: "Planning", agency: "city")]
    }

    func caseView(number: String) throws(OperatorFault) -> CaseView {
        guard number == Self.number else {
            throw OperatorFault(
                code: "noSuchCase",
                exit: .notFound,
                text: "No case has the number \(number)."
            )
        }
        var view = CaseView(
            number: number,
            id: "019ca0b4-0000-7000-8000-000000000042",
            procedure: "building-permit",
            version: 2,
            state: "open",
            submittedBy: "city",
            openedAt: Self.opened
        )
        view.dueAt = Self.due
        view.places = [
            CaseView.Place(
                referral: 417,
                office: "city/planning",
                step: "review",
                state: "custody",
                since: Self.later,
                dueAt: Self.due,
                lane: 1
            )
        ]
        var act = CaseView.Act(
            position: 311,
            act: "completed",
            occurredAt: Self.later,
            recordedAt: Self.later
        )
        act.office = "city/intake"
        act.step = "intake"
        act.outcome = "complete"
        act.agency = "city"
        act.text = "all papers are there"
        act.person = "A. Winter"
        act.activity = "check completeness"
        act.entered = ["city/planning"]
        act.hash = Self.hash
        view.acts = [act]
        return view
    }

    func deadLetters(
        office: String?,
        each: (DeadLetter) throws(OperatorFault) -> Void
    ) throws(OperatorFault) {
        try each(
            DeadLetter(
                referral: 418,
                number: Self.number,
                office: office ?? "city/fire",
                step: "opinion",
                reason: "attemptsExhausted",
                cause: "5 deliveries were not settled in time",
                at: Self.later,
                attempts: 5,
                owner: "city"
            )
        )
        guard office == "city/broken" else { return }
        throw OperatorFault(
            code: "unavailable",
            exit: .busy,
            text: "The ledger cannot be read; try again."
        )
    }

    func retryDead(
        _ selection: DeadSelection,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> DeadLettersSettled {
        note("retry \(selection)", identity, reason)
        switch selection {
        case .referral: return DeadLettersSettled(settled: 1)
        case .caseNumber:
            throw OperatorFault(
                code: "notDead",
                exit: .failed,
                text: "The case has no dead letter."
            )
        case .all(nil):
            return DeadLettersSettled(settled: 2, refused: 1, text: "The queue is full.")
        case .all: return DeadLettersSettled(settled: 0, refused: 1, text: "The queue is full.")
        }
    }

    func closeDead(
        _ selection: DeadSelection,
        token: String?,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> PlanOutcome {
        try planned("close \(selection)", token, identity, reason)
    }

    func verify() throws(OperatorFault) -> VerifyReport {
        VerifyReport(
            records: 311,
            cases: 42,
            referrals: 7,
            isChainIntact: true,
            hasOneHolder: true,
            seconds: 0.25
        )
    }

    func exportTraces(
        procedure: String?,
        each: (ExportTrace) throws(OperatorFault) -> Void
    ) throws(OperatorFault) {
        var trace = ExportTrace(
            number: Self.number,
            reference: "LM-2026-0042",
            openedAt: Self.opened
        )
        trace.attributes = [ExportTrace.Attribute(name: "channel", value: "desk")]
        trace.dueAt = Self.due
        trace.closedAt = Self.later
        trace.events = [
            ExportTrace.Event(
                activity: "check completeness",
                group: "Front Desk",
                resource: "A. Winter",
                instant: Self.opened
            )
        ]
        for _ in 0..<abs(traceCount) { try each(trace) }
        guard traceCount < 0 else { return }
        throw OperatorFault(code: "unavailable", exit: .failed, text: "The ledger is damaged.")
    }

    func agencies() throws(OperatorFault) -> [AgencyRow] {
        [AgencyRow(name: "city", offices: 4, sessions: 2, mayBackdate: false)]
    }

    func setBackdating(
        agency: String,
        isAllowed: Bool,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> AgencyRow {
        note("backdating \(agency) \(isAllowed)", identity, reason)
        return AgencyRow(name: agency, offices: 4, sessions: 2, mayBackdate: isAllowed)
    }

    func note(_ what: String, _ identity: OperatorIdentity, _ reason: String?) {
        notes.withLock { $0.append(Act(what: what, identity: identity, reason: reason)) }
    }
}
