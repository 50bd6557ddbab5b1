// SPDX-License-Identifier: Apache-2.0

internal import Platform
package import Rules
package import SQLite
internal import Wire

/// Why one branch of a case waits: exactly one reason.
package enum WaitReason: Sendable, Equatable {
    /// It is out under a lease until an instant, ms since 1970.
    case leased(connection: UInt64, agency: String, until: Int64)
    /// The office has accepted it.
    case custody
    /// An operator holds the case.
    case held(uid: UInt32, reason: String)
    /// An operator has paused the office.
    case paused(uid: UInt32, reason: String)
    /// A delivery failed and the next is not before an instant, ms since 1970.
    case backoff(until: Int64)
    /// No session staffs the office.
    case unattended
    /// No session staffs the office, and its agency has as many sessions as its limit allows.
    case quota(sessions: UInt32)
    /// Sessions staff the office and none has credit; this is the next it would be handed.
    case noCredit(sessions: Int)
    /// Of the sessions that staff the office none but these have credit, and as much is under way to
    /// each as may be; this is the next it would be handed.
    case slowRoad(sessions: Int)
    /// Older referrals of the queue come first; `ahead` counts no further than
    /// `LedgerWriter.aheadMax`.
    case behind(first: UInt64, ahead: Int)
    /// The branch has arrived at a join, where others are still awaited.
    case join(arrived: Int, need: Int)
    /// It is a dead letter.
    case dead
    /// Nothing keeps it: it is handed out with the next turn.
    case next
}

/// One branch of a case, and why it waits.
package struct WaitingBranch: Sendable {
    /// Number of the referral; 0 for branches that have arrived at a join.
    package var referral: UInt64
    package var office: String
    package var step: StepNumber
    /// Since when it is there, ms since 1970; 0 if that is not kept.
    package var since: Int64
    package var reason: WaitReason
}

extension LedgerWriter {
    /// Referrals of a queue that are counted at most before one.
    package static let aheadMax = 10_000

    /// Why each branch of a case waits; nil if there is no such case, empty if it is closed.
    package func waits(of serial: UInt64) throws(SQLiteFault) -> [WaitingBranch]? {
        guard try tables.caseRow(serial) != nil else { return nil }
        var branches: [WaitingBranch] = []
        for place in try fold(serial).places {
            branches.append(
                WaitingBranch(
                    referral: place.referral,
                    office: directory.office(place.office)?.name ?? "",
                    step: place.step,
                    since: place.since,
                    reason: try reason(of: place, serial)
                )
            )
        }
        return try branches + joins(of: serial)
    }

    private func reason(of place: TrailPlace, _ serial: UInt64) throws(SQLiteFault) -> WaitReason {
        switch place.state {
        case .custody: return .custody
        case .dead: return .dead
        case .waiting: break
        }
        if let lease = leases.lease(of: place.referral) {
            let record = sessions[lease.session]
            return .leased(
                connection: record?.connection ?? 0,
                agency: directory.agency(record?.agency ?? 0)?.name ?? "",
                until: Clock.wallMilliseconds() + lease.until - Clock.monotonicMilliseconds()
            )
        }
        if let (uid, reason) = try mark("hold", "serial", Int64(bitPattern: serial)) {
            return .held(uid: uid, reason: reason)
        }
        if let (uid, reason) = try mark("pause", "office", Int64(place.office)) {
            return .paused(uid: uid, reason: reason)
        }
        if let until = try tables.delay(of: place.referral) { return .backoff(until: until) }
        return try reasonInQueue(of: place)
    }

    private func reasonInQueue(of place: TrailPlace) throws(SQLiteFault) -> WaitReason {
        let desk = desks[Int(place.office)]
        guard desk.takerCount > 0 else {
            let agency = directory.agency(ofOffice: place.office)
            let quota = accessBook.access.quota(of: directory.agency(agency)?.name ?? "").sessions
            let open = sessions.values.count { $0.agency == agency && $0.key != nil }
            return quota > 0 && open >= Int(quota) ? .quota(sessions: quota) : .unattended
        }
        guard let (first, ahead) = try older(than: place) else {
            if desk.hasCredit { return .next }
            let held = desk.heldCount
            return held > 0 ? .slowRoad(sessions: held) : .noCredit(sessions: desk.takerCount)
        }
        return .behind(first: first, ahead: ahead)
    }

    /// The referrals of the queue that would be handed out before one: the first, and how many.
    private func older(
        than place: TrailPlace
    ) throws(SQLiteFault) -> (first: UInt64, count: Int)? {
        let rows = try Statement(
            """
            SELECT referral, serial FROM ready
            WHERE office = ?1 AND (lane, referral) < (?2, ?3) ORDER BY lane, referral LIMIT ?4
            """,
            on: connection
        )
        rows.bind(1, Int64(place.office))
        rows.bind(2, Int64(place.lane))
        rows.bind(3, Int64(place.referral))
        rows.bind(4, Int64(Self.aheadMax))
        var first: UInt64?
        var count = 0
        while try rows.step() {
            let number = UInt64(bitPattern: rows.int64(0))
            guard leases.lease(of: number) == nil,
                !standing.isHeld(UInt64(bitPattern: rows.int64(1)))
            else { continue }
            first = first ?? number
            count += 1
        }
        return first.map { ($0, count) }
    }

    private func mark(
        _ table: String,
        _ key: String,
        _ value: Int64
    ) throws(SQLiteFault) -> (uid: UInt32, reason: String)? {
        let rows = try Statement(
            "SELECT uid, reason FROM \(table) WHERE \(key) = ?",
            on: connection
        )
        rows.bind(1, value)
        guard try rows.step() else { return nil }
        return (UInt32(truncatingIfNeeded: rows.int64(0)), rows.string(1))
    }

    /// The joins of a case at which a branch has arrived and others are awaited.
    private func joins(of serial: UInt64) throws(SQLiteFault) -> [WaitingBranch] {
        let rows = try Statement(
            "SELECT step, need, arrived FROM fork WHERE serial = ? AND arrived > 0 ORDER BY number",
            on: connection
        )
        rows.bind(1, Int64(bitPattern: serial))
        var joins: [WaitingBranch] = []
        while try rows.step() {
            let step = StepNumber(rawValue: UInt32(truncatingIfNeeded: rows.int64(0)))
            let published = directory.procedure(step.procedure)
            let office =
                published.map { $0.offices.indices.contains(step.place) } == true
                ? published?.offices[step.place] ?? 0 : 0
            joins.append(
                WaitingBranch(
                    referral: 0,
                    office: directory.office(office)?.name ?? "",
                    step: step,
                    since: 0,
                    reason: .join(arrived: Int(rows.int64(2)), need: Int(rows.int64(1)))
                )
            )
        }
        return joins
    }
}

extension LedgerThread {
    /// Why each branch of a case waits; nil if there is no such case, empty if it is closed.
    ///
    /// - Throws: `LedgerFault` if the ledger cannot be read or has stopped.
    package func waits(of serial: UInt64) throws(LedgerFault) -> [WaitingBranch]? {
        let found = look { writer -> Result<[WaitingBranch]?, LedgerFault> in
            do throws(SQLiteFault) {
                return .success(try writer.waits(of: serial))
            } catch {
                return .failure(LedgerFault(error))
            }
        }
        guard let found else { throw .storage("the ledger is stopping or overrun") }
        return try found.get()
    }
}
