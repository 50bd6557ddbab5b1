// SPDX-License-Identifier: Apache-2.0

internal import Rules
internal import SQLite
internal import Wire

/// A durable subscription as the ledger knows it.
struct SubscriptionRecord {
    let number: UInt64
    let agency: UInt32
    let name: String
    let pattern: TopicPattern
    let ackMilliseconds: Int64
    let attemptsMax: UInt32
    /// Up to here only the last event of each topic counts; 0 if all do.
    let lastUntil: UInt64
    var queue: EventQueue
    /// The floor on disk; may lie behind that of the queue.
    var storedFloor: UInt64
    /// No row of `settled` lies above this position.
    var settledRowsUpTo: UInt64
    /// No row of `failed` lies above this position.
    var failedRowsUpTo: UInt64
}

/// The name of a subscription: unique within its agency.
struct SubscriptionName: Hashable {
    var agency: UInt32
    var name: String
}

/// What the writer holds of topics, durable subscriptions, questions and the catalogue.
///
/// What goes with rows of the transaction under way is undone with it: `mark`, then `keep` or `undo`.
struct EventState {
    /// Topics a ledger admits.
    static let topicsMax: UInt32 = 1_000_000
    /// Topics whose numbers are remembered at most.
    private static let topicsRemembered = 16_384

    let tables: EventTables
    let questionTables: QuestionTables
    let reader: EventReader
    var subscriptions = Undoable<UInt64, SubscriptionRecord>()
    var names = Undoable<SubscriptionName, UInt64>()
    private var nextSubscription: UInt64
    private var topics: [String: UInt32] = [:]
    /// The highest number of a topic; may be too high after a rollback.
    private var highestTopic: UInt32

    /// Subscriptions with members.
    var attached: Set<UInt64> = []
    /// Subscriptions that may have something to hand out.
    var busy: Set<UInt64> = []
    /// Whether a search is under way.
    var isSearching = false
    /// Subscriptions searched for last, so that they come last next time.
    var searched: UInt64 = 0

    var services = Undoable<String, ServiceDesk>()
    /// Services with a question that may be put to somebody.
    var busyServices: Set<String> = []
    /// Open durable questions of an agency.
    var openQuestions = Undoable<UInt32, Int>()
    /// Sessions that asked or repeated an open question.
    var askers: [UInt64: [UInt32]] = [:]
    /// What a committed transaction tells the askers.
    var replies: [QuestionReply] = []
    /// Members to be told that their subscription was forgotten.
    var endings: [(session: UInt32, subscription: UInt64)] = []
    /// When the next deadline passes; nil if no question is open.
    var nextDeadline: Int64?
    private(set) var offers: UInt64 = 0

    var catalogue: CatalogueBook
    /// Whether the courier must be told the policy.
    var isPolicyNew = true
    var retention: [RetentionRule]
    /// The last topic looked at for retention.
    var erasedTopic: UInt32 = 0

    init(_ connection: Connection) throws(LedgerFault) {
        do {
            tables = try EventTables(connection)
            questionTables = try QuestionTables(connection)
            reader = try EventReader(connection)
            nextSubscription = Numbering.durableSubscriptions
            highestTopic = try tables.highestTopic()
            catalogue = try CatalogueBook(connection)
            retention = try RetentionRule.all(connection)
            nextDeadline = try questionTables.firstDeadline()
            for (agency, count) in try questionTables.openCounts() { openQuestions[agency] = count }
            try loadSubscriptions(connection)
        } catch {
            throw LedgerFault(error)
        }
    }

    private mutating func loadSubscriptions(_ connection: Connection) throws {
        let rows = try Statement(
            """
            SELECT number, agency, name, pattern, ack, attempts, floor, last,
                (SELECT max(position) FROM settled WHERE subscription = number),
                (SELECT max(position) FROM failed WHERE subscription = number)
            FROM subscription ORDER BY number
            """,
            on: connection
        )
        while try rows.step() {
            guard let pattern = try? TopicPattern(rows.string(3)) else {
                throw LedgerFault.damaged("the pattern of subscription \(rows.int64(0))")
            }
            add(
                SubscriptionRecord(
                    number: UInt64(rows.int64(0)),
                    agency: UInt32(rows.int64(1)),
                    name: rows.string(2),
                    pattern: pattern,
                    ackMilliseconds: rows.int64(4),
                    attemptsMax: UInt32(rows.int64(5)),
                    lastUntil: UInt64(rows.int64(7)),
                    queue: EventQueue(floor: UInt64(rows.int64(6))),
                    storedFloor: UInt64(rows.int64(6)),
                    settledRowsUpTo: UInt64(rows.int64(8)),
                    failedRowsUpTo: UInt64(rows.int64(9))
                )
            )
        }
    }

    // MARK: Adding

    /// The number the next subscription gets; numbers are not used again while the daemon runs.
    mutating func takeSubscriptionNumber() -> UInt64 {
        defer { nextSubscription += 1 }
        return nextSubscription
    }

    mutating func takeOfferNumber() -> UInt64 {
        offers += 1
        return offers
    }

    mutating func add(_ record: SubscriptionRecord) {
        subscriptions[record.number] = record
        names[SubscriptionName(agency: record.agency, name: record.name)] = record.number
        nextSubscription = max(nextSubscription, record.number + 1)
    }

    mutating func remove(_ record: SubscriptionRecord) {
        subscriptions[record.number] = nil
        names[SubscriptionName(agency: record.agency, name: record.name)] = nil
        attached.remove(record.number)
        busy.remove(record.number)
    }

    /// Notes that a subscription may have something to hand out.
    mutating func wake(_ number: UInt64) {
        if attached.contains(number) { busy.insert(number) }
    }

    /// The number of a topic, written down if it is new; nil if there are too many.
    mutating func topicNumber(_ name: String) throws(SQLiteFault) -> UInt32? {
        if let known = topics[name] { return known }
        let number: UInt32
        if let found = try tables.topic(name) {
            number = found
        } else {
            guard highestTopic < Self.topicsMax else { return nil }
            number = try tables.insertTopic(name)
            highestTopic = number
        }
        if topics.count >= Self.topicsRemembered { topics.removeAll(keepingCapacity: true) }
        topics[name] = number
        return number
    }

    // MARK: Undoing

    mutating func mark() {
        subscriptions.mark()
        names.mark()
        services.mark()
        openQuestions.mark()
    }

    mutating func keep() {
        subscriptions.keep()
        names.keep()
        services.keep()
        openQuestions.keep()
    }

    mutating func undo() {
        subscriptions.undo()
        names.undo()
        services.undo()
        openQuestions.undo()
        replies.removeAll()
        endings.removeAll()
        topics.removeAll(keepingCapacity: true)
        attached = Set(
            subscriptions.values.values.filter { !$0.queue.sessions.isEmpty }.map(\.number)
        )
        busy = attached
    }
}
