// SPDX-License-Identifier: Apache-2.0

internal import Rules
internal import SQLite
internal import Wire

/// What time brings due: leases that lapse, pauses that end.
extension LedgerWriter {
    /// Pauses that end are looked after this many a turn.
    private static let delayedPerTurn = 1_000

    /// Whether a lease may have lapsed or a pause ended.
    var hasDueWork: Bool {
        if let lapse = leases.nextLapse, lapse <= monotonic { return true }
        if let delayed = nextDelayed, delayed <= now { return true }
        return hasDueEvents
    }

    /// When the ledger must be woken next.
    ///
    /// - Returns: A monotonic instant in ms, or nil if only an operation can bring work.
    package func nextWake(wall: Int64, monotonic: Int64) -> Int64? {
        guard !hasMoreToHandOut else { return monotonic }
        let delayed = nextDelayed.map { monotonic + max(0, $0 - wall) }
        let wakes = [delayed, leases.nextLapse, nextEventWake(wall: wall, monotonic: monotonic)]
        return wakes.compactMap(\.self).min()
    }

    func doDueWork() throws(SQLiteFault) {
        for lease in leases.lapsed(at: monotonic) { try lapse(lease) }
        try lapseEvents()
        try expireQuestions()
        guard let delayed = nextDelayed, delayed <= now else { return }
        for (referral, until) in try tables.delayed(until: now, limit: Self.delayedPerTurn) {
            try tables.deleteDelayed(referral.number, until: until)
            count(referral.office) { $0.delayed -= 1 }
            try enter(referral)
        }
        nextDelayed = try tables.firstDelayed()
    }

    private func lapse(_ lease: Lease) throws(SQLiteFault) {
        guard let published = directory.procedure(lease.referral.step.procedure) else { return }
        let holding = Holding(referral: lease.referral, lease: lease)
        var record = JournalRecord(.lapsed)
        record.describe(holding)
        record.agency = directory.office(lease.referral.office)?.agency ?? 0
        record.actor = sessions[lease.session]?.connection ?? 0
        _ = try fail(
            holding,
            record,
            published,
            pauseAtLeast: 0,
            cause: "The lease lapsed before the office settled.",
            occurredAt: now
        )
    }
}
