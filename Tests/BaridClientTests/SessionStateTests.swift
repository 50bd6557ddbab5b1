// SPDX-License-Identifier: Apache-2.0

internal import Testing
internal import Wire
import TestKit

@testable internal import BaridClient

/// Drives a session by hand: what leaves is looked at, what arrives is made up, time is a number.
struct SessionDriver {
    var state = SessionState(
        agency: "city",
        connection: "test",
        now: 0,
        timeoutMilliseconds: 10_000
    )
    var now: Int64 = 0

    mutating func sent() -> [Header] {
        defer { state.outbox.removeAll() }
        return state.outbox.map(\.header)
    }

    mutating func told() -> [Outcome] {
        defer { state.outcomes.removeAll() }
        return state.outcomes
    }

    mutating func tick(at instant: Int64) {
        now = instant
        state.tick(now: now, canSend: true)
    }

    mutating func receive(_ header: Header, envelope: [UInt8] = []) {
        var header = header
        header.envelopeLength = UInt32(envelope.count)
        envelope.withUnsafeBytes { bytes in
            state.received(header, envelope: bytes, body: .empty, now: now, wall: 1_000_000 + now)
        }
    }

    mutating func answer(_ number: UInt32, subject: UInt64 = 0, serial: UInt64 = 0) {
        var header = Header(.answer, number: number)
        header.subject = subject
        header.serial = serial
        receive(header)
    }

    mutating func refuse(_ number: UInt32, _ code: RefusalCode, retryAt: Int64 = 0) {
        var header = Header(.refusal, number: number)
        header.code = code.rawValue
        header.instant = retryAt
        receive(header)
    }

    /// Answers the hello that is under way; returns it.
    @discardableResult
    mutating func open(requestsMax: UInt32 = 0, session: UInt64 = 7) -> Header? {
        tick(at: now)
        guard let hello = sent().last(where: { $0.verb == .hello }) else { return nil }
        var welcome = Envelope.Welcome()
        welcome.level = 1
        welcome.requestsMax = requestsMax
        var header = Header(.answer, number: hello.number)
        header.id = Identifier(high: 0, low: session)
        receive(header, envelope: Envelope.bytes(of: welcome))
        return hello
    }

    mutating func submit(ticket: UInt64, key: UInt64, timeout: Int64 = 30_000) {
        var header = Header(.submit)
        header.id = Identifier(high: 0, low: key)
        state.ask(
            Request(header: header, timeoutMilliseconds: timeout),
            ticket: ticket,
            now: now
        )
    }

    mutating func deliver(step: UInt32, referral: UInt64, bytes: Int = 0) {
        var header = Header(.delivery, number: step)
        header.subject = referral
        header.generation = 1
        receive(header, envelope: [UInt8](repeating: 0, count: 0))
    }

    mutating func announce(step: UInt32, office: String) {
        var announced = Envelope.Step()
        announced.step = "check"
        announced.office = office
        announced.outcomes = ["approved"]
        receive(Header(.step, number: step), envelope: Envelope.bytes(of: announced))
    }
}

extension Outcome {
    var answeredTicket: UInt64? {
        if case .answered(let ticket, _) = self { ticket } else { nil }
    }
    var failure: (ticket: UInt64, error: BaridError)? {
        if case .failed(let ticket, let error) = self { (ticket, error) } else { nil }
    }
    var deliveredDesk: Int? {
        if case .delivered(let desk, _) = self { desk } else { nil }
    }
}

@Suite struct SessionStateTests {
    @Test("nothing but hello leaves before the session is open")
    func helloFirst() {
        var driver = SessionDriver()
        driver.submit(ticket: 1, key: 11)
        driver.tick(at: 0)
        #expect(driver.sent().map(\.verb) == [.hello])
        driver.tick(at: 100)
        #expect(driver.sent().isEmpty)
    }

    @Test("a request asked while opening is sent once the session is open")
    func sentAfterWelcome() {
        var driver = SessionDriver()
        driver.submit(ticket: 1, key: 11)
        driver.open()
        #expect(driver.sent().map(\.id.low) == [11])
        #expect(driver.told().compactMap(\.answeredTicket) == [SessionState.openingTicket])
    }

