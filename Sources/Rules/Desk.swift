// SPDX-License-Identifier: Apache-2.0

package import Wire

/// A session that takes referrals of an office, and what it may still be sent.
package struct Taker: Sendable {
    /// The session.
    package let session: UInt32
    /// Deliveries it may still get.
    package var messages: UInt64
    /// Bytes it may still get; the last delivery may overdraw them, so that a large one passes.
    package var bytes: Int64
}

/// What an office has to hand out, and to whom.
///
/// Handing out is first come, first served within a lane, the urgent lane first, and goes round
/// among the sessions that have credit.
package struct Desk: Sendable {
    private var lanes = Array(repeating: Window(), count: Lane.allCases.count)
    private var takers: [Taker] = []
    private var turn = 0
    /// Referrals ready on disk, leased ones among them.
    package var waiting = 0
    /// Referrals out under a lease.
    package var leased = 0

    /// A desk with no takers.
    package init() {}

    /// Whether some session may be sent a referral.
    package var hasCredit: Bool { takers.contains { $0.messages > 0 && $0.bytes > 0 } }

    /// Sessions that staff the office.
    package var takerCount: Int { takers.count }

    /// Deliveries a session may still get.
    package func credit(of session: UInt32) -> UInt64 {
        takers.first { $0.session == session }?.messages ?? 0
    }

    /// Adds a session without credit; does nothing if it is there.
    package mutating func attach(_ session: UInt32) {
        guard !takers.contains(where: { $0.session == session }) else { return }
        takers.append(Taker(session: session, messages: 0, bytes: 0))
    }

    /// Removes a session; with the last one the windows are dropped.
    package mutating func detach(_ session: UInt32) {
        takers.removeAll { $0.session == session }
        turn = 0
        if takers.isEmpty { dropWindows() }
    }

    /// Gives a session credit.
    ///
    /// - Throws: `notAttached`, or `creditTooLarge` if it would exceed `Limits`.
    package mutating func grant(
        _ session: UInt32,
        messages: UInt64,
        bytes: UInt64
    ) throws(RefusalCode) {
        guard let place = takers.firstIndex(where: { $0.session == session }) else {
            throw .notAttached
        }
        guard messages <= Limits.creditMessagesMax, bytes <= Limits.creditBytesMax,
            takers[place].messages + messages <= Limits.creditMessagesMax,
            takers[place].bytes + Int64(bytes) <= Int64(Limits.creditBytesMax)
        else { throw .creditTooLarge }
        takers[place].messages += messages
        takers[place].bytes += Int64(bytes)
    }

    /// The next session with credit, going round; nil if none has any.
    package mutating func nextTaker() -> UInt32? {
        for offset in 0..<takers.count {
            let place = (turn + offset) % takers.count
            guard takers[place].messages > 0, takers[place].bytes > 0 else { continue }
            turn = (place + 1) % takers.count
            return takers[place].session
        }
        return nil
    }

    /// Takes the cost of a delivery from a session's credit.
    package mutating func charge(_ session: UInt32, bytes: Int) {
        guard let place = takers.firstIndex(where: { $0.session == session }) else { return }
        takers[place].messages -= 1
        takers[place].bytes -= Int64(bytes)
    }

    /// Gives back the cost of a delivery that never left.
    package mutating func refund(_ session: UInt32) {
        guard let place = takers.firstIndex(where: { $0.session == session }) else { return }
        takers[place].messages += 1
    }

    /// Takes in a referral that became ready; `waiting` is the caller's to count.
    package mutating func insert(_ referral: Referral) {
        guard !takers.isEmpty else { return }
        lanes[Int(referral.lane)].insert(referral)
    }

    /// Takes out a referral that is no longer ready.
    package mutating func remove(_ referral: Referral) {
        lanes[Int(referral.lane)].remove(referral.number)
    }

    /// The lane the disk must be asked about before `popFirst` may go on, with its horizon.
    package var laneToLoad: (lane: UInt8, after: UInt64)? {
        for lane in lanes.indices {
            if lanes[lane].needsLoading { return (UInt8(lane), lanes[lane].horizon) }
            if !lanes[lane].isEmpty { return nil }
        }
        return nil
    }

    /// Takes in what the disk holds of a lane; see `Window.load`.
    package mutating func load(_ loaded: [Referral], lane: UInt8, upTo end: UInt64) {
        lanes[Int(lane)].load(loaded, upTo: end)
    }

    /// What is to be done next.
    package enum Turn {
        /// The disk must be asked about a lane, above its horizon.
        case load(lane: UInt8, after: UInt64)
        /// A referral goes to a session, which is still to be charged.
        case deliver(Referral, to: UInt32)
        /// Nothing, for want of referrals or of credit.
        case rest
    }

    /// Takes the referral that is next and says who gets it, if there is one and somebody has credit.
    package mutating func next() -> Turn {
        guard hasCredit else { return .rest }
        if let (lane, after) = laneToLoad { return .load(lane: lane, after: after) }
        guard let referral = popFirst(), let session = nextTaker() else { return .rest }
        return .deliver(referral, to: session)
    }

    /// Takes the referral that is next.
    package mutating func popFirst() -> Referral? {
        for lane in lanes.indices where !lanes[lane].isEmpty { return lanes[lane].popFirst() }
        return nil
    }

    /// Forgets what is in memory of the queue, to be loaded anew.
    package mutating func dropWindows() {
        for lane in lanes.indices { lanes[lane].reset() }
    }
}
