// SPDX-License-Identifier: Apache-2.0

internal import Control
internal import Courier
internal import Declarations
internal import Keys
internal import Ledger
internal import Logs
internal import Platform
internal import Rules
internal import Wire

/// What operators ask, answered from the ledger: reads on a connection of their own, acts through
/// the ledger thread.
struct LedgerCommands: OperatorCommands {
    let configuration: DaemonConfiguration
    let ledger: LedgerThread
    let bus: BusLoop
    let endpoints: [String]
    let startedAt: Int64
    /// The daemon's key; nil if it has none.
    let serverKey: KeyPair?
    let live: LiveConfiguration
    let log: DaemonLog
    let guards: Guards
    let backups = OnlyOne()
    let erasing = OnlyOne()
    let reading: @Sendable (String) -> Procedure?
    /// Makes and judges the tokens of plans.
    let plans = PlanToken()
    let probes = ProbeMemory()

    func status() throws(OperatorFault) -> Status {
        var status = Status(
            version: DaemonConfiguration.version,
            startedAt: Instant(milliseconds: startedAt),
            directory: configuration.directory
        )
        let (totals, gauges) = try readAndLook { try $0.totals() }
        let counters = bus.counters
        status.endpoints = endpoints
        status.sessions = UInt64(counters.sessions)
        status.refusals = counters.refusals
        status.offices = UInt64(totals.offices)
        status.cases = Status.Cases(
            open: UInt64(totals.casesOpen),
            closed: UInt64(totals.casesClosed),
            erased: UInt64(totals.casesErased)
        )
        status.referrals.delayed = UInt64(totals.delayed)
        status.referrals.custody = UInt64(totals.custody)
        status.referrals.dead = UInt64(totals.dead)
        status.referrals.waiting = UInt64(totals.waiting)
        status.epoch = UInt64(gauges.epoch)
        status.commits = gauges.commits
        status.hops = gauges.hops
        status.journal = Status.Journal(
            position: gauges.journalHead,
            hash: gauges.journalHash
        )
        let leased = min(gauges.leases, totals.waiting)
        status.referrals.leased = UInt64(leased)
        status.referrals.waiting = UInt64(totals.waiting - leased)
        status.walBytes = UInt64(ProcessFigures.size(of: logPath))
        status.residentBytes = UInt64(ProcessFigures.residentBytes)
        status.freeDiskBytes = UInt64(
            (try? DiskSpace.freeBytes(configuration.directory)) ?? 0
        )
        status.alarms = guards.alarms
        return status
    }

    func metrics() throws(OperatorFault) -> MetricsText {
        MetricsText(text: try Metrics(commands: self, guards: guards).text())
    }

    var logPath: String { configuration.directory + "/" + Ledger.fileName + "-wal" }

    // MARK: Procedures

    func procedures() throws(OperatorFault) -> [ProcedureRow] {
        try read { try $0.versions().map(row) }
    }

    private func row(_ version: LedgerReader.Version) -> ProcedureRow {
        let procedure = reading(version.source)
        return ProcedureRow(
            name: version.name,
            version: version.version,
            publishedAt: Instant(milliseconds: version.published),
            by: "uid \(version.uid)",
            steps: procedure?.steps.count ?? 0,
            offices: procedure?.offices.map(\.name) ?? [],
            title: procedure?.title["en"] ?? ""
        )
    }

    func procedureSource(
        name: String,
        version: UInt32?
    ) throws(OperatorFault) -> ProcedureSource {
        let versions = try read { try $0.versions(of: name) }
        let found = versions.first { version == nil || $0.version == version }
        guard let newest = versions.first else { throw Self.noSuchProcedure(name) }
        guard let found else {
            throw OperatorFault(
                code: "noSuchProcedure",
                exit: .notFound,
                text: "Procedure \(name) has no version \(version ?? 0); its newest is "
                    + "\(newest.version)."
            )
        }
        return ProcedureSource(name: name, version: found.version, source: found.source)
    }

