// SPDX-License-Identifier: Apache-2.0

/// Handing out and settling.
extension EventQueue {
    /// Something for a member.
    package struct Handing: Sendable {
        package var session: UInt32
        package var key: EventKey
        /// 0 for an erased run.
        package var generation: UInt64
        /// Deliveries that failed before.
        package var attempts: UInt32
        /// What was erased, if this is only to be told.
        package var erased: ErasedRun?
    }

    /// What became of something that was to be handed out.
    package enum Given: Sendable {
        /// On its way; the bytes of credit it used.
        case given(bytes: Int)
        /// Its content is gone; the member was told.
        case erased
        /// There is no room now.
        case noRoom
    }

    /// Hands out what may be, in order of position.
    ///
    /// - Parameters:
    ///   - wall: ms since 1970.
    ///   - until: When what is handed out now lapses, monotonic.
    ///   - limit: How many at most.
    ///   - generation: Makes a generation.
    ///   - give: Takes one.
    /// - Returns: Whether it ended because of a limit.
    /// - Throws: What `give` throws; what it threw for is still to be handed out.
    package mutating func handOut<Fault: Error>(
        wall: Int64,
        until: Int64,
        limit: inout Int,
        generation: () -> UInt64,
        give: (Handing) throws(Fault) -> Given
    ) throws(Fault) -> Bool {
        // Who grants credit, joins or settles wakes the queue; no pause needs to.
        nextResume = .max
        guard members.indices.contains(where: hasCredit) else { return false }
        /// With whom the later events of a case must go; nil inside if with nobody now.
        var owners: [UInt64: UInt32?] = [:]
        for place in items.indices {
            let key = items[place].key
            var erased: ErasedRun?
            switch items[place].state {
            case .settled: continue
            case .out(let session, _, _):
                if key.serial != 0, owners[key.serial] == nil {
                    owners.updateValue(session, forKey: key.serial)
                }
                continue
            case .erased(let run): erased = run
            case .waiting(let until):
                guard until <= wall else {
                    nextResume = min(nextResume, until)
                    if key.serial != 0 { owners.updateValue(nil, forKey: key.serial) }
                    continue
                }
            }
            let member: Int?
            if let owner = owners[key.serial], key.serial != 0 {
                member = members.firstIndex { $0.session == owner }
                guard let member, hasCredit(member) else {
                    owners.updateValue(nil, forKey: key.serial)
                    continue
                }
            } else {
                member = nextMember()
            }
            guard let member else { break }
            guard limit > 0 else {
                nextResume = min(nextResume, wall)
                return true
            }
            let session = members[member].session
            let generation = erased == nil ? generation() : 0
            let given = try give(
                Handing(
                    session: session,
                    key: key,
                    generation: generation,
                    attempts: items[place].attempts,
                    erased: erased
                )
            )
            limit -= 1
            let bytes: Int
            switch given {
            case .noRoom:
                nextResume = min(nextResume, wall)
                return true
            case .erased:
                markSettled(place)
                continue
            case .given(let count): bytes = count
            }
            members[member].messages -= 1
            members[member].bytes -= Int64(bytes)
            items[place].state = .out(session: session, generation: generation, until: until)
            nextLapse = min(nextLapse, until)
            if key.serial != 0 { owners.updateValue(session, forKey: key.serial) }
        }
        return false
    }

    /// What an acknowledgement is about.
    package enum Verdict: Equatable, Sendable {
        /// It is out under this generation.
        case out
        /// It failed under this generation, and waits to be given again.
        case failedBefore
        /// It is not the one that is out.
        case stale
        /// It is not here: settled, or never given.
        case notHere
    }

    /// Judges an acknowledgement.
    package func judge(_ position: UInt64, generation: UInt64) -> Verdict {
        guard let place = place(of: position) else { return .notHere }
        switch items[place].state {
        case .out(_, generation, _): return .out
        case .waiting where generation != 0 && items[place].failedGeneration == generation:
            return .failedBefore
        case .settled: return .notHere
        default: return .stale
        }
    }

    /// Settles an event that is out.
    package mutating func settle(_ position: UInt64) {
        guard let place = place(of: position) else { return }
        markSettled(place)
    }

    /// Settles all that is out with a session up to a position.
    package mutating func settle(upTo position: UInt64, with session: UInt32) {
        for place in items.indices {
            guard items[place].key.position <= position else { return }
            if case .out(session, _, _) = items[place].state { markSettled(place) }
        }
    }

    /// Whether an event is out.
    package func isOut(_ position: UInt64) -> Bool {
        guard let place = place(of: position), case .out = items[place].state else { return false }
        return true
    }

    /// Deliveries of an event that failed so far.
    package func attempts(of position: UInt64) -> UInt32 {
        place(of: position).map { items[$0].attempts } ?? 0
    }

    /// Notes a failed delivery: the event comes again after the pause, and whatever the same member
    /// holds of the same case behind it comes behind it again, no attempt counted.
    package mutating func fail(_ position: UInt64, until: Int64) {
        guard let place = place(of: position),
            case .out(let session, let generation, _) = items[place].state
        else { return }
        items[place].attempts += 1
        items[place].failedGeneration = generation
        items[place].state = .waiting(until: until)
        nextResume = min(nextResume, until)
        markFailed(place)
        let serial = items[place].key.serial
        guard serial != 0 else { return }
        for later in items.indices[(place + 1)...] where items[later].key.serial == serial {
            guard case .out(session, _, _) = items[later].state else { continue }
            items[later].state = .waiting(until: 0)
        }
    }

    /// The events whose time to acknowledge is over, in order; they stay out until settled or failed.
    package mutating func lapsed(at monotonic: Int64) -> [UInt64] {
        guard monotonic >= nextLapse else { return [] }
        nextLapse = .max
        var lapsed: [UInt64] = []
        for item in items {
            guard case .out(_, _, let until) = item.state else { continue }
            if until <= monotonic {
                lapsed.append(item.key.position)
            } else {
                nextLapse = min(nextLapse, until)
            }
        }
        return lapsed
    }
}
