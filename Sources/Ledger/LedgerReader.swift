// SPDX-License-Identifier: Apache-2.0

package import Rules
internal import SQLite
internal import Wire

/// Reads a ledger beside the writer, on a read-only connection of its own.
///
/// It never blocks the writer and never checkpoints. One thread at a time; make one a request.
package final class LedgerReader {
    /// Referrals and cases by state, summed over the ledger.
    package struct Totals: Sendable {
        package var offices = 0
        package var casesOpen = 0
        /// Closed cases, erased ones among them.
        package var casesClosed = 0
        package var casesErased = 0
        package var waiting = 0
        package var delayed = 0
        package var custody = 0
        package var dead = 0
    }

    /// An office with its counts.
    package struct Office: Sendable {
        package var name: String
        package var title: String
        package var agency: String
        /// Ready referrals, leased ones among them.
        package var waiting: Int
        package var delayed: Int
        package var custody: Int
        package var dead: Int
        /// When the oldest ready referral came in, ms since 1970; 0 if none is ready.
        package var oldest: Int64
    }

    /// An agency with its rights.
    package struct Agency: Sendable {
        package var name: String
        package var offices: Int
        /// Whether it may report acts with earlier instants.
        package var mayBackdate: Bool
        /// Whether it hears of every case.
        package var isObserver: Bool
    }

    /// A published version.
    package struct Version: Sendable {
        package var name: String
        package var version: UInt32
        package var source: String
        package var published: Int64
        package var uid: UInt32
    }

    /// A dead letter.
    package struct Dead: Sendable {
        package var referral: Referral
        package var office: String
        package var agency: String
        package var step: String
        package var reason: DeadReason
        package var cause: String
        package var at: Int64
    }

    let connection: Connection
    /// Reads cases.
    package let trails: TrailReader

    /// Opens a reader of the ledger in a data directory.
    ///
    /// - Throws: `LedgerFault.storage`.
    package init(
        directory: String,
        reading: @escaping @Sendable (String) -> Procedure?
    ) throws(LedgerFault) {
        do {
            connection = try Connection(
                path: directory + "/" + Ledger.fileName,
                access: .readOnly
            )
            connection.setBusyTimeout(milliseconds: 5_000)
            try connection.execute("PRAGMA query_only = 1")
            trails = try TrailReader(connection, reading: reading)
            trails.namesActors = true
        } catch {
            throw LedgerFault(error)
        }
    }

    /// Sums over all offices and cases.
    ///
    /// However many cases there are, it reads the counts that are kept of them: cases are numbered
    /// without a gap, and none is ever taken away.
    package func totals() throws -> Totals {
        var totals = try officeTotals()
        let cases = try Statement(
            "SELECT (SELECT coalesce(max(serial), 0) FROM cases), closed, erased FROM tally",
            on: connection
        )
        if try cases.step() {
            totals.casesClosed = Int(cases.int64(1))
            totals.casesOpen = Int(cases.int64(0)) - totals.casesClosed
            totals.casesErased = Int(cases.int64(2))
        }
        return totals
    }

    /// Sums over all offices; cases are not counted.
    package func officeTotals() throws -> Totals {
        var totals = Totals()
        let offices = try Statement(
            """
            SELECT count(*), sum(waiting), sum(delayed), sum(custody), sum(dead) FROM office
            """,
            on: connection
        )
        if try offices.step() {
            totals.offices = Int(offices.int64(0))
            totals.waiting = Int(offices.int64(1))
            totals.delayed = Int(offices.int64(2))
            totals.custody = Int(offices.int64(3))
            totals.dead = Int(offices.int64(4))
        }
        return totals
    }

    /// Which offices are meant.
    package enum OfficeChoice: Sendable {
        /// All, by name.
        case all
        case named(String)
        /// So many with the most waiting and delayed referrals, the busiest first.
        case busiest(Int)
    }

    /// Offices with their counts.
    package func offices(_ choice: OfficeChoice = .all) throws -> [Office] {
        let statement = try Statement(Self.officeQuery(choice), on: connection)
        switch choice {
        case .all: break
        case .named(let name): statement.bind(1, name)
        case .busiest(let count): statement.bind(1, Int64(count))
        }
        var offices: [Office] = []
        while try statement.step() {
            let oldest = statement.withBlob(7) { slip in
                Referral(number: 0, serial: 0, office: 0, lane: 0, slip: slip)?.entered ?? 0
            }
            offices.append(
                Office(
                    name: statement.string(0),
                    title: statement.string(1),
                    agency: statement.string(2),
                    waiting: Int(statement.int64(3)),
                    delayed: Int(statement.int64(4)),
                    custody: Int(statement.int64(5)),
                    dead: Int(statement.int64(6)),
                    oldest: oldest
                )
            )
        }
        return offices
    }

    /// The statement that finds offices.
    ///
    /// The busiest are chosen before the head of any queue is looked at.
    static func officeQuery(_ choice: OfficeChoice) -> String {
        let (source, order) =
            switch choice {
            case .all: ("office", "o.name")
            case .named: ("(SELECT * FROM office WHERE name = ?1)", "o.name")
            case .busiest:
                (
                    "(SELECT * FROM office ORDER BY waiting + delayed DESC, name LIMIT ?1)",
                    "o.waiting + o.delayed DESC, o.name"
                )
            }
        return """
            SELECT o.name, o.title, a.name, o.waiting, o.delayed, o.custody, o.dead,
                (SELECT slip FROM ready r WHERE r.office = o.number
                 ORDER BY r.lane, r.referral LIMIT 1)
            FROM \(source) o JOIN agency a ON a.number = o.agency ORDER BY \(order)
            """
    }

    /// All agencies by name.
    package func agencies() throws -> [Agency] {
        let statement = try Statement(
            """
            SELECT a.name, (SELECT count(*) FROM office o WHERE o.agency = a.number),
                a.backdating, a.observing
            FROM agency a ORDER BY a.name
            """,
            on: connection
        )
        var agencies: [Agency] = []
        while try statement.step() {
            agencies.append(
                Agency(
                    name: statement.string(0),
                    offices: Int(statement.int64(1)),
                    mayBackdate: statement.int64(2) != 0,
                    isObserver: statement.int64(3) != 0
                )
            )
        }
        return agencies
    }

    /// Published versions by name, newest first; of one name only if it is given.
    package func versions(of name: String? = nil) throws -> [Version] {
        let statement = try Statement(
            """
            SELECT name, version, source, published, uid FROM procedure
            WHERE ?1 IS NULL OR name = ?1 ORDER BY name, version DESC
            """,
            on: connection
        )
        if let name { statement.bind(1, name) } else { statement.bindNull(1) }
        var versions: [Version] = []
        while try statement.step() {
            versions.append(
                Version(
                    name: statement.string(0),
                    version: UInt32(statement.int64(1)),
                    source: statement.string(2),
                    published: statement.int64(3),
                    uid: UInt32(truncatingIfNeeded: statement.int64(4))
                )
            )
        }
        return versions
    }

    /// Whether an office of this name exists.
    package func hasOffice(_ name: String) throws -> Bool {
        let statement = try Statement("SELECT 1 FROM office WHERE name = ?", on: connection)
        statement.bind(1, name)
        return try statement.step()
    }

    /// The serials of all cases, or of one procedure's, in order; read in slices of `limit`.
    package func serials(
        after serial: UInt64,
        procedure: String?,
        limit: Int
    ) throws -> [UInt64] {
        let statement = try Statement(
            """
            SELECT c.serial FROM cases c JOIN procedure p ON p.number = c.procedure
            WHERE c.serial > ?1 AND (?2 IS NULL OR p.name = ?2) ORDER BY c.serial LIMIT ?3
            """,
            on: connection
        )
        statement.bind(1, Int64(bitPattern: serial))
        if let procedure { statement.bind(2, procedure) } else { statement.bindNull(2) }
        statement.bind(3, Int64(limit))
        var serials: [UInt64] = []
        while try statement.step() { serials.append(UInt64(statement.int64(0))) }
        return serials
    }
}
