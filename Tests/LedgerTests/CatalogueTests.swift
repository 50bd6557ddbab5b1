// SPDX-License-Identifier: Apache-2.0

import Declarations
import Foundation
import Ledger
import Rules
import Testing
import Wire

/// Goal: an agency sees what it may use, and hears what it may hear.
///
/// Method: two agencies with declarations and three that look at them.
@Suite("Catalogue and policy")
struct CatalogueTests {
    static let city = """
        catalogue: city
        offices:
          city/desk: {title: {en: Desk, ar: مكتب}, users: [state]}
        services:
          city/permits: {users: [state], schema: "https://e.example/q"}
        topics:
          city.secret.>: {users: [state]}
          city.open: {title: Open}

        """

    private func declare(_ bench: LedgerBench, _ source: String) throws -> OperatorOutcome {
        try bench.act(.publishCatalogue(CatalogueReading.read(source), source: source))
    }

    private func ask(
        _ bench: LedgerBench,
        _ session: UInt32,
        _ change: (inout Envelope.CatalogueQuery) -> Void = { _ in }
    ) throws -> Envelope.Catalogue {
        var query = Envelope.CatalogueQuery()
        change(&query)
        let number = bench.ask(
            Header(.catalogue),
            session,
            envelope: Envelope.bytes(of: query)
        )
        let answer = try bench.reply(to: number)
        return try answer.envelope.withUnsafeBytes {
            try Envelope.read(Envelope.Catalogue.self, from: $0)
        }
    }

