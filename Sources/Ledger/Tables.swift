// SPDX-License-Identifier: Apache-2.0

internal import Rules
internal import SQLite
internal import Wire

/// The statements of the hot path, prepared once: one method a row operation, no policy.
///
/// Ledger thread only. Every method throws `SQLiteFault`; the caller decides what a fault means.
struct Tables {
    /// The ready queue.
    let ready: ReadyRows
    private let beginStatement: Statement
    private let beginReadingStatement: Statement
    private let commitStatement: Statement
    private let insertDelayedStatement: Statement
    private let deleteDelayedStatement: Statement
    private let dueDelayedStatement: Statement
    private let firstDelayedStatement: Statement
    private let delayedOneStatement: Statement
    private let insertCustodyStatement: Statement
    private let custodyStatement: Statement
    private let deleteCustodyStatement: Statement
    private let insertDeadStatement: Statement
    private let deadStatement: Statement
    private let deleteDeadStatement: Statement
    private let insertFileStatement: Statement
    private let fileStatement: Statement
    private let insertCaseStatement: Statement
    private let caseStatement: Statement
    private let serialStatement: Statement
    private let closeCaseStatement: Statement
    private let insertSubmissionStatement: Statement
    private let submissionStatement: Statement
    private let setItineraryStatement: Statement
    private let itineraryStatement: Statement
    private let insertForkStatement: Statement
    private let forkStatement: Statement
    private let arriveStatement: Statement
    private let shrinkForkStatement: Statement
    private let deleteForkStatement: Statement
    private let deleteForksStatement: Statement
    private let insertContentStatement: Statement
    private let insertEventContentStatement: Statement
    private let tallyStatement: Statement
    private let countOfficeStatement: Statement

