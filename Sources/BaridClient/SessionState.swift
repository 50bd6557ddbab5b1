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
/// 3. At most `requestsMax` requests are on the wire; the rest wait here in order.
/// 4. Credit at the bus plus deliveries not yet handed out never exceed a desk's credit.
/// 5. Deliveries of an earlier session are dropped: the bus gives their leases to others.
///
/// Silence needs no state of its own: heartbeats of the transport find a dead connection, and the
/// first heartbeat on the next one is refused with `noSession` or answered.
///
/// It reads no clock and does no I/O. `now` is monotonic milliseconds throughout.
struct SessionState {
    enum Phase: Equatable { case opening, open, closing, closed }

    /// The ticket that `hello` answers.
    static let openingTicket: UInt64 = 0

    private(set) var phase = Phase.opening
    /// Operations to send, in order; the shell empties it.
    var outbox: [Outgoing] = []
    /// What callers must be told, in order; the shell empties it.
    var outcomes: [Outcome] = []

    private let agency: String
    private let connection: String
    private(set) var token = Identifier.none
    private(set) var bodyBytesMax = Limits.bodyBytesMaxDefault
    private var requestsMax = Limits.requestsMax
    private var heartbeatMilliseconds = Limits.heartbeatMilliseconds

    private var lastNumber: UInt32 = 0
    private var helloNumbers: [UInt32] = []
    private var helloAt: Int64
    private var openingDeadline: Int64?
    private var byeNumber: UInt32 = 0
    private var closingDeadline: Int64 = 0

    private var waiting: [UInt32: Waiting] = [:]
    private var queue = NumberQueue()
    private var unansweredCount = 0
    private var pausedCount = 0

    private var desks: [Int: DeskState] = [:]
    private var attachNumbers: [UInt32: Int] = [:]
    private var steps: [UInt32: AnnouncedStep] = [:]

    private var lastSent: Int64
    private var lastHeard: Int64
    private var lastBeat: Int64
    private var isRoadUp = false
    private var expireAt: Int64 = 0
    /// Sessions opened so far; tells the deliveries of one from those of the next.
    private(set) var sessionCount: UInt64 = 0

    /// Pause between heartbeats while requests are unanswered: a restart is noticed by its
    /// `noSession`.
    static let impatientMilliseconds: Int64 = 1_000
    /// The same while offices are staffed and nothing comes.
    static let staffedMilliseconds: Int64 = 2_000
    /// Pause between looks at the deadlines.
    private static let expireMilliseconds: Int64 = 200
    /// Pause before `hello` is repeated when it was lost.
    static let helloMilliseconds: Int64 = 3_000
    /// How long `bye` may take.
    static let closingMilliseconds: Int64 = 2_000
    private static let retryMillisecondsMax: Int64 = 5_000

    private struct Waiting {
        let ticket: UInt64
        let request: Request
        let deadline: Int64
        var isOnWire = false
        /// When to send again after a refusal that will pass; nil if not paused.
        var pausedUntil: Int64?
    }

    private struct DeskState {
        let office: String
        let title: String
        let credit: UInt64
        let creditBytes: UInt64
        /// Who waits for the first answer; nil after it.
        var ticket: UInt64?
        var deadline: Int64
        var attachAt: Int64?
        /// Office number in this session; nil until attached.
        var number: UInt64?
        var consumedMessages: UInt64 = 0
        var consumedBytes: UInt64 = 0
        var unconsumedMessages: UInt64 = 0
    }

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
        openingDeadline = now + timeoutMilliseconds
        lastSent = now
        lastHeard = now
        lastBeat = now
    }
}

// MARK: What callers ask

extension SessionState {
    /// Sends a request, or queues it until the session is open and has room.
    mutating func ask(_ request: Request, ticket: UInt64, now: Int64) {
        guard phase == .opening || phase == .open else { return fail(ticket, .client(.closed)) }
        guard request.envelope.count <= Limits.envelopeBytesMax else {
            return fail(ticket, .client(.envelopeTooLarge))
        }
        guard request.body.count <= bodyBytesMax else {
            return fail(ticket, .client(.bodyTooLarge))
        }
        let number = takeNumber()
        waiting[number] = Waiting(
            ticket: ticket,
            request: request,
            deadline: now + request.timeoutMilliseconds
        )
        queue.append(number)
        pump(now: now)
    }

