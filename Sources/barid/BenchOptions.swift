// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BaridClient
internal import Bench

/// What all benches of cases ask.
struct CaseBenchOptions: ParsableArguments {
    @Option(help: "Bytes of content of each case.")
    var size = 256
    @Option(help: "How long to measure.")
    var seconds = 10.0
    @Option(help: "Sessions that submit and settle, each over a connection of its own.")
    var sessions = 1
    @Option(help: "Further sessions that are open and do nothing.")
    var idle = 0
    @Option(help: "Procedure; it must take an itinerary.")
    var procedure = "itinerary"
    @Flag(help: "Measure the same rows in bare SQLite too, and tell the ratio; needs --data.")
    var floor = false
    @Flag(help: "Check the whole ledger afterwards; needs --data.")
    var verify = false

    /// Checks the values, and what needs the daemon's directory.
    func check(_ connection: ConnectionOptions) throws {
        guard connection.data != nil || !floor else {
            throw ValidationError("--floor needs --data, to measure the disk the daemon uses.")
        }
        guard connection.data != nil || !verify else {
            throw ValidationError("--verify needs --data, to read the daemon's ledger.")
        }
        guard (0...1_048_576).contains(size) else {
            throw ValidationError("--size must be 0 to 1048576 bytes.")
        }
        guard seconds > 0, seconds <= 86_400 else {
            throw ValidationError("--seconds must be above 0 and at most 86400.")
        }
        guard (1...10_000).contains(sessions) else {
            throw ValidationError("--sessions must be 1 to 10000.")
        }
        guard (0...10_000).contains(idle) else {
            throw ValidationError("--idle must be 0 to 10000.")
        }
    }

    /// A plan with these values.
    func plan(_ connection: ConnectionOptions) throws -> FlowBench.Plan {
        var plan = FlowBench.Plan(
            endpoint: connection.endpoint,
            agency: connection.agency(for: "bench/o1")
        )
        plan.credentials = try connection.credentials()
        plan.procedure = procedure
        plan.sessionCount = sessions
        plan.idleCount = idle
        plan.size = size
        plan.seconds = seconds
        return plan
    }

    static func checkWindow(_ window: Int) throws {
        guard (1...5_000).contains(window) else {
            throw ValidationError("--window must be 1 to 5000.")
        }
    }

    static func checkRate(_ rate: Double?) throws {
        if let rate, rate <= 0 || rate > 1e6 {
            throw ValidationError("--rate must be above 0 and at most 1000000.")
        }
    }

    static func checkOffices(_ offices: Int) throws {
        guard (1...20_000).contains(offices) else {
            throw ValidationError("--offices must be 1 to 20000.")
        }
    }
}

/// One bench of cases: what is measured, beside what, and how it is told.
struct CaseBenchRun {
    let plan: FlowBench.Plan
    let options: CaseBenchOptions
    let connection: ConnectionOptions
    /// The same without a key at this endpoint.
    var beside: String?

    /// Measures and tells; fails if something was lost, duplicated or refused, or the ledger is not
    /// sound.
    func run() throws {
        let floor = try preparedFloor()
        defer { floor?.remove() }
        let floorBefore = try floor.map(measured)
        let besideBefore = try measuredBeside()
        let figures = try measured(plan)
        let besideAfter = try measuredBeside()
        let floorAfter = try floor.map(measured)
        var members = told(figures)
        if let rate = Self.mean(floorBefore, floorAfter) {
            members.append(("floor_\(unit)_per_s", .real(rate)))
            members.append(("\(name)_to_floor", .real(self.rate(of: figures) / rate)))
        }
        if let rate = Self.mean(besideBefore, besideAfter) {
            members.append(("beside_hops_per_s", .real(rate)))
            members.append(("flow_to_beside", .real(figures.hopsPerSecond / rate)))
        }
        let findings = try verified(&members)
        connection.print(members)
        for finding in findings.prefix(20) {
            writeText("barid: \(printable(finding))\n", to: .error)
        }
        if figures.lostCount > 0 || figures.duplicatedCount > 0 || figures.refusedCount > 0
            || !findings.isEmpty
        {
            throw ExitCode.failure
        }
    }

    private var name: String {
        switch plan.work {
        case .flow: "flow"
        case .submit: "submit"
        case .backlog: "backlog"
        }
    }

