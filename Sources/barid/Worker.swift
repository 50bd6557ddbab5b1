// SPDX-License-Identifier: Apache-2.0

internal import BaridClient

/// Settles one referral after the other, always in the same way.
///
/// Cancelling it ends a job that runs and leaves its referral unsettled; a settlement that was begun
/// is waited for.
struct Worker: Sendable {
    /// What is done with every referral.
    enum Deed: Sendable {
        case accept
        case complete(String)
        /// Run the job and complete with the outcome, or with the one the job prints.
        case run(Job, outcome: String?)
    }

    /// Why the work cannot go on: nothing it was told to do fits the step.
    struct WrongOutcome: Error, CustomStringConvertible {
        let outcome: String
        let step: String
        let outcomes: [String]

        var description: String {
            "The step \(step) has no outcome \"\(outcome)\"; it has "
                + outcomes.joined(separator: ", ") + "."
        }
    }

    let deed: Deed
    let report: WorkReport

    /// How long a referral that was given back waits before it is delivered again.
    private static let releasePause: Duration = .seconds(5)

    /// Settles one referral and prints its line; false if it was not settled as it should be.
    ///
    /// - Throws: Before anything is done if the outcome given for all referrals does not fit this one.
    func settle(_ referral: Referral) async throws(WrongOutcome) -> Bool {
        if let outcome = deed.outcome, !referral.outcomes.contains(outcome) {
            throw WrongOutcome(referral, outcome)
        }
        do throws(BaridError) {
            switch deed {
            case .accept:
                _ = try await toTheEnd { () throws(BaridError) in try await referral.accept() }
                report.add(referral, "accepted")
                return true
            case .complete(let outcome):
                return try await complete(referral, outcome)
            case .run(let job, let outcome):
                return try await run(job, for: referral, outcome: outcome)
            }
        } catch {
            report.add(referral, "failed", detail: "\(error)")
            return false
        }
    }

    private func run(
        _ job: Job,
        for referral: Referral,
        outcome: String?
    ) async throws(BaridError) -> Bool {
        let ending: Result<Job.Ending, any Error>
        do {
            let renewing = Task {
                while true {
                    try await Task.sleep(for: max(.seconds(1), referral.leaseTime / 3))
                    // A renewal that comes too late shows when the referral is settled.
                    _ = try? await referral.renew()
                }
            }
            defer { renewing.cancel() }
            ending = .success(try await job.run(for: referral))
        } catch {
            ending = .failure(error)
        }
        guard !Task.isCancelled else {
            report.add(referral, "returned", detail: "The work was interrupted.")
            return true
        }
        switch ending {
        case .failure(let error):
            return try await release(referral, reason: "The command did not start: \(error)")
        case .success(let ending): return try await settle(referral, ending, outcome: outcome)
        }
    }

    private func settle(
        _ referral: Referral,
        _ ending: Job.Ending,
        outcome: String?
    ) async throws(BaridError) -> Bool {
        switch ending.status {
        case 0: return try await complete(referral, outcome ?? ending.lastLine)
        case Job.tryAgainStatus:
            _ = try await release(referral, reason: "The command asked to be run again later.")
            return true
        default:
            return try await release(
                referral,
                reason: "The command ended with status \(ending.status)."
            )
        }
    }

    private func complete(
        _ referral: Referral,
        _ outcome: String
    ) async throws(BaridError) -> Bool {
        guard referral.outcomes.contains(outcome) else {
            return try await release(referral, reason: "\(WrongOutcome(referral, outcome))")
        }
        _ = try await toTheEnd { () throws(BaridError) in try await referral.complete(outcome) }
        report.add(referral, outcome)
        return true
    }

    private func release(
        _ referral: Referral,
        reason: String
    ) async throws(BaridError) -> Bool {
        _ = try await toTheEnd { () throws(BaridError) in
            try await referral.release(after: Self.releasePause, reason: reason)
        }
        report.add(referral, "released", detail: reason)
        return false
    }

    /// Waits for an answer even if this task is cancelled meanwhile.
    private func toTheEnd(
        _ ask: @escaping @Sendable () async throws(BaridError) -> Receipt
    ) async throws(BaridError) -> Receipt {
        let asking = Task { () -> Result<Receipt, BaridError> in
            do throws(BaridError) { return .success(try await ask()) } catch {
                return .failure(error)
            }
        }
        return try await asking.value.get()
    }
}

extension Worker.Deed {
    /// The outcome all referrals are completed with; nil where there is none.
    fileprivate var outcome: String? {
        switch self {
        case .accept: nil
        case .complete(let outcome): outcome
        case .run(_, let outcome): outcome
        }
    }
}

extension Worker.WrongOutcome {
    fileprivate init(_ referral: Referral, _ outcome: String) {
        self.init(outcome: outcome, step: referral.step, outcomes: referral.outcomes)
    }
}
