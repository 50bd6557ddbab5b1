// SPDX-License-Identifier: Apache-2.0

internal import BaridClient
internal import Synchronization
internal import XES

/// Carries the cases of a plan through their offices, a window of them at a time.
///
/// Each case has one task that alone knows how far it is: it submits, waits for each delivery,
/// notes the events of the visit and completes it. What was answered is durable, so the task looks
/// at the trail only where an answer is missing: after a repeated submission, a lapsed lease, or a
/// delivery that does not come. A killed daemon or a killed replay repeats nothing, because the bus
/// knows every repetition: submissions and notes by their key, settlements by their lease.
final class Replay: Sendable {
    /// What became of a case.
    struct Result: Sendable {
        var index: Int
        var wasRepeated: Bool
        /// Whether it stands in the dead letters.
        var isDead = false
        /// What its trail lacks or has too much; nil where the two were not compared.
        var discrepancy: Discrepancy?
    }

    let plan: ReplayPlan
    private let bus: Bus
    private let window: Int
    private let verifies: Bool
    private let patience: Duration
    private let counter = ReplayCounter()
    private let eventsDone = Atomic<Int>(0)
    private let visitsDone = Atomic<Int>(0)
    private let looks = Atomic<Int>(0)

    init(plan: ReplayPlan, bus: Bus, window: Int, verifies: Bool, patience: Duration) {
        self.plan = plan
        self.bus = bus
        self.window = window
        self.verifies = verifies
        self.patience = patience
    }

    /// Events noted, visits completed and trails looked at by this run.
    var counts: (events: Int, visits: Int, looks: Int) {
        (
            eventsDone.load(ordering: .relaxed), visitsDone.load(ordering: .relaxed),
            looks.load(ordering: .relaxed)
        )
    }

    /// Deliveries of cases that are not of this log; they go back untouched.
    var foreignCount: Int { get async { await counter.keptCount } }

    /// Staffs the offices and carries every case to its end.
    ///
    /// `report` is called after each case with the number of cases done. Throws the first refusal
    /// that repeating cannot mend.
    func run(report: @escaping @Sendable (Int) -> Void) async throws -> [Result] {
        var desks: [Referrals] = []
        for office in plan.offices {
            desks.append(
                try await bus.staff(
                    office.name,
                    title: office.title,
                    credit: min(10_000, window + 100)
                )
            )
        }
        return try await withThrowingTaskGroup(of: Void.self) { desksAndCases in
            for desk in desks {
                desksAndCases.addTask {
                    for try await referral in desk { await self.counter.put(referral) }
                }
            }
            desksAndCases.addTask {
                while !Task.isCancelled {
                    try await Task.sleep(for: .seconds(8))
                    await self.counter.turn()
                }
            }
            defer { desksAndCases.cancelAll() }
            let carrying = Task { try await self.carryAll(report: report) }
            desksAndCases.addTask {
                // Ends the group with the first failure of a desk or of a case.
                _ = try await withTaskCancellationHandler {
                    try await carrying.value
                } onCancel: {
                    carrying.cancel()
                }
                throw Finished()
            }
            do { while try await desksAndCases.next() != nil {} } catch is Finished {} catch {
                carrying.cancel()
                await counter.end()
                throw error
            }
            return try await carrying.value
        }
    }

    private struct Finished: Error {}

    private func carryAll(report: @Sendable (Int) -> Void) async throws -> [Result] {
        try await withThrowingTaskGroup(of: Result.self) { group in
            var results: [Result] = []
            var next = 0
            while next < plan.cases.count, next < window {
                let index = next
                group.addTask { try await self.carry(index) }
                next += 1
            }
            while let result = try await group.next() {
                results.append(result)
                report(results.count)
                guard next < plan.cases.count else { continue }
                let index = next
                group.addTask { try await self.carry(index) }
                next += 1
            }
            return results
        }
    }

    private func carry(_ index: Int) async throws -> Result {
        let item = plan.cases[index]
        let receipt = try await bus.submit(item.submission, timeout: patience)
        var result = Result(index: index, wasRepeated: receipt.wasRepeated)
        var progress = receipt.wasRepeated ? nil : Progress()
        while true {
            try Task.checkCancellation()
            let known: Progress
            if let progress { known = progress } else { known = try await look(receipt) }
            if known.isClosed || known.visitCount >= item.visits.count { break }
            guard !known.isDead else {
                result.isDead = true
                return result
            }
            progress = known
            let referral = await counter.next(of: receipt.serial)
            guard let referral, try await visit(referral, item, known.visitCount) else {
                progress = nil
                continue
            }
            progress?.visitCount += 1
        }
        guard verifies else { return result }
        let trail = try await bus.track(serial: receipt.serial)
        if !trail.isTruncated { result.discrepancy = Discrepancy(trail: trail, of: item) }
        return result
    }

    /// Notes the events of a visit and completes it; false if only the trail can tell how far the
    /// case is now.
    private func visit(
        _ referral: Referral,
        _ item: ReplayPlan.Case,
        _ place: Int
    ) async throws -> Bool {
        guard referral.office == item.offices[place] else { return false }
        let events = item.visits[place].events
        let isLast = place == item.visits.count - 1
        let lastInstant = events.last.map { item.trace.events[$0].instant }
        do throws(BaridError) {
            for index in events {
                let event = item.trace.events[index]
                try await referral.note(
                    activity: event.activity,
                    person: event.resource,
                    occurredAt: event.instant,
                    key: item.noteKey(of: index)
                )
                eventsDone.wrappingAdd(1, ordering: .relaxed)
            }
            let isRecorded = !isLast || item.endedAt != nil
            try await referral.complete(
                isRecorded ? "forwarded" : "unrecorded",
                occurredAt: isLast ? item.endedAt ?? lastInstant : lastInstant
            )
            visitsDone.wrappingAdd(1, ordering: .relaxed)
            return true
        } catch {
            guard Self.isPassing(error) else { throw error }
            return false
        }
    }

    private func look(_ receipt: Receipt) async throws -> Progress {
        looks.wrappingAdd(1, ordering: .relaxed)
        let trail = try await bus.track(serial: receipt.serial)
        guard !trail.isTruncated else { throw TrailTooLong(caseNumber: receipt.caseNumber) }
        return Progress(trail)
    }

    /// A case cannot be taken up again, because the bus no longer tells its whole trail.
    struct TrailTooLong: Error, CustomStringConvertible {
        let caseNumber: String

        var description: String {
            "The trail of case \(caseNumber) is too long for the bus to tell as a whole, so the "
                + "replay cannot see how far the case is. Replay into a new ledger without "
                + "interruption, or as another --run."
        }
    }

    /// Whether the referral comes again: its lease lapsed, or the session broke.
    private static func isPassing(_ error: BaridError) -> Bool {
        switch error.code {
        case .stale, .unknownReferral, .alreadySettled, .notAttached: true
        default: false
        }
    }
}