    /// Forgets a request whose caller no longer waits; if it was sent it may still be done.
    mutating func cancel(ticket: UInt64, now: Int64) {
        if let desk = desks.first(where: { $0.value.ticket == ticket })?.key {
            desks[desk] = nil
            return fail(ticket, .cancelled)
        }
        guard let number = waiting.first(where: { $0.value.ticket == ticket })?.key else { return }
        remove(number)
        fail(ticket, .cancelled)
        pump(now: now)
    }

    /// Staffs an office and grants it credit once attached; the ticket is answered then.
    ///
    /// `desk` is the caller's number, not in use. `credit` counts the deliveries that may be under way
    /// or not yet handed out, 1 or more; `creditBytes` their envelopes and bodies.
    mutating func staff(
        desk: Int,
        office: String,
        title: String,
        credit: UInt64,
        creditBytes: UInt64,
        ticket: UInt64,
        timeoutMilliseconds: Int64,
        now: Int64
    ) {
        guard phase == .opening || phase == .open else { return fail(ticket, .client(.closed)) }
        guard Name.isLegalOffice(office) else { return fail(ticket, .client(.nameInvalid)) }
        desks[desk] = DeskState(
            office: office,
            title: title,
            credit: min(credit, Limits.creditMessagesMax),
            creditBytes: min(creditBytes, Limits.creditBytesMax),
            ticket: ticket,
            deadline: now + timeoutMilliseconds
        )
        if phase == .open { attach(desk, now: now) }
    }

    /// Gives credit back for deliveries handed out by a desk.
    ///
    /// Sent in portions of a quarter of the desk's credit, and at once when nothing is left here.
    /// Deliveries of an earlier session were written off when it ended.
    mutating func consumed(
        desk: Int,
        session: UInt64,
        messages: UInt64,
        bytes: UInt64,
        now: Int64
    ) {
        guard session == sessionCount, var state = desks[desk] else { return }
        let counted = min(messages, state.unconsumedMessages)
        guard counted > 0 else { return }
        state.unconsumedMessages -= counted
        state.consumedMessages += counted
        state.consumedBytes += bytes
        desks[desk] = state
        if state.consumedMessages >= max(1, state.credit / 4) || state.unconsumedMessages == 0 {
            grant(desk, messages: state.consumedMessages, bytes: state.consumedBytes, now: now)
        }
    }

    /// Says goodbye; what is unanswered two seconds later fails with `closed`.
    mutating func close(now: Int64) {
        switch phase {
        case .opening: end(nil)
        case .open:
            phase = .closing
            byeNumber = takeNumber()
            closingDeadline = now + Self.closingMilliseconds
            send(Outgoing(header: Header(.bye, number: byeNumber)), now: now)
        case .closing, .closed: return
        }
    }
}

// MARK: What the bus tells

extension SessionState {
    /// Takes one operation of the bus.
    ///
    /// `wall` is in milliseconds since 1970, to read retry times.
    mutating func received(
        _ header: Header,
        envelope: UnsafeRawBufferPointer,
        body: UnsafeRawBufferPointer,
        now: Int64,
        wall: Int64
    ) {
        guard phase != .closed else { return }
        lastHeard = now
        switch header.verb {
        case .answer: answered(header, envelope: envelope, now: now)
        case .refusal: refused(header, envelope: envelope, now: now, wall: wall)
        case .delivery: delivered(header, envelope: envelope, body: body)
        case .step:
            guard let step = try? Envelope.read(Envelope.Step.self, from: envelope) else { return }
            let announced = AnnouncedStep(step)
            steps[header.number] = announced
            outcomes.append(.announced(announced))
        case .farewell:
            guard phase == .open else { return finishClosing() }
            reopen(at: now + 200)
        default: return
        }
    }

    /// The connection below came up or broke; a new one may lead to a restarted daemon.
    mutating func roadChanged(isUp: Bool, hasUnsent: Bool, now: Int64) {
        let cameUp = isUp && !isRoadUp
        isRoadUp = isUp
        guard cameUp else { return }
        if phase == .open { beat(now: now) }
        // A hello said on the broken road is lost; one that waits to leave must not be doubled.
        if phase == .opening, !hasUnsent { helloAt = min(helloAt, now) }
    }

    private mutating func answered(
        _ header: Header,
        envelope: UnsafeRawBufferPointer,
        now: Int64
    ) {
        if let item = take(header.number) {
            outcomes.append(
                .answered(ticket: item.ticket, Reply(header: header, envelope: [UInt8](envelope)))
            )
            pump(now: now)
        } else if let desk = attachNumbers.removeValue(forKey: header.number) {
            attached(desk, number: header.subject, reply: header, now: now)
        } else if helloNumbers.contains(header.number) {
            welcomed(header, envelope: envelope, now: now)
        } else if phase == .closing, header.number == byeNumber {
            finishClosing()
        }
    }

