// SPDX-License-Identifier: Apache-2.0

internal import Rules
internal import SQLite
internal import Wire

/// Keys, suspensions, rules, roles and quotas: their rows, and the value made of them.
///
/// Changed by operators only, so after every change the value is read anew from the rows. Ledger
/// thread only.
struct AccessBook {
    /// As the rows have it.
    private(set) var access: Access
    /// Whether the courier has yet to be told.
    var hasNews = true
    /// Whether the running transaction has changed rows.
    private var isTouched = false
    /// Rises with every change since the start; what was judged under an earlier one is judged
    /// again.
    private(set) var epoch: UInt64 = 1
    private let connection: Connection
    private let insertConnection: Statement

    /// Keys a ledger admits, revoked ones included.
    static let keysMax = 65_536
    /// Rules a ledger admits.
    static let rulesMax = 10_000

    init(_ connection: Connection) throws(SQLiteFault) {
        self.connection = connection
        access = try AccessRows(connection).access()
        access.epoch = epoch
        insertConnection = try Statement(
            "INSERT INTO connection (number, key, opened, address, program) VALUES (?, ?, ?, ?, ?)",
            on: connection
        )
    }

    /// Writes down who opened a connection, so that what it does can be traced to its key.
    func note(
        connection number: UInt64,
        key: UInt32,
        at instant: Int64,
        address: String,
        program: String
    ) throws(SQLiteFault) {
        insertConnection.bind(1, Int64(number))
        insertConnection.bind(2, Int64(key))
        insertConnection.bind(3, instant)
        insertConnection.bind(4, address)
        insertConnection.bind(5, program)
        try insertConnection.run()
    }

    /// Runs a statement that changes rows, with values for its parameters, and reads all anew.
    ///
    /// - Returns: How many rows it changed.
    mutating func change(
        _ sql: String,
        _ values: [AccessValue]
    ) throws(SQLiteFault) -> Int {
        isTouched = true
        let statement = try Statement(sql, on: connection)
        for (place, value) in values.enumerated() {
            switch value {
            case .number(let number): statement.bind(Int32(place + 1), number)
            case .text(let text): statement.bind(Int32(place + 1), text)
            case .bytes(let bytes): statement.bind(Int32(place + 1), copying: bytes)
            }
        }
        try statement.run()
        let count = connection.changes
        access = try AccessRows(connection).access()
        access.epoch = epoch
        return count
    }

    /// What is judged by the policy has changed, though the policy has not.
    mutating func touch() { isTouched = true }

    /// The transaction was committed.
    mutating func settle() {
        guard isTouched else { return }
        isTouched = false
        epoch += 1
        access.epoch = epoch
        hasNews = true
    }

    /// The transaction, or the operation, was rolled back.
    mutating func rewind() throws(SQLiteFault) {
        guard isTouched else { return }
        isTouched = false
        access = try AccessRows(connection).access()
        access.epoch = epoch
    }
}

/// A value for a parameter.
enum AccessValue {
    case number(Int64)
    case text(String)
    case bytes([UInt8])
}

/// Reads the rows of who may come in; for the writer and for readers beside it.
struct AccessRows {
    let connection: Connection

    init(_ connection: Connection) { self.connection = connection }

    /// All of it as one value; its epoch is 0.
    func access() throws(SQLiteFault) -> Access {
        var access = Access()
        for key in try keys() { access.enrol(key.enrolled) }
        let suspensions = try Statement(
            "SELECT a.name FROM suspension s JOIN agency a ON a.number = s.agency",
            on: connection
        )
        while try suspensions.step() { access.suspended.insert(suspensions.string(0)) }
        if let rules = try rules() { access.policy = Policy(rules: rules, roles: try roles()) }
        access.quotas = try quotas()
        return access
    }

    /// A key with what operators want to know of it.
    struct Key {
        var enrolled: EnrolledKey
        var enrolledAt: Int64
        var note: String
    }

