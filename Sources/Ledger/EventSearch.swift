// SPDX-License-Identifier: Apache-2.0

package import Rules
internal import SQLite
internal import Wire

/// What the durable subscriptions want to be searched for, in groups that stand at one position.
package struct EventSearch: Sendable {
    /// A durable subscription that looks for events.
    struct Seeker: Sendable {
        var number: UInt64
        var pattern: TopicPattern
        var agency: String
        /// Up to here only the last event of each topic counts; 0 if all do.
        var lastUntil: UInt64
    }

    /// Seekers that stand at one position.
    struct Group: Sendable {
        var after: UInt64
        var seekers: [Seeker]
    }

    /// Position of the last record on disk.
    var head: UInt64
    var groups: [Group]
    var policy: UsePolicy
}

/// What was found for one subscription.
package struct EventFinding: Sendable {
    var number: UInt64
    /// The position behind which was searched.
    var after: UInt64
    /// The position up to which was searched.
    var upTo: UInt64
    /// In order of position.
    var found: [Found]
}

/// Searches the journal on a read-only connection of its own, beside the writer.
///
/// Event thread only.
package final class EventSearcher {
    /// Events found for a subscription in one search at most.
    static let foundMax = 512
    /// Records read in one pass at most, so that no subscription waits long for the replay of another.
    static let recordsMax = 8_192
    /// Bytes of a feed above which it is closed.
    static let feedBytesMax = 1 << 20

    private let reader: EventReader
    private let lastStatement: Statement

    /// Opens the ledger's file for reading.
    ///
    /// - Throws: `LedgerFault.storage`.
    package init(path: String) throws(LedgerFault) {
        do {
            let connection = try Connection(path: path, access: .readOnly)
            connection.setBusyTimeout(milliseconds: 5_000)
            try connection.execute("PRAGMA query_only = 1")
            reader = try EventReader(connection)
            lastStatement = try Statement(
                """
                SELECT t.name, (SELECT max(p.position) FROM published p
                    WHERE p.topic = t.number AND p.position <= ?) FROM topic t
                """,
                on: connection
            )
        } catch {
            throw LedgerFault(error)
        }
    }

    /// Searches for every group, each in one pass.
    ///
    /// - Throws: `LedgerFault.storage` if the ledger cannot be read.
    package func run(_ search: EventSearch) throws(LedgerFault) -> [EventFinding] {
        var findings: [EventFinding] = []
        do throws(SQLiteFault) {
            for group in search.groups {
                var together: [EventSearch.Seeker] = []
                for seeker in group.seekers {
                    guard group.after < seeker.lastUntil else {
                        together.append(seeker)
                        continue
                    }
                    findings.append(try last(seeker, after: group.after, search.policy))
                }
                findings += try pass(together, after: group.after, search)
            }
        } catch {
            throw LedgerFault(error)
        }
        return findings
    }

    private func pass(
        _ seekers: [EventSearch.Seeker],
        after: UInt64,
        _ search: EventSearch
    ) throws(SQLiteFault) -> [EventFinding] {
        guard !seekers.isEmpty else { return [] }
        var found = [[Found]](repeating: [], count: seekers.count)
        /// Seekers by the number of a topic that concerns them.
        var hearers: [UInt32: [Int]] = [:]
        let cases = seekers.indices.filter { seekers[$0].pattern.mayConcernCases }
        let end = try reader.scan(after: after, upTo: search.head, limit: Self.recordsMax) {
            record throws(SQLiteFault) in
            let places: [Int]
            if record.act == .published {
                if let known = hearers[record.topic] {
                    places = known
                } else {
                    let topic = try reader.outline(of: record)?.topic ?? ""
                    places = seekers.indices.filter { place in
                        seekers[place].pattern.matches(topic)
                            && search.policy.mayHear(topic, by: seekers[place].agency)
                    }
                    hearers[record.topic] = places
                }
                guard !places.isEmpty else { return true }
                guard try reader.hasContent(record.position) else {
                    for place in places { found[place].appendErased(record.position) }
                    return places.allSatisfy { found[$0].count < Self.foundMax }
                }
            } else {
                guard !cases.isEmpty, record.serial != 0,
                    let outline = try reader.outline(of: record)
                else { return true }
                places = cases.filter { place in
                    seekers[place].pattern.matches(outline.topic)
                        && search.policy.mayHear(
                            actConcerning: outline.concerned ?? [],
                            by: seekers[place].agency
                        )
                }
            }
            let key = EventKey(position: record.position, serial: record.serial)
            for place in places { found[place].append(.event(key)) }
            return places.allSatisfy { found[$0].count < Self.foundMax }
        }
        return seekers.indices.map { place in
            EventFinding(
                number: seekers[place].number,
                after: after,
                upTo: end,
                found: found[place]
            )
        }
    }

    /// The last event of each topic, as of the start of the subscription.
    private func last(
        _ seeker: EventSearch.Seeker,
        after: UInt64,
        _ policy: UsePolicy
    ) throws(SQLiteFault) -> EventFinding {
        defer { lastStatement.reset() }
        lastStatement.bind(1, Int64(bitPattern: seeker.lastUntil))
        var positions: [UInt64] = []
        while try lastStatement.step() {
            let position = UInt64(bitPattern: lastStatement.int64(1))
            let topic = lastStatement.string(0)
            guard position > after, seeker.pattern.matches(topic),
                policy.mayHear(topic, by: seeker.agency)
            else { continue }
            positions.append(position)
        }
        positions.sort()
        let taken = positions.prefix(Self.foundMax)
        return EventFinding(
            number: seeker.number,
            after: after,
            upTo: taken.count < positions.count ? taken.last ?? after : seeker.lastUntil,
            found: taken.map { .event(EventKey(position: $0, serial: 0)) }
        )
    }

    // MARK: The feed

    /// The events behind a position for the live subscriptions, up to the limits of a feed.
    ///
    /// - Returns: The events, and the position up to which they are all.
    package func feed(
        after position: UInt64,
        upTo head: UInt64
    ) throws(LedgerFault) -> (feed: Feed, upTo: UInt64) {
        var feed = Feed()
        do {
            let end = try reader.scan(after: position, upTo: head, limit: Self.recordsMax) {
                record throws(SQLiteFault) in
                guard let outline = try reader.outline(of: record) else { return true }
                _ = try reader.withEvent(record, outline) { header, envelope, body in
                    feed.append(
                        header,
                        topic: outline.topic,
                        concerned: outline.concerned,
                        envelope: envelope,
                        body: body
                    )
                }
                return feed.items.count < Self.foundMax && feed.bytes.count < Self.feedBytesMax
            }
            return (feed, end)
        } catch {
            throw LedgerFault(error)
        }
    }
}

extension [Found] {
    /// Notes an event whose content was erased; those in a row become one run.
    fileprivate mutating func appendErased(_ position: UInt64) {
        guard case .erased(var run) = last else { return append(.erased(ErasedRun(at: position))) }
        run.last = position
        run.count = run.count == .max ? .max : run.count + 1
        self[count - 1] = .erased(run)
    }
}