    @Test("a lost session repeats every unanswered request, same key, in order, once")
    func repeats() {
        var driver = SessionDriver()
        driver.open(session: 7)
        for ticket in 1...5 as ClosedRange<UInt64> {
            driver.submit(ticket: ticket, key: ticket * 10)
        }
        let first = driver.sent()
        driver.answer(first[1].number, subject: 99, serial: 2)
        driver.refuse(first[2].number, .noSession)
        driver.refuse(first[3].number, .noSession)
        #expect(driver.state.phase == .opening)
        let hello = driver.open(session: 8)
        #expect(hello?.id.low == 7, "hello names the session it replaces")
        let second = driver.sent().filter { $0.verb == .submit }
        #expect(second.map(\.id.low) == [10, 30, 40, 50])
        #expect(Set(second.map(\.number)).isDisjoint(with: first.map(\.number)))
        for header in second { driver.answer(header.number) }
        #expect(driver.told().compactMap(\.answeredTicket) == [0, 2, 1, 3, 4, 5])
    }

    @Test("a settlement is repeated under the lease it was made with")
    func repeatsLease() {
        var driver = SessionDriver()
        driver.open()
        var header = Header(.complete)
        header.subject = 9
        header.generation = 4
        header.serial = 77
        driver.state.ask(
            Request(header: header, timeoutMilliseconds: 30_000),
            ticket: 1,
            now: 0
        )
        let first = driver.sent()
        driver.refuse(0, .noSession)
        driver.open()
        let again = driver.sent().filter { $0.verb == .complete }
        #expect(again.map(\.generation) == [4])
        #expect(again.map(\.subject) == [9])
        #expect(first.count == 1)
    }

    @Test("a note is repeated with the key it was made with")
    func repeatsNote() {
        var driver = SessionDriver()
        driver.open()
        var header = Header(.note)
        header.id = Identifier(high: 1, low: 2)
        driver.state.ask(
            Request(header: header, timeoutMilliseconds: 30_000),
            ticket: 1,
            now: 0
        )
        #expect(driver.sent().map(\.verb) == [.note])
        driver.refuse(0, .noSession)
        #expect(driver.told().compactMap(\.failure).isEmpty)
        driver.open()
        #expect(driver.sent().map(\.id) == [Identifier(high: 1, low: 2)])
    }

    @Test("no more requests are on the wire than the bus allows")
    func window() {
        var driver = SessionDriver()
        driver.open(requestsMax: 2)
        for ticket in 1...4 as ClosedRange<UInt64> { driver.submit(ticket: ticket, key: ticket) }
        let first = driver.sent()
        #expect(first.map(\.id.low) == [1, 2])
        driver.answer(first[0].number)
        #expect(driver.sent().map(\.id.low) == [3])
        driver.state.cancel(ticket: 2, now: 0)
        #expect(driver.sent().map(\.id.low) == [4])
    }

    @Test("busy is retried at the instant given, with the same key")
    func busyRetried() {
        var driver = SessionDriver()
        driver.open()
        driver.submit(ticket: 1, key: 5)
        let first = driver.sent()
        driver.refuse(first[0].number, .busy, retryAt: 1_000_000 + 800)
        driver.tick(at: 500)
        #expect(driver.sent().isEmpty)
        driver.tick(at: 801)
        #expect(driver.sent().map(\.id.low) == [5])
        #expect(driver.told().compactMap(\.failure).isEmpty)
    }

    @Test("busy beyond the caller's time is told to the caller")
    func busyTooLong() throws {
        var driver = SessionDriver()
        driver.open()
        driver.submit(ticket: 1, key: 5, timeout: 300)
        driver.refuse(driver.sent()[0].number, .busy, retryAt: 1_000_000 + 4_000)
        let failure = try #require(driver.told().compactMap(\.failure).first)
        #expect(failure.error.code == .busy)
        #expect(failure.error.retryAt == 1_004_000)
        #expect(failure.error.isRetriable)
        #expect(failure.error.by == .bus)
    }

