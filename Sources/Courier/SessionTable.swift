// SPDX-License-Identifier: Apache-2.0

internal import Wire

/// The sessions, found by number, by the road they came and by token.
struct SessionTable {
    private var byNumber: [UInt32: Session] = [:]
    private var byRoad: [UInt64: Session] = [:]
    private var byToken: [Identifier: Session] = [:]
    private var lastNumber: UInt32 = 0

    var count: Int { byNumber.count }

    /// All sessions, in no order.
    var all: [Session] { Array(byNumber.values) }

    subscript(number: UInt32) -> Session? { byNumber[number] }

    /// The session of a peer, or nil if it has none.
    func session(gate: Int, route: UInt32) -> Session? { byRoad[Self.road(gate, route)] }

    /// The session that was given this token, or nil.
    func session(token: Identifier) -> Session? { byToken[token] }

    /// The number of the next session, or nil when all have been given out.
    mutating func nextNumber() -> UInt32? {
        guard lastNumber < .max else { return nil }
        lastNumber += 1
        return lastNumber
    }

    /// Adds a session whose peer has none.
    mutating func insert(_ session: Session) {
        byNumber[session.number] = session
        byRoad[Self.road(session.gate, session.route)] = session
        byToken[session.token] = session
    }

    /// Removes a session, or returns false if it is gone already.
    mutating func remove(_ session: Session) -> Bool {
        guard byNumber.removeValue(forKey: session.number) != nil else { return false }
        byRoad.removeValue(forKey: Self.road(session.gate, session.route))
        byToken.removeValue(forKey: session.token)
        return true
    }

    private static func road(_ gate: Int, _ route: UInt32) -> UInt64 {
        UInt64(truncatingIfNeeded: gate) << 32 | UInt64(route)
    }
}
