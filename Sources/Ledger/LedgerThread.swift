// SPDX-License-Identifier: Apache-2.0

package import Platform
package import Rules
internal import Synchronization

/// The ledger on its thread: takes batches from the courier and acts from operators, one at a time.
///
/// While one batch is in `fdatasync` the courier gathers the next: group commit without a timer. The
/// event thread beside it reads what is committed, for subscriptions.
package final class LedgerThread: Sendable {
    private enum Work: Sendable {
        case batch(Batch)
        case act(OperatorAct, Operator, Mailbox<ActReply>)
        case gauges(Mailbox<LedgerGauges>)
        case probe(Mailbox<Bool>)
        case backUp(path: String, Mailbox<BackupCopy.Reply>)
        /// The event thread has findings.
        case found
    }

    private enum ActReply: Sendable {
        case outcome(OperatorOutcome)
        case fault(LedgerFault)
    }

    private let inbox = Mailbox<Work>(capacity: 64)
    private let outbox = Mailbox<Effects>(capacity: 8)
    private let opened = Mailbox<LedgerFault?>(capacity: 1)
    private let events = EventThread()
    private let thread = Mutex<Joining?>(nil)
    private let lastHead = Mutex<Head?>(nil)
    private let eventThread = Mutex<Joining?>(nil)
    /// How much of the disk must be free; `start` sets them from its limits.
    package let marks = SharedDiskMarks(DiskMarks(warn: 0, reserve: 0, stop: 0))
    /// Wakes the courier: effects can be collected.
    package let signal: EventSignal

    private struct Head: Sendable {
        var position: UInt64
        var hash: [UInt8]
        var time: Int64
    }

    private struct Joining: @unchecked Sendable {
        // Handed from `start` to `stop` under the mutex; only one of them holds it at a time.
        let thread: WorkerThread
    }

    /// A ledger thread that has not started.
    package init(signal: EventSignal) {
        self.signal = signal
    }

    /// Opens the ledger on a thread of its own.
    ///
    /// - Throws: `LedgerFault` if it cannot be opened; no thread is left.
    package func start(
        directory: String,
        limits: LedgerLimits,
        reading: @escaping @Sendable (String) -> Procedure?
    ) throws(LedgerFault) {
        marks.value = DiskMarks(
            warn: limits.diskWarnBytes,
            reserve: limits.diskReserveBytes,
            stop: limits.diskStopBytes
        )
        let started: WorkerThread
        do {
            started = try WorkerThread(name: "ledger", stackBytes: 4 << 20) { [self] in
                run(directory: directory, limits: limits, reading: reading)
            }
        } catch {
            throw .storage(error.description)
        }
        if let fault = opened.take() ?? nil {
            started.join()
            throw fault
        }
        let joining = Joining(thread: started)
        thread.withLock { $0 = joining }
        do {
            let reading = try WorkerThread(name: "events", stackBytes: 1 << 20) { [self] in
                readEvents(path: directory + "/" + Ledger.fileName)
            }
            let joining = Joining(thread: reading)
            eventThread.withLock { $0 = joining }
        } catch {
            stop()
            throw .storage(error.description)
        }
    }

    /// Ends the thread after the work that was handed over; checkpoints and closes the ledger.
    package func stop() {
        inbox.close()
        let joining = thread.withLock { joining in
            defer { joining = nil }
            return joining
        }
        joining?.thread.join()
        events.close()
        let reading = eventThread.withLock { joining in
            defer { joining = nil }
            return joining
        }
        reading?.thread.join()
    }

    // MARK: From other threads

    /// Hands over a batch; there is at most one at a time, so there is always room.
    package func hand(_ batch: Batch) {
        guard inbox.put(.batch(batch)) != nil else { return }
        preconditionFailure("a batch was handed over to a full or stopped ledger")
    }

    /// The next effects, or nil.
    package func collect() -> Effects? { outbox.tryTake() }

    /// The next durable events for the live subscriptions, or nil; never waits.
    ///
    /// In order of the journal, none left out and none twice, from the moment on at which
    /// `setListening` was told that somebody listens.
    package func collectFeed() -> Feed? { events.collectFeed() }

    /// Says whether any live subscription listens, from any thread.
    ///
    /// What is committed from now on is fed; while nobody listens nothing is read.
    package func setListening(_ isListening: Bool) { events.setListening(isListening) }

    /// The end of the journal as of the last commit: position, chained hash in hexadecimal, and when
    /// that was; nil before the first.
    package var head: (position: UInt64, hash: String, time: Int64)? {
        lastHead.withLock { $0 }.map {
            ($0.position, TrailReader.hexadecimal($0.hash), $0.time)
        }
    }

    /// Carries out an operator's act and waits until it is on disk.
    ///
    /// - Throws: `LedgerFault` if it could not be stored, or the ledger has stopped or is overrun.
    package func carryOut(
        _ act: OperatorAct,
        by who: Operator
    ) throws(LedgerFault) -> OperatorOutcome {
        let reply = Mailbox<ActReply>(capacity: 1)
        guard inbox.put(.act(act, who, reply)) == nil, let answer = reply.take() else {
            throw .storage("the ledger is stopping or has too many requests waiting")
        }
        switch answer {
        case .outcome(let outcome): return outcome
        case .fault(let fault): throw fault
        }
    }

    /// What the ledger holds in memory, as of now; nil if it has stopped.
    package func gauges() -> LedgerGauges? {
        let reply = Mailbox<LedgerGauges>(capacity: 1)
        guard inbox.put(.gauges(reply)) == nil else { return nil }
        return reply.take()
    }

    /// Copies the ledger to a new file while batches go on, and waits until it is whole.
    ///
    /// The file is not synchronised and still in the mode of a ledger: `BackupFile.seal` comes next.
    ///
    /// - Parameter path: A file that does not exist.
    /// - Returns: Where the journal ends in the copy.
    /// - Throws: `LedgerFault.storage` if it cannot be written, or the ledger stops.
    package func backUp(to path: String) throws(LedgerFault) -> BackupHead {
        let reply = Mailbox<BackupCopy.Reply>(capacity: 1)
        guard inbox.put(.backUp(path: path, reply)) == nil, let answer = reply.take() else {
            throw .storage("the ledger is stopping or has too many requests waiting")
        }
        switch answer {
        case .done(let head): return head
        case .fault(let fault): throw fault
        }
    }

    /// Whether a commit of its own reached the disk within so many milliseconds.
    ///
    /// This is what a watchdog wants to know: a thread that turns and a disk that takes a sync.
    package func probe(withinMilliseconds patience: Int64) -> Bool {
        let reply = Mailbox<Bool>(capacity: 1)
        guard inbox.put(.probe(reply)) == nil else { return false }
        return reply.take(until: Clock.monotonicMilliseconds() + patience) ?? false
    }

    // MARK: The thread

    private func run(
        directory: String,
        limits: LedgerLimits,
        reading: @escaping @Sendable (String) -> Procedure?
    ) {
        let writer: LedgerWriter
        do {
            writer = try LedgerWriter(
                path: directory + "/" + Ledger.fileName,
                limits: limits,
                reading: reading
            )
        } catch {
            _ = opened.put(error)
            return
        }
        events.tell(head: writer.journal.head)
        _ = opened.put(nil)
        var upkeep = Upkeep(directory: directory, marks: marks)
        var copy: BackupCopy?
        defer { copy?.abandon() }
        var effects = Effects()
        writer.tellAccess(into: &effects)
        send(&effects)
        do throws(LedgerFault) {
            while true {
                try upkeep.look(after: writer)
                let work = try wait(
                    writer,
                    &upkeep,
                    hasEffects: !effects.isEmpty,
                    isCopying: copy != nil
                )
                guard work != nil || !inbox.isClosed else { break }
                if case .backUp(let path, let reply) = work {
                    begin(&copy, of: writer, to: path, reply)
                } else {
                    try perform(work, writer, into: &effects)
                }
                // Before the effects, so that who begins to listen at an answer is not told of what
                // was committed before it.
                events.tell(head: writer.journal.head)
                note(writer.journal)
                send(&effects)
                if let search = writer.nextSearch() { events.search(search) }
                // The answers are on their way; a slice holds up the next batch only.
                if let running = copy, !running.step(writer) { copy = nil }
            }
            try writer.finish()
        } catch {
            Fatal.end(error.description)
        }
    }

    private func wait(
        _ writer: LedgerWriter,
        _ upkeep: inout Upkeep,
        hasEffects: Bool,
        isCopying: Bool
    ) throws(LedgerFault) -> Work? {
        if let work = inbox.tryTake() { return work }
        guard !isCopying else { return nil }
        try upkeep.eraseMore(from: writer)
        let monotonic = Clock.monotonicMilliseconds()
        // Effects the courier had no room for are offered again shortly.
        let retry = hasEffects ? monotonic + 1 : nil
        let wake = writer.nextWake(wall: Clock.wallMilliseconds(), monotonic: monotonic)
        let rest =
            upkeep.wantsRest(writer.connection) ? monotonic + Upkeep.restMilliseconds : .max
        let until = min(retry ?? wake ?? .max, rest, upkeep.nextLook(after: monotonic))
        if let work = inbox.take(until: until) { return work }
        if until == rest, !inbox.isClosed { try upkeep.rest(writer.connection) }
        return nil
    }

    private func begin(
        _ copy: inout BackupCopy?,
        of writer: LedgerWriter,
        to path: String,
        _ reply: Mailbox<BackupCopy.Reply>
    ) {
        guard copy == nil else {
            _ = reply.put(.fault(.storage("another copy is being made")))
            return
        }
        do throws(LedgerFault) {
            copy = try BackupCopy(of: writer, to: path, reply: reply)
        } catch {
            _ = reply.put(.fault(error))
        }
    }

    private func perform(
        _ work: Work?,
        _ writer: LedgerWriter,
        into effects: inout Effects
    ) throws(LedgerFault) {
        let wall = Clock.wallMilliseconds()
        let monotonic = Clock.monotonicMilliseconds()
        switch work {
        case .batch(let batch):
            let start = Clock.monotonicNanoseconds()
            try writer.turn(batch, wall: wall, monotonic: monotonic, into: &effects)
            writer.note(batch, took: Clock.monotonicNanoseconds() - start)
        case .act(let act, let who, let reply):
            let answer: ActReply
            do {
                answer = .outcome(
                    try writer.carryOut(act, by: who, wall: wall, monotonic: monotonic)
                )
            } catch {
                if case .undecided = error { throw error }
                answer = .fault(error)
            }
            try writer.turn(nil, wall: wall, monotonic: monotonic, into: &effects)
            // The courier has the news before the operator is told that it is in force.
            send(&effects)
            _ = reply.put(answer)
        case .gauges(let reply):
            _ = reply.put(writer.gauges)
        case .probe(let reply):
            try writer.probe(wall: wall)
            _ = reply.put(true)
        case .found:
            if let findings = events.collectFindings() { try writer.take(findings) }
            guard effects.byteCount < Batch.bytesMax else { return }
            try writer.turn(nil, wall: wall, monotonic: monotonic, into: &effects)
        case nil, .backUp:
            guard effects.byteCount < Batch.bytesMax else { return }
            try writer.turn(nil, wall: wall, monotonic: monotonic, into: &effects)
        }
    }

    private func readEvents(path: String) {
        do throws(LedgerFault) {
            try events.run(
                EventSearcher(path: path),
                found: { _ = inbox.put(.found) },
                fed: { signal.signal() }
            )
        } catch {
            Fatal.end(error.description)
        }
    }

    private func note(_ journal: Journal) {
        let position = journal.head
        guard lastHead.withLock({ $0?.position }) != position else { return }
        let head = Head(
            position: position,
            hash: journal.hash,
            time: Clock.wallMilliseconds()
        )
        lastHead.withLock { $0 = head }
    }

    private func send(_ effects: inout Effects) {
        guard !effects.isEmpty else { return }
        if let refused = outbox.put(effects) {
            effects = refused
        } else {
            effects = Effects()
            signal.signal()
        }
    }
}

