// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BaridClient
internal import Bench

struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure the bus.",
        subcommands: [
            FlowCommand.self, FanoutCommand.self, AskBenchCommand.self, FloorCommand.self,
        ]
    )
}

struct FlowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "flow",
        abstract: "Measure cases that visit a row of offices, each settled at once.",
        discussion: """
            Opens offices bench/o1 and so on, and submits cases of the procedure named itinerary. \
            The cases stay in the ledger, so use a data directory of its own. With --floor, the same \
            rows are written in bare SQLite before and after, on the disk of that directory.
            """
    )

    @OptionGroup var connection: ConnectionOptions
    @Option(help: "Offices every case visits.")
    var offices = 5
    @Option(help: "Cases under way at once.")
    var window = 100
    @Option(help: "Bytes of content of each case.")
    var size = 256
    @Option(help: "How long to submit.")
    var seconds = 10.0
    @Option(help: "Procedure; it must take an itinerary.")
    var procedure = "itinerary"
    @Flag(help: "Measure the same rows in bare SQLite too, and tell the ratio; needs --data.")
    var floor = false

    @Option(
        help: ArgumentHelp(
            "Measure the same flow without a key at this endpoint of the daemon too, before and "
                + "after, and tell the ratio: what CURVE and the rules cost.",
            valueName: "endpoint"
        )
    )
    var beside: String?

    func validate() throws {
        guard !floor || connection.data != nil else {
            throw ValidationError("--floor needs --data, to measure the disk the daemon uses.")
        }
        guard (1...200).contains(offices) else {
            throw ValidationError("--offices must be 1 to 200.")
        }
        guard (1...5_000).contains(window) else {
            throw ValidationError("--window must be 1 to 5000.")
        }
        guard (0...1_048_576).contains(size) else {
            throw ValidationError("--size must be 0 to 1048576 bytes.")
        }
        guard seconds > 0, seconds <= 86_400 else {
            throw ValidationError("--seconds must be above 0 and at most 86400.")
        }
    }

    func run() async throws {
        let agency = connection.agency(for: "bench/o1")
        let credentials = try connection.credentials()
        let floor = try measuredFloor()
        defer { floor?.remove() }
        let before = try floor?.hopsPerSecond(window: window, seconds: seconds / 4)
        let besideBefore = try measuredBeside(agency)
        let figures = try measured(connection.endpoint, agency, credentials, seconds: seconds)
        let besideAfter = try measuredBeside(agency)
        let after = try floor?.hopsPerSecond(window: window, seconds: seconds / 4)
        print(
            figures,
            floor: Self.mean(before, after),
            beside: Self.mean(besideBefore, besideAfter)
        )
        if figures.lostCount > 0 || figures.duplicatedCount > 0 || figures.refusedCount > 0 {
            throw ExitCode.failure
        }
    }

    private func measured(
        _ endpoint: String,
        _ agency: String,
        _ credentials: Credentials?,
        seconds: Double
    ) throws -> FlowBench.Figures {
        do throws(BaridError) {
            let session = try RawSession.open(
                endpoint: endpoint,
                agency: agency,
                name: "barid bench",
                credentials: credentials,
                timeoutMilliseconds: 5_000
            )
            let bench = try FlowBench(
                session: session,
                agency: agency,
                procedure: procedure,
                officeCount: offices,
                size: size
            )
            return try bench.run(window: window, seconds: seconds)
        } catch {
            throw leaving(error)
        }
    }

    private func measuredBeside(_ agency: String) throws -> Double? {
        guard let beside else { return nil }
        return try measured(beside, agency, nil, seconds: seconds / 2).hopsPerSecond
    }

    private static func mean(_ before: Double?, _ after: Double?) -> Double? {
        before.flatMap { before in after.map { (before + $0) / 2 } }
    }

    private func measuredFloor() throws -> Floor? {
        guard floor, let directory = connection.data else { return nil }
        do {
            return try Floor(
                in: directory,
                offices: offices,
                envelopeBytes: FlowBench.envelope(
                    procedure: procedure,
                    officeCount: offices
                ).count,
                bodyBytes: size
            )
        } catch {
            throw leaving("The floor cannot be measured in \(directory): \(error).", .failure)
        }
    }

    private func print(_ figures: FlowBench.Figures, floor: Double?, beside: Double?) {
        let seconds = Double(figures.nanoseconds) / 1e9
        let hops = figures.hopsPerSecond
        let flows = Double(figures.flowCount) / seconds
        var members: [(String, JSON)] = [
            ("offices", .count(offices)), ("window", .count(window)), ("size", .count(size)),
            ("seconds", .real(seconds)), ("sessions", 1),
            ("hops", .count(figures.hopCount)), ("flows", .count(figures.flowCount)),
            ("hops_per_s", .real(hops)), ("flows_per_s", .real(flows)),
            ("submit_us", figures.submit.json), ("flow_us", figures.flow.json),
            ("answer_groups", .count(figures.answerGroupCount)),
            ("commits", .count(figures.commitCount)),
            ("refused", .count(figures.refusedCount)), ("lost", .count(figures.lostCount)),
            ("duplicated", .count(figures.duplicatedCount)),
        ]
        if let floor {
            members.append(("floor_hops_per_s", .real(floor)))
            members.append(("flow_to_floor", .real(hops / floor)))
        }
        if let beside {
            members.append(("beside_hops_per_s", .real(beside)))
            members.append(("flow_to_beside", .real(hops / beside)))
        }
        guard !connection.json, Outlet.output.isTerminal else {
            return writeText(JSON.object(members).text + "\n")
        }
        let table = Table(heading: ["what", "value"], rows: members.map { [$0.0, $0.1.text] })
        writeText(table.text)
    }
}
