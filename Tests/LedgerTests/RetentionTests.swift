// SPDX-License-Identifier: Apache-2.0

import Ledger
import Rules
import Testing
import Wire

/// Goal: retention erases content by age and bytes, in slices, and never the journal.
///
/// Method: topics filled under a moved clock; counts before and after.
@Suite("Retention")
struct RetentionTests {
    private func rule(_ pattern: String, age: Int64 = 0, bytes: Int64 = 0) throws -> OperatorAct {
        .retention(
            RetentionRule(
                pattern: try TopicPattern(pattern),
                ageMilliseconds: age,
                bytes: bytes
            )
        )
    }

    private func kept(_ bench: LedgerBench) throws -> [String: UInt64] {
        try Dictionary(
            uniqueKeysWithValues: bench.reader().topics().map { ($0.name, $0.events) }
        )
    }

    @Test("what is older than the age goes, on matching topics only, and the chain stays")
    func age() throws {
        let bench = try LedgerBench()
        let city = try bench.hello("city")
        for _ in 0..<3 {
            for topic in ["city.a", "city.b"] { bench.publish(city, topic, "body") }
            try bench.turn()
            bench.pass(10_000)
        }
        let before = try bench.number("SELECT count(*) FROM journal WHERE position > 0")
        try bench.act(rule("city.a", age: 25_000))
        while try bench.writer.erase(wall: bench.wall) {}
        #expect(try kept(bench) == ["city.a": 2, "city.b": 3])
        #expect(try bench.number("SELECT count(*) FROM journal") == before + 2)
        try bench.verify()
        bench.pass(100_000)
        try bench.reopen()
        while try bench.writer.erase(wall: bench.wall) {}
        #expect(try kept(bench) == ["city.a": 0, "city.b": 3])
        try bench.verify()
    }

    @Test("above the bytes of a topic the oldest go, in slices")
    func bytes() throws {
        let bench = try LedgerBench()
        let city = try bench.hello("city")
        for index in 0..<600 {
            bench.publish(city, "city.a", String(repeating: "x", count: 100) + "\(index)")
        }
        try bench.turn()
        let each = try #require(try bench.reader().topics().first).bytes / 600
        try bench.act(rule("city.>", bytes: Int64(each) * 50))
        var slices = 0
        while try bench.writer.erase(wall: bench.wall) { slices += 1 }
        #expect(slices == 2)
        let topic = try #require(try bench.reader().topics().first)
        #expect((48...51).contains(topic.events) && topic.bytes <= UInt64(each) * 50)
        #expect(topic.last > topic.first)
        try bench.verify()
    }

    @Test("a rule is replaced, listed and taken away")
    func rules() throws {
        let bench = try LedgerBench()
        try bench.act(rule("city.>", age: 1_000))
        try bench.act(rule("city.>", age: 2_000, bytes: 5))
        #expect(try bench.reader().retention().map(\.ageMilliseconds) == [2_000])
        try bench.act(rule("city.>"))
        #expect(try bench.reader().retention().isEmpty)
        #expect(try bench.number("SELECT count(*) FROM content") == 3)
        try bench.verify()
    }

    @Test(
        "a spoilt table of events is found out",
        arguments: [
            "UPDATE topic SET events = events + 1", "UPDATE topic SET bytes = 0",
            "DELETE FROM published", "DELETE FROM topic", "UPDATE published SET bytes = bytes + 1",
            "DELETE FROM event_content WHERE position IN (SELECT position FROM published)",
            "INSERT INTO settled VALUES (1, 1)", "INSERT INTO failed VALUES (1, 1, 1, 1)",
            "INSERT INTO dead_event VALUES (1, 1, 1, 1, '', 1)",
            "UPDATE subscription SET agency = 99",
            "INSERT INTO question VALUES (1, 1, x'00', 'a/b', 1, 0)",
            "INSERT INTO settled SELECT number, floor FROM subscription",
            "INSERT INTO catalogue VALUES (99, 1, '', x'', 1, 1)",
        ]
    )
    func spoilt(sql: String) throws {
        let bench = try LedgerBench()
        let city = try bench.hello("city")
        try bench.subscribe(city, "city.>")
        for _ in 0..<3 { bench.publish(city, "city.a", "body") }
        bench.ack(try #require(try bench.events().last))
        try bench.turn()
        try bench.verify()
        try bench.vandalize(sql)
        #expect(try !bench.findings().isEmpty)
    }
}