    @Test("every refusal but busy and draining reaches its caller with its code")
    func refusals() {
        for code in RefusalCode.allCases
        where code != .busy && code != .draining && code != .noSession {
            var driver = SessionDriver()
            driver.open()
            driver.submit(ticket: 1, key: 5)
            driver.refuse(driver.sent()[0].number, code)
            let failures = driver.told().compactMap(\.failure)
            #expect(failures.map(\.error.code.rawValue) == [code.rawValue])
            #expect(failures.map(\.error.isRetriable) == [code.isRetriable])
        }
    }

    @Test("a desk is attached and granted its whole credit, and again after a lost session")
    func staffs() {
        var driver = SessionDriver()
        driver.open()
        driver.staff(credit: 8)
        #expect(driver.attach(as: 3).map(\.generation) == [8])
        driver.refuse(0, .noSession)
        driver.open()
        #expect(driver.attach(as: 6).map(\.subject) == [6])
    }

    @Test("a desk without credit is attached and granted none")
    func staffsWithoutCredit() {
        var driver = SessionDriver()
        driver.open()
        driver.staff(credit: 0)
        #expect(driver.attach(as: 3).isEmpty)
        #expect(driver.told().compactMap(\.answeredTicket) == [0, 500])
    }

    @Test("a wait without end does not overflow")
    func endlessWait() {
        var driver = SessionDriver()
        driver.now = 5
        driver.open()
        driver.submit(ticket: 1, key: 1, timeout: .max)
        driver.tick(at: 1_000)
        #expect(driver.told().compactMap(\.failure).isEmpty)
    }

    @Test("credit comes back in portions, never above what was consumed")
    func credit() {
        var driver = SessionDriver()
        driver.open()
        driver.staff(credit: 8)
        _ = driver.attach(as: 3)
        driver.announce(step: 1, office: "city/desk")
        for referral in 1...8 as ClosedRange<UInt64> { driver.deliver(step: 1, referral: referral) }
        #expect(driver.told().compactMap(\.deliveredDesk).count == 8)
        #expect(driver.sent().isEmpty, "unread deliveries give nothing back")
        var granted: UInt64 = 0
        for consumed in 1...8 as ClosedRange<UInt64> {
            driver.state.consumed(
                desk: 1,
                session: driver.state.sessionCount,
                messages: 1,
                bytes: 0,
                now: 0
            )
            granted += driver.sent().filter { $0.verb == .credit }.map(\.generation).reduce(0, +)
            #expect(granted <= consumed)
        }
        #expect(granted == 8)
    }

    @Test("what was delivered in a lost session is void and gives no credit back")
    func voided() {
        var driver = SessionDriver()
        driver.open()
        driver.staff(credit: 8)
        _ = driver.attach(as: 3)
        driver.announce(step: 1, office: "city/desk")
        driver.deliver(step: 1, referral: 1)
        let session = driver.state.sessionCount
        driver.refuse(0, .noSession)
        driver.open()
        let isVoided = driver.told().contains { if case .voided(1) = $0 { true } else { false } }
        #expect(isVoided)
        _ = driver.attach(as: 3)
        driver.state.consumed(desk: 1, session: session, messages: 1, bytes: 0, now: 0)
        #expect(driver.sent().isEmpty)
    }

    @Test("a heartbeat follows within a second of silence while requests are unanswered")
    func impatient() {
        var driver = SessionDriver()
        driver.open()
        driver.tick(at: 5_000)
        #expect(driver.sent().isEmpty, "an idle session is in no hurry")
        driver.submit(ticket: 1, key: 1)
        _ = driver.sent()
        driver.tick(at: 6_001)
        #expect(driver.sent().map(\.verb) == [.heartbeat])
        driver.tick(at: 6_500)
        #expect(driver.sent().isEmpty)
        driver.tick(at: 7_002)
        #expect(driver.sent().map(\.verb) == [.heartbeat])
    }