    @Test(
        "it holds what is declared, open offices, procedures and offers, as far as one may use it"
    )
    func filtered() throws {
        let bench = try LedgerBench()
        try bench.publish(Samples.line)
        let city = try bench.staff(["city/desk"])
        let state = try bench.hello("state")
        let other = try bench.hello("other")
        _ = try declare(bench, Self.city)
        var offer = Envelope.Offer()
        offer.service = "city/extra"
        var header = Header(.offer)
        header.generation = 1
        bench.ask(header, city, envelope: Envelope.bytes(of: offer))
        try bench.turn()
        let forState = try ask(bench, state)
        #expect(
            forState.entries.map { "\($0.kind) \($0.name)" } == [
                "office a/one", "office b/three", "office b/two", "office city/desk",
                "procedure line", "service city/extra", "service city/permits",
                "topic city.open", "topic city.secret.>",
            ]
        )
        #expect(!forState.more)
        let desk = try #require(forState.entries.first { $0.name == "city/desk" })
        #expect(desk.title == ["en": "Desk", "ar": "مكتب"] && desk.agency == "city" && desk.open)
        let extra = try #require(forState.entries.first { $0.name == "city/extra" })
        #expect(extra.open && extra.agency == "city")
        let permits = try #require(forState.entries.first { $0.name == "city/permits" })
        #expect(!permits.open && permits.schema == "https://e.example/q")
        let names = try ask(bench, other).entries.map(\.name)
        #expect(!names.contains("city/permits") && !names.contains("city.secret.>"))
        #expect(!names.contains("city/desk") && names.contains("city.open"))
        #expect(try ask(bench, city).entries.count == 9)
        let topics = try ask(bench, state) {
            $0.kind = "topic"
            $0.prefix = "city.s"
        }
        #expect(topics.entries.map(\.name) == ["city.secret.>"])
    }

    @Test("pages hold at most 200 entries and follow one another without a gap")
    func pages() throws {
        let bench = try LedgerBench()
        let city = try bench.hello("city")
        let services = (0..<450).map {
            "  city/s\($0): {title: \(String(repeating: "x", count: 200))}"
        }
        _ = try declare(
            bench,
            "catalogue: city\nservices:\n" + services.joined(separator: "\n") + "\n"
        )
        var names: [String] = []
        var after = Envelope.Entry()
        var sizes: [Int] = []
        repeat {
            let page = try ask(bench, city) {
                $0.afterKind = after.kind
                $0.afterName = after.name
            }
            sizes.append(page.entries.count)
            names += page.entries.map(\.name)
            after = try #require(page.entries.last)
            if !page.more { break }
        } while sizes.count < 10
        #expect(sizes == [200, 200, 50])
        #expect(names == (0..<450).map { "city/s\($0)" }.sorted())
    }

    @Test("a declaration is a new version only if it says something new, also over a restart")
    func versions() throws {
        let bench = try LedgerBench()
        guard case .published(1, true) = try declare(bench, Self.city) else {
            Issue.record("not published")
            return
        }
        try bench.reopen()
        guard case .published(1, false) = try declare(bench, Self.city + "# same\n") else {
            Issue.record("published again")
            return
        }
        let changed = Self.city.replacingOccurrences(of: "Open", with: "All")
        guard case .published(2, true) = try declare(bench, changed) else {
            Issue.record("not published")
            return
        }
        #expect(try bench.reader().catalogues(of: "city").map(\.version) == [2, 1])
        #expect(try bench.reader().catalogues().first?.source == changed)
        try bench.verify()
    }

    @Test("who may not hear a topic is told nothing of it, and hears it once it may")
    func hearing() throws {
        let bench = try LedgerBench()
        _ = try declare(bench, Self.city)
        let city = try bench.hello("city")
        let state = try bench.hello("state")
        let other = try bench.hello("other")
        for session in [city, state, other] { try bench.subscribe(session, "city.>") }
        bench.publish(city, "city.secret.a", "s")
        bench.publish(city, "city.open", "o")
        let heard = try bench.events()
        #expect(heard.filter { $0.session == other }.map(\.body) == ["o"])
        #expect(heard.filter { $0.session == state }.map(\.body) == ["s", "o"])
        #expect(heard.filter { $0.session == city }.map(\.body) == ["s", "o"])
        let direct = bench.askToSubscribe(other, "city.secret.a", "direct")
        #expect(try bench.reply(to: direct).refusal == .mayNotUse)
        _ = try declare(
            bench,
            Self.city.replacingOccurrences(of: "[state]", with: "[state, other]")
        )
        bench.publish(city, "city.secret.b", "t")
        #expect(try bench.events().filter { $0.session == other }.map(\.body).contains("t"))
    }

    @Test("an agency that may hear of all cases does, from then on")
    func observers() throws {
        let bench = try LedgerBench()
        try bench.publish(Samples.line)
        let desk = try bench.staff(["a/one"])
        let audit = try bench.hello("audit")
        try bench.subscribe(audit, "case.>")
        try bench.submitted(desk, "line")
        #expect(try bench.events().isEmpty)
        try bench.act(.observing(agency: "audit", isAllowed: true))
        try bench.submitted(desk, "line")
        let heard = try #require(try bench.events().first)
        #expect(heard.session == audit)
        bench.ack(heard)
        try bench.turn()
        #expect(try bench.reader().agencies().filter(\.isObserver).map(\.name) == ["audit"])
        try bench.reopen()
        let again = try bench.hello("audit")
        try bench.subscribe(again, "case.>")
        #expect(try bench.events().isEmpty)
        try bench.submitted(bench.hello("a"), "line")
        #expect(try bench.events().map(\.session) == [again])
    }

    @Test("the policy goes to the courier with the first effects and whenever it changes")
    func policy() throws {
        let bench = try LedgerBench()
        var effects = Effects()
        try bench.writer.turn(nil, wall: bench.wall, monotonic: 0, into: &effects)
        #expect(effects.policy == UsePolicy())
        effects = Effects()
        try bench.writer.turn(nil, wall: bench.wall, monotonic: 0, into: &effects)
        #expect(effects.policy == nil)
        _ = try declare(bench, Self.city)
        try bench.writer.turn(nil, wall: bench.wall, monotonic: 0, into: &effects)
        let policy = try #require(effects.policy)
        #expect(policy.mayAsk("city/permits", by: "state"))
        #expect(policy.mayAsk("city/permits", by: "city"))
        #expect(!policy.mayAsk("city/permits", by: "other"))
        #expect(!policy.mayHear("city.secret.x", by: "other"))
        #expect(policy.mayHear("city.open", by: "other"))
    }
}
