// SPDX-License-Identifier: Apache-2.0

internal import Rules
internal import SQLite

/// Dead letters for operators, found by an index whatever is asked.
extension LedgerReader {
    /// Which dead letters are meant.
    package enum DeadChoice: Sendable {
        case all
        case office(UInt32)
        case serial(UInt64)
        case referral(UInt64)
    }

    /// Dead letters, oldest first, at most `limit`.
    package func dead(_ choice: DeadChoice, limit: Int = .max) throws -> [Dead] {
        var letters: [Dead] = []
        try eachDead(choice, limit: limit) { letters.append($0) }
        return letters
    }

    /// How many dead letters there are, by the counts of the offices.
    package func deadCount(office: UInt32?) throws -> Int {
        let rows = try Statement(
            office == nil
                ? "SELECT sum(dead) FROM office" : "SELECT dead FROM office WHERE number = ?",
            on: connection
        )
        if let office { rows.bind(1, Int64(office)) }
        return try rows.step() ? Int(rows.int64(0)) : 0
    }

    /// The statement that finds dead letters.
    static func deadQuery(_ choice: DeadChoice) -> (sql: String, key: Int64?) {
        let (condition, key): (String, Int64?) =
            switch choice {
            case .all: ("", nil)
            case .office(let office): ("WHERE d.office = ?2", Int64(office))
            case .serial(let serial): ("WHERE d.serial = ?2", Int64(bitPattern: serial))
            case .referral(let number): ("WHERE d.referral = ?2", Int64(bitPattern: number))
            }
        // CROSS JOIN keeps the order: letters first, by their index, then the names by number.
        return (
            """
            SELECT d.referral, d.office, d.lane, d.serial, d.slip, d.reason, d.cause, d.at,
                o.name, a.name
            FROM dead d CROSS JOIN office o ON o.number = d.office
                CROSS JOIN agency a ON a.number = o.agency
            \(condition) ORDER BY d.at, d.referral LIMIT ?1
            """, key
        )
    }

    private func eachDead(
        _ choice: DeadChoice,
        limit: Int,
        _ each: (Dead) throws -> Void
    ) throws {
        let (sql, key) = Self.deadQuery(choice)
        let statement = try Statement(sql, on: connection)
        statement.bind(1, Int64(limit))
        if let key { statement.bind(2, key) }
        while try statement.step() {
            let referral = statement.withBlob(4) { slip in
                Referral(
                    number: UInt64(bitPattern: statement.int64(0)),
                    serial: UInt64(bitPattern: statement.int64(3)),
                    office: UInt32(truncatingIfNeeded: statement.int64(1)),
                    lane: UInt8(truncatingIfNeeded: statement.int64(2)),
                    slip: slip
                )
            }
            guard let referral, let reason = DeadReason(rawValue: UInt16(statement.int64(5)))
            else { throw LedgerFault.damaged("a dead letter cannot be read") }
            try each(
                Dead(
                    referral: referral,
                    office: statement.string(8),
                    agency: statement.string(9),
                    step: try trails.step(referral.step),
                    reason: reason,
                    cause: statement.string(6),
                    at: statement.int64(7)
                )
            )
        }
    }
}