    init(_ connection: Connection) throws(SQLiteFault) {
        func prepare(_ sql: String) throws(SQLiteFault) -> Statement {
            try Statement(sql, on: connection)
        }
        ready = try ReadyRows(connection)
        beginStatement = try prepare("BEGIN IMMEDIATE")
        beginReadingStatement = try prepare("BEGIN")
        commitStatement = try prepare("COMMIT")
        insertDelayedStatement = try prepare(
            """
            INSERT INTO delayed (until, referral, office, lane, serial, slip)
            VALUES (?, ?, ?, ?, ?, ?)
            """
        )
        deleteDelayedStatement = try prepare(
            "DELETE FROM delayed WHERE until = ? AND referral = ?"
        )
        dueDelayedStatement = try prepare(
            """
            SELECT until, referral, office, lane, serial, slip FROM delayed
            WHERE until <= ? ORDER BY until, referral LIMIT ?
            """
        )
        firstDelayedStatement = try prepare("SELECT min(until) FROM delayed")
        delayedOneStatement = try prepare("SELECT until FROM delayed WHERE referral = ?")
        insertCustodyStatement = try prepare(
            """
            INSERT INTO custody (referral, office, lane, serial, slip, accepted)
            VALUES (?, ?, ?, ?, ?, ?)
            """
        )
        custodyStatement = try prepare(
            "SELECT office, lane, serial, slip FROM custody WHERE referral = ?"
        )
        deleteCustodyStatement = try prepare("DELETE FROM custody WHERE referral = ?")
        insertDeadStatement = try prepare(
            """
            INSERT INTO dead (referral, office, lane, serial, slip, reason, cause, at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """
        )
        deadStatement = try prepare(
            "SELECT office, lane, serial, slip FROM dead WHERE referral = ?"
        )
        deleteDeadStatement = try prepare("DELETE FROM dead WHERE referral = ?")
        insertFileStatement = try prepare(
            "INSERT INTO file (serial, id, envelope, body) VALUES (?, ?, ?, ?)"
        )
        fileStatement = try prepare(
            """
            SELECT f.id, f.envelope, f.body, c.itinerary
            FROM file f CROSS JOIN cases c ON c.serial = f.serial WHERE f.serial = ?
            """
        )
        insertCaseStatement = try prepare(
            """
            INSERT INTO cases
                (serial, id, procedure, agency, opened, due, closed, result, itinerary)
            VALUES (?, ?, ?, ?, ?, ?, 0, '', ?)
            """
        )
        caseStatement = try prepare(
            """
            SELECT id, procedure, agency, opened, due, closed, result, erased FROM cases
            WHERE serial = ?
            """
        )
        serialStatement = try prepare("SELECT serial FROM cases WHERE id = ?")
        closeCaseStatement = try prepare(
            "UPDATE cases SET closed = ?, result = ? WHERE serial = ?"
        )
        insertSubmissionStatement = try prepare(
            "INSERT OR IGNORE INTO submission (agency, key, position) VALUES (?, ?, ?)"
        )
        submissionStatement = try prepare(
            "SELECT position FROM submission WHERE agency = ? AND key = ?"
        )
        setItineraryStatement = try prepare(
            "UPDATE cases SET itinerary = ? WHERE serial = ?"
        )
        itineraryStatement = try prepare("SELECT itinerary FROM cases WHERE serial = ?")
        insertForkStatement = try prepare(
            """
            INSERT INTO fork (number, serial, parent, step, need, branches, arrived)
            VALUES (?, ?, ?, ?, ?, ?, 0)
            """
        )
        forkStatement = try prepare(
            "SELECT parent, step, need, branches, arrived FROM fork WHERE number = ?"
        )
        arriveStatement = try prepare("UPDATE fork SET arrived = arrived + 1 WHERE number = ?")
        shrinkForkStatement = try prepare(
            "UPDATE fork SET need = min(need, branches - 1), branches = branches - 1 WHERE number = ?"
        )
        deleteForkStatement = try prepare("DELETE FROM fork WHERE number = ?")
        deleteForksStatement = try prepare("DELETE FROM fork WHERE serial = ?")
        insertContentStatement = try prepare(
            "INSERT INTO content (position, envelope, body) VALUES (?, ?, ?)"
        )
        insertEventContentStatement = try prepare(
            "INSERT INTO event_content (position, envelope, body) VALUES (?, ?, ?)"
        )
        tallyStatement = try prepare("UPDATE tally SET closed = closed + ?, erased = erased + ?")
        countOfficeStatement = try prepare(
            """
            UPDATE office SET waiting = waiting + ?, delayed = delayed + ?,
                custody = custody + ?, dead = dead + ? WHERE number = ?
            """
        )
    }

    func begin() throws(SQLiteFault) { try beginStatement.run() }

    /// Begins a transaction that only reads; ended by `commit`, which then writes nothing.
    ///
    /// Without one, every statement locks and unlocks the log's index by system calls of its own.
    func beginReading() throws(SQLiteFault) { try beginReadingStatement.run() }

    func commit() throws(SQLiteFault) { try commitStatement.run() }

    // MARK: Queues

    func insertDelayed(_ referral: Referral, until: Int64) throws(SQLiteFault) {
        try withSlip(of: referral) { slip throws(SQLiteFault) in
            insertDelayedStatement.bind(1, until)
            insertDelayedStatement.bind(2, Int64(referral.number))
            insertDelayedStatement.bind(3, Int64(referral.office))
            insertDelayedStatement.bind(4, Int64(referral.lane))
            insertDelayedStatement.bind(5, Int64(referral.serial))
            insertDelayedStatement.bind(6, slip)
            try insertDelayedStatement.run()
        }
    }

    func deleteDelayed(_ number: UInt64, until: Int64) throws(SQLiteFault) {
        deleteDelayedStatement.bind(1, until)
        deleteDelayedStatement.bind(2, Int64(number))
        try deleteDelayedStatement.run()
    }

