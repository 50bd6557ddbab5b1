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
    /// Whether it gets nothing for now, whatever credit it has: see `UnderWay`.
    var isHeld = false
    /// Whether its turn will come at its desk.
    var isInTurn = false

    /// Whether it would take something.
    var hasCredit: Bool { messages > 0 && bytes > 0 }
    /// Whether it may be sent something.
    var mayTake: Bool { hasCredit && !isHeld }
}

/// What an office has to hand out, and to whom.
///
/// Handing out is first come, first served within a lane, the urgent lane first, and goes round
/// among the sessions that may take something. Nothing here takes longer the more sessions there are,
/// but for attaching and detaching.
package struct Desk: Sendable {
    private var lanes = Array(repeating: Window(), count: Lane.allCases.count)
    private var takers: [Taker] = []
    /// Where each session stands among `takers`; kept where there are more than `scannedMax`.
    private var places: [UInt32: Int] = [:]
    /// Sessions whose turn comes, by their places, from `turn` on; each taker that may take something is
    /// there once, others until their turn comes.
    private var turns: [Int] = []
    private var turn = 0
    /// Sessions that may be sent something.
    private var ableCount = 0
    /// Referrals ready on disk, leased ones among them.
    package var waiting = 0
    /// Referrals out under a lease.
    package var leased = 0

    /// Sessions that are looked for one by one.
    private static let scannedMax = 8

    /// A desk with no takers.
    package init() {}

    /// Whether some session may be sent a referral.
    package var hasCredit: Bool { ableCount > 0 }

    /// Sessions with credit that are held.
    package var heldCount: Int { takers.count { $0.isHeld && $0.hasCredit } }

    /// Sessions that staff the office.
    package var takerCount: Int { takers.count }

    /// Deliveries a session may still get.
    package func credit(of session: UInt32) -> UInt64 {
        place(of: session).map { takers[$0].messages } ?? 0
    }

    /// Adds a session without credit; does nothing if it is there.
    package mutating func attach(_ session: UInt32) {
        guard place(of: session) == nil else { return }
        takers.append(Taker(session: session, messages: 0, bytes: 0))
        if takers.count == Self.scannedMax + 1 {
            findPlaces()
        } else if takers.count > Self.scannedMax {
            places[session] = takers.count - 1
        }
    }

    /// Removes a session; with the last one the windows are dropped.
    package mutating func detach(_ session: UInt32) {
        guard place(of: session) != nil else { return }
        takers.removeAll { $0.session == session }
        findPlaces()
        turns = takers.indices.filter { takers[$0].mayTake }
        turn = 0
        for place in takers.indices { takers[place].isInTurn = takers[place].mayTake }
        ableCount = turns.count
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
        guard let place = place(of: session) else { throw .notAttached }
        guard messages <= Limits.creditMessagesMax, bytes <= Limits.creditBytesMax,
            takers[place].messages + messages <= Limits.creditMessagesMax,
            takers[place].bytes + Int64(bytes) <= Int64(Limits.creditBytesMax)
        else { throw .creditTooLarge }
        change(place) { taker in
            taker.messages += messages
            taker.bytes += Int64(bytes)
        }
    }

    /// Says whether a session is held, whatever credit it has; does nothing if it is not there.
    package mutating func setHeld(_ isHeld: Bool, _ session: UInt32) {
        guard let place = place(of: session) else { return }
        change(place) { $0.isHeld = isHeld }
    }

    /// The next session that may be sent something, going round; nil if there is none.
    package mutating func nextTaker() -> UInt32? {
        guard ableCount > 0 else { return nil }
        while turn < turns.count {
            let place = turns[turn]
            turn += 1
            guard takers[place].mayTake else {
                takers[place].isInTurn = false
                continue
            }
            turns.append(place)
            if turn >= 64, turn * 2 >= turns.count {
                turns.removeFirst(turn)
                turn = 0
            }
            return takers[place].session
        }
        return nil
    }

    /// Takes the cost of a delivery from a session's credit.
    package mutating func charge(_ session: UInt32, bytes: Int) {
        guard let place = place(of: session) else { return }
        change(place) { taker in
            taker.messages -= 1
            taker.bytes -= Int64(bytes)
        }
    }

    /// Gives back the cost of a delivery that never left.
    package mutating func refund(_ session: UInt32) {
        guard let place = place(of: session) else { return }
        change(place) { $0.messages += 1 }
    }

    @inline(__always)
    private func place(of session: UInt32) -> Int? {
        guard takers.count > Self.scannedMax else {
            return takers.firstIndex { $0.session == session }
        }
        return places[session]
    }

    /// Changes a taker; one that may take something again has its turn after the others.
    @inline(__always)
    private mutating func change(_ place: Int, _ change: (inout Taker) -> Void) {
        let wasAble = takers[place].mayTake
        change(&takers[place])
        let isAble = takers[place].mayTake
        guard wasAble != isAble else { return }
        ableCount += isAble ? 1 : -1
        guard isAble, !takers[place].isInTurn else { return }
        takers[place].isInTurn = true
        turns.append(place)
    }

    private mutating func findPlaces() {
        places.removeAll(keepingCapacity: true)
        guard takers.count > Self.scannedMax else { return }
        for (place, taker) in takers.enumerated() { places[taker.session] = place }
    }

    /// Takes in a referral that became ready, into a window of at most `limit`; `waiting` is the caller's
    /// to count.
    package mutating func insert(_ referral: Referral, atMost limit: Int = Window.itemsMax) {
        guard !takers.isEmpty else { return }
        lanes[Int(referral.lane)].insert(referral, atMost: limit)
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
