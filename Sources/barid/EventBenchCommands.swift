// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BaridClient
internal import Bench

struct FanoutCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fanout",
        abstract: "Measure events that are not durable and heard by many subscribers.",
        discussion: """
            One session publishes, and others subscribe to its topic. Without --rate the publisher \
            keeps --window events ahead of the slowest subscriber, so that the time to delivery is \
            that of a full window; with --rate it is that of the bus.

            With --stalled there is a second round, beside sessions that subscribe and read nothing \
            until it is over: p99_ratio tells how much longer the others then wait.
            """
    )

    @OptionGroup var connection: ConnectionOptions
    @Option(help: "Sessions that subscribe.")
    var subscribers = 10
    @Option(help: "Threads that read for them.")
    var threads = 1
    @Option(help: "Sessions that subscribe and stop reading, in a second round.")
    var stalled = 0
    @Option(help: "Bytes of content of each event.")
    var size = 256
    @Option(help: "Events the publisher may be ahead of the slowest subscriber.")
    var window = 4_000
    @Option(help: "Events to publish each second. Default: as many as are heard.")
    var rate: Double?
    @Option(help: "How long to publish.")
    var seconds = 10.0

    func validate() throws {
        guard (1...1_000).contains(subscribers) else {
            throw ValidationError("--subscribers must be 1 to 1000.")
        }
        guard (1...16).contains(threads), threads <= subscribers else {
            throw ValidationError("--threads must be 1 to 16, and no more than --subscribers.")
        }
        guard (0...100).contains(stalled), stalled == 0 || seconds <= 20 else {
            throw ValidationError(
                "--stalled must be 0 to 100, with --seconds of 20 at most: silent sessions expire."
            )
        }
        guard (0...1_048_576).contains(size) else {
            throw ValidationError("--size must be 0 to 1048576 bytes.")
        }
        guard (1...10_000).contains(window) else {
            throw ValidationError("--window must be 1 to 10000.")
        }
        if let rate, rate <= 0 || rate > 1e8 {
            throw ValidationError("--rate must be above 0 and at most 100000000.")
        }
        guard seconds > 0, seconds <= 86_400 else {
            throw ValidationError("--seconds must be above 0 and at most 86400.")
        }
    }

    func run() async throws {
        var bench = FanoutBench(
            endpoint: connection.endpoint,
            agency: connection.agency(for: "bench/fanout"),
            subscriberCount: subscribers,
            threadCount: threads,
            size: size,
            window: UInt64(window),
            rate: rate
        )
        let figures: FanoutBench.Figures
        var beside: FanoutBench.Figures?
        do throws(BaridError) {
            figures = try bench.run(seconds: seconds)
            if stalled > 0 {
                bench.stalledCount = stalled
                beside = try bench.run(seconds: seconds)
            }
        } catch {
            throw leaving(error)
        }
        let elapsed = Double(figures.nanoseconds) / 1e9
        connection.print(
            [
                ("subscribers", .count(subscribers)), ("threads", .count(threads)),
                ("size", .count(size)), ("window", .count(window)), ("seconds", .real(elapsed)),
                ("published", .count(figures.publishedCount)),
                ("deliveries", .count(figures.deliveredCount)),
                ("published_per_s", .real(Double(figures.publishedCount) / elapsed)),
                ("deliveries_per_s", .real(Double(figures.deliveredCount) / elapsed)),
                ("delivery_us", figures.delivery.json), ("gaps", .count(figures.gapCount)),
                ("left_out", .count(figures.leftOutCount)),
                ("refused", .count(figures.refusedCount)), ("lost", .count(figures.lostCount)),
                ("duplicated", .count(figures.duplicatedCount)),
            ] + (beside.map { comparison(figures, beside: $0) } ?? [])
        )
        for round in [figures, beside].compactMap({ $0 }) where !round.isClean {
            throw ExitCode.failure
        }
    }

    private func comparison(
        _ alone: FanoutBench.Figures,
        beside: FanoutBench.Figures
    ) -> [(String, JSON)] {
        let p99 = (alone.delivery.percentile(0.99), beside.delivery.percentile(0.99))
        return [
            ("stalled", .count(stalled)),
            ("beside_deliveries", .count(beside.deliveredCount)),
            ("beside_delivery_us", beside.delivery.json), ("beside_gaps", .count(beside.gapCount)),
            ("p99_ratio", .real(Double(p99.1) / Double(max(1, p99.0)))),
            ("stalled_deliveries", .count(beside.stalled.deliveredCount)),
            ("stalled_gaps", .count(beside.stalled.gapCount)),
            ("stalled_left_out", .count(beside.stalled.leftOutCount)),
        ]
    }
}

