// SPDX-License-Identifier: Apache-2.0

package import Wire

/// Which event, without its content.
package struct EventKey: Equatable, Sendable {
    /// Its sequence.
    package var position: UInt64
    /// The case whose act it is; 0 for an event of an agency's topic.
    package var serial: UInt64

    /// An event at a position.
    package init(position: UInt64, serial: UInt64) {
        self.position = position
        self.serial = serial
    }
}

/// Matching events in a row whose content was erased.
package struct ErasedRun: Equatable, Sendable {
    package var first: UInt64
    package var last: UInt64
    package var count: UInt32

    /// A run of one.
    package init(at position: UInt64) {
        first = position
        last = position
        count = 1
    }
}

/// What a search found for one subscription, in order of position.
package enum Found: Equatable, Sendable {
    case event(EventKey)
    case erased(ErasedRun)

    /// The last position it covers.
    package var position: UInt64 {
        switch self {
        case .event(let key): key.position
        case .erased(let run): run.last
        }
    }
}

/// A failed event of a subscription, as it is kept on disk.
package struct FailedEvent: Equatable, Sendable {
    package var position: UInt64
    /// Deliveries that failed.
    package var attempts: UInt32
    /// When it may be given again, ms since 1970.
    package var until: Int64

    /// A row.
    package init(position: UInt64, attempts: UInt32, until: Int64) {
        self.position = position
        self.attempts = attempts
        self.until = until
    }
}