    /// Up to `limit` referrals whose pause is over, with the instants they waited for.
    func delayed(
        until instant: Int64,
        limit: Int
    ) throws(SQLiteFault) -> [(referral: Referral, until: Int64)] {
        defer { dueDelayedStatement.reset() }
        dueDelayedStatement.bind(1, instant)
        dueDelayedStatement.bind(2, Int64(limit))
        var found: [(Referral, Int64)] = []
        while try dueDelayedStatement.step() {
            let referral = Self.row(
                dueDelayedStatement,
                number: 1,
                office: UInt32(dueDelayedStatement.int64(2)),
                lane: UInt8(dueDelayedStatement.int64(3)),
                serial: 4,
                slip: 5
            )
            found.append((referral, dueDelayedStatement.int64(0)))
        }
        return found
    }

    /// When the next pause ends, or nil if nothing is delayed.
    func firstDelayed() throws(SQLiteFault) -> Int64? {
        defer { firstDelayedStatement.reset() }
        guard try firstDelayedStatement.step(), !firstDelayedStatement.isNull(0) else { return nil }
        return firstDelayedStatement.int64(0)
    }

    /// Until when a referral is delayed, or nil if it is not.
    ///
    /// Reads the whole table; for branches that are withdrawn, which is rare.
    func delay(of number: UInt64) throws(SQLiteFault) -> Int64? {
        defer { delayedOneStatement.reset() }
        delayedOneStatement.bind(1, Int64(number))
        return try delayedOneStatement.step() ? delayedOneStatement.int64(0) : nil
    }

    func insertCustody(_ referral: Referral, accepted: Int64) throws(SQLiteFault) {
        try withSlip(of: referral) { slip throws(SQLiteFault) in
            insertCustodyStatement.bind(1, Int64(referral.number))
            insertCustodyStatement.bind(2, Int64(referral.office))
            insertCustodyStatement.bind(3, Int64(referral.lane))
            insertCustodyStatement.bind(4, Int64(referral.serial))
            insertCustodyStatement.bind(5, slip)
            insertCustodyStatement.bind(6, accepted)
            try insertCustodyStatement.run()
        }
    }

    func custody(_ number: UInt64) throws(SQLiteFault) -> Referral? {
        try held(custodyStatement, number)
    }

    func deleteCustody(_ number: UInt64) throws(SQLiteFault) {
        deleteCustodyStatement.bind(1, Int64(number))
        try deleteCustodyStatement.run()
    }

    func insertDead(
        _ referral: Referral,
        reason: DeadReason,
        cause: String,
        at instant: Int64
    ) throws(SQLiteFault) {
        try withSlip(of: referral) { slip throws(SQLiteFault) in
            insertDeadStatement.bind(1, Int64(referral.number))
            insertDeadStatement.bind(2, Int64(referral.office))
            insertDeadStatement.bind(3, Int64(referral.lane))
            insertDeadStatement.bind(4, Int64(referral.serial))
            insertDeadStatement.bind(5, slip)
            insertDeadStatement.bind(6, Int64(reason.rawValue))
            insertDeadStatement.bind(7, cause)
            insertDeadStatement.bind(8, instant)
            try insertDeadStatement.run()
        }
    }

    func dead(_ number: UInt64) throws(SQLiteFault) -> Referral? {
        try held(deadStatement, number)
    }

    func deleteDead(_ number: UInt64) throws(SQLiteFault) {
        deleteDeadStatement.bind(1, Int64(number))
        try deleteDeadStatement.run()
    }

    // MARK: Cases

    func insertFile(
        _ serial: UInt64,
        id: Identifier,
        envelope: UnsafeRawBufferPointer,
        body: UnsafeRawBufferPointer
    ) throws(SQLiteFault) {
        try withBytes(of: id) { id throws(SQLiteFault) in
            insertFileStatement.bind(1, Int64(serial))
            insertFileStatement.bind(2, id)
            insertFileStatement.bind(3, envelope)
            insertFileStatement.bind(4, body)
            try insertFileStatement.run()
        }
    }

