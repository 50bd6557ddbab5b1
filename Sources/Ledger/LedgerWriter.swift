// SPDX-License-Identifier: Apache-2.0

internal import Platform
package import Rules
package import SQLite
internal import Wire

/// The one writer of a ledger: applies batches, each in one transaction.
///
/// One call of `turn` is load, decide, write for every operation in order, one commit, one
/// `fdatasync`, and only then the effects: no answer is seen before what it answers is on disk.
/// `apply` leaves the `fdatasync` to its caller, who can have it done beside the next batch.
/// What needs no disk lives here in memory: leases, credit, the heads of the queues.
///
/// A refused operation has written nothing, since everything is decided before the first row is
/// written. Should a row still fail, the whole transaction is rolled back and applied again with a
/// savepoint around every operation, so that only the failing one is refused.
///
/// Ledger thread only.
package final class LedgerWriter {
    let connection: Connection
    /// What a commit has written and `sync` brings to disk.
    let log: LogFile
    let tables: Tables
    let journal: Journal
    let directory: Directory
    var events: EventState
    @Confined var accessBook: AccessBook
    let standing: Standing
    @Confined var leases: Leases
    @Confined var desks: [Desk] = []
    @Confined var sessions: [UInt32: SessionRecord] = [:]
    /// Referrals of a lane of an office kept in memory at most.
    @Confined var windowItemsMax = Window.itemsMax
    /// Who the sessions are whose hello has not been judged yet.
    @Confined var introduced: [UInt32: Introduction] = [:]
    /// The session asked for last, which mostly is the next one too.
    @Confined var lastSession: (number: UInt32, record: SessionRecord)? = nil
    let recent = RecentCases()
    /// Open cases by agency; nil while no limit needs them.
    @Confined var loads: [UInt32: CaseLoad]?
    /// Count of the daemon's starts, this one included.
    let epoch: UInt32
    let limits: LedgerLimits
    let reading: @Sendable (String) -> Procedure?

    @Confined var nextSerial: UInt64 = 1
    var nextConnection: UInt64
    /// Wall clock instant of the turn, ms since 1970.
    @Confined var now: Int64 = 0
    /// Monotonic instant of the turn, in ms.
    @Confined var monotonic: Int64 = 0
    /// Transactions committed since the start that wrote something.
    @Confined package private(set) var commits: UInt64 = 0
    /// Hops committed since the start.
    @Confined package internal(set) var hops: UInt64 = 0
    /// Referrals delivered since the start.
    @Confined package internal(set) var deliveries: UInt64 = 0
    package var isStorageLow = false
    package var diskStage = DiskStage.plenty
    /// Whether the log holds content of cases that were erased and must be emptied soon.
    ///
    /// So at the start, because the last run may have ended before it was.
    var wantsEmptyLog = true
    /// Whether the log holds content of events that were erased; it can wait.
    var hasErasedEvents = false
    @Confined var figures = LedgerFigures()
    var reader: TrailReader?
    /// Steps at offices by the number they are announced under.
    @Confined var cards: [UInt64: UInt32] = [:]

    // What a batch has changed in memory and must undo if it is rolled back.
    @Confined var endedLeases: [Lease] = []
    @Confined var counts = OfficeChanges()
    @Confined var tally = CaseTally()
    @Confined var hopsInBatch: UInt64 = 0
    /// Credit asked for in the batch, granted once it is committed.
    @Confined var credits: [(session: UInt32, header: Header)] = []
    /// Offices that may have something to hand out.
    @Confined var busyOffices: [UInt32] = []
    @Confined var isBusy: [Bool] = []
    /// When the next delayed referral is ready, wall clock; nil if none is delayed.
    @Confined var nextDelayed: Int64? = nil
    @Confined var random: Randomness
    /// Set once nobody knows whether a transaction reached the disk; nothing may be applied then.
    private var isUndecided = false
    /// When the last commit began, monotonic ns.
    private(set) var committed: Int64 = 0
    /// Pages written when the log was synced last, or its sync was left to somebody.
    private var pagesSynced = 0

    /// Opens the ledger in a data directory, makes it if there is none, and recovers.
    ///
    /// All leases of earlier runs are void: whatever was out is ready again.
    ///
    /// - Parameters:
    ///   - path: The database file.
    ///   - limits: What to tell and to enforce.
    ///   - randomness: Seeded where a history must replay exactly.
    ///   - reading: Reads a procedure's source; checked when it was published.
    /// - Throws: `LedgerFault`.
    package init(
        path: String,
        limits: LedgerLimits,
        randomness: Randomness = .system,
        reading: @escaping @Sendable (String) -> Procedure?
    ) throws(LedgerFault) {
        self.limits = limits
        random = randomness
        self.reading = reading
        try LogDamage.refuse(beside: path)
        do {
            connection = try Connection(path: path, access: .readWriteCreate)
        } catch {
            throw LedgerFault(error)
        }
        try Schema.prepare(connection)
        do {
            tables = try Tables(connection)
            journal = try Journal(connection)
            directory = try Directory(connection, reading: reading)
            events = try EventState(connection)
            accessBook = try AccessBook(connection)
            standing = try Standing(connection)
            epoch = try Self.startEpoch(connection)
            leases = Leases(epoch: epoch)
            nextConnection = UInt64(epoch) << 32
            nextSerial = try Self.next(after: "SELECT max(serial) FROM cases", connection)
            nextDelayed = try tables.firstDelayed()
            log = try LogFile(of: connection, gathersFrames: true)
            // Before the epoch's first lease, which no later epoch may repeat.
            try log.sync()
            pagesSynced = connection.pagesWritten
        } catch {
            throw LedgerFault(error)
        }
        growDesks()
    }

    private static func startEpoch(_ connection: Connection) throws(SQLiteFault) -> UInt32 {
        let epoch = try next(after: "SELECT max(epoch) FROM daemon", connection)
        try connection.execute(
            "INSERT INTO daemon (epoch, started) VALUES (\(epoch), \(Clock.wallMilliseconds()))"
        )
        return UInt32(truncatingIfNeeded: epoch)
    }

    private static func next(
        after sql: String,
        _ connection: Connection
    ) throws(SQLiteFault) -> UInt64 {
        let statement = try Statement(sql, on: connection)
        guard try statement.step() else { return 1 }
        return UInt64(statement.int64(0)) + 1
    }

    func growDesks() {
        windowItemsMax = Window.itemsMax(offices: directory.offices.count)
        while desks.count <= directory.offices.count {
            desks.append(Desk())
            isBusy.append(false)
        }
    }

    // MARK: One turn

    /// Applies a batch, as `apply`, and brings it to disk.
    ///
    /// - Throws: `LedgerFault`; none of `effects` may be told and the process must end.
    package func turn(
        _ batch: Batch?,
        wall: Int64,
        monotonic: Int64,
        into effects: inout Effects
    ) throws(LedgerFault) {
        try apply(batch, wall: wall, monotonic: monotonic, into: &effects)
        try sync()
    }

    /// Brings what was committed to disk.
    ///
    /// - Throws: `LedgerFault.undecided`; the process must end.
    func sync() throws(LedgerFault) {
        guard isSyncDue else { return }
        do {
            try log.sync()
        } catch {
            isUndecided = true
            throw .undecided(error.description)
        }
        pagesSynced = connection.pagesWritten
    }

    /// Whether something was committed that is not on disk and that nobody was charged to sync.
    var isSyncDue: Bool { connection.pagesWritten != pagesSynced }

    /// The commits so far as something to sync.
    func mark(_ number: UInt64) -> SyncStage.Mark {
        SyncStage.Mark(number: number, position: journal.head, hash: journal.hash)
    }

    /// Charges the caller with the sync of what was committed.
    func leaveSync() { pagesSynced = connection.pagesWritten }

    /// Applies a batch, whatever time has brought due, and hands out what became ready.
    ///
    /// - Parameters:
    ///   - batch: What the courier gathered; nil if only time has passed.
    ///   - wall: Wall clock, ms since 1970.
    ///   - monotonic: Monotonic clock, ms.
    ///   - effects: Appended to, in the order to be sent; not before `sync`, or the caller's own.
    /// - Throws: `LedgerFault` if it could not be stored or the queues not read: none of `effects`
    ///   may be told and the process must end, recovery decides what happened.
    func apply(
        _ batch: Batch?,
        wall: Int64,
        monotonic: Int64,
        into effects: inout Effects
    ) throws(LedgerFault) {
        now = wall
        self.monotonic = monotonic
        tellAccess(into: &effects)
        let operations = batch?.operations.count ?? 0
        let isDue = hasDueWork
        if operations > 0 || isDue || batch?.denials.isEmpty == false {
            let mark = effects.mark
            do {
                try transaction(batch, into: &effects, withSavepoints: false)
            } catch {
                try undo(error, into: &effects, to: mark)
                // SQLite ends the whole transaction when the disk is full, so a savepoint could not
                // keep the neighbours of a large case apart from it.
                if error.isFull { isStorageLow = true }
                do {
                    try transaction(batch, into: &effects, withSavepoints: true)
                } catch {
                    try undo(error, into: &effects, to: mark)
                    throw LedgerFault(error)
                }
            }
        }
        introduced.removeAll(keepingCapacity: true)
        grantCredits(into: &effects)
        if let batch {
            for event in batch.events { note(event) }
            effects.batchesCompleted += 1
        }
        do {
            try handOut(into: &effects)
            try handOutEvents(into: &effects)
        } catch {
            throw LedgerFault(error)
        }
    }

    /// Runs one act in a transaction of its own; what it changed is undone if a row fails.
    ///
    /// - Throws: `LedgerFault.storage`, nothing was kept; or `LedgerFault.undecided`, the process
    ///   must end.
    func inTransaction(
        _ body: () throws(SQLiteFault) -> Void
    ) throws(LedgerFault) {
        var none = Effects()
        rollbackMark = Checkpoint(self)
        events.mark()
        do {
            try tables.begin()
            try body()
            try writeGathered()
            try commit(wrote: true)
        } catch {
            try undo(error, into: &none, to: 0)
            throw LedgerFault(error)
        }
        try sync()
    }

    /// Proves that the disk still takes a commit: writes the instant of the probe and syncs it.
    ///
    /// - Throws: `LedgerFault.storage`; nothing was kept.
    package func probe(wall: Int64) throws(LedgerFault) {
        try inTransaction { () throws(SQLiteFault) in
            try connection.execute("UPDATE daemon SET probed = \(wall) WHERE epoch = \(epoch)")
        }
    }

    private func commit(wrote: Bool) throws(SQLiteFault) {
        committed = Clock.monotonicNanoseconds()
        do {
            try tables.commit()
        } catch {
            // A full disk is told by the write of a page, and SQLite has rolled back. After any other
            // fault nobody knows what reached the disk.
            isUndecided = !error.isFull || connection.isInTransaction
            throw error
        }
        events.keep()
        endedLeases.removeAll(keepingCapacity: true)
        accessBook.settle()
        hops += hopsInBatch
        hopsInBatch = 0
        if wrote { commits += 1 }
    }

    private func transaction(
        _ batch: Batch?,
        into effects: inout Effects,
        withSavepoints: Bool
    ) throws(SQLiteFault) {
        let mark = Checkpoint(self)
        rollbackMark = mark
        events.mark()
        try tables.begin()
        if let batch {
            try batch.bytes.withBytes { bytes throws(SQLiteFault) in
                introduce(batch.introductions)
                try note(batch.denials)
                for operation in batch.operations {
                    let envelope = UnsafeRawBufferPointer(rebasing: bytes[operation.envelope])
                    let body = UnsafeRawBufferPointer(rebasing: bytes[operation.body])
                    if withSavepoints {
                        try guarded(operation, envelope, body, into: &effects)
                    } else {
                        try perform(operation, envelope, body, into: &effects)
                    }
                }
            }
        }
        try doDueWork()
        try writeGathered()
        try commit(wrote: journal.head != mark.head)
    }

    /// One operation in a savepoint of its own: if a row fails, it alone is refused.
    private func guarded(
        _ operation: Operation,
        _ envelope: UnsafeRawBufferPointer,
        _ body: UnsafeRawBufferPointer,
        into effects: inout Effects
    ) throws(SQLiteFault) {
        let mark = effects.mark
        let before = Checkpoint(self)
        let leasesBefore = endedLeases.count
        let countsBefore = counts
        let tallyBefore = tally
        let hopsBefore = hopsInBatch
        try connection.execute("SAVEPOINT operation")
        events.mark()
        do {
            try perform(operation, envelope, body, into: &effects)
            try flushRows()
            try connection.execute("RELEASE operation")
            events.keep()
        } catch {
            events.undo()
            guard connection.isInTransaction else { throw error }
            try connection.execute("ROLLBACK TO operation; RELEASE operation")
            before.restore(self)
            counts = countsBefore
            tally = tallyBefore
            hopsInBatch = hopsBefore
            restoreLeases(from: leasesBefore)
            effects.truncate(to: mark)
            effects.refuse(
                error.isFull ? .storageFull : .unavailable,
                number: operation.header.number,
                session: operation.session,
                text: error.isFull ? nil : error.description,
                retryAt: now + 5_000
            )
        }
    }

    // MARK: Undoing

    private var rollbackMark: Checkpoint?

    /// What a transaction can change in memory besides leases and counts.
    private struct Checkpoint {
        let head: UInt64
        let hash: [UInt8]
        let serial: UInt64
        let agencies: Int
        let offices: Int
        let procedures: Int
        let nextDelayed: Int64?

        init(_ writer: LedgerWriter) {
            head = writer.journal.head
            hash = writer.journal.hash
            serial = writer.nextSerial
            agencies = writer.directory.agencies.count
            offices = writer.directory.offices.count
            procedures = writer.directory.procedures.count
            nextDelayed = writer.nextDelayed
        }

        func restore(_ writer: LedgerWriter) {
            writer.journal.rewind(to: head, hash: hash)
            writer.tables.ready.discard()
            writer.nextSerial = serial
            writer.directory.rewind(
                agencies: agencies,
                offices: offices,
                procedures: procedures
            )
            writer.nextDelayed = nextDelayed
            writer.recent.removeAll()
            writer.rewindAccess()
            writer.loads = nil
            for office in writer.desks.indices { writer.desks[office].dropWindows() }
        }
    }

    /// Takes back what a transaction that failed has changed.
    ///
    /// - Throws: `LedgerFault.undecided` if it may have reached the disk or cannot be taken back.
    private func undo(
        _ fault: SQLiteFault,
        into effects: inout Effects,
        to mark: Int
    ) throws(LedgerFault) {
        guard !isUndecided else { throw .undecided(fault.description) }
        if connection.isInTransaction {
            do {
                try connection.execute("ROLLBACK")
            } catch {
                isUndecided = true
                throw .undecided(error.description)
            }
        }
        rollbackMark?.restore(self)
        events.undo()
        restoreLeases(from: 0)
        counts.removeAll()
        tally = CaseTally()
        hopsInBatch = 0
        credits.removeAll(keepingCapacity: true)
        effects.truncate(to: mark)
    }

    private func restoreLeases(from place: Int) {
        for lease in endedLeases[place...] {
            leases.restore(lease)
            desks[Int(lease.referral.office)].leased += 1
        }
        endedLeases.removeSubrange(place...)
    }

    /// Ends a lease within the running transaction.
    func endLease(_ lease: Lease) {
        guard leases.end(lease.referral.number) != nil else { return }
        desks[Int(lease.referral.office)].leased -= 1
        endedLeases.append(lease)
    }

    // MARK: Counts

    @inline(__always)
    func count(_ office: UInt32, _ change: (inout OfficeCounts) -> Void) {
        change(&counts[office])
    }

    /// Writes the rows that gathered in memory and the counts of offices.
    private func writeGathered() throws(SQLiteFault) {
        try flushRows()
        for (office, change) in counts.changes where change != OfficeCounts() {
            try tables.count(change, office: office)
            desks[Int(office)].waiting += change.waiting
        }
        counts.removeAll()
        if tally != CaseTally() {
            try tables.count(tally)
            tally = CaseTally()
        }
        try writeEvents()
    }

    /// Writes what journal and ready queue gathered, so that any statement sees it.
    func flushRows() throws(SQLiteFault) {
        try journal.flush()
        try tables.ready.flush()
    }

    /// Copies the write-ahead log into the database file and lets it start anew.
    ///
    /// On a full disk the log stays as it is, and no new case is taken.
    ///
    /// - Throws: `LedgerFault.storage`; the process must end.
    package func checkpoint() throws(LedgerFault) { try checkpoint(.passive) }

    /// Ends a run: copies the log into the database file and empties it, so that the file alone is
    /// the whole ledger, unless a reader still needs the log.
    ///
    /// - Throws: `LedgerFault.storage`.
    func finish() throws(LedgerFault) { try checkpoint(.truncate) }

    /// Copies the log into the database file and empties it, so that nothing that was erased is left
    /// in it.
    ///
    /// - Returns: Whether it is empty on disk; not while a reader still needs it.
    /// - Throws: `SQLiteFault`; `isFull` if the disk has no room. After any other the process must end.
    package func emptyLog() throws(SQLiteFault) -> Bool {
        do {
            try log.checkpoint(.truncate)
        } catch {
            guard error.isBusy else { throw error }
            return false
        }
        // SQLite cuts the file and leaves it to the next commit to bring that to disk.
        try log.sync()
        wantsEmptyLog = false
        hasErasedEvents = false
        return true
    }

    private func checkpoint(_ mode: CheckpointMode) throws(LedgerFault) {
        do {
            try log.checkpoint(mode)
        } catch {
            if error.isFull { isStorageLow = true }
            guard error.isFull || error.isBusy else { throw LedgerFault(error) }
        }
    }
}

