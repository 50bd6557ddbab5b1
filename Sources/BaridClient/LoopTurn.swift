// SPDX-License-Identifier: Apache-2.0

internal import Platform
internal import Wire
internal import ZeroMQ

/// What the loop thread owns: the socket, the session, and who waits for what.
struct LoopTurn: ~Copyable {
    private let road: Road
    private var poller = Poller(capacity: 4)
    private var blockedSlot: Int?
    private let frame = Frame()
    private var writer = PacketWriter()
    private var unsent: [Outgoing] = []
    private var unsentHead = 0
    private var state: SessionState
    private var waiters: [UInt64: BusLoop.Waiter]
    private var desks: [Int: Desk] = [:]
    private var trays: [Int: Tray<News>] = [:]
    private var isRoadUp = false

    /// Frames taken in one turn, so that commands are not starved.
    private static let framesMax = 256
    /// How long an office, a subscription or an offer may wait to be answered.
    private static let staffMilliseconds: Int64 = 30_000

    /// Opens the socket.
    ///
    /// The waiters are resumed when the turn is dropped, at the latest.
    init(
        _ options: BusOptions,
        wake: Int32,
        waiters: [UInt64: BusLoop.Waiter]
    ) throws(ZeroMQFault) {
        road = try Road(options.endpoint, options.credentials)
        _ = poller.add(road.socket)
        road.admission.watch(with: &poller)
        _ = poller.add(fileDescriptor: wake)
        state = SessionState(
            agency: options.agency,
            connection: options.name,
            now: Clock.monotonicMilliseconds(),
            timeoutMilliseconds: options.openingMilliseconds
        )
        self.waiters = waiters
    }

    deinit {
        for waiter in waiters.values { waiter.resume(returning: .failure(.client(.closed))) }
        for desk in desks.values { desk.tray.end(nil) }
        for tray in trays.values { tray.end(nil) }
    }

    var isEnded: Bool { state.phase == .closed }

    /// Waits for the bus, a command or the time.
    mutating func wait() throws(ZeroMQFault) {
        let now = Clock.monotonicMilliseconds()
        let pause = state.nextTick(now: now) - now
        watchRoad()
        _ = try poller.waitForWork(timeoutMilliseconds: Int(min(max(0, pause), 1_000)))
    }

    mutating func take(_ command: BusLoop.Command) {
        let now = Clock.monotonicMilliseconds()
        switch command {
        case .ask(let request, let ticket, let waiter):
            waiters[ticket] = waiter
            state.ask(request, ticket: ticket, now: now)
        case .staff(let desk, let title, let credit, let ticket, let waiter):
            waiters[ticket] = waiter
            desks[desk.number] = desk
            let staffed = StaffedDesk(
                office: desk.office,
                title: title,
                credit: UInt64(max(0, credit)),
                creditBytes: Limits.creditBytesMax / 4,
                ticket: ticket,
                deadline: now + Self.staffMilliseconds
            )
            state.staff(desk.number, staffed, now: now)
        case .stand(let key, var standing, let tray, let waiter):
            let ticket = UInt64(key)
            waiters[ticket] = waiter
            trays[key] = tray
            standing.ticket = ticket
            standing.deadline = now + Self.staffMilliseconds
            state.stand(key, standing, now: now)
        case .leave(let key):
            trays.removeValue(forKey: key)?.end(nil)
            state.leave(key, now: now)
        case .abandon(let ticket): state.cancel(ticket: ticket, now: now)
        case .consumed(let desk, let session, let bytes):
            state.consumed(desk: desk, session: session, messages: 1, bytes: bytes, now: now)
        case .close: state.close(now: now)
        }
    }

