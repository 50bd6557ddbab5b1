// SPDX-License-Identifier: Apache-2.0

import Ledger
import Rules
import Testing
import Wire

/// Goal: a subscription begins where it was asked to, and is told what it will not get.
///
/// Method: ten events a second apart, one of each start over them.
@Suite("Starts of durable subscriptions")
struct StartTests {
    private let bench: LedgerBench
    private let city: UInt32
    private let positions: [UInt64]
    private let instants: [Int64]

    init() throws {
        bench = try LedgerBench()
        city = try bench.hello("city")
        var positions: [UInt64] = []
        var instants: [Int64] = []
        for index in 0..<10 {
            bench.pass(1_000)
            instants.append(bench.wall)
            let number = bench.publish(city, "city.t\(index % 3)", "\(index)")
            positions.append(try bench.reply(to: number).header.subject)
        }
        (self.positions, self.instants) = (positions, instants)
    }

    private func bodies(
        _ change: @escaping (inout Envelope.Subscribe) -> Void
    ) throws -> [String] {
        try bench.subscribe(city, "city.>", "s", change)
        bench.publish(city, "city.t0", "new")
        return try bench.events().map(\.body)
    }

    @Test("NOW begins with what comes after")
    func now() throws { #expect(try bodies { $0.from = .now } == ["new"]) }

    @Test("BEGINNING begins with the first that is kept")
    func beginning() throws {
        #expect(try bodies { $0.from = .beginning } == (0..<10).map(String.init) + ["new"])
    }

    @Test("SEQUENCE begins at it")
    func sequence() throws {
        let start = positions[7]
        let heard = try bodies {
            $0.from = .sequence
            $0.sequence = start
        }
        #expect(heard == ["7", "8", "9", "new"])
    }

    @Test("INSTANT begins with the first recorded then or later")
    func instant() throws {
        let start = instants[8]
        let heard = try bodies {
            $0.from = .instant
            $0.instant = start
        }
        #expect(heard == ["8", "9", "new"])
    }

    @Test("LAST begins with the last of each topic, also over a kill")
    func last() throws {
        let bodies = try bodies { $0.from = .last }
        #expect(bodies == ["7", "8", "9", "new"])
        try bench.reopen()
        let again = try bench.hello("city")
        try bench.subscribe(again, "city.>", "s")
        #expect(try bench.events().map(\.body) == ["7", "8", "9", "new"])
    }

    @Test("a start ahead of what is recorded is told as a gap, and kept")
    func ahead() throws {
        let start = try #require(positions.last) + 1_000
        let number = bench.askToSubscribe(city, "city.>", "s") {
            $0.from = .sequence
            $0.sequence = start
        }
        try bench.turn()
        let answer = try bench.answer(to: number)
        bench.creditEvents(city, answer.header.subject, 10)
        let gap = try #require(bench.told.first { $0.header.verb == .gap }).header
        #expect(gap.code == 3 && gap.subject == answer.header.subject)
        #expect(gap.serial == start - 1 && gap.generation <= start - 900)
        bench.publish(city, "city.t0", "new")
        #expect(try bench.events().isEmpty)
        let later = bench.askToSubscribe(city, "city.>", "t") {
            $0.from = .instant
            $0.instant = bench.wall + 1_000
        }
        try bench.turn()
        #expect(try bench.answer(to: later).isAnswer)
        #expect(bench.told.contains { $0.header.verb == .gap && $0.header.code == 3 })
    }

    @Test("a start that is none is refused")
    func invalid() throws {
        for change: (inout Envelope.Subscribe) -> Void in [
            { $0.sequence = 5 }, { $0.instant = 5 }, { $0.from = .sequence },
            { $0.from = .instant }, { $0.from = .UNRECOGNIZED(9) },
        ] {
            let number = bench.askToSubscribe(city, "city.>", "s", change)
            #expect(try bench.reply(to: number).refusal == .startInvalid)
        }
        #expect(try bench.number("SELECT count(*) FROM subscription") == 0)
    }

    @Test("content that was erased is told as a gap in its place")
    func erased() throws {
        try bench.act(
            .retention(
                RetentionRule(
                    pattern: TopicPattern("city.>"),
                    ageMilliseconds: 4_500,
                    bytes: 0
                )
            )
        )
        while try bench.writer.erase(wall: bench.wall) {}
        try bench.subscribe(city, "city.>", "s") { $0.from = .beginning }
        let told = try bench.hear()
        let gap = try #require(told.first { $0.header.verb == .gap }).header
        #expect(gap.code == 2 && gap.number == 5)
        #expect(gap.generation == positions[0] && gap.serial == positions[4])
        #expect(told.compactMap(Heard.init).map(\.body) == (5..<10).map(String.init))
        let place = try #require(told.firstIndex { $0.header.verb == .gap })
        #expect(told[..<place].compactMap(Heard.init).isEmpty)
        try bench.verify()
    }
}
