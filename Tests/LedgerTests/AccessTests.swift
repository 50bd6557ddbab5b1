// SPDX-License-Identifier: Apache-2.0

import Ledger
import Rules
import Testing
import Wire

/// Goal: who may come in and what they may do is durable, journaled and judged beside the data.
///
/// Method: a real ledger with the test in the courier's place, which goes on forwarding whatever a
/// revoked key asks.
@Suite("Who may come in")
struct AccessTests {
    private let bench: LedgerBench

    init() throws {
        bench = try LedgerBench()
        try bench.publish(Samples.line)
    }

    private func publicKey(_ byte: UInt8) throws -> PublicKey {
        try #require(PublicKey([UInt8](repeating: byte, count: 32)))
    }

    /// Enrols a key for an agency; returns it as it stands in the ledger.
    private func enrol(_ agency: String, _ byte: UInt8) throws -> EnrolledKey {
        var key = EnrolledKey(
            number: 0,
            agency: agency,
            publicKey: try publicKey(byte),
            begins: bench.wall,
            ends: bench.wall + 1_000_000
        )
        key.number = try change(.enrol(key, note: "n", fingerprint: "12345"))
        return key
    }

    @discardableResult
    private func change(_ act: AccessAct) throws -> UInt32 {
        guard case .access(.done(let number, _)) = try bench.act(.access(act)) else {
            throw AccessRefusal.unchanged
        }
        return number
    }

    private func refusal(of act: AccessAct) throws -> AccessRefusal? {
        guard case .access(.declined(let refusal)) = try bench.act(.access(act)) else { return nil }
        return refusal
    }

    @discardableResult
    private func grant(
        _ agency: String,
        _ right: Right,
        _ pattern: String,
        upTo ceiling: Classification = .restricted
    ) throws -> UInt32 {
        try change(
            .grant(
                .agency(agency),
                right,
                try #require(RightPattern(pattern, for: right)),
                isAllowed: true,
                ceiling: ceiling
            )
        )
    }

    // MARK: Classification

    @Test("secret cases are submitted, staffed, read and tracked under secret ceilings only")
    func classified() throws {
        let key = try enrol("a", 1)
        try grant("a", .submit, "*")
        let staffing = try grant("a", .staff, "*")
        try grant("a", .read, "*")
        try grant("a", .track, "*")
        let session = try bench.hello("a", key: key)
        try bench.attach(session, "a/one")
        #expect(try bench.reply(to: bench.submit(session, "line")).isAnswer)
        bench.credit(session, "a/one", messages: 1)
        try bench.turn()
        let open = try #require(bench.deliveries.first)
        #expect(open.lane & Header.withheldFlag == 0)

        // The next version is secret, and with it all that its offices deal with.
        try bench.publish("classification: secret\n" + Samples.line)
        #expect(try bench.reply(to: bench.settle(.complete, open)).refusal == .notGranted)
        #expect(try bench.reply(to: bench.askToAttach(session, "a/one")).refusal == .notGranted)
        #expect(try bench.reply(to: bench.submit(session, "line")).refusal == .notGranted)
        try grant("a", .staff, "*", upTo: .topSecret)
        try grant("a", .submit, "line", upTo: .secret)
        try bench.attach(session, "a/one")
        #expect(try bench.reply(to: bench.submit(session, "line")).isAnswer)
        bench.credit(session, "a/one", messages: 1)
        try bench.turn()
        let held = try #require(bench.deliveries.last)
        #expect(held.body.isEmpty && held.lane & Header.withheldFlag != 0)
        #expect(try reply(toTracking: held.serial, session).refusal == .notGranted)
        #expect(try reply(toTracking: open.serial, session).isAnswer)
        try grant("a", .read, "a/*", upTo: .secret)
        try grant("a", .track, "line", upTo: .secret)
        #expect(try reply(toTracking: held.serial, session).isAnswer)
        #expect(try bench.reply(to: bench.submit(session, "line")).isAnswer)
        bench.credit(session, "a/one", messages: 1)
        try bench.turn()
        #expect(try #require(bench.deliveries.last).lane & Header.withheldFlag == 0)
        try change(.withdraw(rule: staffing))
        #expect(try bench.reply(to: bench.settle(.complete, held)).isAnswer)
        try bench.verify()
    }

    @Test("a ceiling outlives a restart, and a rule from before there were ceilings is restricted")
    func ceilings() throws {
        _ = try enrol("a", 1)
        for level in Classification.allCases { try grant("a", .submit, "line", upTo: level) }
        try bench.reopen()
        let rules = try bench.reader().rules()
        #expect(rules.map(\.ceiling) == Classification.allCases)
        #expect(!rules.contains { !$0.isAllowed })
        try bench.verify()
    }

    private func reply(toTracking serial: UInt64, _ session: UInt32) throws -> Told {
        var track = Header(.track)
        track.serial = serial
        return try bench.reply(to: bench.ask(track, session))
    }

