// SPDX-License-Identifier: Apache-2.0

/// The tables of events, subscriptions, questions and the catalogue: version 2 of the schema.
///
/// An event is a record of the journal with its content; `published` finds it by topic. Content that
/// was erased leaves the record, and takes the rows of `content` and `published` with it.
enum EventSchema {
    static let migration = """
        ALTER TABLE agency ADD COLUMN observing INTEGER NOT NULL DEFAULT 0;
        CREATE TABLE topic (
            number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
            events INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL DEFAULT 0);
        CREATE TABLE published (
            topic INTEGER NOT NULL, position INTEGER NOT NULL, at INTEGER NOT NULL,
            bytes INTEGER NOT NULL, PRIMARY KEY (topic, position)) WITHOUT ROWID;
        CREATE TABLE retention (
            pattern TEXT PRIMARY KEY, age INTEGER NOT NULL, bytes INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE subscription (
            number INTEGER PRIMARY KEY, agency INTEGER NOT NULL, name TEXT NOT NULL,
            pattern TEXT NOT NULL, ack INTEGER NOT NULL, attempts INTEGER NOT NULL,
            floor INTEGER NOT NULL, last INTEGER NOT NULL, UNIQUE (agency, name));
        CREATE TABLE settled (
            subscription INTEGER NOT NULL, position INTEGER NOT NULL,
            PRIMARY KEY (subscription, position)) WITHOUT ROWID;
        CREATE TABLE failed (
            subscription INTEGER NOT NULL, position INTEGER NOT NULL, attempts INTEGER NOT NULL,
            until INTEGER NOT NULL, PRIMARY KEY (subscription, position)) WITHOUT ROWID;
        CREATE TABLE dead_event (
            subscription INTEGER NOT NULL, position INTEGER NOT NULL, attempts INTEGER NOT NULL,
            reason INTEGER NOT NULL, cause TEXT NOT NULL, at INTEGER NOT NULL,
            PRIMARY KEY (subscription, position)) WITHOUT ROWID;
        CREATE TABLE question (
            position INTEGER PRIMARY KEY, agency INTEGER NOT NULL, key BLOB NOT NULL,
            service TEXT NOT NULL, deadline INTEGER NOT NULL, settled INTEGER NOT NULL);
        CREATE INDEX question_open ON question (service, position) WHERE settled = 0;
        CREATE INDEX question_due ON question (deadline) WHERE settled = 0;
        CREATE INDEX question_over ON question (deadline) WHERE settled <> 0;
        CREATE TABLE catalogue (
            agency INTEGER NOT NULL, version INTEGER NOT NULL, source TEXT NOT NULL,
            entries BLOB NOT NULL, published INTEGER NOT NULL, uid INTEGER NOT NULL,
            PRIMARY KEY (agency, version)) WITHOUT ROWID;
        """
}
