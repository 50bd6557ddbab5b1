// SPDX-License-Identifier: Apache-2.0

/// The durable questions to one service that wait for an answer, and who offers to give it.
///
/// At most `itemsMax` of them are in memory, the oldest; the rest is on disk. A question is put to
/// one session at a time, the one with the fewest questions open, under a time limit.
package struct ServiceDesk: Sendable {
    /// Questions in memory at most.
    package static let itemsMax = 512
    /// How long a session may take before the question is put to another, in milliseconds.
    package static let leaseMilliseconds: Int64 = 30_000

    private var items: [Item] = []
    private var takers: [Taker] = []
    /// Whether everything open is in memory.
    package private(set) var isComplete = false

    private struct Item {
        var position: UInt64
        var deadline: Int64
        var puts: UInt32 = 0
        var out: Out?
    }

    private struct Out {
        var session: UInt32
        var generation: UInt64
        var until: Int64
    }

    private struct Taker {
        var session: UInt32
        var offer: UInt64
        var capacity: UInt64
    }

    /// A desk of which nothing is loaded and for which nobody offers anything.
    package init() {}

    // MARK: Offers

    /// Whether somebody offers the service.
    package var isOffered: Bool { !takers.isEmpty }

    /// Sessions that offer it.
    package var sessions: [UInt32] { takers.map(\.session) }

    /// Whether a session offers it or has a question of it.
    package func involves(_ session: UInt32) -> Bool {
        offer(of: session) != nil || items.contains { $0.out?.session == session }
    }

    /// Whether nobody offers it and nothing is out, so that nothing need be remembered.
    package var isIdle: Bool { takers.isEmpty && items.allSatisfy { $0.out == nil } }

    /// The number of a session's offer; nil if it makes none.
    package func offer(of session: UInt32) -> UInt64? {
        takers.first { $0.session == session }?.offer
    }

    /// Notes an offer, or changes how many questions it takes at once.
    package mutating func offer(_ number: UInt64, by session: UInt32, capacity: UInt64) {
        if let place = takers.firstIndex(where: { $0.session == session }) {
            takers[place].capacity = capacity
        } else {
            takers.append(Taker(session: session, offer: number, capacity: capacity))
        }
    }

    /// Takes an offer back; what the session was given it may still answer.
    package mutating func withdraw(_ session: UInt32) {
        takers.removeAll { $0.session == session }
    }

    /// Takes the offer of a session that is gone back, and what it was given.
    package mutating func leave(_ session: UInt32) {
        withdraw(session)
        for place in items.indices where items[place].out?.session == session {
            items[place].out = nil
        }
    }

    /// Takes back a question that never left.
    package mutating func takeBack(_ generation: UInt64) {
        guard let place = items.firstIndex(where: { $0.out?.generation == generation }) else {
            return
        }
        items[place].out = nil
        items[place].puts -= 1
    }

    // MARK: Questions

    /// The position behind which the disk is to be asked, if it must be.
    package var loadAfter: UInt64? {
        guard isOffered, !isComplete, items.count <= Self.itemsMax / 2 else { return nil }
        return items.last?.position ?? 0
    }

    /// Takes in what the disk holds behind the last one; fewer than asked for is all.
    package mutating func load(_ rows: [(position: UInt64, deadline: Int64)], limit: Int) {
        for row in rows { items.append(Item(position: row.position, deadline: row.deadline)) }
        isComplete = rows.count < limit
    }

    /// Takes in a question that was just asked.
    package mutating func add(_ position: UInt64, deadline: Int64) {
        guard isComplete else { return }
        guard items.count < Self.itemsMax else {
            isComplete = false
            return
        }
        items.append(Item(position: position, deadline: deadline))
    }

    /// Takes out a question that needs no answer any more.
    package mutating func remove(_ position: UInt64) {
        items.removeAll { $0.position == position }
    }

    /// Whether a question is out with a session under a generation.
    package func isOut(_ position: UInt64, with session: UInt32, _ generation: UInt64) -> Bool {
        items.contains {
            $0.position == position && $0.out?.session == session
                && $0.out?.generation == generation
        }
    }

    /// A question for a session.
    package struct Putting: Equatable, Sendable {
        package var position: UInt64
        package var session: UInt32
        package var generation: UInt64
        /// How often it was put before.
        package var puts: UInt32
        /// ms since 1970.
        package var deadline: Int64
    }

    /// The next question with the session it goes to; nil if none can be put now.
    package mutating func put(
        wall: Int64,
        monotonic: Int64,
        generation: () -> UInt64
    ) -> Putting? {
        guard let place = items.firstIndex(where: { $0.out == nil && $0.deadline > wall }) else {
            return nil
        }
        var open: [UInt32: UInt64] = [:]
        for item in items { if let out = item.out { open[out.session, default: 0] += 1 } }
        let free = takers.filter { open[$0.session, default: 0] < $0.capacity }
        let least = free.min { open[$0.session, default: 0] < open[$1.session, default: 0] }
        guard let session = least?.session else { return nil }
        let deadline = items[place].deadline
        let out = Out(
            session: session,
            generation: generation(),
            until: monotonic + min(Self.leaseMilliseconds, deadline - wall)
        )
        defer {
            items[place].out = out
            items[place].puts += 1
        }
        return Putting(
            position: items[place].position,
            session: session,
            generation: out.generation,
            puts: items[place].puts,
            deadline: deadline
        )
    }

    /// When the next time limit ends, monotonic; nil if nothing is out.
    package var nextLapse: Int64? { items.compactMap { $0.out?.until }.min() }

    /// Takes back what was not answered in time.
    ///
    /// - Returns: Whether there was any.
    package mutating func lapse(at monotonic: Int64) -> Bool {
        var any = false
        for place in items.indices {
            guard let out = items[place].out, out.until <= monotonic else { continue }
            items[place].out = nil
            any = true
        }
        return any
    }
}