    /// Lends the id, envelope, body and itinerary of a case; nil if there is none.
    func withFile<Result>(
        _ serial: UInt64,
        _ use: (Identifier, UnsafeRawBufferPointer, UnsafeRawBufferPointer, [UInt32]) -> Result
    ) throws(SQLiteFault) -> Result? {
        defer { fileStatement.reset() }
        fileStatement.bind(1, Int64(serial))
        guard try fileStatement.step() else { return nil }
        let id = Self.identifier(fileStatement, 0)
        return use(
            id,
            fileStatement.blob(1),
            fileStatement.blob(2),
            Self.offices(fileStatement.blob(3))
        )
    }

    func insertCase(_ row: CaseRow) throws(SQLiteFault) {
        try withBytes(of: row.id) { id throws(SQLiteFault) in
            insertCaseStatement.bind(1, Int64(row.serial))
            insertCaseStatement.bind(2, id)
            insertCaseStatement.bind(3, Int64(row.procedure))
            insertCaseStatement.bind(4, Int64(row.agency))
            insertCaseStatement.bind(5, row.opened)
            insertCaseStatement.bind(6, row.due)
            insertCaseStatement.bind(7, copying: Self.bytes(of: row.itinerary))
            try insertCaseStatement.run()
        }
    }

    func caseRow(_ serial: UInt64) throws(SQLiteFault) -> CaseRow? {
        defer { caseStatement.reset() }
        caseStatement.bind(1, Int64(bitPattern: serial))
        guard try caseStatement.step() else { return nil }
        return CaseRow(
            serial: serial,
            id: Self.identifier(caseStatement, 0),
            procedure: UInt32(caseStatement.int64(1)),
            agency: UInt32(caseStatement.int64(2)),
            opened: caseStatement.int64(3),
            due: caseStatement.int64(4),
            closed: caseStatement.int64(5),
            result: caseStatement.string(6),
            erased: caseStatement.int64(7)
        )
    }

    func serial(of id: Identifier) throws(SQLiteFault) -> UInt64? {
        try withBytes(of: id) { bytes throws(SQLiteFault) in
            defer { serialStatement.reset() }
            serialStatement.bind(1, bytes)
            return try serialStatement.step() ? UInt64(serialStatement.int64(0)) : nil
        }
    }

    /// Closes a case, or opens it again with `closed` 0 and an empty result.
    func closeCase(_ serial: UInt64, at closed: Int64, result: String) throws(SQLiteFault) {
        closeCaseStatement.bind(1, closed)
        closeCaseStatement.bind(2, result)
        closeCaseStatement.bind(3, Int64(serial))
        try closeCaseStatement.run()
    }

    /// Keeps an idempotency key; false if the agency has used it before.
    func insertSubmission(
        agency: UInt32,
        key: Identifier,
        position: UInt64,
        on connection: Connection
    ) throws(SQLiteFault) -> Bool {
        try withBytes(of: key) { bytes throws(SQLiteFault) in
            insertSubmissionStatement.bind(1, Int64(agency))
            insertSubmissionStatement.bind(2, bytes)
            insertSubmissionStatement.bind(3, Int64(position))
            try insertSubmissionStatement.run()
        }
        return connection.changes == 1
    }

    func submission(agency: UInt32, key: Identifier) throws(SQLiteFault) -> UInt64? {
        try withBytes(of: key) { bytes throws(SQLiteFault) in
            defer { submissionStatement.reset() }
            submissionStatement.bind(1, Int64(agency))
            submissionStatement.bind(2, bytes)
            return try submissionStatement.step() ? UInt64(submissionStatement.int64(0)) : nil
        }
    }

    func setItinerary(_ serial: UInt64, _ offices: [UInt32]) throws(SQLiteFault) {
        setItineraryStatement.bind(1, copying: Self.bytes(of: offices))
        setItineraryStatement.bind(2, Int64(serial))
        try setItineraryStatement.run()
    }

