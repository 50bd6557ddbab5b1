// SPDX-License-Identifier: Apache-2.0

import Ledger
import Rules
import Testing
import Wire

/// Goal: promises 1, 2, 4 and 5: a hop is one transaction, a repetition gets the first answer, a
/// late worker cannot harm.
///
/// Method: one case on two offices; kills are simulated by opening a copy of the files.
@Suite("Hops, repetitions and leases")
struct HopTests {
    let bench: LedgerBench
    let one: UInt32
    let two: UInt32

    init() throws {
        bench = try LedgerBench()
        try bench.publish(Samples.line)
        one = try bench.staff(["a/one"])
        two = try bench.staff(["b/two", "b/three"])
    }

    private func delivered() throws -> Delivery {
        try bench.submitted(one, "line")
        return try #require(bench.deliveries.first)
    }

    @Test("a hop leaves one queue and enters the next with its trail, and survives a kill")
    func hop() throws {
        let first = try delivered()
        #expect(try bench.reply(to: bench.complete(first, "done")).isAnswer)
        let second = try #require(bench.deliveries.first)
        #expect(second.session == two)
        #expect(second.step.step == "second")
        try bench.reopen()
        #expect(try bench.acts(first.serial) == ["submitted", "completed"])
        #expect(try bench.places(first.serial) == ["second waiting"])
        let totals = try bench.reader().totals()
        #expect(totals.waiting == 1 && totals.casesOpen == 1)
        try bench.verify()
    }

    @Test("after a restart a lease is void and the referral comes again in a higher generation")
    func restart() throws {
        let before = try delivered()
        try bench.reopen()
        let session = try bench.staff(["a/one"])
        let after = try #require(bench.deliveries.first)
        #expect(after.referral == before.referral)
        #expect(after.generation > before.generation)
        #expect(after.attempts == 0)
        let late = try bench.reply(to: bench.complete(before.held(by: session), "done"))
        #expect(late.refusal == .stale)
        #expect(try bench.reply(to: bench.complete(after, "done")).isAnswer)
        try bench.verify()
    }

    @Test("a delivery carries envelope and body as submitted, and the term of the step")
    func verbatim() throws {
        let number = bench.submit(one, "line", body: "the body") { $0.subject = "تصريح" }
        _ = try bench.reply(to: number)
        let delivery = try #require(bench.deliveries.first)
        #expect(String(decoding: delivery.body, as: UTF8.self) == "the body")
        let envelope = try delivery.envelope.withUnsafeBytes {
            try Envelope.read(Envelope.Case.self, from: $0)
        }
        #expect(envelope.subject == "تصريح")
        #expect(delivery.due == bench.wall + 86_400_000)
    }

    // MARK: Repetitions

    @Test("a repeated submit gets the first receipt, in the same batch, later and after a kill")
    func repeatedSubmit() throws {
        let key = bench.key()
        let number = bench.submit(one, "line", key: key)
        let again = bench.submit(one, "line", key: key)
        try bench.turn()
        let first = try bench.answer(to: number)
        #expect(!first.isRepeated)
        try expectRepeated(try bench.answer(to: again), first)
        try expectRepeated(try bench.reply(to: bench.submit(one, "line", key: key)), first)
        try bench.reopen()
        let session = try bench.staff(["a/one"])
        try expectRepeated(try bench.reply(to: bench.submit(session, "line", key: key)), first)
        #expect(try bench.reader().totals().casesOpen == 1)
    }

    @Test("a key used with other content is a conflict, and the key of another agency is not")
    func keyConflict() throws {
        let key = bench.key()
        let first = try bench.reply(to: bench.submit(one, "line", key: key))
        let other = try bench.reply(to: bench.submit(one, "line", key: key, body: "other"))
        #expect(other.refusal == .keyConflict)
        let foreign = try bench.reply(to: bench.submit(two, "line", key: key))
        #expect(foreign.isAnswer && foreign.header.serial != first.header.serial)
    }

    @Test("a repetition gets the first answer even when a new case would be refused")
    func repeatedWhileFull() throws {
        let key = bench.key()
        let first = try bench.reply(to: bench.submit(one, "line", key: key))
        bench.writer.isStorageLow = true
        try expectRepeated(try bench.reply(to: bench.submit(one, "line", key: key)), first)
    }

