// SPDX-License-Identifier: Apache-2.0

/// A delivered referral not yet settled: a time limit and a fencing generation.
package struct Lease: Sendable {
    /// What was delivered.
    package var referral: Referral
    /// To whom.
    package var session: UInt32
    /// Larger than that of every earlier lease of the ledger, over restarts too.
    package var generation: UInt64
    /// When it lapses, on the monotonic clock, in milliseconds.
    package var until: Int64
}

/// All leases.
///
/// They live in memory and are void after a restart.
package struct Leases: Sendable {
    private var leases: [Lease] = []
    /// Places in `leases` by referral.
    private var places = NumberIndex()
    private var nextGeneration: UInt64
    private var earliest = Int64.max

    /// No leases.
    ///
    /// - Parameter epoch: Count of the daemon's starts; the high half of every generation, so that
    ///   a lease of an earlier run can never pass for one of this run.
    package init(epoch: UInt32) {
        nextGeneration = UInt64(epoch) << 32 | 1
    }

    /// Leases out at present.
    package var count: Int { leases.count }

    /// The lease of a referral.
    package func lease(of referral: UInt64) -> Lease? {
        places.place(of: referral).map { leases[$0] }
    }

    /// Leases a referral and returns the generation.
    package mutating func grant(
        _ referral: Referral,
        to session: UInt32,
        until: Int64
    ) -> UInt64 {
        let generation = nextGeneration
        nextGeneration += 1
        keep(
            Lease(
                referral: referral,
                session: session,
                generation: generation,
                until: until
            )
        )
        return generation
    }

    private mutating func keep(_ lease: Lease) {
        earliest = min(earliest, lease.until)
        if let place = places.place(of: lease.referral.number) {
            leases[place] = lease
        } else {
            places.set(lease.referral.number, to: leases.count)
            leases.append(lease)
        }
    }

    /// A generation for something else that is handed out under a time limit.
    package mutating func takeGeneration() -> UInt64 {
        defer { nextGeneration += 1 }
        return nextGeneration
    }

    /// Ends the lease of a referral.
    @discardableResult
    package mutating func end(_ referral: UInt64) -> Lease? {
        guard let place = places.remove(referral) else { return nil }
        let last = leases.removeLast()
        guard place < leases.count else { return last }
        places.set(last.referral.number, to: place)
        let ended = leases[place]
        leases[place] = last
        return ended
    }

    /// Puts back a lease whose settlement was rolled back.
    package mutating func restore(_ lease: Lease) {
        keep(lease)
    }

    /// Prolongs a lease.
    package mutating func renew(_ referral: UInt64, until: Int64) {
        guard let place = places.place(of: referral) else { return }
        leases[place].until = until
    }

    /// When the next lease may lapse, or nil if none is out; may be early, never late.
    package var nextLapse: Int64? { leases.isEmpty ? nil : earliest }

    /// The leases that have lapsed at `now`, in order of referral; they stay until ended.
    package mutating func lapsed(at now: Int64) -> [Lease] {
        guard now >= earliest else { return [] }
        earliest = .max
        var lapsed: [Lease] = []
        for lease in leases {
            if lease.until <= now {
                lapsed.append(lease)
            } else {
                earliest = min(earliest, lease.until)
            }
        }
        return lapsed.sorted { $0.referral.number < $1.referral.number }
    }

    /// How many leases of a session are out.
    package func count(of session: UInt32) -> Int {
        leases.count { $0.session == session }
    }

    /// The referrals of an office that are out.
    package func referrals(of office: UInt32) -> Set<UInt64> {
        Set(leases.lazy.filter { $0.referral.office == office }.map(\.referral.number))
    }

    /// The leases of a session.
    package func leases(of session: UInt32) -> [Lease] {
        leases.filter { $0.session == session }
            .sorted { $0.referral.number < $1.referral.number }
    }
}
