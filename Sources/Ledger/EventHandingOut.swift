// SPDX-License-Identifier: Apache-2.0

internal import Rules
internal import SQLite
internal import Wire

/// Handing out events of durable subscriptions and durable questions, after the commit.
extension LedgerWriter {
    /// Events and questions of one turn at most.
    private static let eventsPerTurn = 2_048
    /// Bytes of one turn, above which it ends.
    private static let eventBytesPerTurn = 4 << 20

    /// The policy as the catalogue and the rights of agencies have it.
    var policy: UsePolicy { events.catalogue.policy }

    func handOutEvents(into effects: inout Effects) throws(SQLiteFault) {
        if events.isPolicyNew {
            effects.policy = policy
            events.isPolicyNew = false
        }
        tellEndings(into: &effects)
        for reply in events.replies { try tell(reply, into: &effects) }
        events.replies.removeAll()
        for number in events.attached
        where (events.subscriptions[number]?.queue.nextResume ?? .max) <= now {
            events.busy.insert(number)
        }
        var limit = Self.eventsPerTurn
        let start = effects.byteCount
        let mark = effects.mark
        for number in events.busy.sorted() {
            guard limit > 0 else { break }
            let isUnfinished = try handOut(of: number, &limit, start, into: &effects)
            if !isUnfinished { events.busy.remove(number) }
        }
        handEvents(of: effects, from: mark)
        try putQuestions(&limit, into: &effects)
    }

    private func handOut(
        of number: UInt64,
        _ limit: inout Int,
        _ start: Int,
        into effects: inout Effects
    ) throws(SQLiteFault) -> Bool {
        let reader = events.reader
        let (wall, monotonic) = (now, monotonic)
        return try events.subscriptions.change(number) { record throws(SQLiteFault) in
            try record.queue.handOut(
                wall: wall,
                until: monotonic + record.ackMilliseconds,
                limit: &limit,
                generation: { leases.takeGeneration() },
                give: { handing throws(SQLiteFault) in
                    guard effects.byteCount - start < Self.eventBytesPerTurn else {
                        return .noRoom
                    }
                    return try Self.give(handing, of: number, reader, into: &effects)
                }
            )
        } ?? false
    }

    private static func give(
        _ handing: EventQueue.Handing,
        of number: UInt64,
        _ reader: EventReader,
        into effects: inout Effects
    ) throws(SQLiteFault) -> EventQueue.Given {
        var erased = handing.erased
        if erased == nil, let record = try reader.record(at: handing.key.position),
            let outline = try reader.outline(of: record)
        {
            let bytes = try reader.withEvent(record, outline) { told, envelope, body in
                var header = told
                header.code = UInt16(clamping: handing.attempts)
                header.subject = number
                header.generation = handing.generation
                effects.append(
                    header,
                    session: handing.session,
                    envelope: envelope,
                    body: body
                )
                return envelope.count + body.count
            }
            if let bytes { return .given(bytes: bytes) }
        }
        let run = erased ?? ErasedRun(at: handing.key.position)
        erased = run
        var gap = Header(.gap)
        gap.code = 2
        gap.number = run.count
        gap.subject = number
        gap.generation = run.first
        gap.serial = run.last
        effects.append(gap, session: handing.session)
        return .erased
    }

    // MARK: Searching

    /// Groups of one search at most.
    private static let groupsMax = 64

    /// What is to be searched for now; nil if nothing is, or a search is under way.
    ///
    /// The findings go to `take` before the next is asked for.
    package func nextSearch() -> EventSearch? {
        guard !events.isSearching, !events.attached.isEmpty else { return nil }
        let head = journal.head
        let wanting = events.attached.sorted().compactMap { events.subscriptions[$0] }
            .filter { $0.queue.wantsMore(head: head) }
        guard !wanting.isEmpty else { return nil }
        var groups: [UInt64: [EventSearch.Seeker]] = [:]
        for record in wanting.filter({ $0.number > events.searched })
            + wanting.filter({ $0.number <= events.searched })
        {
            let position = record.queue.horizon
            guard groups[position] != nil || groups.count < Self.groupsMax else { continue }
            groups[position, default: []].append(
                EventSearch.Seeker(
                    number: record.number,
                    pattern: record.pattern,
                    agency: directory.agency(record.agency)?.name ?? "",
                    lastUntil: record.lastUntil
                )
            )
            events.searched = record.number
        }
        events.isSearching = true
        return EventSearch(
            head: head,
            groups: groups.map { EventSearch.Group(after: $0.key, seekers: $0.value) },
            policy: policy
        )
    }

    /// Takes in what a search found; the next turn hands it out.
    ///
    /// - Throws: `LedgerFault.storage` if the ledger cannot be read.
    package func take(_ findings: [EventFinding]) throws(LedgerFault) {
        events.isSearching = false
        let tables = events.tables
        do throws(SQLiteFault) {
            for finding in findings {
                try events.subscriptions.change(finding.number) { record throws(SQLiteFault) in
                    guard record.queue.horizon == finding.after else { return }
                    let settled =
                        record.settledRowsUpTo > finding.after
                        ? try tables.settled(
                            of: finding.number,
                            after: finding.after,
                            upTo: finding.upTo
                        ) : []
                    let failed =
                        record.failedRowsUpTo > finding.after
                        ? try tables.failed(
                            of: finding.number,
                            after: finding.after,
                            upTo: finding.upTo
                        ) : []
                    record.queue.load(
                        finding.found.filter { !settled.contains($0.position) },
                        upTo: finding.upTo,
                        failed: failed
                    )
                }
                events.wake(finding.number)
            }
        } catch {
            throw LedgerFault(error)
        }
    }

    /// Makes the subscriptions search anew, because the policy has changed.
    func policyHasChanged() {
        events.isPolicyNew = true
        for number in events.attached {
            events.subscriptions.change(number) { $0.queue.forgetWaiting() }
        }
    }
}