    func checkProcedure(source: String) throws(OperatorFault) -> ProcedureCheck {
        do {
            return ProcedureCheck(name: try ProcedureDeclaration.read(source).name)
        } catch {
            return ProcedureCheck(
                name: nil,
                findings: error.faults.map { fault in
                    ProcedureCheck.Finding(
                        line: fault.line,
                        column: fault.column,
                        code: fault.code.rawValue,
                        text: fault.text
                    )
                },
                omitted: error.omitted
            )
        }
    }

    func publishProcedure(
        source: String,
        by identity: OperatorIdentity,
        reason: String?
    ) throws(OperatorFault) -> Publication {
        let procedure: Procedure
        do {
            procedure = try ProcedureDeclaration.read(source)
        } catch {
            throw OperatorFault(
                code: "declarationInvalid",
                exit: .badData,
                text: error.description
            )
        }
        let outcome = try act(
            .publish(procedure, source: source),
            by: identity,
            reason: reason ?? ""
        )
        guard case .published(let version, let isNew) = outcome else {
            throw refused(outcome, "The procedure")
        }
        let versions = try read { try $0.versions(of: procedure.name) }
        guard let published = versions.first(where: { $0.version == version }) else {
            throw OperatorFault(
                code: "unavailable",
                exit: .failed,
                text: "The published version cannot be read."
            )
        }
        return Publication(procedure: row(published), isNew: isNew)
    }

    // MARK: Offices, agencies, cases

    func offices() throws(OperatorFault) -> [OfficeRow] { try officeRows(.all) }

    func officeRows(_ choice: LedgerReader.OfficeChoice) throws(OperatorFault) -> [OfficeRow] {
        let (found, gauges) = try readAndLook { (try $0.offices(choice), try $0.pauses()) }
        return Self.officeRows(found.0, found.1, gauges)
    }

    /// What was read of offices, and of those that are paused, with what is in memory of them.
    static func officeRows(
        _ offices: [LedgerReader.Office],
        _ pauses: [String: LedgerReader.Mark],
        _ gauges: LedgerGauges
    ) -> [OfficeRow] {
        var desks: [String: LedgerGauges.Office] = [:]
        for desk in gauges.offices { desks[desk.name] = desk }
        return offices.map { office in
            var row = OfficeRow(name: office.name, title: office.title, agency: office.agency)
            let leased = min(desks[office.name]?.leased ?? 0, office.waiting)
            row.waiting = UInt64(office.waiting - leased)
            row.leased = UInt64(leased)
            row.delayed = UInt64(office.delayed)
            row.custody = UInt64(office.custody)
            row.dead = UInt64(office.dead)
            row.sessions = UInt64(desks[office.name]?.sessions ?? 0)
            row.oldestEnteredAt = Instant.unlessZero(office.oldest)
            row.paused = pauses[office.name].map { StandMark($0) }
            return row
        }
    }

    func agencies() throws(OperatorFault) -> [AgencyRow] {
        try read { reader in
            try reader.agencies().map { agency in
                var row = AgencyRow(
                    name: agency.name,
                    offices: UInt64(agency.offices),
                    sessions: 0,
                    mayBackdate: agency.mayBackdate
                )
                row.hearsAllCases = agency.isObserver
                return row
            }
        }
    }

