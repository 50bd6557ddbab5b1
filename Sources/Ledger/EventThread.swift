// SPDX-License-Identifier: Apache-2.0

internal import Platform
internal import Rules
internal import Synchronization

/// The event thread: reads the journal behind the writer, for the live subscriptions and for the
/// durable ones that have fallen behind.
///
/// It has its own read-only connection, so neither replay nor fan-out costs the writer anything.
/// While nobody listens and nothing is to be searched it sleeps; the writer then only stores a
/// number.
final class EventThread: Sendable {
    private enum Request: Sendable {
        /// The head moved, somebody began to listen, or there is room for a feed.
        case look
        case search(EventSearch)
    }

    private struct Listening {
        var isOn = false
        /// Up to here the live subscriptions were told.
        var position: UInt64 = 0
    }

    private let inbox = Mailbox<Request>(capacity: 4)
    private let feeds = Mailbox<Feed>(capacity: 8)
    private let findings = Mailbox<[EventFinding]>(capacity: 1)
    private let head = Atomic<UInt64>(0)
    private let isLookPending = Atomic<Bool>(false)
    private let listening = Mutex(Listening())

    // MARK: From other threads

    /// Tells up to where the journal is on disk; the writer, after a commit.
    func tell(head position: UInt64) {
        guard head.exchange(position, ordering: .releasing) != position else { return }
        if listening.withLock({ $0.isOn }) { look() }
    }

    /// Says whether any live subscription listens; events are told from this moment on.
    func setListening(_ isOn: Bool) {
        listening.withLock { listening in
            if isOn, !listening.isOn { listening.position = head.load(ordering: .acquiring) }
            listening.isOn = isOn
        }
    }

    /// The next events for the live subscriptions, or nil.
    func collectFeed() -> Feed? {
        guard let feed = feeds.tryTake() else { return nil }
        look()
        return feed
    }

    /// Asks for a search; one at a time, its findings are collected before the next.
    func search(_ search: EventSearch) { _ = inbox.put(.search(search)) }

    /// What the search found, or nil while it is under way.
    func collectFindings() -> [EventFinding]? { findings.tryTake() }

    /// Ends the thread.
    func close() { inbox.close() }

    private func look() {
        guard !isLookPending.exchange(true, ordering: .acquiringAndReleasing) else { return }
        _ = inbox.put(.look)
    }

    // MARK: The thread

    /// Works until closed.
    ///
    /// - Parameters:
    ///   - searcher: Made on this thread.
    ///   - found: Called when findings can be collected.
    ///   - fed: Called when a feed can be collected.
    /// - Throws: `LedgerFault.storage` if the ledger cannot be read; the process must end.
    func run(
        _ searcher: EventSearcher,
        found: () -> Void,
        fed: () -> Void
    ) throws(LedgerFault) {
        var hasMore = false
        while true {
            let request = hasMore ? inbox.tryTake() : inbox.take()
            if request == nil, !hasMore || inbox.isClosed { return }
            if case .search(let search) = request {
                _ = findings.put(try searcher.run(search))
                found()
            }
            isLookPending.store(false, ordering: .releasing)
            hasMore = try feed(searcher, fed)
        }
    }

    /// Makes the next feed, if somebody listens and there is room.
    ///
    /// - Returns: Whether there is more to tell at once.
    private func feed(
        _ searcher: EventSearcher,
        _ fed: () -> Void
    ) throws(LedgerFault) -> Bool {
        let state = listening.withLock { $0 }
        let head = head.load(ordering: .acquiring)
        guard state.isOn, state.position < head else { return false }
        let (feed, end) = try searcher.feed(after: state.position, upTo: head)
        if !feed.items.isEmpty {
            // Full: the courier asks for a look when it has taken one.
            guard feeds.put(feed) == nil else { return false }
            fed()
        }
        let isStillOn = listening.withLock { listening in
            guard listening.isOn, listening.position == state.position else { return false }
            listening.position = end
            return true
        }
        return isStillOn && end < head
    }
}
