// SPDX-License-Identifier: Apache-2.0

/// The tables of who may come in and what they may do.
enum AccessSchema {
    /// Brings a ledger to the version that has them.
    static let migration = """
        CREATE TABLE key (
            number INTEGER PRIMARY KEY, agency INTEGER NOT NULL, public BLOB NOT NULL UNIQUE,
            begins INTEGER NOT NULL, ends INTEGER NOT NULL, revoked INTEGER NOT NULL,
            enrolled INTEGER NOT NULL, note TEXT NOT NULL, fingerprint TEXT NOT NULL);
        CREATE TABLE suspension (agency INTEGER PRIMARY KEY, since INTEGER NOT NULL);
        CREATE TABLE rule (
            number INTEGER PRIMARY KEY AUTOINCREMENT, subject TEXT NOT NULL,
            right INTEGER NOT NULL, pattern TEXT NOT NULL, allowed INTEGER NOT NULL,
            UNIQUE (subject, right, pattern, allowed));
        CREATE TABLE role (
            agency INTEGER NOT NULL, name TEXT NOT NULL,
            PRIMARY KEY (agency, name)) WITHOUT ROWID;
        CREATE TABLE quota (
            agency INTEGER PRIMARY KEY, sessions INTEGER NOT NULL, operations INTEGER NOT NULL,
            bytes INTEGER NOT NULL, subscriptions INTEGER NOT NULL, questions INTEGER NOT NULL,
            cases INTEGER NOT NULL, queued INTEGER NOT NULL);
        CREATE TABLE connection (
            number INTEGER PRIMARY KEY, key INTEGER NOT NULL, opened INTEGER NOT NULL,
            address TEXT NOT NULL, program TEXT NOT NULL);
        """
}