    func setBackdating(
        agency: String,
        isAllowed: Bool,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> AgencyRow {
        try setRight(
            .backdating(agency: agency, isAllowed: isAllowed),
            of: agency,
            by: identity,
            reason: reason
        )
    }

    func setRight(
        _ change: OperatorAct,
        of agency: String,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> AgencyRow {
        guard Name.isLegal(agency) else {
            throw OperatorFault(
                code: "badName",
                exit: .badData,
                text: RefusalCode.nameInvalid.text
            )
        }
        let outcome = try act(change, by: identity, reason: reason)
        guard case .done = outcome, let row = try agencies().first(where: { $0.name == agency })
        else { throw refused(outcome, "The agency") }
        return row
    }

    func caseView(number: String) throws(OperatorFault) -> CaseView {
        let serial = try serial(of: number)
        let (found, hold) = try read { (try $0.trail(of: serial), try $0.hold(serial)) }
        guard let trail = found else { throw Self.noSuchCase(number) }
        var view = CaseView(trail)
        view.held = hold.map { StandMark($0) }
        return view
    }

    // MARK: The whole ledger

    func verify() throws(OperatorFault) -> VerifyReport {
        let start = Clock.monotonicMilliseconds()
        let found = try read { try Verification($0) }
        return VerifyReport(
            records: found.records,
            cases: found.cases,
            referrals: found.referrals,
            isChainIntact: found.isChainIntact,
            hasOneHolder: found.hasOneHolder,
            findings: found.findings,
            seconds: Double(Clock.monotonicMilliseconds() - start) / 1_000
        )
    }

    func exportTraces(
        procedure: String?,
        each: (ExportTrace) throws(OperatorFault) -> Void
    ) throws(OperatorFault) {
        var last: UInt64 = 0
        while true {
            let from = last
            let serials = try read {
                try $0.serials(after: from, procedure: procedure, limit: 256)
            }
            guard let end = serials.last else { return }
            last = end
            let trails = try read { reader in
                try serials.compactMap { try reader.trails.trail(of: $0) }
            }
            for trail in trails { try each(ExportTrace(trail)) }
        }
    }

    // MARK: Ways to the ledger

    func read<Value>(
        _ body: (LedgerReader) throws -> Value
    ) throws(OperatorFault) -> Value {
        try read(body) { () throws(LedgerFault) in try ledger.settle() }.0
    }

    /// Reads, and then looks at what the ledger holds in memory.
    ///
    /// The look waits for the disk as well, so that both cost one turn of the ledger.
    func readAndLook<Value>(
        _ body: (LedgerReader) throws -> Value
    ) throws(OperatorFault) -> (Value, LedgerGauges) {
        try read(body) { () throws(LedgerFault) in
            guard let gauges = ledger.gauges() else { throw .storage("the ledger is stopping") }
            return gauges
        }
    }

    /// Reads, and then waits for what was read: it may have been committed and not be on disk yet.
    private func read<Value, Look>(
        _ body: (LedgerReader) throws -> Value,
        waiting look: () throws(LedgerFault) -> Look
    ) throws(OperatorFault) -> (Value, Look) {
        do {
            let value = try body(
                LedgerReader(directory: configuration.directory, reading: reading)
            )
            return (value, try look())
        } catch {
            throw OperatorFault(
                code: "unavailable",
                exit: .failed,
                text: "The ledger cannot be read: \(error)"
            )
        }
    }

    func act(
        _ act: OperatorAct,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> OperatorOutcome {
        do {
            return try ledger.carryOut(
                act,
                by: Operator(uid: identity.uid, pid: identity.pid, reason: reason)
            )
        } catch {
            throw OperatorFault(code: "unavailable", exit: .busy, text: error.description)
        }
    }

    func refused(_ outcome: OperatorOutcome, _ what: String) -> OperatorFault {
        guard case .refused(let code) = outcome else {
            return OperatorFault(
                code: "unavailable",
                exit: .failed,
                text: "\(what) was not changed."
            )
        }
        return OperatorFault(code: "\(code)", exit: .failed, text: code.text)
    }

    func serial(of number: String) throws(OperatorFault) -> UInt64 {
        guard let serial = CaseNumber(text: number)?.serial else {
            throw OperatorFault(
                code: "badCaseNumber",
                exit: .badData,
                text: "\(number) is not a case number: fourteen digits whose check digits fit, "
                    + "as printed on the receipt."
            )
        }
        return serial
    }

    static func noSuchProcedure(_ name: String) -> OperatorFault {
        OperatorFault(
            code: "noSuchProcedure",
            exit: .notFound,
            text: "No procedure \(name) is published; `baridctl procedure list` shows which are."
        )
    }

    static func noSuchCase(_ number: String) -> OperatorFault {
        OperatorFault(
            code: "noSuchCase",
            exit: .notFound,
            text: "There is no case \(number)."
        )
    }
}