    private mutating func welcomed(
        _ header: Header,
        envelope: UnsafeRawBufferPointer,
        now: Int64
    ) {
        guard phase == .opening,
            let welcome = try? Envelope.read(Envelope.Welcome.self, from: envelope)
        else { return }
        phase = .open
        token = header.id
        voidDeliveries()
        helloNumbers.removeAll()
        requestsMax = min(max(1, Int(welcome.requestsMax)), Limits.requestsMax)
        if welcome.requestsMax == 0 { requestsMax = Limits.requestsMax }
        if welcome.bodyBytesMax > 0 { bodyBytesMax = Int(welcome.bodyBytesMax) }
        if welcome.heartbeatMs > 0 { heartbeatMilliseconds = Int64(welcome.heartbeatMs) }
        if openingDeadline != nil {
            openingDeadline = nil
            outcomes.append(
                .answered(
                    ticket: Self.openingTicket,
                    Reply(header: header, envelope: [UInt8](envelope))
                )
            )
        }
        for desk in desks.keys.sorted() { attach(desk, now: now) }
        repeatAll(now: now)
    }

    private mutating func refused(
        _ header: Header,
        envelope: UnsafeRawBufferPointer,
        now: Int64,
        wall: Int64
    ) {
        let code = RefusalCode(rawValue: header.code)
        if helloNumbers.contains(header.number), header.number != 0 {
            return helloRefused(header, code, envelope: envelope, now: now, wall: wall)
        }
        if code == .noSession {
            // While opening, these are echoes of what was sent before the session was lost.
            if phase == .open { reopen(at: now) } else if phase == .closing { finishClosing() }
            return
        }
        let error = error(of: header, envelope)
        let pause = Self.pause(until: header.instant, wall: wall)
        if let desk = attachNumbers.removeValue(forKey: header.number) {
            guard var state = desks[desk] else { return }
            guard code == .busy || code == .draining || code == .unavailable else {
                return dropDesk(desk, error)
            }
            state.attachAt = now + pause
            desks[desk] = state
        } else if let item = waiting[header.number] {
            let again = now + pause
            guard code == .busy || code == .draining, again < item.deadline else {
                remove(header.number)
                fail(item.ticket, error)
                return pump(now: now)
            }
            if item.isOnWire { unansweredCount -= 1 }
            if item.pausedUntil == nil { pausedCount += 1 }
            waiting[header.number]?.isOnWire = false
            waiting[header.number]?.pausedUntil = again
            pump(now: now)
        } else if phase == .closing, header.number == byeNumber {
            finishClosing()
        }
    }

    private mutating func helloRefused(
        _ header: Header,
        _ code: RefusalCode?,
        envelope: UnsafeRawBufferPointer,
        now: Int64,
        wall: Int64
    ) {
        switch code {
        case .noSession, .unknownReferral:
            // The bus no longer knows the session this one replaces.
            token = .none
            helloAt = now
        case .alreadyOpen:
            helloAt = now + Self.helloMilliseconds
        case .some(let code) where code.isRetriable:
            helloAt = now + Self.pause(until: header.instant, wall: wall)
        default:
            end(error(of: header, envelope))
        }
    }

    private mutating func delivered(
        _ header: Header,
        envelope: UnsafeRawBufferPointer,
        body: UnsafeRawBufferPointer
    ) {
        guard phase == .open, let step = steps[header.number],
            let desk = desks.first(where: { $0.value.office == step.office })?.key,
            let content = try? Envelope.read(Envelope.Case.self, from: envelope)
        else { return }
        desks[desk]?.unconsumedMessages += 1
        outcomes.append(
            .delivered(
                desk: desk,
                Delivery(
                    session: sessionCount,
                    header: header,
                    step: step,
                    envelope: content,
                    body: [UInt8](body)
                )
            )
        )
    }

    private func error(of header: Header, _ envelope: UnsafeRawBufferPointer) -> BaridError {
        let refused = try? Envelope.read(Envelope.Refused.self, from: envelope)
        return .refused(header.code, text: refused?.text ?? "", retryAt: header.instant)
    }

    /// How long to wait for a retry instant: 10 ms to 5 s, and 100 ms where none is given.
    private static func pause(until instant: Int64, wall: Int64) -> Int64 {
        guard instant > 0 else { return 100 }
        let (pause, overflow) = instant.subtractingReportingOverflow(wall)
        return overflow ? retryMillisecondsMax : min(max(10, pause), retryMillisecondsMax)
    }
}

