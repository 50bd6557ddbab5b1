// SPDX-License-Identifier: Apache-2.0

import Ledger
import Rules
import Testing
import Wire

/// Goal: promise 6: whatever cannot go on is a dead letter with reason and owner.
///
/// Method: one case that fails until its step allows no more, then operators decide.
@Suite("Failed deliveries, dead letters and custody")
struct FailureTests {
    let bench: LedgerBench
    let one: UInt32

    init() throws {
        bench = try LedgerBench()
        try bench.publish(Samples.line)
        one = try bench.staff(["a/one"])
        _ = try bench.staff(["b/two"])
    }

    /// Lets the first step fail until it is dead; returns the referral.
    private func kill(_ serial: UInt64, byRelease: Bool) throws -> UInt64 {
        var pauses: [Int64] = []
        var referral: UInt64 = 0
        for attempt in 0..<3 {
            let delivery = try #require(bench.deliveries.first)
            #expect(delivery.attempts == attempt && delivery.serial == serial)
            referral = delivery.referral
            if byRelease { bench.settle(.release, delivery) } else { bench.pass(30_000) }
            try bench.turn()
            guard attempt < 2 else { break }
            let wake = try #require(
                bench.writer.nextWake(wall: bench.wall, monotonic: bench.monotonic)
            )
            pauses.append(wake - bench.monotonic)
            bench.pass(pauses[attempt] - 1)
            try bench.turn()
            #expect(bench.deliveries.isEmpty)
            bench.pass(1)
            try bench.turn()
        }
        #expect((5_000...10_000).contains(pauses[0]) && (10_000...20_000).contains(pauses[1]))
        return referral
    }

    @Test(
        "a referral whose attempts are spent is a dead letter with its reason",
        arguments: [true, false]
    )
    func attempts(byRelease: Bool) throws {
        let serial = try bench.submitted(one, "line")
        let referral = try kill(serial, byRelease: byRelease)
        try bench.reopen()
        let letter = try #require(try bench.reader().dead(.all).first)
        #expect(letter.reason == .attempts && letter.referral.number == referral)
        #expect(letter.office == "a/one" && letter.agency == "a" && letter.referral.attempts == 3)
        #expect(
            letter.cause == (byRelease ? "because" : "The lease lapsed before the office settled.")
        )
        #expect(try bench.acts(serial).count == 4)
        try bench.verify()
    }

    @Test("an operator sends a dead letter on with its attempts forgotten")
    func retried() throws {
        let serial = try bench.submitted(one, "line")
        let referral = try kill(serial, byRelease: true)
        guard case .done = try bench.act(.retry(referral: referral)) else {
            Issue.record("not retried")
            return
        }
        try bench.turn()
        let delivery = try #require(bench.deliveries.first)
        #expect(delivery.referral == referral && delivery.attempts == 0)
        #expect(try bench.reply(to: bench.complete(delivery, "done")).isAnswer)
        guard case .refused(.notDead) = try bench.act(.retry(referral: referral)) else {
            Issue.record("retried twice")
            return
        }
        try bench.verify()
    }

    @Test("an operator's dismissal of the only branch closes the case")
    func dismissed() throws {
        let serial = try bench.submitted(one, "line")
        let referral = try kill(serial, byRelease: false)
        guard case .done = try bench.act(.dismiss(referral: referral)) else {
            Issue.record("not dismissed")
            return
        }
        let trail = try bench.trail(serial)
        #expect(!trail.isOpen && trail.result == "dismissed")
        #expect(trail.acts.last?.text == "test")
        guard case .refused(.notDead) = try bench.act(.dismiss(referral: referral)) else {
            Issue.record("dismissed twice")
            return
        }
        try bench.verify()
    }

    @Test("a release is not delivered before the delay the office asked for")
    func delay() throws {
        try bench.submitted(one, "line")
        bench.settle(.release, try #require(bench.deliveries.first), delay: 60_000)
        try bench.turn()
        bench.pass(59_999)
        try bench.turn()
        #expect(bench.deliveries.isEmpty)
        bench.pass(1)
        try bench.turn()
        #expect(bench.deliveries.count == 1)
    }

    @Test("a refusal of custody goes back to the office before, at the first it is a dead letter")
    func refused() throws {
        let serial = try bench.submitted(one, "line")
        bench.complete(try #require(bench.deliveries.first), "done")
        try bench.turn()
        bench.settle(.refuse, try #require(bench.deliveries.first))
        try bench.turn()
        #expect(try bench.places(serial) == ["first waiting"])
        let other = try bench.submitted(one, "line")
        bench.settle(.refuse, try #require(bench.deliveries.last))
        try bench.turn()
        let letter = try #require(try bench.reader().dead(.serial(other)).first)
        #expect(letter.reason == .refused && letter.office == "a/one")
        try bench.verify()
    }

    @Test(
        "the hop budget ends a loop in a dead letter, however it loops",
        arguments: [true, false]
    )
    func loop(byRefusal: Bool) throws {
        let serial = try bench.submitted(one, "line")
        for _ in 0..<8 {
            guard let delivery = bench.deliveries.first else { break }
            if delivery.step.step == "first" {
                bench.complete(delivery, "done")
            } else if byRefusal {
                bench.settle(.refuse, delivery)
            } else {
                bench.complete(delivery, "again")
            }
            try bench.turn()
        }
        let letter = try #require(try bench.reader().dead(.serial(serial)).first)
        #expect(letter.reason == .loop && letter.referral.hops == 7)
        try bench.verify()
        try bench.act(.retry(referral: letter.referral.number))
        try bench.turn()
        #expect(bench.deliveries.first?.referral == letter.referral.number)
        try bench.verify()
    }

    // MARK: Custody

    @Test("custody survives a kill and is settled by any session that staffs the office only")
    func custody() throws {
        try bench.submitted(one, "line")
        let delivery = try #require(bench.deliveries.first)
        let first = try bench.reply(to: bench.settle(.accept, delivery))
        #expect(first.isAnswer)
        let again = try bench.reply(to: bench.settle(.accept, delivery))
        #expect(again.isRepeated && again.header.subject == first.header.subject)
        let second = try bench.reply(to: bench.settle(.accept, delivery.inCustody))
        #expect(second.refusal == .inCustody)
        bench.pass(86_400_000)
        try bench.turn()
        #expect(bench.deliveries.isEmpty)
        try bench.reopen()
        let other = try bench.hello("b")
        let foreign = bench.complete(delivery.inCustody.held(by: other), "done")
        #expect(try bench.reply(to: foreign).refusal == .otherAgency)
        let mine = try bench.hello("a")
        let held = delivery.inCustody.held(by: mine)
        #expect(try bench.reply(to: bench.complete(held, "done")).refusal == .notAttached)
        _ = try bench.attach(mine, "a/one")
        #expect(try bench.reply(to: bench.note(held, "x")).isAnswer)
        #expect(try bench.reply(to: bench.settle(.renew, held)).refusal == .stale)
        let done = try bench.reply(to: bench.complete(held, "done"))
        #expect(done.isAnswer)
        #expect(try bench.reply(to: bench.complete(held, "done")).isRepeated)
        #expect(try bench.reply(to: bench.complete(held, "stop")).refusal == .alreadySettled)
        #expect(try bench.acts(delivery.serial) == ["submitted", "accepted", "noted", "completed"])
        try bench.verify()
    }

    @Test("a settle by another agency is refused even with the right lease")
    func otherAgency() throws {
        try bench.submitted(one, "line")
        let delivery = try #require(bench.deliveries.first)
        let other = try bench.hello("b")
        for verb in [Verb.accept, .refuse, .renew] {
            let number = bench.settle(verb, delivery.held(by: other))
            #expect(try bench.reply(to: number).refusal == .otherAgency)
        }
        #expect(try bench.reply(to: bench.complete(delivery, "done")).isAnswer)
    }

    // MARK: Refusals of what is claimed

    @Test("both times are kept, a future one is refused, and backdating is a right")
    func times() throws {
        let early = bench.wall - 3_600_000
        let answer = try bench.reply(to: bench.submit(one, "line", at: early))
        #expect(answer.header.instant == bench.wall)
        let act = try #require(try bench.trail(answer.header.serial).acts.first)
        #expect(act.occurredAt == early && act.recordedAt == bench.wall)
        let future = bench.submit(one, "line", at: bench.wall + 5_001)
        #expect(try bench.reply(to: future).refusal == .inFuture)
        try bench.act(.backdating(agency: "a", isAllowed: false))
        let back = bench.submit(one, "line", at: early)
        #expect(try bench.reply(to: back).refusal == .mayNotBackdate)
        let recent = bench.submit(one, "line", at: bench.wall - 60_000)
        #expect(try bench.reply(to: recent).isAnswer)
        try bench.reopen()
        let session = try bench.hello("a")
        let still = bench.submit(session, "line", at: early)
        #expect(try bench.reply(to: still).refusal == .mayNotBackdate)
        try bench.verify()
    }

    @Test("where no transition fits, the settle is refused and the lease lives on")
    func noPath() throws {
        var procedure = try bench.publish(Samples.line)
        let condition = Guard(attribute: "kind", comparison: .equal, constant: "home")
        procedure.steps[0].outcomes[0].transitions[0].guarded = condition
        try bench.publish(procedure, source: Samples.line)
        try bench.submitted(one, "line")
        let delivery = try #require(bench.deliveries.first)
        #expect(try bench.reply(to: bench.complete(delivery, "done")).refusal == .noPath)
        let unknown = try bench.reply(to: bench.complete(delivery, "no such outcome"))
        #expect(unknown.refusal == .unknownOutcome)
        let returned = try bench.reply(to: bench.settle(.return, delivery))
        #expect(returned.refusal == .returnNotAllowed)
        let referred = try bench.reply(to: bench.settle(.refer, delivery, offices: ["b/three"]))
        #expect(referred.refusal == .referNotAllowed)
        #expect(try bench.reply(to: bench.complete(delivery, "stop")).isAnswer)
        try bench.verify()
    }

    // MARK: After closing

    @Test("a closed case is reopened within the term, not after it; a rating leaves a record only")
    func afterClosing() throws {
        let serial = try bench.submitted(one, "line")
        func act(_ name: String, of serial: UInt64) throws -> Told {
            try bench.reply(
                to: bench.submit(one, "line", serial: serial) { $0.action = name }
            )
        }
        let delivery = try #require(bench.deliveries.first)
        #expect(try act("reopen", of: serial).refusal == .caseOpen)
        #expect(try act("reopen", of: 99).refusal == .unknownCase)
        #expect(try bench.reply(to: bench.complete(delivery, "stop")).isAnswer)
        #expect(try act("appeal", of: serial).refusal == .actionNotAllowed)
        #expect(try act("rate", of: serial).isAnswer)
        #expect(try !bench.trail(serial).isOpen)
        bench.pass(86_400_000)
        #expect(try act("reopen", of: serial).isAnswer)
        #expect(try bench.trail(serial).isOpen)
        let again = try #require(bench.deliveries.first)
        #expect(again.serial == serial && again.step.step == "first")
        #expect(try bench.reply(to: bench.complete(again, "stop")).isAnswer)
        bench.pass(86_400_001)
        #expect(try act("reopen", of: serial).refusal == .actionNotAllowed)
        #expect(try act("rate", of: serial).isAnswer)
        #expect(
            try bench.acts(serial) == [
                "submitted", "completed", "acted", "acted", "completed", "acted",
            ]
        )
        try bench.verify()
    }

    @Test("a case is asked for by serial or by id, never by both or neither")
    func track() throws {
        let serial = try bench.submitted(one, "line")
        let id = try #require(bench.deliveries.first).id
        func track(_ serial: UInt64, _ id: Identifier) throws -> Told {
            var header = Header(.track)
            header.serial = serial
            header.id = id
            return try bench.reply(to: bench.ask(header, one))
        }
        for answer in [try track(serial, .none), try track(0, id)] {
            let trail = try #require(answer.read(Envelope.Trail.self))
            #expect(answer.header.serial == serial && trail.id == id.text)
            #expect(trail.state == "open" && trail.places.map(\.office) == ["a/one"])
        }
        #expect(try track(serial, id).refusal == .malformed)
        #expect(try track(0, .none).refusal == .malformed)
        #expect(try track(99, .none).refusal == .unknownCase)
    }
}
