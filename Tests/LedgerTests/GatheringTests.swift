// SPDX-License-Identifier: Apache-2.0

import Rules
import Testing
import Wire

/// Goal: what is written and read several at a time, or from memory, is what would have been written
/// and read one by one.
///
/// Method: batches larger than a group of rows, cases larger than memory keeps and more than it keeps;
/// each compared with what was submitted, before and after a kill.
@Suite("Rows that gather and cases in memory")
struct GatheringTests {
    let bench: LedgerBench
    let one: UInt32
    let two: UInt32

    init() throws {
        bench = try LedgerBench()
        try bench.publish(Samples.line)
        one = try bench.staff(["a/one"])
        two = try bench.staff(["b/two"])
    }

    @Test("every act of a large batch has its row, in order", arguments: [1, 15, 16, 17, 40])
    func largeBatch(count: Int) throws {
        let before = try bench.number("SELECT max(position) FROM journal")
        let submits = (0..<count).map { bench.submit(one, "line", body: "body \($0)") }
        try bench.turn()
        let positions = try submits.map { try bench.answer(to: $0).header.subject }
        #expect(positions == (1...UInt64(count)).map { UInt64(before) + $0 })
        let completes = bench.deliveries.map { bench.complete($0, "done") }
        #expect(completes.count == count)
        try bench.turn()
        for number in completes { #expect(try bench.answer(to: number).isAnswer) }
        #expect(try bench.number("SELECT count(*) FROM ready WHERE office = 2") == count)
        #expect(try bench.number("SELECT count(*) FROM ready WHERE office = 1") == 0)
        try bench.verify()
        try bench.reopen()
        try bench.verify()
    }

    @Test(
        "what leaves a queue takes nothing with it that stays among it",
        arguments: [
            [], [0], [79], [31], [5, 6], [3, 40, 41, 77], Array(stride(from: 0, to: 80, by: 2)),
        ]
    )
    func leavingAmongOthers(staying: [Int]) throws {
        for index in 0..<80 { bench.submit(one, "line", lane: index < 60 ? .normal : .bulk) }
        try bench.turn()
        let delivered = bench.deliveries
        #expect(delivered.count == 80)
        let stay = Set(staying.map { delivered[$0].serial })
        // Last first, so that the order of settling is not that of the table.
        for delivery in delivered.reversed() where !stay.contains(delivery.serial) {
            bench.complete(delivery, "done")
        }
        try bench.turn()
        try bench.verify()
        try bench.reopen()
        try bench.verify()
        _ = try bench.staff(["a/one"])
        #expect(bench.deliveries.map(\.serial) == stay.sorted())
    }

    @Test("a repetition in the batch of its first is answered from rows not yet inserted")
    func repetition() throws {
        let key = bench.key()
        let first = bench.submit(one, "line", key: key)
        let second = bench.submit(one, "line", key: key)
        try bench.turn()
        let answer = try bench.answer(to: first)
        let repeated = try bench.answer(to: second)
        #expect(repeated.isRepeated && repeated.header.subject == answer.header.subject)
        #expect(repeated.header.id == answer.header.id)
        let delivery = try #require(bench.deliveries.first)
        let settle = bench.complete(delivery, "done")
        let again = bench.complete(delivery, "done")
        try bench.turn()
        #expect(try bench.answer(to: settle).isAnswer)
        #expect(try bench.answer(to: again).isRepeated)
    }

    @Test("content is delivered whole, from memory and from disk, small and large")
    func content() throws {
        // 300 of these are more than memory keeps; the large one it never keeps.
        let size = 60_000
        var bodies: [UInt64: [UInt8]] = [:]
        for index in 0..<300 {
            let letter = Character(UnicodeScalar(UInt8(97 + index % 26)))
            let body = String(repeating: letter, count: size)
            bench.credit(one, "a/one", messages: 1, bytes: UInt64(size) * 2)
            let answer = try bench.reply(to: bench.submit(one, "line", body: body))
            bodies[answer.header.serial] = Array(body.utf8)
            for delivery in bench.deliveries {
                #expect(delivery.body == bodies[delivery.serial])
                bench.complete(delivery, "done")
            }
        }
        let large = String(repeating: "L", count: 200_000)
        bench.credit(one, "a/one", messages: 1, bytes: 400_000)
        let answer = try bench.reply(to: bench.submit(one, "line", body: large))
        bodies[answer.header.serial] = Array(large.utf8)
        for delivery in bench.deliveries { bench.complete(delivery, "done") }
        try bench.turn()
        bench.credit(two, "b/two", messages: 1_000, bytes: 60 << 20)
        var seen: Set<UInt64> = []
        repeat {
            try bench.turn()
            for delivery in bench.deliveries {
                #expect(delivery.body == bodies[delivery.serial], "case \(delivery.serial)")
                seen.insert(delivery.serial)
            }
        } while !bench.deliveries.isEmpty
        #expect(seen.count > 200, "only \(seen.count) were delivered")
    }
}
