// SPDX-License-Identifier: Apache-2.0

internal import Wire

/// One client's session with the bus, as a pure machine: events in, operations and outcomes out.
///
/// ```
///              Welcome                    bye                 answered, or 2 s
///  [ opening ] ────────► [ open ] ──────────────► [ closing ] ────────────────► [ closed ]
///       ▲                   │
///       └───────────────────┘ noSession, farewell
/// ```
/// Invariants:
/// 1. Every ticket asked ends in exactly one `answered` or `failed`, unless it is cancelled.
/// 2. A request keeps its key, lease and content in every repetition; its number is new.
/// 3. No more requests are on the wire than the bus takes; the rest wait here in order.
/// 4. Credit at the bus plus what was not yet handed out never exceed a desk's or subscription's.
/// 5. Deliveries of an earlier session are dropped: the bus gives their leases to others.
/// 6. What stands, subscriptions, offers and durable questions, is asked for again in every session.
///
/// Silence needs no state of its own: heartbeats of the transport find a dead connection, and the
/// first heartbeat on the next one is refused with `noSession` or answered.
///
/// It reads no clock and does no I/O. `now` is monotonic milliseconds throughout.
struct SessionState {
    enum Phase: Equatable { case opening, open, closing, closed }

    /// The ticket that `hello` answers.
    static let openingTicket: UInt64 = 0

    var phase = Phase.opening
    /// Operations to send, in order; the shell empties it.
    var outbox: [Outgoing] = []
    /// What callers must be told, in order; the shell empties it.
    var outcomes: [Outcome] = []
    /// Largest body the bus takes, in bytes.
    var bodyBytesMax = Limits.bodyBytesMaxDefault
    /// Sessions opened so far; tells the deliveries of one from those of the next.
    var sessionCount: UInt64 = 0

    let agency: String
    let connection: String
    var token = Identifier.none
    var heartbeatMilliseconds = Limits.heartbeatMilliseconds
    var helloNumbers: [UInt32] = []
    var helloAt: Int64
    var openingDeadline: Int64?
    var byeNumber: UInt32 = 0
    var closingDeadline: Int64 = 0

    var requests = RequestWindow()
    var desks: [Int: StaffedDesk] = [:]
    var attachNumbers: [UInt32: Int] = [:]
    var steps: [UInt32: AnnouncedStep] = [:]

    /// Subscriptions, offers and durable questions, by the callers' numbers.
    var standings: [Int: Standing] = [:]
    /// Their requests that are not answered.
    var standingRequests: [UInt32: Int] = [:]
    /// The same for what was left meanwhile, with the verb that undoes it.
    var leaving: [UInt32: Verb] = [:]
    /// Subscriptions by their numbers in this session.
    var subscriptionKeys: [UInt64: Int] = [:]

    var lastSent: Int64
    var lastHeard: Int64
    var lastBeat: Int64
    var isRoadUp = false
    var expireAt: Int64 = 0

    /// How long `bye` may take.
    static let closingMilliseconds: Int64 = 2_000

    /// A session that will say `hello` at its first tick.
    ///
    /// - Parameters:
    ///   - agency: The agency it acts for.
    ///   - connection: Name of the program, for operators.
    ///   - now: Monotonic milliseconds.
    ///   - timeoutMilliseconds: How long the first `hello` may take.
    init(agency: String, connection: String, now: Int64, timeoutMilliseconds: Int64) {
        self.agency = agency
        self.connection = connection
        helloAt = now
        // Any time a caller may name fits, "for ever" included.
        let (deadline, overflow) = now.addingReportingOverflow(timeoutMilliseconds)
        openingDeadline = overflow ? .max : deadline
        lastSent = now
        lastHeard = now
        lastBeat = now
    }
}

// MARK: What callers ask

extension SessionState {
    /// Sends a request, or queues it until the session is open and has room.
    mutating func ask(_ request: Request, ticket: UInt64, now: Int64) {
        guard mayAsk(ticket, envelope: request.envelope, body: request.body) else { return }
        if let session = request.session, session != sessionCount || phase != .open {
            return fail(ticket, .client(.unknownQuestion))
        }
        let (deadline, overflow) = now.addingReportingOverflow(request.timeoutMilliseconds)
        requests.append(
            RequestWindow.Item(request, ticket: ticket, deadline: overflow ? .max : deadline)
        )
        pump(now: now)
    }

    /// Whether a session can ask this; fails the ticket if not.
    mutating func mayAsk(_ ticket: UInt64, envelope: [UInt8], body: [UInt8]) -> Bool {
        guard phase == .opening || phase == .open else {
            fail(ticket, .client(.closed))
            return false
        }
        guard envelope.count <= Limits.envelopeBytesMax else {
            fail(ticket, .client(.envelopeTooLarge))
            return false
        }
        guard body.count <= bodyBytesMax else {
            fail(ticket, .client(.bodyTooLarge))
            return false
        }
        return true
    }

