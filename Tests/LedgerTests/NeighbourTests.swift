// SPDX-License-Identifier: Apache-2.0

import Ledger
import Rules
import Testing
import Wire

/// Goal: an operation whose row fails is refused alone, and memory is as if it had never come.
///
/// Method: triggers on the file make chosen rows fail in the middle of a batch.
@Suite("One bad operation never fails its neighbours")
struct NeighbourTests {
    let bench: LedgerBench
    let one: UInt32

    init() throws {
        bench = try LedgerBench()
        try bench.publish(Samples.line)
        one = try bench.staff(["a/one"])
        _ = try bench.staff(["b/two"])
    }

    private func fail(_ table: String, _ event: String, when condition: String) throws {
        try bench.vandalize(
            """
            CREATE TRIGGER bad BEFORE \(event) ON \(table) WHEN \(condition)
            BEGIN SELECT RAISE(ABORT, 'a bad row'); END
            """
        )
    }

    @Test("a case that cannot be stored is refused; those before and after it are kept")
    func submit() throws {
        try fail("file", "INSERT", when: "new.body = CAST('bad' AS BLOB)")
        let key = bench.key()
        let numbers = ["good", "bad", "fine"].map { body in
            bench.submit(one, "line", key: body == "bad" ? key : nil, body: body)
        }
        try bench.turn()
        #expect(try bench.answer(to: numbers[0]).header.serial == 1)
        #expect(try bench.answer(to: numbers[1]).refusal == .unavailable)
        #expect(try bench.answer(to: numbers[2]).header.serial == 2)
        #expect(bench.deliveries.map(\.serial) == [1, 2])
        try bench.verify()
        try bench.vandalize("DROP TRIGGER bad")
        let again = try bench.reply(to: bench.submit(one, "line", key: key, body: "bad"))
        #expect(again.isAnswer && !again.isRepeated && again.header.serial == 3)
        try bench.reopen()
        try bench.verify()
    }

    @Test("a hop that cannot be stored leaves its lease, and its neighbours go on")
    func hop() throws {
        for _ in 0..<3 { bench.submit(one, "line") }
        try bench.turn()
        let held = bench.deliveries
        let journal = bench.writer.commits
        try fail("ready", "INSERT", when: "new.serial = 2")
        let numbers = held.map { bench.complete($0, "done") }
        let office = bench.askToAttach(one, "a/new")
        try bench.turn()
        #expect(bench.writer.commits == journal + 1)
        #expect(try numbers.map { try bench.answer(to: $0).refusal } == [nil, .unavailable, nil])
        #expect(try bench.answer(to: office).isAnswer)
        #expect(bench.deliveries.map(\.serial) == [1, 3])
        #expect(bench.writer.hops == 2)
        try bench.verify()
        try bench.vandalize("DROP TRIGGER bad")
        #expect(try bench.reply(to: bench.complete(held[1], "done")).isAnswer)
        #expect(bench.deliveries.map(\.serial) == [2])
        try bench.verify()
    }

    @Test("an office and an agency that cannot be stored do not stay in memory")
    func directory() throws {
        try fail("office", "INSERT", when: "new.name = 'a/bad'")
        let bad = bench.askToAttach(one, "a/bad")
        let good = bench.askToAttach(one, "a/good")
        try bench.turn()
        #expect(try bench.answer(to: bad).refusal == .unavailable)
        #expect(try bench.answer(to: good).isAnswer)
        try bench.vandalize("DROP TRIGGER bad")
        let again = try bench.reply(to: bench.askToAttach(one, "a/bad"))
        #expect(again.isAnswer)
        try bench.reopen()
        #expect(try bench.reader().hasOffice("a/bad"))
        try bench.verify()
    }

    @Test("an operator's act that cannot be stored leaves nothing")
    func act() throws {
        try fail("procedure", "INSERT", when: "new.name = 'opinions'")
        #expect(throws: (any Error).self) { try bench.publish(Samples.fork(join: "all")) }
        let refused = try bench.reply(to: bench.submit(one, "opinions"))
        #expect(refused.refusal == .unknownProcedure)
        try bench.verify()
        try bench.vandalize("DROP TRIGGER bad")
        try bench.publish(Samples.fork(join: "all"))
        #expect(try bench.reply(to: bench.submit(one, "opinions")).isAnswer)
        try bench.verify()
    }

    @Test("when storage is low, new cases are refused and held ones can still be settled")
    func storageLow() throws {
        try bench.submitted(one, "line")
        let delivery = try #require(bench.deliveries.first)
        bench.writer.isStorageLow = true
        let submit = bench.submit(one, "line")
        let settle = bench.complete(delivery, "done")
        try bench.turn()
        let refused = try bench.answer(to: submit)
        #expect(refused.refusal == .storageFull && refused.header.instant > bench.wall)
        #expect(try bench.answer(to: settle).isAnswer)
        try bench.verify()
    }
}