// MARK: Time

extension SessionState {
    /// Does what is due by now: hello, heartbeats, retries and deadlines.
    ///
    /// While earlier operations have not left (`canSend` is false), neither a hello nor a heartbeat
    /// is added to them.
    mutating func tick(now: Int64, canSend: Bool) {
        expire(now: now)
        switch phase {
        case .opening:
            if let deadline = openingDeadline, now >= deadline {
                return end(.client(.notConnected))
            }
            if canSend, now >= helloAt { sayHello(now: now) }
        case .open:
            resume(now: now)
            guard canSend else { return }
            let isImpatient = unansweredCount > 0 || !attachNumbers.isEmpty
            if isImpatient || !desks.isEmpty {
                let pause = isImpatient ? Self.impatientMilliseconds : Self.staffedMilliseconds
                if now - max(lastHeard, lastBeat) >= pause { beat(now: now) }
            }
            if now - lastSent >= heartbeatMilliseconds { beat(now: now) }
        case .closing:
            if now >= closingDeadline { finishClosing() }
        case .closed: return
        }
    }

    /// When `tick` has something to do next, if nothing else happens.
    func nextTick(now: Int64) -> Int64 {
        switch phase {
        case .closed: .max
        case .closing: closingDeadline
        case .opening: max(now + 10, min(helloAt, now + 250))
        case .open:
            pausedCount > 0 || unansweredCount > 0 || !desks.isEmpty && !attachNumbers.isEmpty
                ? now + (pausedCount > 0 ? 20 : 100) : now + 250
        }
    }

    private mutating func sayHello(now: Int64) {
        var hello = Envelope.Hello()
        hello.levelMin = UInt32(Limits.level)
        hello.levelMax = UInt32(Limits.level)
        hello.agency = agency
        hello.connection = connection
        let number = takeNumber()
        helloNumbers.append(number)
        if helloNumbers.count > 16 { helloNumbers.removeFirst() }
        var header = Header(.hello, number: number)
        header.id = token
        helloAt = now + Self.helloMilliseconds
        send(Outgoing(header: header, envelope: Envelope.bytes(of: hello)), now: now)
    }

    private mutating func beat(now: Int64) {
        lastBeat = now
        send(Outgoing(header: Header(.heartbeat)), now: now)
    }

    /// Ends what has waited too long.
    private mutating func expire(now: Int64) {
        guard now >= expireAt else { return }
        expireAt = now + Self.expireMilliseconds
        let late = waiting.filter { now >= $0.value.deadline }.map(\.key).sorted()
        for number in late {
            guard let item = take(number) else { continue }
            fail(item.ticket, .client(phase == .open && isRoadUp ? .timedOut : .notConnected))
        }
        for (desk, state) in desks where state.ticket != nil && now >= state.deadline {
            dropDesk(desk, .client(phase == .open && isRoadUp ? .timedOut : .notConnected))
        }
        if !late.isEmpty { pump(now: now) }
    }

    /// Sends again what the bus refused for a while.
    private mutating func resume(now: Int64) {
        for (desk, state) in desks {
            if let instant = state.attachAt, now >= instant { attach(desk, now: now) }
        }
        guard pausedCount > 0 else { return }
        let ready = waiting.filter { $0.value.pausedUntil.map { now >= $0 } ?? false }
            .sorted { $0.value.ticket < $1.value.ticket }
        for (number, _) in ready {
            waiting[number]?.pausedUntil = nil
            pausedCount -= 1
            queue.append(number)
        }
        pump(now: now)
    }
}

// MARK: Turns of the machine

extension SessionState {
    private mutating func takeNumber() -> UInt32 {
        repeat { lastNumber = lastNumber &+ 1 } while lastNumber == 0 || waiting[lastNumber] != nil
        return lastNumber
    }

    private mutating func send(_ outgoing: Outgoing, now: Int64) {
        lastSent = now
        outbox.append(outgoing)
    }

    private mutating func fail(_ ticket: UInt64, _ error: BaridError) {
        outcomes.append(.failed(ticket: ticket, error))
    }

    /// Sends what waits, as far as the window allows.
    private mutating func pump(now: Int64) {
        guard phase == .open else { return }
        while unansweredCount < requestsMax, let number = queue.popFirst() {
            guard let item = waiting[number], !item.isOnWire, item.pausedUntil == nil else {
                continue
            }
            waiting[number]?.isOnWire = true
            unansweredCount += 1
            var header = item.request.header
            header.number = number
            send(
                Outgoing(
                    header: header,
                    envelope: item.request.envelope,
                    body: item.request.body
                ),
                now: now
            )
        }
    }