/// What a ledger tells in `hello` and enforces.
package struct LedgerLimits: Sendable {
    /// Largest body, in bytes.
    package var bodyBytesMax: Int
    /// Name and version told to clients.
    package var daemon: String
    /// Free disk space, in bytes, below which no new case is taken.
    package var diskReserveBytes: Int64
    /// Free disk space, in bytes, below which somebody should know.
    package var diskWarnBytes: Int64 = 0
    /// Free disk space, in bytes, below which only what ends or moves something is taken.
    package var diskStopBytes: Int64 = 0

    /// Limits of a ledger.
    package init(bodyBytesMax: Int, daemon: String, diskReserveBytes: Int64) {
        self.bodyBytesMax = bodyBytesMax
        self.daemon = daemon
        self.diskReserveBytes = diskReserveBytes
    }
}

/// A session as the ledger knows it.
///
/// A class, so that looking one up for every operation copies nothing. Ledger thread only.
final class SessionRecord {
    let agency: UInt32
    /// Number of the connection in the journal.
    let connection: UInt64
    /// The key it proved; nil at an open endpoint.
    var key: EnrolledKey?
    /// Offices it staffs of whose content it may not read all.
    @Confined var unread: [Unread] = []
    /// The epoch of the policy under which it was last found good.
    @Confined var accessEpoch: UInt64 = 0
    /// Offices it staffs.
    var offices: [UInt32] = []
    /// Steps at offices it was told of, with the number each is announced under.
    var cards: [UInt64: UInt32] = [:]
    /// The one of them used last; no step at an office has the key 0.
    @Confined var lastCard: (key: UInt64, card: UInt32) = (0, 0)
    /// Durable subscriptions it takes part in.
    var subscriptions: [UInt64] = []
    /// Services it offers, or still has a question of.
    var services: [String] = []
    /// What was handed out to it and has not passed the courier.
    var underWay = UnderWay()

    init(agency: UInt32, connection: UInt64) {
        self.agency = agency
        self.connection = connection
    }
}