    @Test("nothing a key asks after its revocation is recorded, whatever is still under way")
    func revoked() throws {
        let key = try enrol("a", 1)
        for right in [Right.staff, .read] { try grant("a", right, "*") }
        try grant("a", .submit, "line")
        let session = try bench.hello("a", key: key)
        try bench.attach(session, "a/one")
        bench.credit(session, "a/one", messages: 10)
        bench.submit(session, "line")
        try bench.turn()
        let held = try #require(bench.deliveries.first)
        try change(.revoke(keys: [key.number]))
        let head = try bench.records()
        let submitted = bench.submit(session, "line")
        let settled = bench.settle(.complete, held)
        let published = bench.publish(session, "a.b", "late")
        try bench.turn()
        for number in [submitted, settled, published] {
            #expect(try bench.answer(to: number).refusal == .revoked)
        }
        #expect(try bench.records() == head)
        #expect(bench.deliveries.isEmpty)
        try bench.verify()
    }

    @Test("a rule that is taken away ends what it allowed with the next operation")
    func rules() throws {
        let key = try enrol("a", 1)
        try grant("a", .staff, "a/*")
        let session = try bench.hello("a", key: key)
        try bench.attach(session, "a/one")
        let other = bench.askToAttach(session, "b/two")
        #expect(try bench.reply(to: other).refusal == .otherAgency)
        #expect(try bench.reply(to: bench.submit(session, "line")).refusal == .notGranted)
        let local = try bench.staff(["a/one"], credit: 0)
        #expect(
            try bench.reply(to: bench.submit(local, "line")).isAnswer,
            "an open session has all"
        )
        bench.credit(session, "a/one", messages: 1)
        try bench.turn()
        let held = try #require(bench.deliveries.first)
        #expect(held.body.isEmpty && held.lane & Header.withheldFlag != 0)
        try change(.withdraw(rule: 1))
        #expect(try bench.reply(to: bench.settle(.complete, held)).refusal == .notGranted)
        #expect(try bench.reply(to: bench.askToAttach(session, "a/one")).refusal == .notGranted)
        try bench.verify()
    }

    @Test("every change is journaled with its operator and outlives a kill; the chain stays whole")
    func journaled() throws {
        let key = try enrol("a", 1)
        try grant("a", .submit, "line")
        try change(.give(role: "r", agency: "a"))
        try change(.suspend(agency: "a"))
        try change(.resume(agency: "a"))
        try change(.limit(agency: "a", Quota(sessions: 3)))
        try change(
            .rotate(
                EnrolledKey(
                    number: 0,
                    agency: "a",
                    publicKey: try publicKey(2),
                    begins: bench.wall,
                    ends: bench.wall + 2_000_000
                ),
                note: "",
                fingerprint: "2",
                overlapEnds: bench.wall + 5_000
            )
        )
        try change(.suspend(agency: "a"))
        try bench.verify()
        let before = try bench.reader().access()
        try bench.reopen()
        let after = try bench.reader().access()
        #expect(before == after)
        #expect(after.suspended == ["a"] && after.quota(of: "a").sessions == 3)
        #expect(after.policy.roles == ["a": ["r"]])
        #expect(after.keys[key.publicKey]?.ends == bench.wall + 5_000)
        #expect(after.keys.count == 2)
        try bench.verify()
    }

    @Test("what makes no sense is declined, and nothing of it is kept")
    func declined() throws {
        let key = try enrol("a", 1)
        let head = try bench.records()
        let again = EnrolledKey(
            number: 0,
            agency: "b",
            publicKey: key.publicKey,
            begins: bench.wall,
            ends: bench.wall + 1
        )
        #expect(try refusal(of: .enrol(again, note: "", fingerprint: "")) == .keyTaken)
        var ended = again
        ended = EnrolledKey(
            number: 0,
            agency: "b",
            publicKey: try publicKey(9),
            begins: 1,
            ends: bench.wall
        )
        #expect(try refusal(of: .enrol(ended, note: "", fingerprint: "")) == .keyTimeInvalid)
        #expect(try refusal(of: .revoke(keys: [7])) == .noSuchKey)
        #expect(try refusal(of: .suspend(agency: "nobody")) == .noSuchAgency)
        #expect(try refusal(of: .resume(agency: "a")) == .unchanged)
        #expect(try refusal(of: .withdraw(rule: 4)) == .noSuchRule)
        #expect(try bench.records() == head)
        _ = try enrol("a", 2)
        ended.agency = "a"
        ended.ends = bench.wall + 9
        #expect(try refusal(of: .enrol(ended, note: "", fingerprint: "")) == .tooManyKeys)
        try bench.verify()
    }

    @Test("what was refused at the door is journaled with its count")
    func denials() throws {
        bench.deny(DenialCount(denial: .unknownKey, agency: "", peer: "192.0.2.9", count: 17))
        let head = try bench.records()
        try bench.turn()
        #expect(try bench.records() == head + 1)
        try bench.verify()
    }
}
