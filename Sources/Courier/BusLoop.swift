// SPDX-License-Identifier: Apache-2.0

package import Platform
package import Rules
internal import Synchronization
internal import Wire
internal import ZeroMQ

/// The work of the bus thread: owns every ZeroMQ socket and every session.
///
/// `run` is called once, on a thread of its own; it builds the sockets there and closes them there.
/// `requestStop` and `counters` may be used from any thread.
package final class BusLoop: Sendable {
    private let configuration: BusConfiguration
    private let ledger: LedgerLine
    private let now: @Sendable () -> Int64
    private let wallNow: @Sendable () -> Int64
    private let isStopRequested = Atomic<Bool>(false)
    private let published = Mutex(BusCounters())
    private let publishedReport = Mutex(ServiceReport())
    private let announcements = Mailbox<Announcement>(capacity: 256)
    private let cuts = Mailbox<UInt32>(capacity: 256)

    /// A loop that does nothing before `run`.
    ///
    /// - Parameters:
    ///   - configuration: Where to listen and how much to take.
    ///   - hand: Takes a batch to the ledger without blocking; called on the bus thread, and not
    ///     while two batches are not completed by the effects that `collect` gave.
    ///   - collect: The next effects of the ledger, or nil if there are none now; never blocks.
    ///   - signal: Wakes the loop. Give it *after* the effects or the feed can be collected.
    ///   - feed: The next durable events for live subscriptions, or nil if there are none now; never
    ///     blocks.
    ///   - listening: Called on the bus thread when the first live subscription comes and when the
    ///     last goes; never blocks. Before the first call nobody listens.
    ///   - head: The end of the journal for the bulletin, or nil if it is not known; called on the
    ///     bus thread once a second, never blocks.
    ///   - now: Milliseconds that never go back, for silence and sweeps.
    ///   - wallNow: Milliseconds since 1970, for the instants told in refusals.
    package init(
        configuration: BusConfiguration,
        hand: @escaping @Sendable (Batch) -> Void,
        collect: @escaping @Sendable () -> Effects?,
        signal: EventSignal,
        feed: @escaping @Sendable () -> Feed? = { nil },
        listening: @escaping @Sendable (Bool) -> Void = { _ in },
        head: @escaping @Sendable () -> LedgerHead? = { nil },
        now: @escaping @Sendable () -> Int64 = Clock.monotonicMilliseconds,
        wallNow: @escaping @Sendable () -> Int64 = Clock.wallMilliseconds
    ) {
        self.configuration = configuration
        ledger = LedgerLine(
            hand: hand,
            collect: collect,
            signal: signal,
            feed: feed,
            listening: listening,
            head: head
        )
        self.now = now
        self.wallNow = wallNow
    }

    /// What the bus did so far, as of the last sweep; once `run` has returned, in the end.
    package var counters: BusCounters { published.withLock { $0 } }

    /// Figures per service and the last exchanges, as of the last sweep.
    package var services: ServiceReport { publishedReport.withLock { $0 } }

    /// Publishes a notice at the bulletin, best effort; may be called from any thread.
    ///
    /// - Parameters:
    ///   - topic: A legal topic whose first word is not `ledger`.
    ///   - text: For people.
    /// - Returns: Whether it is on its way: false without a bulletin, for such a topic, or if too
    ///   many wait.
    @discardableResult
    package func announce(topic: String, text: String) -> Bool {
        guard configuration.bulletin != nil, Topic.isLegal(topic),
            topic.prefix(while: { $0 != "." }) != "ledger"
        else { return false }
        let notice = Announcement(topic: topic, text: text, time: wallNow())
        guard announcements.put(notice) == nil else { return false }
        ledger.signal.signal()
        return true
    }

    /// Ends a session shortly, as if it had fallen silent; may be called from any thread.
    ///
    /// - Returns: Whether it is on its way: false if too many wait.
    package func cut(session: UInt32) -> Bool {
        guard cuts.put(session) == nil else { return false }
        ledger.signal.signal()
        return true
    }

    /// Listens and serves until `requestStop`, then drains, says farewell and closes the sockets.
    ///
    /// Draining waits for the ledger to complete what it was handed, however long that takes.
    ///
    /// - Parameter bound: Called once, before the first turn, with the endpoints actually bound, in
    ///   the order of the configuration and with the ports the system chose, the bulletin last.
    /// - Throws: `BusFault` if an endpoint cannot be bound, or if libzmq fails while serving.
    package func run(bound: ([String]) -> Void = { _ in }) throws(BusFault) {
        let endpoints = try checkedEndpoints()
        var bulletin: Endpoint?
        if let text = configuration.bulletin {
            let endpoint = try Endpoint(text)
            guard !endpoint.isNetwork || endpoint.isLoopback else {
                throw .endpointNotLoopback(text)
            }
            bulletin = endpoint
        }
        let messages = try messageWatch()
        do throws(ZeroMQFault) {
            var board = try open(endpoints, bulletin: bulletin, messages: messages)
            bound(board.boundEndpoints)
            try serve(&board)
            publish(&board)
        } catch {
            throw .socket(error)
        }
    }

    /// Makes `run` stop; may be called from any thread and more than once.
    package func requestStop() {
        isStopRequested.store(true, ordering: .releasing)
        ledger.signal.signal()
    }

    private func open(
        _ endpoints: [Endpoint],
        bulletin: Endpoint?,
        messages: MessageWatch
    ) throws(ZeroMQFault) -> Switchboard {
        // A gate has a monitor with a socket at each end beside its own.
        let context = try Context(socketCountMax: Int32(clamping: endpoints.count * 3 + 16))
        var poller = Poller(capacity: endpoints.count * 2 + 2)
        let signalSlot = poller.add(fileDescriptor: ledger.signal.fileDescriptor)
        // Before any gate: a handler must be there when the first peer knocks.
        let door =
            try endpoints.contains(where: isKeyed)
            ? doorkeeper(in: context, messages: messages) : nil
        door?.watch(with: &poller)
        var gates: [Gate] = []
        for endpoint in endpoints {
            gates.append(
                try Gate(
                    endpoint,
                    bodyBytesMax: configuration.bodyBytesMax,
                    secretKey: isKeyed(endpoint) ? configuration.secretKey : nil,
                    in: context,
                    poller: &poller
                )
            )
        }
        var board: Bulletin?
        if let bulletin { board = try Bulletin(bulletin, in: context) }
        return Switchboard(
            configuration: configuration,
            gates: gates,
            door: door,
            messages: messages,
            bulletin: board,
            announcements: announcements,
            cuts: cuts,
            poller: poller,
            signalSlot: signalSlot,
            ledger: ledger,
            now: now,
            wallNow: wallNow
        )
    }

    private func serve(_ board: inout Switchboard) throws(ZeroMQFault) {
        while !board.isDrained {
            if isStopRequested.load(ordering: .acquiring) { board.beginDraining() }
            try board.turn()
            if board.isSwept { publish(&board) }
        }
        try board.sayFarewell()
    }

    private func publish(_ board: inout Switchboard) {
        let counters = board.counters
        published.withLock { $0 = counters }
        guard board.hasNewFigures else { return }
        let report = board.report
        publishedReport.withLock { $0 = report }
        board.hasNewFigures = false
    }

    private func checkedEndpoints() throws(BusFault) -> [Endpoint] {
        guard !configuration.endpoints.isEmpty else { throw .endpointMissing }
        var endpoints: [Endpoint] = []
        for text in configuration.endpoints { endpoints.append(try Endpoint(text)) }
        guard configuration.secretKey != nil else {
            if let keyed = endpoints.first(where: isKeyed) { throw .keyMissing(keyed.text) }
            return endpoints
        }
        return endpoints
    }

    private func isKeyed(_ endpoint: Endpoint) -> Bool {
        endpoint.isNetwork || configuration.isEveryEndpointKeyed
    }

    private func messageWatch() throws(BusFault) -> MessageWatch {
        do throws(SystemFault) {
            return try MessageWatch(
                messageBytesMax: Limits.messageBytesMax(bodyBytesMax: configuration.bodyBytesMax)
            )
        } catch {
            throw .system(error)
        }
    }

    private func doorkeeper(
        in context: Context,
        messages: MessageWatch
    ) throws(ZeroMQFault) -> Doorkeeper {
        try Doorkeeper(
            in: context,
            limits: DoorLimits(
                connectionsMax: configuration.connectionsMax,
                connectionsPerAddressMax: configuration.connectionsPerAddressMax,
                descriptorsMax: Descriptors.limit / 10 * 9
            ),
            messages: messages
        )
    }
}

/// The way to the ledger and back.
struct LedgerLine: Sendable {
    let hand: @Sendable (Batch) -> Void
    let collect: @Sendable () -> Effects?
    let signal: EventSignal
    let feed: @Sendable () -> Feed?
    let listening: @Sendable (Bool) -> Void
    let head: @Sendable () -> LedgerHead?
}