    private static func bytes(of offices: [UInt32]) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: offices.count * 4)
        bytes.withUnsafeMutableBytes { bytes in
            for (place, office) in offices.enumerated() {
                bytes.storeBigEndian(office, at: place * 4)
            }
        }
        return bytes
    }

    /// The offices of a case's itinerary in order; empty if it has none.
    func itinerary(_ serial: UInt64) throws(SQLiteFault) -> [UInt32] {
        defer { itineraryStatement.reset() }
        itineraryStatement.bind(1, Int64(serial))
        guard try itineraryStatement.step() else { return [] }
        return Self.offices(itineraryStatement.blob(0))
    }

    private static func offices(_ bytes: UnsafeRawBufferPointer) -> [UInt32] {
        stride(from: 0, to: bytes.count & ~3, by: 4).map { bytes.bigEndian(at: $0) }
    }

    // MARK: Forks

    func insertFork(_ fork: ForkRow, serial: UInt64) throws(SQLiteFault) {
        insertForkStatement.bind(1, Int64(fork.number))
        insertForkStatement.bind(2, Int64(serial))
        insertForkStatement.bind(3, Int64(fork.parent))
        insertForkStatement.bind(4, Int64(fork.step.rawValue))
        insertForkStatement.bind(5, Int64(fork.need))
        insertForkStatement.bind(6, Int64(fork.branches))
        try insertForkStatement.run()
    }

    func fork(_ number: UInt64) throws(SQLiteFault) -> ForkRow? {
        defer { forkStatement.reset() }
        forkStatement.bind(1, Int64(number))
        guard try forkStatement.step() else { return nil }
        return ForkRow(
            number: number,
            parent: UInt64(forkStatement.int64(0)),
            step: StepNumber(rawValue: UInt32(forkStatement.int64(1))),
            need: Int(forkStatement.int64(2)),
            branches: Int(forkStatement.int64(3)),
            arrived: Int(forkStatement.int64(4))
        )
    }

    func arrive(at fork: UInt64) throws(SQLiteFault) {
        arriveStatement.bind(1, Int64(fork))
        try arriveStatement.run()
    }

    /// Takes a branch that will never arrive out of a fork.
    func shrinkFork(_ number: UInt64) throws(SQLiteFault) {
        shrinkForkStatement.bind(1, Int64(number))
        try shrinkForkStatement.run()
    }

    func deleteFork(_ number: UInt64) throws(SQLiteFault) {
        deleteForkStatement.bind(1, Int64(number))
        try deleteForkStatement.run()
    }

    func deleteForks(of serial: UInt64) throws(SQLiteFault) {
        deleteForksStatement.bind(1, Int64(serial))
        try deleteForksStatement.run()
    }

    // MARK: Content and counts

    /// Keeps the content of an act.
    func insertContent(
        _ position: UInt64,
        envelope: UnsafeRawBufferPointer,
        body: UnsafeRawBufferPointer
    ) throws(SQLiteFault) {
        try insert(insertContentStatement, position, envelope, body)
    }

    /// Keeps the content of an event, a question or an answer.
    func insertEventContent(
        _ position: UInt64,
        envelope: UnsafeRawBufferPointer,
        body: UnsafeRawBufferPointer
    ) throws(SQLiteFault) {
        try insert(insertEventContentStatement, position, envelope, body)
    }

    private func insert(
        _ statement: Statement,
        _ position: UInt64,
        _ envelope: UnsafeRawBufferPointer,
        _ body: UnsafeRawBufferPointer
    ) throws(SQLiteFault) {
        statement.bind(1, Int64(position))
        statement.bind(2, envelope)
        statement.bind(3, body)
        try statement.run()
    }

    /// Adds what a batch changed to the counts of cases.
    func count(_ change: CaseTally) throws(SQLiteFault) {
        tallyStatement.bind(1, Int64(change.closed))
        tallyStatement.bind(2, Int64(change.erased))
        try tallyStatement.run()
    }

    /// Adds what a batch changed to an office's counts.
    func count(_ change: OfficeCounts, office: UInt32) throws(SQLiteFault) {
        countOfficeStatement.bind(1, Int64(change.waiting))
        countOfficeStatement.bind(2, Int64(change.delayed))
        countOfficeStatement.bind(3, Int64(change.custody))
        countOfficeStatement.bind(4, Int64(change.dead))
        countOfficeStatement.bind(5, Int64(office))
        try countOfficeStatement.run()
    }

    // MARK: Rows

    private static func identifier(_ statement: Statement, _ column: Int32) -> Identifier {
        let bytes = statement.blob(column)
        return bytes.count == 16
            ? Identifier(high: bytes.bigEndian(at: 0), low: bytes.bigEndian(at: 8)) : .none
    }

    private func held(
        _ statement: Statement,
        _ number: UInt64
    ) throws(SQLiteFault) -> Referral? {
        defer { statement.reset() }
        statement.bind(1, Int64(bitPattern: number))
        guard try statement.step() else { return nil }
        let office = UInt32(statement.int64(0))
        let lane = UInt8(statement.int64(1))
        let serial = UInt64(statement.int64(2))
        return Referral(
            number: number,
            serial: serial,
            office: office,
            lane: lane,
            slip: statement.blob(3)
        )
    }

    static func row(
        _ statement: Statement,
        number: Int32,
        office: UInt32,
        lane: UInt8,
        serial: Int32,
        slip: Int32
    ) -> Referral {
        let number = UInt64(statement.int64(number))
        let serial = UInt64(statement.int64(serial))
        let referral = Referral(
            number: number,
            serial: serial,
            office: office,
            lane: lane,
            slip: statement.blob(slip)
        )
        guard let referral else {
            preconditionFailure("the slip of referral \(number) has another length than written")
        }
        return referral
    }

    private func withSlip(
        of referral: Referral,
        _ use: (UnsafeRawBufferPointer) throws(SQLiteFault) -> Void
    ) throws(SQLiteFault) {
        var slip = (
            UInt64(0), UInt64(0), UInt64(0), UInt64(0), UInt64(0), UInt64(0), UInt64(0)
        )
        try withUnsafeMutableBytes(of: &slip) { bytes throws(SQLiteFault) in
            referral.writeSlip(to: bytes)
            try use(UnsafeRawBufferPointer(rebasing: bytes[..<Referral.slipBytes]))
        }
    }

    private func withBytes<Result>(
        of identifier: Identifier,
        _ use: (UnsafeRawBufferPointer) throws(SQLiteFault) -> Result
    ) throws(SQLiteFault) -> Result {
        var words = (identifier.high.bigEndian, identifier.low.bigEndian)
        return try withUnsafeBytes(of: &words) { bytes throws(SQLiteFault) in try use(bytes) }
    }
}

/// A row of `cases`.
struct CaseRow {
    var serial: UInt64
    var id: Identifier
    var procedure: UInt32
    var agency: UInt32
    var opened: Int64
    var due: Int64
    var closed: Int64 = 0
    var result = ""
    /// When its content was erased; 0 while it is kept.
    var erased: Int64 = 0
    /// Offices by number; empty if the procedure takes no itinerary.
    var itinerary: [UInt32] = []
}

/// A row of `fork`: branches under way, named by the position of the act that forked.
struct ForkRow {
    var number: UInt64
    var parent: UInt64
    var step: StepNumber
    var need: Int
    var branches: Int
    var arrived = 0
}

/// Referrals of an office by where they are, or a change of these counts.
struct OfficeCounts: Equatable {
    var waiting = 0
    var delayed = 0
    var custody = 0
    var dead = 0
}