struct AskBenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ask",
        abstract: "Measure questions that are not durable, answered at once by another session.",
        discussion: """
            Staffs the office bench/echo without taking referrals, and offers a service. With --floor, \
            packets go to and fro between a bare DEALER and ROUTER before and after, as many under \
            way: a question with its answer is two such round trips.
            """
    )

    @OptionGroup var connection: ConnectionOptions
    @Option(help: "Questions open at once.")
    var window = 1
    @Option(help: "Questions to ask each second. Default: as many as the window lets.")
    var rate: Double?
    @Option(help: "Sessions that ask.")
    var sessions = 1
    @Option(help: "Bytes of each question and answer.")
    var size = 256
    @Option(help: "How long to ask.")
    var seconds = 10.0
    @Flag(help: "Measure bare round trips too, and tell the ratios; needs --data.")
    var floor = false

    func validate() throws {
        guard connection.data != nil || !floor else {
            throw ValidationError("--floor needs --data, for a place to make its socket.")
        }
        guard (1...1_000).contains(window) else {
            throw ValidationError("--window must be 1 to 1000.")
        }
        try CaseBenchOptions.checkRate(rate)
        guard (1...10_000).contains(sessions) else {
            throw ValidationError("--sessions must be 1 to 10000.")
        }
        guard (0...1_048_576).contains(size) else {
            throw ValidationError("--size must be 0 to 1048576 bytes.")
        }
        guard seconds > 0, seconds <= 86_400 else {
            throw ValidationError("--seconds must be above 0 and at most 86400.")
        }
    }

    func run() async throws {
        let before = try echoesPerSecond()
        let figures: AskBench.Figures
        do throws(BaridError) {
            figures = try AskBench(
                endpoint: connection.endpoint,
                agency: connection.agency(for: "bench/echo"),
                size: size,
                window: window,
                rate: rate,
                sessionCount: sessions
            ).run(seconds: seconds, progress: BenchProgress())
        } catch {
            throw leaving(error)
        }
        let after = try echoesPerSecond()
        let elapsed = Double(figures.nanoseconds) / 1e9
        let answers = Double(figures.answeredCount) / elapsed
        var members: [(String, JSON)] = [
            ("bench", "ask"), ("window", .count(window)),
            ("rate", rate.map { .real($0) } ?? .null), ("sessions", .count(sessions)),
            ("size", .count(size)), ("seconds", .real(elapsed)),
            ("answers", .count(figures.answeredCount)), ("answers_per_s", .real(answers)),
            ("answer_us", figures.answer.json), ("refused", .count(figures.refusedCount)),
            ("lost", .count(figures.lostCount)),
        ]
        if let before, let after {
            let echoes = (before + after) / 2
            // So many are under way all the time, so one of them takes this long.
            let trip = Double(window) / echoes * 1e6
            members += [
                ("floor_echoes_per_s", .real(echoes)), ("floor_echo_us", .real(trip)),
                ("ask_to_floor", .real(answers / echoes)),
                ("p50_to_floor", .real(Double(figures.answer.percentile(0.5)) / trip)),
            ]
        }
        connection.print(members)
        if figures.lostCount > 0 || figures.refusedCount > 0 { throw ExitCode.failure }
    }

    private func echoesPerSecond() throws -> Double? {
        guard floor, let directory = connection.data else { return nil }
        do {
            return try Floor.echoesPerSecond(in: directory, window: window, seconds: seconds / 4)
        } catch {
            throw leaving("The floor cannot be measured in \(directory): \(error).", .failure)
        }
    }
}