    /// All keys, in order of enrolment.
    func keys() throws(SQLiteFault) -> [Key] {
        let rows = try Statement(
            """
            SELECT k.number, a.name, k.public, k.begins, k.ends, k.revoked, k.enrolled, k.note
            FROM key k JOIN agency a ON a.number = k.agency ORDER BY k.number
            """,
            on: connection
        )
        var keys: [Key] = []
        while try rows.step() {
            // A row that is no key lets nobody in.
            guard let publicKey = PublicKey(rows.bytes(2)) else { continue }
            keys.append(
                Key(
                    enrolled: EnrolledKey(
                        number: UInt32(truncatingIfNeeded: rows.int64(0)),
                        agency: rows.string(1),
                        publicKey: publicKey,
                        begins: rows.int64(3),
                        ends: rows.int64(4),
                        isRevoked: rows.int64(5) != 0
                    ),
                    enrolledAt: rows.int64(6),
                    note: rows.string(7)
                )
            )
        }
        return keys
    }

    /// All rules by number; nil if one cannot be read.
    ///
    /// They were checked when they were written. To pass over one that forbids would allow.
    func rules() throws(SQLiteFault) -> [PolicyRule]? {
        let rows = try Statement(
            "SELECT number, subject, right, pattern, allowed FROM rule ORDER BY number",
            on: connection
        )
        var rules: [PolicyRule] = []
        while try rows.step() {
            guard let right = Right(rawValue: UInt8(truncatingIfNeeded: rows.int64(2))),
                let pattern = RightPattern(rows.string(3), for: right),
                let subject = PolicySubject(text: rows.string(1)),
                let ceiling = PolicyRule.ceiling(stored: rows.int64(4))
            else { return nil }
            rules.append(
                PolicyRule(
                    number: UInt32(truncatingIfNeeded: rows.int64(0)),
                    subject: subject,
                    right: right,
                    pattern: pattern,
                    isAllowed: rows.int64(4) != 0,
                    ceiling: ceiling
                )
            )
        }
        return rules
    }

    /// The roles of each agency.
    func roles() throws(SQLiteFault) -> [String: Set<String>] {
        let rows = try Statement(
            "SELECT a.name, r.name FROM role r JOIN agency a ON a.number = r.agency",
            on: connection
        )
        var roles: [String: Set<String>] = [:]
        while try rows.step() { roles[rows.string(0), default: []].insert(rows.string(1)) }
        return roles
    }

    private func quotas() throws(SQLiteFault) -> [String: Quota] {
        let rows = try Statement(
            """
            SELECT a.name, q.sessions, q.operations, q.bytes, q.subscriptions, q.questions,
                q.cases, q.queued
            FROM quota q JOIN agency a ON a.number = q.agency
            """,
            on: connection
        )
        var quotas: [String: Quota] = [:]
        while try rows.step() {
            quotas[rows.string(0)] = Quota(
                sessions: UInt32(clamping: rows.int64(1)),
                operations: UInt32(clamping: rows.int64(2)),
                bytes: UInt64(clamping: rows.int64(3)),
                subscriptions: UInt32(clamping: rows.int64(4)),
                questions: UInt32(clamping: rows.int64(5)),
                openCases: UInt64(clamping: rows.int64(6)),
                queuedBytes: UInt64(clamping: rows.int64(7))
            )
        }
        return quotas
    }
}

extension PolicyRule {
    /// What `rule.allowed` holds: 0 forbids, 1 allows up to `restricted`, 2 `public`, 3 `secret`,
    /// 4 `top-secret`.
    ///
    /// Rules from before there were ceilings hold 0 and 1.
    private static let stored: [Int64: Classification] = [
        1: .restricted, 2: .public, 3: .secret, 4: .topSecret,
    ]

    /// The ceiling of a row, or nil if it is none.
    ///
    /// That of a rule that forbids means nothing.
    static func ceiling(stored number: Int64) -> Classification? {
        number == 0 ? .restricted : stored[number]
    }

    /// What `rule.allowed` holds for a rule.
    static func stored(isAllowed: Bool, ceiling: Classification) -> Int64 {
        guard isAllowed else { return 0 }
        return stored.first { $0.value == ceiling }?.key ?? 0
    }
}
