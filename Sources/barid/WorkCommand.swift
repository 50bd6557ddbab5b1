// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BaridClient

struct WorkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "work",
        abstract: "Staff an office and settle what it is given, one line a referral.",
        discussion: """
            With --exec the content of the case is the command's standard input, and its \
            particulars are in BARID_CASE, BARID_STEP, BARID_OUTCOMES and others. Exit status 0 \
            completes the step with --complete or with the last line of the output; 75 gives the \
            referral back; any other status gives it back with a reason and makes the exit status \
            of this program 2.

            SIGINT or SIGTERM ends the work: a command that runs is ended, and what is not settled \
            goes back to the queue at once.

            Examples:
              barid work city/permits --complete approved
              barid work city/permits --exec './check.sh'
              barid work city/permits --accept --limit 10
            """
    )

    @OptionGroup var connection: ConnectionOptions
    @Argument(help: "The office, such as city/permits.")
    var office: String
    @Option(help: "Name of the office for people, if it is opened now.")
    var title = ""
    @Option(help: ArgumentHelp("Complete every step with this outcome.", valueName: "outcome"))
    var complete: String?
    @Option(help: ArgumentHelp("Run this for every referral.", valueName: "command"))
    var exec: String?
    @Flag(help: "Take custody of every referral; settle it later with barid settle.")
    var accept = false
    @Option(help: ArgumentHelp("End after this many referrals.", valueName: "count"))
    var limit: Int?
    @Option(
        help: ArgumentHelp("End when nothing has come for so long.", valueName: "seconds")
    )
    var untilIdle: Double?

    func validate() throws {
        guard LegalNames.isLegalOffice(office) else {
            throw ValidationError(
                "\(office) is not the name of an office; write agency/office in a-z, 0-9 and . _ -"
            )
        }
        guard complete != nil || exec != nil || accept else {
            throw ValidationError("Give --complete, --exec or --accept: what shall be done?")
        }
        guard !accept || (complete == nil && exec == nil) else {
            throw ValidationError("--accept goes with neither --complete nor --exec.")
        }
        if let limit, limit < 1 { throw ValidationError("--limit must be 1 or more.") }
        if let untilIdle, untilIdle < 0 || untilIdle > 1e6 {
            throw ValidationError("--until-idle must be 0 to 1000000 seconds.")
        }
    }

    func run() async throws {
        let bus = try await connection.connect(as: "work", office: office)
        let watch = untilIdle.map { IdleWatch(limit: .seconds($0)) }
        let working = Task { try await work(over: bus, watch) }
        let watching = Task {
            try await watch?.waitUntilIdle()
            if watch != nil { working.cancel() }
        }
        let signals = StopSignals { working.cancel() }
        let result = await working.result
        watching.cancel()
        // Says goodbye: what is not settled goes back to its queue at once, with no attempt counted.
        await bus.close()
        withExtendedLifetime(signals) {}
        switch result {
        case .success(let failureCount) where failureCount > 0: throw ExitCode.partly
        case .success: return
        case .failure(let error as BaridError): throw leaving(error)
        case .failure(let error): throw leaving("\(error)", .failure)
        }
    }

    /// Settles what comes until the limit or cancellation, and counts what failed.
    private func work(over bus: Bus, _ watch: IdleWatch?) async throws -> Int {
        let worker = Worker(deed: deed, report: WorkReport(isJSON: connection.json))
        worker.report.begin()
        do {
            let referrals = try await bus.staff(office, title: title, credit: 1)
            var iterator = referrals.makeAsyncIterator()
            var doneCount = 0
            var failureCount = 0
            watch?.rest()
            while doneCount < limit ?? .max, !Task.isCancelled,
                let referral = try await iterator.next()
            {
                watch?.work()
                if !(try await worker.settle(referral)) { failureCount += 1 }
                doneCount += 1
                watch?.rest()
            }
            return failureCount
        } catch let error as BaridError where error.isCancelled {
            return 0
        }
    }

    private var deed: Worker.Deed {
        if let exec { return .run(Job(command: exec), outcome: complete) }
        return complete.map { .complete($0) } ?? .accept
    }
}
