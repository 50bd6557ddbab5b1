// SPDX-License-Identifier: Apache-2.0

package import Rules
internal import SQLite
internal import Wire

/// Queues, holds and pauses for operators. Every statement here goes by an index or reads rows as
/// many as there are offices; none reads a queue as a whole.
extension LedgerReader {
    /// A referral in a queue.
    package struct Queued: Sendable {
        package var referral: Referral
        package var step: String
        /// Not before this instant, ms since 1970; 0 if it is ready.
        package var until: Int64
        package var isHeld: Bool
    }

    /// What an operator said of an office that is paused, or a case that is held.
    package struct Mark: Sendable {
        /// ms since 1970.
        package var since: Int64
        package var uid: UInt32
        package var reason: String
    }

    /// The number of an office; nil if there is none of this name.
    package func officeNumber(_ name: String) throws -> UInt32? {
        let statement = try Statement("SELECT number FROM office WHERE name = ?", on: connection)
        statement.bind(1, name)
        return try statement.step() ? UInt32(truncatingIfNeeded: statement.int64(0)) : nil
    }

    /// The offices that are paused, by name.
    package func pauses() throws -> [String: Mark] {
        let rows = try Statement(
            """
            SELECT o.name, p.since, p.uid, p.reason FROM pause p JOIN office o ON o.number = p.office
            """,
            on: connection
        )
        var pauses: [String: Mark] = [:]
        while try rows.step() { pauses[rows.string(0)] = Self.mark(rows, 1) }
        return pauses
    }

    /// Why a case is held; nil if it is not.
    package func hold(_ serial: UInt64) throws -> Mark? {
        let rows = try Statement(
            "SELECT since, uid, reason FROM hold WHERE serial = ?",
            on: connection
        )
        rows.bind(1, Int64(bitPattern: serial))
        return try rows.step() ? Self.mark(rows, 0) : nil
    }

    private static func mark(_ rows: Statement, _ column: Int32) -> Mark {
        Mark(
            since: rows.int64(column),
            uid: UInt32(truncatingIfNeeded: rows.int64(column + 1)),
            reason: rows.string(column + 2)
        )
    }

    /// Ready referrals of an office in the order in which they are handed out, of one lane only if
    /// it is given.
    package func ready(office: UInt32, lane: UInt8?, limit: Int) throws -> [Queued] {
        let rows = try Statement(
            """
            SELECT r.referral, r.lane, r.serial, r.slip, 0,
                EXISTS (SELECT 1 FROM hold h WHERE h.serial = r.serial)
            FROM ready r WHERE r.office = ?1 \(lane == nil ? "" : "AND r.lane = ?3")
            ORDER BY r.office, r.lane, r.referral LIMIT ?2
            """,
            on: connection
        )
        if let lane { rows.bind(3, Int64(lane)) }
        return try queued(rows, office, limit)
    }

    /// Delayed referrals of an office, the next first.
    package func delayed(office: UInt32, limit: Int) throws -> [Queued] {
        try queued(
            Statement(
                """
                SELECT d.referral, d.lane, d.serial, d.slip, d.until,
                    EXISTS (SELECT 1 FROM hold h WHERE h.serial = d.serial)
                FROM delayed d WHERE d.office = ?1 ORDER BY d.until LIMIT ?2
                """,
                on: connection
            ),
            office,
            limit
        )
    }

    private func queued(_ rows: Statement, _ office: UInt32, _ limit: Int) throws -> [Queued] {
        rows.bind(1, Int64(office))
        rows.bind(2, Int64(limit))
        var found: [Queued] = []
        while try rows.step() {
            let referral = rows.withBlob(3) { slip in
                Referral(
                    number: UInt64(bitPattern: rows.int64(0)),
                    serial: UInt64(bitPattern: rows.int64(2)),
                    office: office,
                    lane: UInt8(truncatingIfNeeded: rows.int64(1)),
                    slip: slip
                )
            }
            guard let referral else { throw LedgerFault.damaged("a referral cannot be read") }
            found.append(
                Queued(
                    referral: referral,
                    step: try trails.step(referral.step),
                    until: rows.int64(4),
                    isHeld: rows.int64(5) != 0
                )
            )
        }
        return found
    }

    /// How many ready referrals each lane of an office has, counted no further than `limit` each.
    package func laneCounts(office: UInt32, limit: Int) throws -> [(lane: UInt8, count: Int)] {
        let rows = try Statement(
            """
            SELECT count(*) FROM (SELECT 1 FROM ready WHERE office = ?1 AND lane = ?2 LIMIT ?3)
            """,
            on: connection
        )
        var counts: [(lane: UInt8, count: Int)] = []
        for lane in Lane.allCases {
            rows.bind(1, Int64(office))
            rows.bind(2, Int64(lane.rawValue))
            rows.bind(3, Int64(limit))
            guard try rows.step() else { break }
            counts.append((lane.rawValue, Int(rows.int64(0))))
            rows.reset()
        }
        return counts
    }

    /// A case with its trail, its delayed branches told as such; nil if there is none.
    package func trail(of serial: UInt64) throws -> CaseTrail? {
        guard var trail = try trails.trail(of: serial) else { return nil }
        try trail.tellDelays(delay)
        return trail
    }

    /// Until when a referral is delayed, ms since 1970; nil if it is not.
    package func delay(of referral: UInt64) throws -> Int64? {
        let rows = try Statement("SELECT until FROM delayed WHERE referral = ?", on: connection)
        rows.bind(1, Int64(referral))
        return try rows.step() ? rows.int64(0) : nil
    }

    /// The dead letter of this number; nil if there is none.
    package func deadLetter(_ referral: UInt64) throws -> Dead? {
        try dead(.referral(referral), limit: 1).first
    }
}

extension CaseTrail {
    /// Says of each branch in a queue whether it is delayed, and until when.
    mutating func tellDelays<Fault: Error>(
        _ delay: (UInt64) throws(Fault) -> Int64?
    ) throws(Fault) {
        for place in places.indices where places[place].state == TrailPlace.State.waiting.rawValue {
            guard let until = try delay(places[place].referral) else { continue }
            places[place].state = "delayed"
            places[place].until = until
        }
    }
}
