// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BaridClient

/// Prints one event after the other, runs the command for it, and acknowledges it.
struct Listener: Sendable {
    let report: EventReport
    let job: Job?
    let watch: IdleWatch?
    let limit: Int

    /// Prints a live subscription, and counts events whose command failed.
    func hear(_ events: LiveEvents) async throws -> Int {
        var iterator = events.makeAsyncIterator()
        var heardCount = 0
        var failureCount = 0
        watch?.rest()
        while heardCount < limit, !Task.isCancelled, let notice = try await iterator.next() {
            watch?.work()
            switch notice {
            case .gap(let gap): report.add(gap)
            case .event(let event):
                heardCount += 1
                guard report.add(event) else { throw ExitCode.failure }
                if try await run(for: event, attempts: 0) != nil { failureCount += 1 }
            }
            watch?.rest()
        }
        return failureCount
    }

    /// Prints a durable subscription, and counts events whose command failed.
    ///
    /// Without a command many events are acknowledged at once, while the next ones are printed.
    func hear(_ events: DurableEvents, acknowledges: Bool) async throws -> Int {
        var iterator = events.makeAsyncIterator()
        var heardCount = 0
        var failureCount = 0
        let settling = Acknowledger()
        watch?.rest()
        while heardCount < limit, !Task.isCancelled, let notice = try await iterator.next() {
            let waited = watch?.work()
            var isNew = true
            switch notice {
            case .gap(let gap): report.add(gap)
            case .event(let delivered):
                heardCount += 1
                guard report.add(delivered.event, attempts: delivered.attempts) else {
                    throw ExitCode.failure
                }
                if job != nil {
                    let failures = try await settle(delivered, acknowledges: acknowledges)
                    failureCount += failures
                    // What fails again and again would else keep this from ever being idle.
                    isNew = failures == 0 || delivered.attempts == 0
                } else if acknowledges {
                    try await settling.acknowledge(delivered)
                }
            }
            watch?.rest(since: isNew ? nil : waited)
        }
        try await settling.finish()
        return failureCount
    }

    /// Runs the command for an event and settles it by its end; 1 if it failed.
    private func settle(_ delivered: DurableEvent, acknowledges: Bool) async throws -> Int {
        let fault = try await run(for: delivered.event, attempts: delivered.attempts)
        guard acknowledges, !Task.isCancelled else { return 0 }
        do {
            // A settlement that was begun is waited for, even if this task is cancelled.
            try await Task {
                if let fault {
                    try await delivered.again(fault)
                } else {
                    try await delivered.acknowledge()
                }
            }.value
        } catch let error as BaridError where error.code == .stale {
            report.warn("Event \(delivered.event.id) came too late to be settled and comes again.")
            return 1
        }
        return fault == nil ? 0 : 1
    }

    /// Why the command failed; nil if it did not, or there is none.
    private func run(for event: BusEvent, attempts: UInt16) async throws -> String? {
        guard let job else { return nil }
        let ending: Job.Ending
        do {
            ending = try await job.run(
                input: event.body,
                particulars: [
                    ("BARID_TOPIC", event.topic), ("BARID_TYPE", event.type),
                    ("BARID_ID", event.id), ("BARID_SOURCE", event.source),
                    ("BARID_SUBJECT", event.subject),
                    ("BARID_TIME", instantText(event.occurredAt) ?? ""),
                    ("BARID_SEQUENCE", event.sequence.map { String($0) } ?? ""),
                    ("BARID_CONTENT_TYPE", event.contentType),
                    ("BARID_CORRELATION", event.correlation),
                    ("BARID_ATTEMPTS", String(attempts)),
                ]
            )
        } catch {
            guard !Task.isCancelled else { return nil }
            let fault = "The command did not start: \(error)"
            report.warn(fault)
            return fault
        }
        guard ending.status != 0, !Task.isCancelled else { return nil }
        let fault = "The command ended with status \(ending.status)."
        report.warn("\(fault) Event \(event.id) on \(event.topic).")
        return fault
    }
}

/// Acknowledges events up to the last one printed, one request at a time: while one is under way the
/// next gathers what it will cover.
private actor Acknowledger {
    private var last: DurableEvent?
    private var running: Task<Void, Never>?
    private var fault: BaridError?

    /// Has this event and all before it acknowledged, soon.
    ///
    /// - Throws: Why an earlier one could not be.
    func acknowledge(_ event: DurableEvent) throws {
        if let fault { throw fault }
        last = event
        guard running == nil else { return }
        running = Task { await self.work() }
    }

    /// Waits until all are acknowledged, even if this task is cancelled.
    func finish() async throws {
        await running?.value
        if let fault { throw fault }
    }

    private func work() async {
        while let event = last.take() {
            do { try await event.acknowledgeUpTo() } catch {
                // Another session may have been opened meanwhile: the event comes again.
                if error.code != .stale { fault = error }
            }
        }
        running = nil
    }
}
