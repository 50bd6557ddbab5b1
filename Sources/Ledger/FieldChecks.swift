// SPDX-License-Identifier: Apache-2.0

internal import Rules
internal import SQLite
internal import Wire

/// What single columns must say, as the journal tells it.
extension Verification {
    /// Whether the slip of a referral is the one its trail leads to.
    func agrees(_ referral: Referral, _ place: TrailPlace) -> Bool {
        referral.slot == place.slot && referral.due == place.due && referral.entered == place.since
            && referral.attempts == place.attempts && referral.hops == place.hops
            && referral.asker == place.asker && referral.previous == place.previous
            && referral.previousOffice == place.previousOffice
    }

    /// The tables and indexes are those this version makes, in the same words.
    mutating func compareSchema(_ connection: Connection) throws {
        let own = try Connection(path: ":memory:", access: .readWriteCreate)
        for migration in Schema.migrations { try own.execute(migration) }
        let declared = try Self.schema(of: own)
        let found = try Self.schema(of: connection)
        for name in Set(declared.keys).union(found.keys).sorted()
        where declared[name] != found[name] {
            report("The declaration of \(name) in the database file was changed.")
        }
    }

    private static func schema(of connection: Connection) throws -> [String: [Substring]] {
        var schema: [String: [Substring]] = [:]
        // SQLite's own tables and indexes have no words.
        let rows = try Statement(
            """
            SELECT name, sql FROM sqlite_master
            WHERE type IN ('table', 'index') AND name NOT LIKE 'sqlite%'
            """,
            on: connection
        )
        while try rows.step() {
            schema[rows.string(0)] = rows.string(1).split { $0 == " " || $0 == "\n" }
        }
        return schema
    }

    /// What was published is what was journaled, and a case is the one that was submitted.
    mutating func compareDeclared(_ connection: Connection) throws {
        let published = try Statement(
            "SELECT number, source FROM procedure",
            on: connection
        )
        var sources: [UInt32: [UInt8]] = [:]
        while try published.step() {
            sources[UInt32(truncatingIfNeeded: published.int64(0))] = published.withBlob(1) {
                Journal.digest(envelope: $0, body: .empty)
            }
        }
        let records = try Statement("SELECT record FROM journal", on: connection)
        while try records.step() {
            guard let record = records.withBlob(0, { JournalRecord(reading: $0) }),
                record.act == .procedurePublished
            else { continue }
            if sources.removeValue(forKey: record.step.procedure) != record.digest {
                report("The procedure published at position \(record.position) was changed.")
            }
        }
        for number in sources.keys.sorted() {
            report("Procedure \(number) was never published.")
        }
        let rows = try Statement(
            """
            SELECT c.serial, c.opened, c.agency, c.procedure, j.record FROM cases c
            JOIN journal j ON j.position =
                (SELECT min(position) FROM trail t WHERE t.serial = c.serial)
            """,
            on: connection
        )
        while try rows.step() {
            guard let record = rows.withBlob(4, { JournalRecord(reading: $0) }) else { continue }
            let isSubmitted =
                record.occurredAt == rows.int64(1) && Int64(record.agency) == rows.int64(2)
                && Int64(record.step.procedure) == rows.int64(3)
            if !isSubmitted { report("Case \(rows.int64(0)) is not the one that was submitted.") }
        }
    }
}