    private mutating func take(_ number: UInt32) -> Waiting? {
        guard let item = waiting[number] else { return nil }
        remove(number)
        return item
    }

    private mutating func remove(_ number: UInt32) {
        guard let item = waiting.removeValue(forKey: number) else { return }
        if item.isOnWire { unansweredCount -= 1 }
        if item.pausedUntil != nil { pausedCount -= 1 }
    }

    private mutating func attach(_ desk: Int, now: Int64) {
        guard var state = desks[desk] else { return }
        var attach = Envelope.Attach()
        attach.office = state.office
        attach.title = state.title
        let number = takeNumber()
        attachNumbers[number] = desk
        state.attachAt = nil
        desks[desk] = state
        send(
            Outgoing(
                header: Header(.attach, number: number),
                envelope: Envelope.bytes(of: attach)
            ),
            now: now
        )
    }

    private mutating func attached(_ desk: Int, number: UInt64, reply: Header, now: Int64) {
        guard var state = desks[desk] else { return }
        state.number = number
        let ticket = state.ticket
        state.ticket = nil
        desks[desk] = state
        if let ticket {
            outcomes.append(.answered(ticket: ticket, Reply(header: reply, envelope: [])))
        }
        grant(desk, messages: state.credit, bytes: state.creditBytes, now: now)
    }

    private mutating func grant(_ desk: Int, messages: UInt64, bytes: UInt64, now: Int64) {
        guard phase == .open, var state = desks[desk], let number = state.number, messages > 0
        else { return }
        state.consumedMessages = 0
        state.consumedBytes = 0
        desks[desk] = state
        var header = Header(.credit, number: takeNumber())
        header.subject = number
        header.generation = messages
        header.serial = bytes
        send(Outgoing(header: header), now: now)
    }

    private mutating func dropDesk(_ desk: Int, _ error: BaridError) {
        guard let state = desks.removeValue(forKey: desk) else { return }
        if let ticket = state.ticket { fail(ticket, error) }
        outcomes.append(.unstaffed(desk: desk, error))
    }

    /// The connection has no session any more: credit and steps are void.
    private mutating func reopen(at instant: Int64) {
        phase = .opening
        helloAt = instant
        helloNumbers.removeAll()
        attachNumbers.removeAll()
        steps.removeAll()
        for desk in desks.keys.sorted() {
            desks[desk]?.number = nil
            desks[desk]?.attachAt = nil
            desks[desk]?.consumedMessages = 0
            desks[desk]?.consumedBytes = 0
        }
        let lost = waiting.filter { $0.value.isOnWire && !$0.value.request.isRepeatable }
            .sorted { $0.value.ticket < $1.value.ticket }
        for (number, item) in lost {
            remove(number)
            fail(item.ticket, .interrupted)
        }
    }

    /// A new session: nothing delivered in an earlier one can be settled.
    private mutating func voidDeliveries() {
        sessionCount += 1
        for desk in desks.keys.sorted() {
            desks[desk]?.unconsumedMessages = 0
            outcomes.append(.voided(desk: desk))
        }
    }

    /// Sends everything unanswered again, in the order of asking, under new numbers.
    private mutating func repeatAll(now: Int64) {
        let again = waiting.values.sorted { $0.ticket < $1.ticket }
        waiting.removeAll(keepingCapacity: true)
        unansweredCount = 0
        pausedCount = 0
        var numbers: [UInt32] = []
        for var item in again {
            item.isOnWire = false
            item.pausedUntil = nil
            let number = takeNumber()
            waiting[number] = item
            numbers.append(number)
        }
        queue.replaceAll(with: numbers)
        pump(now: now)
    }

    private mutating func finishClosing() {
        if phase == .closing { end(nil) }
    }

    private mutating func end(_ error: BaridError?) {
        let reason = error ?? .client(.closed)
        if openingDeadline != nil {
            openingDeadline = nil
            fail(Self.openingTicket, reason)
        }
        for item in waiting.values.sorted(by: { $0.ticket < $1.ticket }) {
            fail(item.ticket, reason)
        }
        for state in desks.values {
            if let ticket = state.ticket { fail(ticket, reason) }
        }
        waiting.removeAll()
        desks.removeAll()
        phase = .closed
        outcomes.append(.ended(error))
    }
}