    private var unit: String { plan.work == .submit ? "submits" : "hops" }

    private func rate(of figures: FlowBench.Figures) -> Double {
        plan.work == .submit ? figures.submitsPerSecond : figures.hopsPerSecond
    }

    private func measured(_ plan: FlowBench.Plan) throws -> FlowBench.Figures {
        do throws(BaridError) {
            return try FlowBench.run(plan, progress: BenchProgress())
        } catch {
            throw leaving(error)
        }
    }

    private func measuredBeside() throws -> Double? {
        guard let beside else { return nil }
        var plan = plan
        plan.endpoint = beside
        plan.credentials = nil
        plan.seconds /= 2
        return try measured(plan).hopsPerSecond
    }

    private func preparedFloor() throws -> Floor? {
        guard options.floor, let directory = connection.data else { return nil }
        do {
            return try Floor(
                in: directory,
                offices: plan.visitCount,
                envelopeBytes: FlowBench.envelope(
                    procedure: plan.procedure,
                    officeCount: plan.visitCount
                ).count,
                bodyBytes: plan.size
            )
        } catch {
            throw leaving("The floor cannot be measured in \(directory): \(error).", .failure)
        }
    }

    private func measured(_ floor: Floor) throws -> Double {
        plan.work == .submit
            ? try floor.submitsPerSecond(window: plan.window, seconds: plan.seconds / 4)
            : try floor.hopsPerSecond(window: plan.window, seconds: plan.seconds / 4)
    }

    private static func mean(_ before: Double?, _ after: Double?) -> Double? {
        before.flatMap { before in after.map { (before + $0) / 2 } }
    }

    private func told(_ figures: FlowBench.Figures) -> [(String, JSON)] {
        var members: [(String, JSON)] = [
            ("bench", .text(name)), ("offices", .count(plan.officeCount)),
            ("visits", .count(plan.visitCount)), ("window", .count(plan.window)),
            ("rate", plan.rate.map { .real($0) } ?? .null), ("size", .count(plan.size)),
            ("seconds", .real(figures.seconds)), ("sessions", .count(plan.sessionCount)),
            ("idle", .count(plan.idleCount)),
        ]
        if plan.fillCount > 0 {
            let seconds = Double(figures.fillNanoseconds) / 1e9
            members += [
                ("fill", .count(plan.fillCount)), ("fill_seconds", .real(seconds)),
                ("fill_submits_per_s", .real(Double(plan.fillCount) / max(seconds, 1e-9))),
            ]
        }
        if plan.work != .submit {
            members += [
                ("hops", .count(figures.hopCount)), ("hops_per_s", .real(figures.hopsPerSecond)),
            ]
        }
        members += [
            ("submits", .count(figures.submitCount)),
            ("submits_per_s", .real(figures.submitsPerSecond)),
            ("submit_us", figures.submit.json),
        ]
        switch plan.work {
        case .flow:
            members += [
                ("flows", .count(figures.flowCount)),
                ("flows_per_s", .real(Double(figures.flowCount) / figures.seconds)),
                ("flow_us", figures.flow.json),
            ]
        case .backlog: members.append(("hop_us", figures.hop.json))
        case .submit: break
        }
        return members + [
            ("answer_groups", .count(figures.answerGroupCount)),
            ("commits", .count(figures.commitCount)),
            ("refused", .count(figures.refusedCount)), ("lost", .count(figures.lostCount)),
            ("duplicated", .count(figures.duplicatedCount)),
        ]
    }

    private func verified(_ members: inout [(String, JSON)]) throws -> [String] {
        guard options.verify, let directory = connection.data else { return [] }
        do {
            let check = try LedgerCheck(directory: directory)
            members += [
                ("verified_records", .count(check.recordCount)),
                ("verified_cases", .count(check.caseCount)),
                ("findings", .count(check.findings.count)),
            ]
            return check.findings
        } catch {
            throw leaving("The ledger in \(directory) cannot be read: \(error).", .failure)
        }
    }
}

extension ConnectionOptions {
    /// Prints figures as one JSON object, or as a table where somebody looks.
    func print(_ members: [(String, JSON)]) {
        guard !json, Outlet.output.isTerminal else {
            return writeText(JSON.object(members).text + "\n")
        }
        let table = Table(heading: ["what", "value"], rows: members.map { [$0.0, $0.1.text] })
        writeText(table.text)
    }
}
