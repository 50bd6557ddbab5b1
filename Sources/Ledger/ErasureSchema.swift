// SPDX-License-Identifier: Apache-2.0

/// What erasing content for good needs of the tables: version 5 of the schema.
///
/// Content of cases and content of events have a table each. Rows of `file` and `content` are only
/// ever added at the end and emptied where they are, never deleted, so that SQLite never moves one
/// of them and leaves no copy of it behind in a page. Events are deleted, and must not share pages
/// with cases for that reason.
enum ErasureSchema {
    /// Brings a ledger to the version that has them; run with `secure_delete` on, so that nothing of
    /// the old table is left in free pages.
    static let migration = """
        ALTER TABLE cases ADD COLUMN erased INTEGER NOT NULL DEFAULT 0;
        CREATE TABLE event_content (
            position INTEGER PRIMARY KEY, envelope BLOB NOT NULL, body BLOB NOT NULL);
        INSERT INTO event_content
            SELECT c.position, c.envelope, c.body
            FROM content c JOIN journal j ON j.position = c.position
            WHERE substr(j.record, 2, 1) IN (x'0e', x'0f', x'10') ORDER BY c.position;
        CREATE TABLE act_content (
            position INTEGER PRIMARY KEY, envelope BLOB NOT NULL, body BLOB NOT NULL);
        INSERT INTO act_content
            SELECT position, envelope, body FROM content
            WHERE position NOT IN (SELECT position FROM event_content) ORDER BY position;
        DROP TABLE content;
        ALTER TABLE act_content RENAME TO content;
        CREATE TABLE tally (closed INTEGER NOT NULL, erased INTEGER NOT NULL);
        INSERT INTO tally SELECT count(*), 0 FROM cases WHERE closed <> 0;
        """
}
