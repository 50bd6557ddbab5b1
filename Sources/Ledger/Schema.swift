// SPDX-License-Identifier: Apache-2.0

internal import SQLite

/// The tables of the ledger and how they came to be.
///
/// Hot tables are small and clustered: the ready queue is a table of its own, not a state column;
/// envelope and body are written once into `file` and never touched by a hop. To change the schema:
/// append a migration, raise nothing else (the version is their count), add a test that opens a
/// ledger of the version before.
enum Schema {
    /// Marks the file as a ledger of Barid (`BRID`).
    static let applicationID: Int64 = 0x4252_4944

    /// Each brings the schema one version up; published ones never change.
    static let migrations = [
        """
        CREATE TABLE daemon (
            epoch INTEGER PRIMARY KEY, started INTEGER NOT NULL,
            probed INTEGER NOT NULL DEFAULT 0);
        CREATE TABLE agency (
            number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, backdating INTEGER NOT NULL);
        CREATE TABLE office (
            number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, agency INTEGER NOT NULL,
            title TEXT NOT NULL,
            waiting INTEGER NOT NULL DEFAULT 0, delayed INTEGER NOT NULL DEFAULT 0,
            custody INTEGER NOT NULL DEFAULT 0, dead INTEGER NOT NULL DEFAULT 0);
        CREATE TABLE procedure (
            number INTEGER PRIMARY KEY, name TEXT NOT NULL, version INTEGER NOT NULL,
            source TEXT NOT NULL, published INTEGER NOT NULL, uid INTEGER NOT NULL,
            UNIQUE (name, version));
        CREATE TABLE cases (
            serial INTEGER PRIMARY KEY, id BLOB NOT NULL, procedure INTEGER NOT NULL,
            agency INTEGER NOT NULL, opened INTEGER NOT NULL, due INTEGER NOT NULL,
            closed INTEGER NOT NULL, result TEXT NOT NULL, itinerary BLOB NOT NULL);
        CREATE UNIQUE INDEX cases_id ON cases (id);
        CREATE TABLE file (
            serial INTEGER PRIMARY KEY, id BLOB NOT NULL, envelope BLOB NOT NULL,
            body BLOB NOT NULL);
        CREATE TABLE submission (
            agency INTEGER NOT NULL, key BLOB NOT NULL, position INTEGER NOT NULL,
            PRIMARY KEY (agency, key)) WITHOUT ROWID;
        CREATE TABLE ready (
            office INTEGER NOT NULL, lane INTEGER NOT NULL, referral INTEGER NOT NULL,
            serial INTEGER NOT NULL, slip BLOB NOT NULL,
            PRIMARY KEY (office, lane, referral)) WITHOUT ROWID;
        CREATE TABLE delayed (
            until INTEGER NOT NULL, referral INTEGER NOT NULL, office INTEGER NOT NULL,
            lane INTEGER NOT NULL, serial INTEGER NOT NULL, slip BLOB NOT NULL,
            PRIMARY KEY (until, referral)) WITHOUT ROWID;
        CREATE TABLE custody (
            referral INTEGER PRIMARY KEY, office INTEGER NOT NULL, lane INTEGER NOT NULL,
            serial INTEGER NOT NULL, slip BLOB NOT NULL, accepted INTEGER NOT NULL);
        CREATE TABLE dead (
            referral INTEGER PRIMARY KEY, office INTEGER NOT NULL, lane INTEGER NOT NULL,
            serial INTEGER NOT NULL, slip BLOB NOT NULL, reason INTEGER NOT NULL,
            cause TEXT NOT NULL, at INTEGER NOT NULL);
        CREATE TABLE fork (
            number INTEGER PRIMARY KEY, serial INTEGER NOT NULL, parent INTEGER NOT NULL,
            step INTEGER NOT NULL, need INTEGER NOT NULL, branches INTEGER NOT NULL,
            arrived INTEGER NOT NULL);
        CREATE INDEX fork_serial ON fork (serial);
        CREATE TABLE journal (
            position INTEGER PRIMARY KEY, hash BLOB NOT NULL, record BLOB NOT NULL);
        CREATE TABLE trail (
            serial INTEGER NOT NULL, position INTEGER NOT NULL,
            PRIMARY KEY (serial, position)) WITHOUT ROWID;
        CREATE TABLE content (
            position INTEGER PRIMARY KEY, envelope BLOB NOT NULL, body BLOB NOT NULL);
        """,
        EventSchema.migration,
        AccessSchema.migration,
        DeskSchema.migration,
        ErasureSchema.migration,
    ]

    /// The settings a writer must run under, each with the value it reads back as.
    ///
    /// `synchronous` is NORMAL, since the writer syncs the log itself, after each commit and before
    /// anything is told; checkpoints and a log that begins anew are synced by SQLite (record 0025).
    /// `cache_spill` is off: a page that spilled before a savepoint was rolled back leaves a log that
    /// SQLite 3.40.1 does not recover after a kill (record 0105).
    private static let settings = [
        ("journal_mode", "wal"), ("synchronous", "1"), ("secure_delete", "2"),
        ("auto_vacuum", "2"), ("page_size", "4096"), ("wal_autocheckpoint", "0"),
        ("foreign_keys", "0"), ("locking_mode", "normal"), ("cache_spill", "0"),
    ]

    /// Makes or opens the ledger on the one connection that writes.
    ///
    /// - Throws: `LedgerFault` if the file is of another program, of a later version, or if a
    ///   setting that durability rests on does not read back as set.
    static func prepare(_ connection: Connection) throws(LedgerFault) {
        do {
            let version = try version(of: connection)
            try connection.execute(
                """
                PRAGMA page_size = 4096; PRAGMA auto_vacuum = INCREMENTAL;
                PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
                PRAGMA secure_delete = FAST; PRAGMA wal_autocheckpoint = 0;
                PRAGMA foreign_keys = OFF; PRAGMA cache_size = -65536; PRAGMA cache_spill = OFF;
                PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = -1
                """
            )
            for (name, expected) in settings {
                let value = try connection.pragma(name)
                guard value == expected else {
                    throw LedgerFault.setting(name: name, value: value, expected: expected)
                }
            }
            try migrate(connection, from: version)
        } catch {
            throw LedgerFault(error)
        }
    }

    /// The version of the schema, 0 in a new file.
    ///
    /// Asked before any setting, so that a file that is refused stays as it was.
    private static func version(of connection: Connection) throws -> Int {
        let version = Int(try connection.pragma("user_version")) ?? 0
        let owner = Int64(try connection.pragma("application_id")) ?? 0
        guard owner == applicationID else {
            let tables = try Statement("SELECT 1 FROM sqlite_master LIMIT 1", on: connection)
            guard owner == 0, version == 0, try !tables.step() else { throw LedgerFault.foreign }
            return 0
        }
        guard version <= migrations.count else {
            throw LedgerFault.later(version: version, known: migrations.count)
        }
        return version
    }

    private static func migrate(_ connection: Connection, from version: Int) throws {
        for (index, migration) in migrations.enumerated().dropFirst(version) {
            // What a migration drops may be content, and what it copies need not fit into memory; it
            // has no savepoints.
            try connection.execute(
                """
                PRAGMA secure_delete = ON; PRAGMA cache_spill = ON;
                BEGIN IMMEDIATE; \(migration)
                PRAGMA application_id = \(applicationID);
                PRAGMA user_version = \(index + 1); COMMIT;
                PRAGMA secure_delete = FAST; PRAGMA cache_spill = OFF
                """
            )
        }
    }
}
