// SPDX-License-Identifier: Apache-2.0

internal import Rules
internal import SQLite
internal import Wire

/// `ack`, lapses, and what of it goes to disk.
extension LedgerWriter {
    func acknowledge(_ request: Request, into effects: inout Effects) throws(SQLiteFault) {
        let header = request.header
        let isCumulative = header.flags & Header.cumulativeFlag != 0
        guard header.code <= 2, !isCumulative || header.code == 0,
            header.code != 0 || request.envelope.isEmpty
        else { return effects.refuse(.malformed, request) }
        guard let record = events.subscriptions[header.subject],
            record.queue.isMember(request.number)
        else { return effects.refuse(.unknownSubscription, request) }
        var cause = ""
        if !request.envelope.isEmpty {
            do throws(RefusalCode) {
                let reason = try Envelope.read(Envelope.Reason.self, from: request.envelope)
                guard reason.text.utf8.count <= Limits.textBytesMax else {
                    throw .envelopeInvalid
                }
                cause = reason.text
            } catch {
                return effects.refuse(error, request)
            }
        }
        switch record.queue.judge(header.serial, generation: header.generation) {
        case .out:
            switch header.code {
            case 0:
                events.subscriptions.change(record.number) { record in
                    if isCumulative {
                        record.queue.settle(upTo: header.serial, with: request.number)
                    } else {
                        record.queue.settle(header.serial)
                    }
                }
            case 1: try fail(header.serial, of: record, cause: cause)
            default: try bury(header.serial, of: record, reason: .refused, cause: cause)
            }
            events.wake(record.number)
            answer(request, isRepeated: false, into: &effects)
        case .failedBefore where header.code == 1:
            answer(request, isRepeated: true, into: &effects)
        case .notHere where try isSettled(header, in: record):
            answer(request, isRepeated: true, into: &effects)
        case .failedBefore, .stale, .notHere: effects.refuse(.stale, request)
        }
    }

    /// Whether an event was settled before, and in this way.
    private func isSettled(
        _ header: Header,
        in record: SubscriptionRecord
    ) throws(SQLiteFault) -> Bool {
        guard header.serial > 0, header.serial <= journal.head else { return false }
        let isDead = try events.tables.isDead(header.serial, of: record.number)
        guard !isDead else { return header.code == 2 }
        guard header.serial > record.queue.floor, header.serial > record.storedFloor else {
            return true
        }
        // In a batch that is not written down yet, or on disk.
        guard header.serial > record.queue.horizon else { return true }
        return try events.tables.isSettled(header.serial, of: record.number)
    }

    private func answer(_ request: Request, isRepeated: Bool, into effects: inout Effects) {
        var answer = Header(.answer, number: request.header.number)
        answer.flags = isRepeated ? Header.repeatedFlag : 0
        answer.subject = request.header.subject
        answer.serial = events.subscriptions[request.header.subject]?.queue.settledUpTo ?? 0
        effects.append(answer, session: request.number)
    }

    /// A delivery failed: again after a pause, or a dead letter when the subscription allows no more.
    private func fail(
        _ position: UInt64,
        of record: SubscriptionRecord,
        cause: String
    ) throws(SQLiteFault) {
        let attempts = (events.subscriptions[record.number]?.queue.attempts(of: position) ?? 0) + 1
        guard attempts < record.attemptsMax else {
            return try bury(position, of: record, reason: .attempts, cause: cause)
        }
        let until = now + RetryRule().pauseMilliseconds(after: attempts, random: random.next())
        events.subscriptions.change(record.number) { $0.queue.fail(position, until: until) }
    }

    /// Makes an event a dead letter of its subscription.
    private func bury(
        _ position: UInt64,
        of record: SubscriptionRecord,
        reason: DeadReason,
        cause: String
    ) throws(SQLiteFault) {
        let attempts = (events.subscriptions[record.number]?.queue.attempts(of: position) ?? 0) + 1
        try events.tables.insertDead(
            position,
            of: record.number,
            attempts: attempts,
            reason: reason,
            cause: cause,
            at: now
        )
        events.subscriptions.change(record.number) { $0.queue.settle(position) }
    }