    /// Forgets a request whose caller no longer waits; if it was sent it may still be done.
    mutating func cancel(ticket: UInt64, now: Int64) {
        if let desk = desks.first(where: { $0.value.ticket == ticket })?.key {
            desks[desk] = nil
            return fail(ticket, .cancelled)
        }
        if let key = standings.first(where: { $0.value.ticket == ticket })?.key {
            leave(key, now: now)
            return fail(ticket, .cancelled)
        }
        guard let number = requests.number(ofTicket: ticket) else { return }
        requests.take(number)
        fail(ticket, .cancelled)
        pump(now: now)
    }

    /// Staffs an office and grants it credit once attached; the ticket is answered then.
    ///
    /// `desk` is the caller's number, not in use.
    mutating func staff(_ desk: Int, _ staffed: StaffedDesk, now: Int64) {
        let ticket = staffed.ticket ?? Self.openingTicket
        guard phase == .opening || phase == .open else { return fail(ticket, .client(.closed)) }
        guard Name.isLegalOffice(staffed.office) else {
            return fail(ticket, .client(.nameInvalid))
        }
        desks[desk] = staffed
        if phase == .open { attach(desk, now: now) }
    }

    /// Gives credit back for what was handed out by a desk or a subscription.
    ///
    /// Deliveries of an earlier session were written off when it ended.
    mutating func consumed(
        desk: Int,
        session: UInt64,
        messages: UInt64,
        bytes: UInt64,
        now: Int64
    ) {
        if standings[desk] != nil {
            return standingConsumed(
                desk,
                session: session,
                messages: messages,
                bytes: bytes,
                now: now
            )
        }
        guard session == sessionCount,
            let credit = desks[desk]?.credit.consume(messages: messages, bytes: bytes)
        else { return }
        grant(desks[desk]?.number, credit, now: now)
    }

    /// Says goodbye; what is unanswered two seconds later fails with `closed`.
    mutating func close(now: Int64) {
        switch phase {
        case .opening: end(nil)
        case .open:
            phase = .closing
            byeNumber = requests.takeNumber()
            closingDeadline = now + Self.closingMilliseconds
            send(Outgoing(header: Header(.bye, number: byeNumber)), now: now)
        case .closing, .closed: return
        }
    }
}

// MARK: Turns of the machine

extension SessionState {
    mutating func send(_ outgoing: Outgoing, now: Int64) {
        lastSent = now
        outbox.append(outgoing)
    }

    mutating func fail(_ ticket: UInt64, _ error: BaridError) {
        outcomes.append(.failed(ticket: ticket, error))
    }

    /// Sends what waits, as far as the bus takes it.
    mutating func pump(now: Int64) {
        guard phase == .open else { return }
        while let (number, request) = requests.next() {
            var header = request.header
            header.number = number
            send(
                Outgoing(header: header, envelope: request.envelope, body: request.body),
                now: now
            )
        }
    }

    mutating func attach(_ desk: Int, now: Int64) {
        guard let staffed = desks[desk] else { return }
        var attach = Envelope.Attach()
        attach.office = staffed.office
        attach.title = staffed.title
        let number = requests.takeNumber()
        attachNumbers[number] = desk
        desks[desk]?.attachAt = nil
        send(
            Outgoing(
                header: Header(.attach, number: number),
                envelope: Envelope.bytes(of: attach)
            ),
            now: now
        )
    }

    mutating func grant(_ number: UInt64?, _ credit: CreditCount.Credit, now: Int64) {
        guard phase == .open, let number, credit.messages > 0 else { return }
        var header = Header(.credit, number: requests.takeNumber())
        header.subject = number
        header.generation = credit.messages
        header.serial = credit.bytes
        send(Outgoing(header: header), now: now)
    }

    mutating func finishClosing() {
        if phase == .closing { end(nil) }
    }

    /// The session is over for good.
    mutating func end(_ error: BaridError?) {
        let reason = error ?? .client(.closed)
        if openingDeadline != nil {
            openingDeadline = nil
            fail(Self.openingTicket, reason)
        }
        for item in requests.takeAll() { fail(item.ticket, reason) }
        for desk in desks.values {
            if let ticket = desk.ticket { fail(ticket, reason) }
        }
        desks.removeAll()
        for standing in standings.values {
            if let ticket = standing.ticket { fail(ticket, reason) }
        }
        standings.removeAll()
        phase = .closed
        outcomes.append(.ended(error))
    }
}
