// SPDX-License-Identifier: Apache-2.0

package import Platform
package import Rules
internal import Synchronization

/// The ledger on its thread: takes batches from the courier and acts from operators, one at a time.
///
/// While one batch is in `fdatasync` the courier gathers the next: group commit without a timer. If
/// the next is waiting already, it is applied meanwhile and a thread of its own syncs (`SyncStage`);
/// either way the courier sees no effects before what they tell is on disk. The event thread beside
/// them reads what is on disk, for subscriptions.
package final class LedgerThread: Sendable {
    private enum Work: Sendable {
        case batch(Batch)
        case act(OperatorAct, Operator, Mailbox<ActReply>)
        case gauges(Mailbox<LedgerGauges>)
        case probe(Mailbox<Bool>)
        /// Answered once all that was committed is on disk.
        case settle(Mailbox<Bool>)
        /// A look at what is in memory and on disk between two turns.
        case look(@Sendable (LedgerWriter) -> Void)
        case backUp(path: String, Mailbox<BackupCopy.Reply>)
        /// Answered once the log holds nothing that was erased.
        case emptied(Mailbox<Bool>)
        /// The event thread has findings.
        case found
    }

    private enum ActReply: Sendable {
        case outcome(OperatorOutcome)
        case fault(LedgerFault)
    }

    private let inbox = Mailbox<Work>(capacity: 64)
    private let outbox = Mailbox<Sealed>(capacity: 8)
    /// The next effects, until their mark is on disk; bus thread.
    private let held = Mutex<Sealed?>(nil)
    /// The last mark that is on disk.
    private let synced = Atomic<UInt64>(0)
    /// What was measured of batches until they were on disk.
    private let figures = Mutex(LedgerFigures())
    private let opened = Mailbox<LedgerFault?>(capacity: 1)
    private let events = EventThread()
    private let thread = Mutex<Joining?>(nil)
    private let lastHead = Mutex<Head?>(nil)
    private let eventThread = Mutex<Joining?>(nil)
    /// How much of the disk must be free; `start` sets them from its limits.
    package let marks = SharedDiskMarks(DiskMarks(warn: 0, reserve: 0, stop: 0))
    /// Wakes the courier: effects can be collected.
    package let signal: EventSignal

    /// Effects that may be seen once a mark is on disk.
    private struct Sealed: Sendable {
        var effects: Effects
        var mark: UInt64
    }

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

    /// Hands over a batch; there are at most two at a time, so there is always room.
    package func hand(_ batch: Batch) {
        guard inbox.put(.batch(batch)) != nil else { return }
        preconditionFailure("a batch was handed over to a full or stopped ledger")
    }

    /// The next effects that are on disk, or nil; bus thread.
    package func collect() -> Effects? {
        held.withLock { held in
            if held == nil { held = outbox.tryTake() }
            guard let next = held, next.mark <= synced.load(ordering: .acquiring) else {
                return nil
            }
            held = nil
            return next.effects
        }
    }

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

    /// Looks at the ledger between two turns, on its thread; nil if it has stopped or is overrun.
    ///
    /// What is looked at holds up whatever else is asked, so it must be little.
    func look<Value: Sendable>(
        _ body: @escaping @Sendable (LedgerWriter) -> Value
    ) -> Value? {
        let reply = Mailbox<Value>(capacity: 1)
        let work = Work.look { writer in _ = reply.put(body(writer)) }
        guard inbox.put(work) == nil else { return nil }
        return reply.take()
    }

    /// Whether the thread turns: it answers within so many milliseconds.
    package func isTurning(withinMilliseconds patience: Int64) -> Bool {
        let reply = Mailbox<Bool>(capacity: 1)
        guard inbox.put(.look { _ in _ = reply.put(true) }) == nil else { return false }
        return reply.take(until: Clock.monotonicMilliseconds() + patience) ?? false
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

    /// Waits until what was committed before the call is on disk, so that what was read of it may be
    /// told.
    ///
    /// - Throws: `LedgerFault` if the ledger has stopped or is overrun.
    package func settle() throws(LedgerFault) {
        let reply = Mailbox<Bool>(capacity: 1)
        guard inbox.put(.settle(reply)) == nil, reply.take() != nil else {
            throw .storage("the ledger is stopping or has too many requests waiting")
        }
    }

    /// Waits until the write-ahead log holds nothing of the cases that were erased before the call.
    ///
    /// - Parameter patience: How long to wait, in milliseconds; the log is emptied later all the same.
    /// - Returns: Whether it is so; not while somebody reads in the log.
    package func isLogEmptied(withinMilliseconds patience: Int64) -> Bool {
        let reply = Mailbox<Bool>(capacity: 1)
        guard inbox.put(.emptied(reply)) == nil else { return false }
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
        let stage = SyncStage(writer.log) { [self] in noteOnDisk($0) }
        let syncing: WorkerThread
        do {
            syncing = try WorkerThread(name: "sync", stackBytes: 1 << 18) { stage.run() }
        } catch {
            _ = opened.put(.storage(error.description))
            return
        }
        defer { syncing.join() }
        defer { stage.close() }
        noteOnDisk(writer.mark(0))
        _ = opened.put(nil)
        var upkeep = Upkeep(directory: directory, marks: marks)
        var copy: BackupCopy?
        defer { copy?.abandon() }
        /// Who waits for the log to be emptied.
        var emptyings: [Mailbox<Bool>] = []
        var effects = Effects()
        var given: UInt64 = 0
        var leaseClock = LeaseClock()
        // When the last batch was taken that the stage may still be syncing.
        var handed = Clock.monotonicMilliseconds()
        writer.tellAccess(into: &effects)
        send(&effects, after: given)
        do throws(LedgerFault) {
            while true {
                if upkeep.isDue(writer) {
                    let looked = Clock.monotonicMilliseconds()
                    drain(stage, given)
                    try upkeep.look(after: writer)
                    leaseClock.note(workFrom: looked, to: Clock.monotonicMilliseconds())
                }
                if !writer.wantsEmptyLog {
                    for reply in emptyings { _ = reply.put(true) }
                    emptyings.removeAll()
                }
                let work = try wait(
                    writer,
                    &upkeep,
                    leaseClock,
                    hasEffects: !effects.isEmpty,
                    isCopying: copy != nil
                ) {
                    drain(stage, given)
                }
                guard work != nil || !inbox.isClosed else { break }
                var began = Clock.monotonicMilliseconds()
                if case .batch(let batch) = work {
                    handed = began
                    let instant = leaseClock.reading(at: began)
                    try apply(batch, writer, stage, &given, at: instant, into: &effects)
                } else if case .backUp(let path, let reply) = work {
                    begin(&copy, of: writer, to: path, reply)
                } else if case .emptied(let reply) = work {
                    emptyings.append(reply)
                } else {
                    if !isIdle(after: given) {
                        drain(stage, given)
                        leaseClock.note(workFrom: handed, to: Clock.monotonicMilliseconds())
                        began = Clock.monotonicMilliseconds()
                    }
                    let instant = leaseClock.reading(at: began)
                    try perform(work, writer, &given, at: instant, into: &effects)
                }
                leaseClock.note(workFrom: began, to: Clock.monotonicMilliseconds())
                send(&effects, after: given)
                if let search = writer.nextSearch() { events.search(search) }
                // The answers are on their way; a slice holds up the next batch only.
                if let running = copy, !running.step(writer) { copy = nil }
            }
            drain(stage, given)
            try writer.finish()
        } catch {
            Fatal.end(error.description)
        }
    }

    private func wait(
        _ writer: LedgerWriter,
        _ upkeep: inout Upkeep,
        _ leaseClock: LeaseClock,
        hasEffects: Bool,
        isCopying: Bool,
        drain: () -> Void
    ) throws(LedgerFault) -> Work? {
        if let work = inbox.tryTake() { return work }
        guard !isCopying else { return nil }
        if upkeep.isErasing {
            drain()
            try upkeep.eraseMore(from: writer)
        }
        let monotonic = Clock.monotonicMilliseconds()
        // Effects the courier had no room for are offered again shortly.
        let retry = hasEffects ? monotonic + 1 : nil
        let wake = writer.nextWake(
            wall: Clock.wallMilliseconds(),
            monotonic: leaseClock.reading(at: monotonic)
        ).map { leaseClock.instant(of: $0) }
        let rest =
            upkeep.wantsRest(writer.log) ? monotonic + Upkeep.restMilliseconds : .max
        let until = min(retry ?? wake ?? .max, rest, upkeep.nextLook(after: monotonic, writer))
        if let work = inbox.take(until: until) { return work }
        if until == rest, !inbox.isClosed {
            drain()
            try upkeep.rest(writer.log)
        }
        return nil
    }

    /// Applies a batch and syncs it: here, or beside the next one if that is waiting already.
    private func apply(
        _ batch: Batch,
        _ writer: LedgerWriter,
        _ stage: SyncStage,
        _ given: inout UInt64,
        at monotonic: Int64,
        into effects: inout Effects
    ) throws(LedgerFault) {
        let taken = Clock.monotonicNanoseconds()
        try writer.apply(
            batch,
            wall: Clock.wallMilliseconds(),
            monotonic: monotonic,
            into: &effects
        )
        guard writer.isSyncDue else { return }
        given += 1
        var mark = writer.mark(given)
        mark.operations = batch.operations.count
        mark.taken = taken
        mark.committed = writer.committed
        // Before the sync, so that its end is the one signal; none of it is seen until then.
        send(&effects, after: given)
        guard isIdle(after: given - 1), inbox.isEmpty else {
            writer.leaveSync()
            return stage.sync(mark)
        }
        try writer.sync()
        noteOnDisk(mark)
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

    /// Does whatever is no batch, with the stage idle; all of it is on disk on return.
    private func perform(
        _ work: Work?,
        _ writer: LedgerWriter,
        _ given: inout UInt64,
        at monotonic: Int64,
        into effects: inout Effects
    ) throws(LedgerFault) {
        let wall = Clock.wallMilliseconds()
        switch work {
        case .batch, .backUp, .emptied: break
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
            noteOnDisk(writer.mark(given))
            // The courier has the news before the operator is told that it is in force.
            send(&effects, after: given)
            _ = reply.put(answer)
        case .gauges(let reply):
            var gauges = writer.gauges
            figures.withLock { gauges.figures.take(batches: $0) }
            _ = reply.put(gauges)
        case .probe(let reply):
            try writer.probe(wall: wall)
            _ = reply.put(true)
        case .settle(let reply):
            _ = reply.put(true)
        case .look(let body):
            body(writer)
        case .found:
            if let findings = events.collectFindings() { try writer.take(findings) }
            guard effects.byteCount < Batch.bytesMax else { return }
            try writer.turn(nil, wall: wall, monotonic: monotonic, into: &effects)
        case nil:
            guard effects.byteCount < Batch.bytesMax else { return }
            try writer.turn(nil, wall: wall, monotonic: monotonic, into: &effects)
        }
        noteOnDisk(writer.mark(given))
    }

    private func isIdle(after given: UInt64) -> Bool {
        synced.load(ordering: .acquiring) == given
    }

    private func drain(_ stage: SyncStage, _ given: UInt64) {
        if !isIdle(after: given) { stage.drain() }
    }

    /// Tells the others how far the journal is on disk, and lets the effects of it be seen.
    private func noteOnDisk(_ mark: SyncStage.Mark) {
        // Before the effects, so that who begins to listen at an answer is not told of what was
        // committed before it.
        events.tell(head: mark.position)
        if lastHead.withLock({ $0?.position }) != mark.position {
            let head = Head(
                position: mark.position,
                hash: mark.hash,
                time: Clock.wallMilliseconds()
            )
            lastHead.withLock { $0 = head }
        }
        if mark.operations > 0 {
            let now = Clock.monotonicNanoseconds()
            figures.withLock { figures in
                figures.batchOperations.record(Int64(mark.operations))
                figures.commitMicroseconds.record((now - mark.committed) / 1_000)
                figures.acceptMicroseconds.record(
                    (now - mark.taken) / 1_000,
                    times: UInt64(mark.operations)
                )
            }
        }
        synced.store(mark.number, ordering: .releasing)
        signal.signal()
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

    private func send(_ effects: inout Effects, after mark: UInt64) {
        guard !effects.isEmpty else { return }
        if let refused = outbox.put(Sealed(effects: effects, mark: mark)) {
            effects = refused.effects
        } else {
            effects = Effects()
            // Else whoever syncs the mark gives the signal.
            if isIdle(after: mark) { signal.signal() }
        }
    }
}

/// Names of the ledger's files.
package enum Ledger {
    /// The database, within the data directory.
    package static let fileName = "ledger.db"
}