/// Names of the ledger's files.
package enum Ledger {
    /// The database, within the data directory.
    package static let fileName = "ledger.db"
}

/// What a ledger holds in memory, for operators.
package struct LedgerGauges: Sendable {
    /// What an office's desk looks like.
    package struct Office: Sendable {
        /// The office.
        package var name: String
        /// Referrals out under a lease.
        package var leased: Int
        /// Sessions that staff it.
        package var sessions: Int
    }

    /// Count of the daemon's starts.
    package var epoch: UInt32
    /// Transactions since the start.
    package var commits: UInt64
    /// Hops since the start.
    package var hops: UInt64
    /// Deliveries since the start.
    package var deliveries: UInt64
    /// Referrals out under a lease.
    package var leases: Int
    /// Position of the last record.
    package var journalHead: UInt64
    /// Hash of the last record, hexadecimal.
    package var journalHash: String
    /// Whether the disk is too full for new cases.
    package var isStorageLow: Bool
    /// How full the disk was at the last look.
    package var diskStage: DiskStage
    /// What was measured since the start.
    package var figures: LedgerFigures
    /// Offices with a lease or a session.
    package var offices: [Office]
    /// Durable subscriptions with members, by number.
    package var subscriptions: [UInt64: Subscription] = [:]

    /// What a durable subscription has in memory.
    package struct Subscription: Sendable {
        /// Events delivered and not yet settled.
        package var out: Int
        /// Sessions that take part.
        package var sessions: Int
    }
}

extension LedgerWriter {
    /// What is in memory now.
    var gauges: LedgerGauges {
        LedgerGauges(
            epoch: epoch,
            commits: commits,
            hops: hops,
            deliveries: deliveries,
            leases: leases.count,
            journalHead: journal.head,
            journalHash: TrailReader.hexadecimal(journal.hash),
            isStorageLow: isStorageLow,
            diskStage: diskStage,
            figures: figures,
            offices: directory.offices.compactMap { office in
                let desk = desks[Int(office.number)]
                guard desk.leased > 0 || desk.takerCount > 0 else { return nil }
                return LedgerGauges.Office(
                    name: office.name,
                    leased: desk.leased,
                    sessions: desk.takerCount
                )
            },
            subscriptions: Dictionary(
                uniqueKeysWithValues: events.attached.compactMap { number in
                    guard let queue = events.subscriptions[number]?.queue else { return nil }
                    return (
                        number,
                        LedgerGauges.Subscription(
                            out: queue.outCount,
                            sessions: queue.sessions.count
                        )
                    )
                }
            )
        )
    }
}
