// SPDX-License-Identifier: Apache-2.0

package import Rules
internal import SQLite
internal import Wire

/// What operators read of events, subscriptions and the catalogue.
extension LedgerReader {
    /// A topic with what is kept of it.
    package struct Topic: Sendable {
        package var name: String
        /// Events whose content is kept.
        package var events: UInt64
        /// Bytes of their envelopes and bodies.
        package var bytes: UInt64
        /// Sequence and instant of the oldest and the newest kept; 0 if none is.
        package var first: UInt64
        package var firstAt: Int64
        package var last: UInt64
        package var lastAt: Int64
    }

    /// A durable subscription.
    package struct Subscription: Sendable {
        package var number: UInt64
        package var agency: String
        package var name: String
        package var pattern: String
        /// Everything that matches up to here is settled.
        package var floor: UInt64
        /// Records of the journal behind the floor.
        package var behind: UInt64
        /// Events settled above the floor.
        package var settled: UInt64
        /// Events that failed and wait to be delivered again.
        package var failed: UInt64
        package var dead: UInt64
        package var ackMilliseconds: Int64
        package var attemptsMax: UInt32
    }

    /// An event that a subscription will not be given again.
    package struct DeadEvent: Sendable {
        package var subscription: UInt64
        package var agency: String
        package var name: String
        package var sequence: UInt64
        package var topic: String
        package var attempts: UInt32
        package var reason: DeadReason
        package var cause: String
        package var at: Int64
    }

    /// A version of what an agency says about what it offers.
    package struct CatalogueVersion: Sendable {
        package var agency: String
        package var version: UInt32
        package var source: String
        package var published: Int64
        package var uid: UInt32
    }

    /// Topics with their events by name, those of a pattern only if one is given.
    package func topics(_ pattern: TopicPattern? = nil) throws -> [Topic] {
        let rows = try Statement(
            """
            SELECT t.name, t.events, t.bytes, f.position, f.at, l.position, l.at FROM topic t
            LEFT JOIN published f ON f.topic = t.number
                AND f.position = (SELECT min(position) FROM published WHERE topic = t.number)
            LEFT JOIN published l ON l.topic = t.number
                AND l.position = (SELECT max(position) FROM published WHERE topic = t.number)
            ORDER BY t.name
            """,
            on: connection
        )
        var topics: [Topic] = []
        while try rows.step() {
            let name = rows.string(0)
            guard pattern?.matches(name) != false else { continue }
            topics.append(
                Topic(
                    name: name,
                    events: UInt64(bitPattern: rows.int64(1)),
                    bytes: UInt64(bitPattern: rows.int64(2)),
                    first: UInt64(rows.int64(3)),
                    firstAt: rows.int64(4),
                    last: UInt64(rows.int64(5)),
                    lastAt: rows.int64(6)
                )
            )
        }
        return topics
    }

    /// The rules of retention, by pattern.
    package func retention() throws -> [RetentionRule] { try RetentionRule.all(connection) }

    /// Durable subscriptions by agency and name.
    package func subscriptions() throws -> [Subscription] {
        let rows = try Statement(
            """
            SELECT s.number, a.name, s.name, s.pattern, s.floor,
                max(0, (SELECT max(position) FROM journal) - s.floor),
                (SELECT count(*) FROM settled WHERE subscription = s.number),
                (SELECT count(*) FROM failed WHERE subscription = s.number),
                (SELECT count(*) FROM dead_event WHERE subscription = s.number),
                s.ack, s.attempts
            FROM subscription s JOIN agency a ON a.number = s.agency ORDER BY a.name, s.name
            """,
            on: connection
        )
        var subscriptions: [Subscription] = []
        while try rows.step() {
            subscriptions.append(
                Subscription(
                    number: UInt64(rows.int64(0)),
                    agency: rows.string(1),
                    name: rows.string(2),
                    pattern: rows.string(3),
                    floor: UInt64(rows.int64(4)),
                    behind: UInt64(rows.int64(5)),
                    settled: UInt64(rows.int64(6)),
                    failed: UInt64(rows.int64(7)),
                    dead: UInt64(rows.int64(8)),
                    ackMilliseconds: rows.int64(9),
                    attemptsMax: UInt32(rows.int64(10))
                )
            )
        }
        return subscriptions
    }

    /// Events that are dead letters of a subscription, or of all, oldest first.
    package func deadEvents(agency: String? = nil, name: String? = nil) throws -> [DeadEvent] {
        let rows = try Statement(
            """
            SELECT d.subscription, a.name, s.name, d.position, d.attempts, d.reason, d.cause, d.at
            FROM dead_event d JOIN subscription s ON s.number = d.subscription
            JOIN agency a ON a.number = s.agency
            WHERE (?1 IS NULL OR a.name = ?1) AND (?2 IS NULL OR s.name = ?2)
            ORDER BY d.at, d.subscription, d.position
            """,
            on: connection
        )
        if let agency { rows.bind(1, agency) } else { rows.bindNull(1) }
        if let name { rows.bind(2, name) } else { rows.bindNull(2) }
        let reader = try EventReader(connection)
        var events: [DeadEvent] = []
        while try rows.step() {
            let position = UInt64(rows.int64(3))
            guard let reason = DeadReason(rawValue: UInt16(rows.int64(5))) else {
                throw LedgerFault.damaged("a dead event cannot be read")
            }
            let record = try reader.record(at: position)
            let topic = try record.flatMap { try reader.outline(of: $0)?.topic }
            events.append(
                DeadEvent(
                    subscription: UInt64(rows.int64(0)),
                    agency: rows.string(1),
                    name: rows.string(2),
                    sequence: position,
                    topic: topic ?? "",
                    attempts: UInt32(rows.int64(4)),
                    reason: reason,
                    cause: rows.string(6),
                    at: rows.int64(7)
                )
            )
        }
        return events
    }

    /// Versions of catalogues by agency, newest first; of one agency only if it is given.
    package func catalogues(of agency: String? = nil) throws -> [CatalogueVersion] {
        let rows = try Statement(
            """
            SELECT a.name, c.version, c.source, c.published, c.uid FROM catalogue c
            JOIN agency a ON a.number = c.agency
            WHERE ?1 IS NULL OR a.name = ?1 ORDER BY a.name, c.version DESC
            """,
            on: connection
        )
        if let agency { rows.bind(1, agency) } else { rows.bindNull(1) }
        var versions: [CatalogueVersion] = []
        while try rows.step() {
            versions.append(
                CatalogueVersion(
                    agency: rows.string(0),
                    version: UInt32(rows.int64(1)),
                    source: rows.string(2),
                    published: rows.int64(3),
                    uid: UInt32(truncatingIfNeeded: rows.int64(4))
                )
            )
        }
        return versions
    }
}
