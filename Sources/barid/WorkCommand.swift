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
            referral back; any other status gives it back with a reason.
            """
    )

    @OptionGroup var connection: ConnectionOptions
    @Argument(help: "agency/office")
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
        var failureCount = 0
        do throws(BaridError) {
            let referrals = try await bus.staff(office, title: title, credit: 1)
            var doneCount = 0
            while doneCount < limit ?? .max, let referral = try await next(of: referrals) {
                if !(await settle(referral)) { failureCount += 1 }
                doneCount += 1
            }
        } catch {
            await bus.close()
            throw leaving(error)
        }
        await bus.close()
        if failureCount > 0 { throw ExitCode.partly }
    }

    /// The next referral; nil when idle for too long or at the end.
    private func next(of referrals: Referrals) async throws(BaridError) -> Referral? {
        guard let untilIdle else {
            var iterator = referrals.makeAsyncIterator()
            return try await iterator.next()
        }
        let waiting = Task { () -> Result<Referral?, BaridError> in
            var iterator = referrals.makeAsyncIterator()
            do throws(BaridError) { return .success(try await iterator.next()) } catch {
                return .failure(error)
            }
        }
        let alarm = Task {
            try? await Task.sleep(for: .seconds(untilIdle))
            waiting.cancel()
        }
        defer { alarm.cancel() }
        return try await waiting.value.get()
    }

    /// Settles one referral and prints its line; false if it was not settled as it should be.
    private func settle(_ referral: Referral) async -> Bool {
        do throws(BaridError) {
            if accept {
                _ = try await referral.accept()
                report(referral, "accepted")
                return true
            }
            guard let exec else {
                try await referral.complete(complete ?? "")
                report(referral, complete ?? "")
                return true
            }
            return try await settle(referral, with: Job(command: exec))
        } catch {
            report(referral, "failed", detail: "\(error)")
            return false
        }
    }

    private func settle(_ referral: Referral, with job: Job) async throws(BaridError) -> Bool {
        let renewing = Task {
            while !Task.isCancelled {
                try? await Task.sleep(for: max(.seconds(1), referral.leaseTime / 3))
                // A renewal that comes too late shows when the referral is settled.
                if !Task.isCancelled { _ = try? await referral.renew() }
            }
        }
        defer { renewing.cancel() }
        let ending: Job.Ending
        do { ending = try await job.run(for: referral) } catch {
            try await referral.release(after: .seconds(5), reason: "The command did not start.")
            report(referral, "released", detail: "the command did not start: \(error)")
            return false
        }
        switch ending.status {
        case 0:
            let outcome = complete ?? ending.lastLine
            guard referral.outcomes.contains(outcome) else {
                let reason = "The step has no outcome \"\(outcome)\"."
                try await referral.release(after: .seconds(5), reason: reason)
                report(referral, "released", detail: reason)
                return false
            }
            try await referral.complete(outcome)
            report(referral, outcome)
            return true
        case Job.tryAgainStatus:
            try await referral.release(after: .seconds(5))
            report(referral, "released")
            return true
        default:
            let reason = "The command ended with status \(ending.status)."
            try await referral.release(after: .seconds(5), reason: reason)
            report(referral, "released", detail: reason)
            return false
        }
    }

    private func report(_ referral: Referral, _ result: String, detail: String = "") {
        if connection.json {
            let line = JSON.object([
                ("number", .text(referral.caseNumber)), ("step", .text(referral.step)),
                ("attempts", .count(referral.attempts)), ("result", .text(result)),
                ("detail", detail.isEmpty ? .null : .text(detail)),
            ])
            writeText(line.text + "\n")
        } else {
            let cells = [referral.caseNumber, referral.step, result, detail, referral.subject]
            writeText(cells.map(printable).joined(separator: "\t") + "\n")
        }
    }
}
