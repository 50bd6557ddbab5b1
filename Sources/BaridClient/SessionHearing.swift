// SPDX-License-Identifier: Apache-2.0

internal import Wire

/// What the bus tells a session.
extension SessionState {
    private static let retryMillisecondsMax: Int64 = 5_000

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
        case .answer: answered(header, envelope: envelope, body: body, now: now)
        case .refusal: refused(header, envelope: envelope, now: now, wall: wall)
        case .delivery: delivered(header, envelope: envelope, body: body)
        case .step:
            guard let step = try? Envelope.read(Envelope.Step.self, from: envelope) else { return }
            steps[header.number] = AnnouncedStep(step)
        case .farewell:
            // No new session would be opened for this key, or this agency.
            if header.code == RefusalCode.revoked.rawValue {
                return end(error(of: header, envelope))
            }
            guard phase == .open else { return finishClosing() }
            reopen(at: now + 200)
        case .event, .gap, .ended, .question, .replied:
            told(header, envelope: envelope, body: body)
        default: return
        }
    }

    // MARK: Answers

    private mutating func answered(
        _ header: Header,
        envelope: UnsafeRawBufferPointer,
        body: UnsafeRawBufferPointer,
        now: Int64
    ) {
        if let item = requests.take(header.number) {
            outcomes.append(
                .answered(
                    ticket: item.ticket,
                    Reply(header: header, envelope: [UInt8](envelope), body: [UInt8](body))
                )
            )
            pump(now: now)
        } else if let desk = attachNumbers.removeValue(forKey: header.number) {
            attached(desk, reply: header, now: now)
        } else if let key = standingRequests.removeValue(forKey: header.number) {
            standingAnswered(key, header, now: now)
        } else if let verb = leaving.removeValue(forKey: header.number) {
            undo(verb, header.subject, now: now)
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
        let onWireMax = welcome.requestsMax == 0 ? Limits.requestsMax : Int(welcome.requestsMax)
        requests.onWireMax = min(onWireMax, Limits.requestsMax)
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
        // Before the requests: an acknowledgement needs its subscription, an answer its offer.
        for key in standings.keys.sorted() { sendStanding(key, now: now) }
        requests.restart()
        pump(now: now)
    }

    private mutating func attached(_ desk: Int, reply: Header, now: Int64) {
        guard var staffed = desks[desk] else { return }
        staffed.number = reply.subject
        let ticket = staffed.ticket
        staffed.ticket = nil
        desks[desk] = staffed
        if let ticket {
            outcomes.append(.answered(ticket: ticket, Reply(header: reply, envelope: [])))
        }
        grant(staffed.number, staffed.credit.fresh, now: now)
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
        desks[desk]?.credit.deliver(bytes: Delivery.bytes(of: header))
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

    // MARK: Refusals

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
            guard code == .busy || code == .draining || code == .unavailable else {
                return dropDesk(desk, error)
            }
            desks[desk]?.attachAt = now + pause
        } else if let key = standingRequests.removeValue(forKey: header.number) {
            guard code == .busy || code == .draining || code == .unavailable else {
                return dropStanding(key, error)
            }
            standings[key]?.askAt = now + pause
        } else if let item = requests.item(header.number) {
            if code == .busy || code == .draining, now + pause < item.deadline {
                requests.pause(header.number, until: now + pause)
            } else {
                requests.take(header.number)
                fail(item.ticket, error)
            }
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

    func error(of header: Header, _ envelope: UnsafeRawBufferPointer) -> BaridError {
        let refused = try? Envelope.read(Envelope.Refused.self, from: envelope)
        return .refused(header.code, text: refused?.text ?? "", retryAt: header.instant)
    }

    /// How long to wait for a retry instant: 10 ms to 5 s, and 100 ms where none is given.
    private static func pause(until instant: Int64, wall: Int64) -> Int64 {
        guard instant > 0 else { return 100 }
        let (pause, overflow) = instant.subtractingReportingOverflow(wall)
        return overflow ? retryMillisecondsMax : min(max(10, pause), retryMillisecondsMax)
    }

    mutating func dropDesk(_ desk: Int, _ error: BaridError) {
        guard let staffed = desks.removeValue(forKey: desk) else { return }
        if let ticket = staffed.ticket { fail(ticket, error) }
        outcomes.append(.unstaffed(desk: desk, error))
    }

    // MARK: A lost session

    /// The connection has no session any more: credit and steps are void.
    private mutating func reopen(at instant: Int64) {
        phase = .opening
        helloAt = instant
        helloNumbers.removeAll()
        attachNumbers.removeAll()
        steps.removeAll()
        for desk in desks.keys { desks[desk]?.lose() }
        loseStandings()
        for item in requests.takeBound() { fail(item.ticket, .client(.unknownQuestion)) }
    }

    /// A new session: nothing delivered in an earlier one can be settled.
    private mutating func voidDeliveries() {
        sessionCount += 1
        for desk in desks.keys.sorted() {
            desks[desk]?.credit.void()
            outcomes.append(.voided(desk: desk))
        }
        voidStandings()
    }
}
