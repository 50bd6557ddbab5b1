// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BaridClient
internal import Platform

struct SubscribeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "subscribe",
        abstract: "Print the events of a pattern as they come, one line an event.",
        discussion: """
            In a pattern * stands for one word and > at the end for one or more. With --durable the \
            subscription belongs to the agency, goes on where it was, and an event is acknowledged \
            once its line is written and the command of --exec ended with 0.

            With --json a line is a CloudEvents object, or {"gap": …} for events that will not be \
            told; without, gaps are told on standard error. There a line says when it listens. With --exec the body is the command's \
            standard input, and the attributes are in BARID_TOPIC, BARID_TYPE, BARID_SEQUENCE and \
            others; any exit status but 0 asks for the event again and makes the exit status of this \
            program 2.

            Examples:
              barid subscribe 'case.building-permit.>' --json
              barid subscribe 'case.>' --durable archive --from beginning --exec ./archive.sh
            """
    )

    /// Where a durable subscription begins, as written on the command line.
    struct Start: ExpressibleByArgument {
        let value: SubscriptionStart

        init?(argument: String) {
            switch argument {
            case "now": value = .now
            case "beginning": value = .beginning
            case "last": value = .last
            default:
                if let sequence = UInt64(argument) {
                    value = .sequence(sequence)
                } else if let instant = Instants.parse(argument) {
                    value = .instant(instant)
                } else {
                    return nil
                }
            }
        }
    }

    @OptionGroup var connection: ConnectionOptions
    @Argument(help: "The pattern, such as 'case.building-permit.>'.")
    var pattern: String
    @Option(help: ArgumentHelp("Join the durable subscription of this name.", valueName: "name"))
    var durable: String?
    @Option(
        help: ArgumentHelp(
            "Where a durable subscription begins when it is made: now, beginning, last, a sequence, "
                + "or an instant such as 2030-01-31T16:00:00Z. Default: now.",
            valueName: "start"
        )
    )
    var from: Start?
    @Option(
        help: ArgumentHelp(
            "What to do while this program is too slow, if it is not durable: gap, latest or evict.",
            valueName: "policy"
        ),
        transform: choice
    )
    var slow: SlowPolicy?
    @Option(
        help: ArgumentHelp(
            "Events that may be under way or unread at once, 1 to 10000.",
            valueName: "count"
        )
    )
    var credit = 1_000
    @Option(help: ArgumentHelp("End after this many events.", valueName: "count"))
    var limit: Int?
    @Option(
        help: ArgumentHelp("End when nothing has come for so long.", valueName: "seconds")
    )
    var untilIdle: Double?
    @Flag(help: "Look only: acknowledge nothing, so everything comes again.")
    var noAck = false
    @Option(help: ArgumentHelp("Run this for every event.", valueName: "command"))
    var exec: String?

    func validate() throws {
        guard durable != nil || (from == nil && !noAck) else {
            throw ValidationError("--from and --no-ack go with --durable.")
        }
        guard durable == nil || slow == nil else {
            throw ValidationError("--slow does not go with --durable: nothing is left out there.")
        }
        guard (1...10_000).contains(credit) else {
            throw ValidationError("--credit must be 1 to 10000.")
        }
        if let limit, limit < 1 { throw ValidationError("--limit must be 1 or more.") }
        if let untilIdle, untilIdle < 0 || untilIdle > 1e6 {
            throw ValidationError("--until-idle must be 0 to 1000000 seconds.")
        }
    }

    func run() async throws {
        let bus = try await connection.connect(as: "subscribe")
        let watch = untilIdle.map { IdleWatch(limit: .seconds($0)) }
        let failureCount = try await untilStopped(over: bus, watch) {
            try await hear(over: bus, watch)
        }
        if failureCount > 0 { throw ExitCode.partly }
    }

    /// Prints what comes until the limit or cancellation, and counts what failed.
    private func hear(over bus: Bus, _ watch: IdleWatch?) async throws -> Int {
        let report = EventReport(isJSON: connection.json)
        let job = exec.map { Job(command: $0) }
        let count = limit ?? .max
        guard let durable else {
            let events = try await bus.subscribe(pattern, slow: slow ?? .gap, credit: credit)
            report.begin(pattern)
            return try await Listener(report: report, job: job, watch: watch, limit: count)
                .hear(events)
        }
        let events = try await bus.subscribe(
            pattern,
            durable: durable,
            from: from?.value ?? .now,
            // What waits while a command runs would be out of order if that one must come again.
            credit: exec == nil ? credit : 1
        )
        report.begin(pattern)
        return try await Listener(report: report, job: job, watch: watch, limit: count)
            .hear(events, acknowledges: !noAck)
    }
}

/// The case of this name.
///
/// - Throws: With all names if there is none.
func choice<Choice: CaseIterable & RawRepresentable<String>>(
    _ text: String
) throws -> Choice {
    guard let choice = Choice(rawValue: text) else {
        let names = Choice.allCases.map(\.rawValue).joined(separator: ", ")
        throw ValidationError("There is no \(text); choose one of \(names).")
    }
    return choice
}

/// Runs the work until it ends, a signal comes or nothing has come for long enough; then the bus is
/// left in order.
///
/// - Returns: What the work counted, 0 if it was cancelled.
func untilStopped(
    over bus: Bus,
    _ watch: IdleWatch?,
    _ work: @escaping @Sendable () async throws -> Int
) async throws -> Int {
    let working = Task { try await work() }
    let watching = Task {
        try await watch?.waitUntilIdle()
        if watch != nil { working.cancel() }
    }
    let signals = StopSignals { working.cancel() }
    let result = await working.result
    watching.cancel()
    await bus.close()
    withExtendedLifetime(signals) {}
    switch result {
    case .success(let count): return count
    case .failure(let error as BaridError) where error.isCancelled: return 0
    case .failure(let error as BaridError): throw leaving(error)
    case .failure(let error as ExitCode): throw error
    case .failure(let error): throw leaving("\(error)", .failure)
    }
}
