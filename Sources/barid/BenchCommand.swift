// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser

struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure the bus.",
        discussion: """
            Each prints one object of figures with what was lost, duplicated and refused, and fails \
            unless all three are 0. Cases stay in the ledger, so use a data directory of its own. \
            Times are in microseconds. At a --rate a request counts from when it was to leave, \
            however late the bus let it.
            """,
        subcommands: [
            FlowCommand.self, SubmitBenchCommand.self, BacklogCommand.self, FanoutCommand.self,
            AskBenchCommand.self, FloorCommand.self,
        ]
    )
}

struct FlowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "flow",
        abstract: "Measure cases that visit a row of offices, each settled at once.",
        discussion: """
            Opens offices bench/o1 and so on, and submits cases of the procedure named itinerary. \
            With --floor, the same rows are written in bare SQLite before and after, on the disk of \
            that directory.
            """
    )

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var options: CaseBenchOptions
    @Option(help: "Offices there are.")
    var offices = 5
    @Option(help: "Offices every case visits. Default: all, to 200.")
    var visits: Int?
    @Option(help: "Cases under way at once.")
    var window = 100
    @Option(help: "Cases to submit each second. Default: as many as the window lets.")
    var rate: Double?

    @Option(
        help: ArgumentHelp(
            "Measure the same flow without a key at this endpoint of the daemon too, before and "
                + "after, and tell the ratio: what CURVE and the rules cost.",
            valueName: "endpoint"
        )
    )
    var beside: String?

    func validate() throws {
        try options.check(connection)
        try CaseBenchOptions.checkOffices(offices)
        try CaseBenchOptions.checkWindow(window)
        try CaseBenchOptions.checkRate(rate)
        guard (1...min(200, offices)).contains(visits ?? 1) else {
            throw ValidationError("--visits must be 1 to 200, and no more than --offices.")
        }
    }

    func run() async throws {
        var plan = try options.plan(connection)
        plan.officeCount = offices
        plan.visitCount = visits ?? min(200, offices)
        plan.window = window
        plan.rate = rate
        try CaseBenchRun(plan: plan, options: options, connection: connection, beside: beside)
            .run()
    }
}

struct SubmitBenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "submit",
        abstract: "Measure submissions alone: nobody works on the cases.",
        discussion: """
            Opens offices bench/o1 and so on, where the cases then wait. With --floor, the same rows \
            are written in bare SQLite before and after, on the disk of that directory.
            """
    )

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var options: CaseBenchOptions
    @Option(help: "Offices there are.")
    var offices = 5
    @Option(help: "Submissions unanswered at once.")
    var window = 100
    @Option(help: "Cases to submit each second. Default: as many as the window lets.")
    var rate: Double?

    func validate() throws {
        try options.check(connection)
        try CaseBenchOptions.checkOffices(offices)
        try CaseBenchOptions.checkWindow(window)
        try CaseBenchOptions.checkRate(rate)
    }

    func run() async throws {
        var plan = try options.plan(connection)
        plan.work = .submit
        plan.officeCount = offices
        plan.visitCount = min(5, offices)
        plan.window = window
        plan.rate = rate
        try CaseBenchRun(plan: plan, options: options, connection: connection).run()
    }
}

struct BacklogCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backlog",
        abstract: "Fill the queues, then measure hops while that many cases wait.",
        discussion: """
            Submits --fill cases that go along five of the offices bench/o1 and so on, and lets them \
            wait; then completes what is delivered, --window at a time, and submits a case for every \
            five hops. With --fill 0 the cases of an earlier run are worked on.
            """
    )

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var options: CaseBenchOptions
    @Option(help: "Cases to submit before measuring.")
    var fill = 1_000
    @Option(help: "Offices there are.")
    var offices = 100
    @Option(help: "Offices every case visits.")
    var visits = 5
    @Option(help: "Cases delivered and not settled at once; one at least for each office.")
    var window = 1_000

    func validate() throws {
        try options.check(connection)
        try CaseBenchOptions.checkOffices(offices)
        try CaseBenchOptions.checkWindow(window)
        guard (0...100_000_000).contains(fill) else {
            throw ValidationError("--fill must be 0 to 100000000.")
        }
        guard (1...min(200, offices)).contains(visits) else {
            throw ValidationError("--visits must be 1 to 200, and no more than --offices.")
        }
    }

    func run() async throws {
        var plan = try options.plan(connection)
        plan.work = .backlog
        plan.officeCount = offices
        plan.visitCount = visits
        plan.window = window
        plan.fillCount = fill
        try CaseBenchRun(plan: plan, options: options, connection: connection).run()
    }
}
