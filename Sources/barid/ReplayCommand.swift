// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BaridClient
internal import XES

struct ReplayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Carry the cases of a recorded history (XES) through the bus.",
        discussion: """
            Every trace becomes a case, every group an office, every run of events at one group a \
            visit. It may be interrupted and run again, and the daemon may be restarted meanwhile: \
            nothing is repeated. The same log in the same --run opens no case twice.

            Exit status 1 means that something was lost or done twice, 2 that cases stand in the \
            dead letters.
            """
    )

    enum Speed: String, ExpressibleByArgument, CaseIterable { case none }

    @OptionGroup var connection: ConnectionOptions
    @Argument(help: "Event log, .xes or .xes.gz")
    var log: String
    @Option(help: "Procedure the cases follow; it must take an itinerary.")
    var procedure = "itinerary"
    @Option(help: "none: as fast as the bus takes it.")
    var speed = Speed.none
    @Option(help: "Cases under way at once.")
    var window = 200
    @Option(
        name: .customLong("run"),
        help: "Name of this run, to replay one log several times."
    )
    var runName = ""
    @Option(help: ArgumentHelp("How long to wait for an absent daemon.", valueName: "seconds"))
    var patience = 300
    @Flag(inversion: .prefixedNo, help: "Compare the trail of every case with its trace.")
    var verify = true

    func validate() throws {
        guard (1...10_000).contains(window) else {
            throw ValidationError("--window must be 1 to 10000.")
        }
        guard (1...86_400).contains(patience) else {
            throw ValidationError("--patience must be 1 to 86400 seconds.")
        }
    }

    func run() async throws {
        let plan: ReplayPlan
        do throws(EventLogFault) {
            plan = try ReplayPlan(
                traces: try traces(),
                agency: connection.agency(),
                procedure: procedure,
                run: runName
            )
        } catch {
            throw leaving("\(log), \(error)", .badData)
        }
        let bus = try await connection.connect(
            as: "replay",
            patience: .seconds(patience)
        )
        var report = ReplayReport(plan)
        let replay = Replay(
            plan: plan,
            bus: bus,
            window: window,
            verifies: verify,
            patience: .seconds(patience)
        )
        let bar = ProgressBar(total: plan.cases.count)
        let clock = ContinuousClock()
        let start = clock.now
        do {
            let results = try await replay.run { done in bar.show(done, replay.counts.visits) }
            report.add(results, isVerified: verify)
        } catch {
            bar.clear()
            await bus.close()
            guard let error = error as? BaridError else { throw leaving("\(error)", .failure) }
            throw leaving(error)
        }
        bar.clear()
        report.milliseconds = Int64((clock.now - start) / .milliseconds(1))
        report.foreignCount = await replay.foreignCount
        await bus.close()
        writeText(connection.json ? report.json.text + "\n" : report.text)
        guard report.isClean else { throw ExitCode.failure }
        guard report.deadCount == 0 else {
            throw leaving(
                "\(report.deadCount) cases stand in the dead letters. See why with baridctl dead "
                    + "list, let them go on with baridctl dead retry, then run this again.",
                .partly
            )
        }
    }

    private func traces() throws(EventLogFault) -> [Trace] {
        var reader = try EventLogReader(path: log)
        var traces: [Trace] = []
        while let trace = try reader.nextTrace() { traces.append(trace) }
        return traces
    }
}