    // MARK: Time

    /// Whether an event may not have been acknowledged in time, or a deadline has passed.
    var hasDueEvents: Bool {
        if let deadline = events.nextDeadline, deadline <= now { return true }
        return events.attached.contains { number in
            (events.subscriptions[number]?.queue.nextLapse ?? .max) <= monotonic
        }
    }

    /// Counts an attempt for what was not acknowledged in time.
    func lapseEvents() throws(SQLiteFault) {
        for number in events.attached.sorted() {
            guard let record = events.subscriptions[number],
                record.queue.nextLapse <= monotonic
            else { continue }
            let lapsed =
                events.subscriptions.change(number) { $0.queue.lapsed(at: monotonic) } ?? []
            // The first of a case takes back what follows of it, which then has not failed: an event
            // nobody can handle must not wear out those behind it.
            for position in lapsed
            where events.subscriptions[number]?.queue.isOut(position) == true {
                try fail(
                    position,
                    of: record,
                    cause: "The event was not acknowledged in time."
                )
            }
            if !lapsed.isEmpty { events.wake(number) }
        }
    }

    /// When time next brings events work: a monotonic instant in ms, nil if never.
    func nextEventWake(wall: Int64, monotonic: Int64) -> Int64? {
        guard events.busy.isEmpty, events.busyServices.isEmpty, events.replies.isEmpty,
            events.endings.isEmpty, !events.isPolicyNew
        else {
            return monotonic
        }
        var next = Int64.max
        func wake(atWall instant: Int64) {
            guard instant != .max else { return }
            next = min(next, monotonic + max(0, instant - wall))
        }
        if let deadline = events.nextDeadline { wake(atWall: deadline) }
        for number in events.attached {
            guard let queue = events.subscriptions[number]?.queue else { continue }
            next = min(next, queue.nextLapse)
            wake(atWall: queue.nextResume)
        }
        for desk in events.services.values.values {
            next = min(next, desk.nextLapse ?? .max)
        }
        return next == .max ? nil : next
    }

    // MARK: Writing down

    /// How far a floor may run ahead of the disk while nothing is acknowledged, in records.
    private static let floorLagMax: UInt64 = 1_024

    /// Writes down what a transaction changed of the subscriptions: one row moves a floor, and what
    /// is settled or failed above it has rows of its own.
    func writeEvents() throws(SQLiteFault) {
        let tables = events.tables
        let lagging = events.attached.filter { number in
            guard let record = events.subscriptions[number] else { return false }
            return record.queue.settledUpTo > record.storedFloor + Self.floorLagMax
        }
        for number in lagging.union(events.subscriptions.changed) {
            try events.subscriptions.change(number) { record throws(SQLiteFault) in
                let changes = record.queue.takeChanges()
                let floor = record.queue.floor
                for event in changes.failed {
                    try tables.setFailed(event, of: number)
                    record.failedRowsUpTo = max(record.failedRowsUpTo, event.position)
                }
                for position in changes.settled where position > floor {
                    try tables.insertSettled(position, of: number)
                    record.settledRowsUpTo = max(record.settledRowsUpTo, position)
                    if record.failedRowsUpTo >= position {
                        try tables.deleteFailed(position, of: number)
                    }
                }
                guard
                    floor > record.storedFloor
                        && (!changes.settled.isEmpty
                            || floor - record.storedFloor > Self.floorLagMax)
                else { return }
                try tables.setFloor(
                    floor,
                    of: number,
                    hasSettled: record.settledRowsUpTo > record.storedFloor,
                    hasFailed: record.failedRowsUpTo > record.storedFloor
                )
                record.storedFloor = floor
            }
        }
    }
}