    @Test("a keyed remark is kept once, even after the referral went on")
    func repeatedNote() throws {
        let delivery = try delivered()
        let key = bench.key()
        let first = try bench.reply(to: bench.note(delivery, "seen", key: key))
        bench.complete(delivery, "done")
        try expectRepeated(try bench.reply(to: bench.note(delivery, "seen", key: key)), first)
        let other = try bench.reply(to: bench.note(delivery, "changed", key: key))
        #expect(other.refusal == .keyConflict)
        #expect(try bench.acts(delivery.serial) == ["submitted", "noted", "completed"])
        try bench.verify()
    }

    @Test(
        "a repeated settle under the same lease gets the first answer; another one is refused",
        arguments: [Verb.complete, .release, .accept, .refuse]
    )
    func repeatedSettle(verb: Verb) throws {
        let delivery = try delivered()
        func ask() -> UInt32 {
            verb == .complete
                ? bench.complete(delivery, "done") : bench.settle(verb, delivery)
        }
        let first = try bench.reply(to: ask())
        #expect(first.isAnswer && !first.isRepeated)
        try expectRepeated(try bench.reply(to: ask()), first)
        let other = try bench.reply(to: bench.complete(delivery, "stop"))
        #expect(other.refusal == (verb == .accept ? .inCustody : .alreadySettled))
        try bench.reopen()
        let session = try bench.staff(["a/one"])
        let held = delivery.held(by: session)
        let number =
            verb == .complete ? bench.complete(held, "done") : bench.settle(verb, held)
        try expectRepeated(try bench.reply(to: number), first)
        try bench.verify()
    }

    @Test("a return and a referral are repeatable too")
    func repeatedReturn() throws {
        bench.complete(try delivered(), "done")
        try bench.turn()
        let second = try #require(bench.deliveries.first)
        let first = try bench.reply(to: bench.settle(.refer, second, offices: ["b/three"]))
        try expectRepeated(
            try bench.reply(to: bench.settle(.refer, second, offices: ["b/three"])),
            first
        )
        #expect(try bench.places(second.serial) == ["second waiting"])
    }

    // MARK: Leases

    @Test("a settle after the lease has lapsed is stale, and the case goes on exactly once")
    func lapsed() throws {
        let first = try delivered()
        bench.pass(30_000)
        #expect(try bench.reply(to: bench.complete(first, "done")).refusal == .stale)
        bench.pass(10_000)
        try bench.turn()
        let second = try #require(bench.deliveries.first)
        #expect(second.referral == first.referral && second.attempts == 1)
        #expect(second.generation > first.generation)
        #expect(try bench.reply(to: bench.complete(second, "done")).isAnswer)
        #expect(try bench.reply(to: bench.complete(first, "done")).refusal == .stale)
        #expect(try bench.acts(first.serial) == ["submitted", "lapsed", "completed"])
        try bench.verify()
    }

    @Test("a renewed lease lives for its full length again")
    func renewed() throws {
        let delivery = try delivered()
        bench.pass(20_000)
        let answer = try bench.reply(to: bench.settle(.renew, delivery))
        #expect(answer.header.instant == bench.wall + 30_000)
        bench.pass(29_000)
        #expect(try bench.reply(to: bench.complete(delivery, "done")).isAnswer)
        #expect(try bench.reply(to: bench.settle(.renew, delivery)).refusal == .stale)
    }

    @Test("numbers no ledger gave out are refused, whatever their size")
    func hostileNumbers() throws {
        let delivery = try delivered()
        for number in [0, 1 << 63, UInt64.max] {
            for verb in [Verb.complete, .accept, .note, .release, .track, .submit, .credit] {
                var header = Header(verb)
                header.subject = number
                header.serial = number
                header.generation = number
                header.id = Identifier(high: 0, low: verb == .track ? 0 : 9)
                let envelope = Envelope.bytes(of: Envelope.Case())
                let refusal = try bench.reply(to: bench.ask(header, one, envelope: envelope))
                #expect(refusal.refusal != nil, "\(verb) with \(number)")
            }
            header(number, of: delivery)
        }
        #expect(try bench.reply(to: bench.complete(delivery, "done")).isAnswer)
        try bench.verify()
    }

    private func header(_ serial: UInt64, of delivery: Delivery) {
        var header = Header(.complete)
        header.subject = delivery.referral
        header.generation = delivery.generation
        header.serial = serial
        bench.ask(header, one)
    }

    private func expectRepeated(_ answer: Told, _ first: Told) throws {
        #expect(answer.isAnswer, "refused: \(String(describing: answer.refusal))")
        #expect(answer.isRepeated)
        #expect(answer.header.subject == first.header.subject)
        #expect(answer.header.serial == first.header.serial)
        #expect(answer.header.instant == first.header.instant)
        #expect(answer.header.id == first.header.id)
    }
}