/// What a durable subscription has to hand out, to whom, and what is out.
///
/// The disk knows the floor, what is settled above it and what failed; this is the part of the log
/// behind the floor that is loaded, at most `itemsMax` events, and the time limits of what is out.
/// Invariants: items are in order of position and above the floor; every matching event up to the
/// horizon is an item or settled; of one case, what is out is with one member, and nothing later is
/// out while something earlier is not.
package struct EventQueue: Sendable {
    /// Events held in memory at most; settling makes room.
    package static let itemsMax = 1_024

    /// Everything that matches up to here is settled.
    package private(set) var floor: UInt64
    /// Up to here the log was searched.
    package private(set) var horizon: UInt64
    var items: [Item] = []
    var members: [Taker] = []
    private var turn = 0
    /// No event that is out lapses before this monotonic instant; may be early.
    package internal(set) var nextLapse = Int64.max
    /// No pause ends before this wall clock instant; may be early.
    package internal(set) var nextResume = Int64.max
    private var settled: [UInt64] = []
    private var failed: [UInt64] = []

    struct Item: Sendable {
        var key: EventKey
        var attempts: UInt32 = 0
        /// The generation under which it failed last.
        var failedGeneration: UInt64 = 0
        var state: State
    }

    enum State: Sendable {
        /// To be given at this wall clock instant or later; 0 at once.
        case waiting(until: Int64)
        case out(session: UInt32, generation: UInt64, until: Int64)
        /// Not to be given, only to be told of.
        case erased(ErasedRun)
        case settled
    }

    /// A queue of which nothing is loaded.
    package init(floor: UInt64) {
        self.floor = floor
        horizon = floor
    }

    // MARK: Members

    /// Sessions that take part.
    package var sessions: [UInt32] { members.map(\.session) }
    /// Events out at present.
    package var outCount: Int {
        items.count { if case .out = $0.state { true } else { false } }
    }

    /// Whether a session takes part.
    package func isMember(_ session: UInt32) -> Bool { members.contains { $0.session == session } }

    /// Adds a session without credit; does nothing if it is there.
    package mutating func join(_ session: UInt32) {
        guard !isMember(session) else { return }
        members.append(Taker(session: session, messages: 0, bytes: 0))
    }

    /// Takes a session out; what it held is to be given to others and no attempt is counted.
    package mutating func leave(_ session: UInt32) {
        members.removeAll { $0.session == session }
        turn = 0
        for place in items.indices {
            guard case .out(session, _, _) = items[place].state else { continue }
            items[place].state = .waiting(until: 0)
        }
    }

    /// Gives a session credit.
    ///
    /// - Throws: `unknownSubscription`, or `creditTooLarge` if it would exceed `Limits`.
    package mutating func grant(
        _ session: UInt32,
        messages: UInt64,
        bytes: UInt64
    ) throws(RefusalCode) {
        guard let place = members.firstIndex(where: { $0.session == session }) else {
            throw .unknownSubscription
        }
        guard messages <= Limits.creditMessagesMax, bytes <= Limits.creditBytesMax,
            members[place].messages + messages <= Limits.creditMessagesMax,
            members[place].bytes + Int64(bytes) <= Int64(Limits.creditBytesMax)
        else { throw .creditTooLarge }
        members[place].messages += messages
        members[place].bytes += Int64(bytes)
    }

    /// Takes back what never left: no attempt is counted, the credit is given back.
    ///
    /// - Returns: Whether something was out under this generation.
    package mutating func takeBack(_ generation: UInt64) -> Bool {
        for place in items.indices {
            guard case .out(let session, generation, _) = items[place].state else { continue }
            items[place].state = .waiting(until: 0)
            if let member = members.firstIndex(where: { $0.session == session }) {
                members[member].messages += 1
            }
            return true
        }
        return false
    }

    /// Whether an item may be given to this member.
    func hasCredit(_ place: Int) -> Bool {
        members[place].mayTake
    }

    /// Says whether a session is held; does nothing if it does not take part.
    package mutating func setHeld(_ isHeld: Bool, _ session: UInt32) {
        guard let place = members.firstIndex(where: { $0.session == session }) else { return }
        members[place].isHeld = isHeld
    }

    /// The next member with credit, going round.
    mutating func nextMember() -> Int? {
        for offset in 0..<members.count {
            let place = (turn + offset) % members.count
            guard hasCredit(place) else { continue }
            turn = (place + 1) % members.count
            return place
        }
        return nil
    }

    // MARK: Loading

    /// Whether the log is to be searched behind the horizon.
    package func wantsMore(head: UInt64) -> Bool {
        !members.isEmpty && horizon < head && items.count <= Self.itemsMax / 2
    }

    /// Takes in what a search found behind the horizon, up to a position.
    ///
    /// - Parameters:
    ///   - found: In order of position; settled ones left out.
    ///   - end: The new horizon.
    ///   - failed: What the disk knows of those that failed.
    package mutating func load(_ found: [Found], upTo end: UInt64, failed: [FailedEvent]) {
        guard end > horizon else { return }
        let start = horizon
        horizon = end
        for one in found
        where one.position > start && one.position <= end && place(of: one.position) == nil {
            switch one {
            case .event(let key):
                var item = Item(key: key, state: .waiting(until: 0))
                if let row = failed.first(where: { $0.position == key.position }) {
                    item.attempts = row.attempts
                    item.state = .waiting(until: row.until)
                    nextResume = min(nextResume, row.until)
                }
                items.append(item)
            case .erased(let run):
                items.append(
                    Item(key: EventKey(position: run.last, serial: 0), state: .erased(run))
                )
            }
        }
        items.sort { $0.key.position < $1.key.position }
    }

    /// Forgets what is not out, so that it is searched anew; for a change of what may be heard.
    package mutating func forgetWaiting() {
        var start = horizon
        items.removeAll { item in
            switch item.state {
            case .out, .settled: return false
            case .waiting, .erased:
                let first: UInt64 =
                    if case .erased(let run) = item.state { run.first } else {
                        item.key.position
                    }
                start = min(start, first - 1)
                return true
            }
        }
        horizon = max(floor, start)
    }

    func place(of position: UInt64) -> Int? {
        var low = 0
        var high = items.count
        while low < high {
            let middle = (low + high) / 2
            if items[middle].key.position < position { low = middle + 1 } else { high = middle }
        }
        return low < items.count && items[low].key.position == position ? low : nil
    }

    mutating func markSettled(_ place: Int) {
        if case .erased = items[place].state {} else { settled.append(items[place].key.position) }
        items[place].state = .settled
    }

    mutating func markFailed(_ place: Int) { failed.append(items[place].key.position) }

    // MARK: Writing down

    /// Up to where everything that matches is settled, what is not written down yet included.
    package var settledUpTo: UInt64 {
        for item in items {
            switch item.state {
            case .settled: continue
            case .erased(let run): return max(floor, min(horizon, run.first - 1))
            case .waiting, .out: return max(floor, min(horizon, item.key.position - 1))
            }
        }
        return max(floor, horizon)
    }

    /// What the disk must learn.
    package struct Changes: Sendable {
        /// Settled, in no order; those above the floor need a row.
        package var settled: [UInt64]
        package var failed: [FailedEvent]
    }

    /// Drops what is settled, moves the floor, and tells what changed since it was last asked.
    package mutating func takeChanges() -> Changes {
        var rows: [FailedEvent] = []
        for position in failed {
            guard let place = place(of: position), case .waiting(let until) = items[place].state
            else { continue }
            rows.append(
                FailedEvent(position: position, attempts: items[place].attempts, until: until)
            )
        }
        items.removeAll { if case .settled = $0.state { true } else { false } }
        floor = settledUpTo
        let changes = Changes(settled: settled, failed: rows)
        settled.removeAll(keepingCapacity: true)
        failed.removeAll(keepingCapacity: true)
        return changes
    }
}
