// SPDX-License-Identifier: Apache-2.0

internal import Wire

/// What a session does as time goes by: hello, heartbeats, retries and deadlines.
extension SessionState {
    /// Pause between heartbeats while requests are unanswered: a restart is noticed by its
    /// `noSession`.
    static let impatientMilliseconds: Int64 = 1_000
    /// The same while offices are staffed or topics subscribed and nothing comes.
    static let staffedMilliseconds: Int64 = 2_000
    /// Pause before `hello` is repeated when it was lost.
    static let helloMilliseconds: Int64 = 3_000
    /// Pause between looks at the deadlines.
    private static let expireMilliseconds: Int64 = 200
    /// How many hellos may be answered late.
    private static let helloNumbersMax = 16

    /// Does what is due by now.
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
            if canSend { beatIfQuiet(now: now) }
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
            if requests.pausedCount > 0 {
                now + 20
            } else if requests.onWireCount > 0 || !standingRequests.isEmpty
                || !desks.isEmpty && !attachNumbers.isEmpty
            {
                now + 100
            } else {
                now + 250
            }
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

    private mutating func sayHello(now: Int64) {
        var hello = Envelope.Hello()
        hello.levelMin = UInt32(Limits.level)
        hello.levelMax = UInt32(Limits.level)
        hello.agency = agency
        hello.connection = connection
        let number = requests.takeNumber()
        helloNumbers.append(number)
        if helloNumbers.count > Self.helloNumbersMax { helloNumbers.removeFirst() }
        var header = Header(.hello, number: number)
        header.id = token
        helloAt = now + Self.helloMilliseconds
        send(Outgoing(header: header, envelope: Envelope.bytes(of: hello)), now: now)
    }

    private mutating func beatIfQuiet(now: Int64) {
        let isImpatient =
            requests.onWireCount > 0 || !attachNumbers.isEmpty || !standingRequests.isEmpty
        if isImpatient || !desks.isEmpty || !standings.isEmpty {
            let pause = isImpatient ? Self.impatientMilliseconds : Self.staffedMilliseconds
            if now - max(lastHeard, lastBeat) >= pause { beat(now: now) }
        }
        if now - lastSent >= heartbeatMilliseconds { beat(now: now) }
    }

    private mutating func beat(now: Int64) {
        lastBeat = now
        send(Outgoing(header: Header(.heartbeat)), now: now)
    }

    /// Ends what has waited too long.
    private mutating func expire(now: Int64) {
        guard now >= expireAt else { return }
        expireAt = now + Self.expireMilliseconds
        let error: BaridError = .client(phase == .open && isRoadUp ? .timedOut : .notConnected)
        let late = requests.takeLate(now: now)
        for item in late { fail(item.ticket, error) }
        for (desk, staffed) in desks where staffed.ticket != nil && now >= staffed.deadline {
            dropDesk(desk, error)
        }
        for (key, standing) in standings where standing.ticket != nil && now >= standing.deadline {
            dropStanding(key, error)
        }
        if !late.isEmpty { pump(now: now) }
    }

    /// Sends again what the bus refused for a while.
    private mutating func resume(now: Int64) {
        for (desk, staffed) in desks {
            if let instant = staffed.attachAt, now >= instant { attach(desk, now: now) }
        }
        for (key, standing) in standings {
            if let instant = standing.askAt, now >= instant { sendStanding(key, now: now) }
        }
        guard requests.pausedCount > 0 else { return }
        requests.resume(now: now)
        pump(now: now)
    }
}