    /// Reads what came, does what is due, sends what there is, and tells who waits.
    mutating func work() throws(ZeroMQFault) {
        let isUp = try road.socket.events.contains(.writable)
        if isUp != isRoadUp {
            isRoadUp = isUp
            state.roadChanged(
                isUp: isUp,
                hasUnsent: !isFlushed,
                now: Clock.monotonicMilliseconds()
            )
        }
        try receive()
        if try road.admission.isNotAdmitted() { state.end(.client(.notAdmitted)) }
        try flush()
        state.tick(now: Clock.monotonicMilliseconds(), canSend: isFlushed)
        try flush()
        settle()
    }

    /// Tells those who wait what became of their requests.
    mutating func settle() {
        let outcomes = state.outcomes
        state.outcomes.removeAll(keepingCapacity: true)
        for outcome in outcomes {
            switch outcome {
            case .answered(let ticket, let reply):
                waiters.removeValue(forKey: ticket)?.resume(returning: .success(reply))
            case .failed(let ticket, let error):
                waiters.removeValue(forKey: ticket)?.resume(returning: .failure(error))
                // What never stood has a ticket of its own number.
                trays.removeValue(forKey: Int(truncatingIfNeeded: ticket))?.end(error)
            case .delivered(let desk, let delivery): desks[desk]?.tray.put(delivery)
            case .voided(let desk): desks[desk]?.tray.void()
            case .unstaffed(let desk, let error):
                desks.removeValue(forKey: desk)?.tray.end(error)
            case .told(let standing, let news): trays[standing]?.put(news)
            case .standingVoided(let standing): trays[standing]?.void()
            case .standingEnded(let standing, let error):
                trays.removeValue(forKey: standing)?.end(error, afterUnread: true)
            case .ended(let error):
                for desk in desks.values { desk.tray.end(error) }
                for tray in trays.values { tray.end(error) }
                desks.removeAll()
                trays.removeAll()
            }
        }
    }

    private var isFlushed: Bool { writer.isEmpty && unsentHead == unsent.count }

    private mutating func receive() throws(ZeroMQFault) {
        for _ in 0..<Self.framesMax {
            guard case .message = try road.socket.receive(into: frame) else { return }
            let isSingle = !frame.hasMore
            while frame.hasMore {
                guard case .message = try road.socket.receive(into: frame) else { return }
            }
            if isSingle { read() }
        }
    }

    private mutating func read() {
        let now = Clock.monotonicMilliseconds()
        let wall = Clock.wallMilliseconds()
        let bodyBytesMax = state.bodyBytesMax
        frame.withBytes { bytes in
            guard var reader = try? PacketReader(bytes, bodyBytesMax: bodyBytesMax) else { return }
            while let item = reader.next() {
                // What cannot be understood is left out; its request ends with its time-out.
                guard case .operation(let header, let envelope, let body) = item else { continue }
                state.received(header, envelope: envelope, body: body, now: now, wall: wall)
            }
        }
    }

    private mutating func flush() throws(ZeroMQFault) {
        if unsentHead == unsent.count {
            unsent.removeAll(keepingCapacity: true)
            unsentHead = 0
            swap(&unsent, &state.outbox)
        } else {
            unsent.append(contentsOf: state.outbox)
            state.outbox.removeAll(keepingCapacity: true)
        }
        while unsentHead < unsent.count {
            let next = unsent[unsentHead]
            guard
                writer.hasRoom(
                    envelopeLength: next.envelope.count,
                    bodyLength: next.body.count
                )
            else {
                guard try sendPacket() else { return }
                continue
            }
            writer.append(next.header, envelope: next.envelope, body: next.body)
            unsentHead += 1
        }
        if !writer.isEmpty { _ = try sendPacket() }
    }

    private mutating func sendPacket() throws(ZeroMQFault) -> Bool {
        try road.send(&writer)
    }

    /// Wakes us when a broken or full road can be used again, and only then.
    private mutating func watchRoad() {
        if isRoadUp, isFlushed {
            if let slot = blockedSlot.take() { poller.remove(slot) }
        } else if blockedSlot == nil {
            blockedSlot = poller.add(road.socket, for: .writable)
        }
    }
}