    @Test("an idle session sends a heartbeat every ten seconds, and when the road comes back")
    func idleHeartbeat() {
        var driver = SessionDriver()
        driver.open()
        driver.tick(at: 9_999)
        #expect(driver.sent().isEmpty)
        driver.tick(at: 10_000)
        #expect(driver.sent().map(\.verb) == [.heartbeat])
        driver.state.roadChanged(isUp: true, hasUnsent: false, now: 10_001)
        #expect(driver.sent().map(\.verb) == [.heartbeat])
    }

    @Test("a request ends at its deadline, and its late answer is ignored")
    func deadline() {
        var driver = SessionDriver()
        driver.open()
        driver.state.roadChanged(isUp: true, hasUnsent: false, now: 0)
        driver.submit(ticket: 1, key: 1, timeout: 1_000)
        let number = driver.sent().last?.number ?? 0
        driver.tick(at: 1_500)
        #expect(driver.told().compactMap(\.failure).map(\.error.code) == [.timedOut])
        driver.answer(number)
        #expect(driver.told().compactMap(\.answeredTicket).isEmpty)
    }

    @Test("a bus that never answers hello is told as not connected")
    func unreachable() {
        var driver = SessionDriver()
        driver.tick(at: 0)
        driver.submit(ticket: 1, key: 1)
        driver.tick(at: 10_001)
        let failures = driver.told().compactMap(\.failure)
        #expect(failures.map(\.ticket) == [0, 1])
        #expect(failures.map(\.error.code) == [.notConnected, .notConnected])
        #expect(driver.state.phase == .closed)
    }

    @Test("closing says bye once and fails what is left")
    func closes() {
        var driver = SessionDriver()
        driver.open()
        driver.submit(ticket: 1, key: 1)
        _ = driver.sent()
        driver.state.close(now: 0)
        driver.state.close(now: 0)
        let bye = driver.sent()
        #expect(bye.map(\.verb) == [.bye])
        driver.answer(bye[0].number)
        #expect(driver.state.phase == .closed)
        #expect(driver.told().compactMap(\.failure).map(\.error.code) == [.closed])
    }

    @Test(
        "any order of losses, refusals and answers ends each ticket exactly once",
        arguments: 0..<40
    )
    func everyTicketOnce(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var driver = SessionDriver()
        var onWire: [UInt32] = []
        var ended: [UInt64: Int] = [:]
        var ticket: UInt64 = 0
        driver.open(requestsMax: 5)
        for _ in 0..<400 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0...3:
                ticket += 1
                driver.submit(ticket: ticket, key: ticket)
            case 4...6:
                if let number = onWire.randomElement(using: &random) {
                    driver.answer(number)
                    onWire.removeAll { $0 == number }
                }
            case 7:
                if let number = onWire.randomElement(using: &random) {
                    driver.refuse(number, .busy)
                }
            case 8: driver.refuse(0, .noSession)
            default: driver.tick(at: driver.now + 150)
            }
            if driver.state.phase == .opening { driver.open(requestsMax: 5) }
            onWire += driver.sent().filter { $0.verb == .submit }.map(\.number)
            for outcome in driver.told() {
                if let ticket = outcome.answeredTicket ?? outcome.failure?.ticket {
                    ended[ticket, default: 0] += 1
                }
            }
        }
        driver.state.close(now: driver.now)
        driver.tick(at: driver.now + 3_000)
        for outcome in driver.told() {
            if let ticket = outcome.answeredTicket ?? outcome.failure?.ticket {
                ended[ticket, default: 0] += 1
            }
        }
        for ticket in 1...ticket { #expect(ended[ticket] == 1, "ticket \(ticket), seed \(seed)") }
    }
}

extension SessionDriver {
    mutating func staff(credit: UInt64) {
        state.staff(
            1,
            StaffedDesk(
                office: "city/desk",
                title: "Desk",
                credit: credit,
                creditBytes: 1 << 20,
                ticket: 500,
                deadline: now + 30_000
            ),
            now: now
        )
    }

    /// Answers the attach under way, and returns the grants that follow.
    mutating func attach(as office: UInt64) -> [Header] {
        for header in sent() where header.verb == .attach { answer(header.number, subject: office) }
        return sent().filter { $0.verb == .credit }
    }
}
