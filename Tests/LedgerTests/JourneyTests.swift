// SPDX-License-Identifier: Apache-2.0

import Declarations
import Ledger
import Rules
import Testing
import Wire

/// Goal: every shipped procedure can be gone through on every way it declares.
///
/// Method: a driver that knows only what is announced takes, at every step, the way it took least
/// so far, until every outcome and return of every step was taken and all cases have closed.
@Suite("Journeys through the shipped procedures")
struct JourneyTests {
    private static func values(_ procedure: Procedure, _ round: Int) -> [(String, String)] {
        procedure.attributes.map { attribute in
            switch attribute.kind {
            case .text: (attribute.name, "text \(round)")
            case .integer: (attribute.name, round.isMultiple(of: 2) ? "600" : "100")
            case .boolean: (attribute.name, round.isMultiple(of: 2) ? "true" : "false")
            case .word(let words): (attribute.name, words[round % words.count])
            }
        }
    }

    @Test(
        "every way of a shipped procedure is taken and every case closes",
        arguments: Samples.shipped
    )
    func everyWay(name: String) throws {
        let bench = try LedgerBench()
        let procedure = try bench.publish(Samples.text(name))
        let offices =
            procedure.offices.isEmpty
            ? ["a/one", "b/two", "c/three"] : procedure.offices.map(\.name)
        var submitter: UInt32 = 0
        for office in offices { submitter = try bench.staff([office]) }
        var taken: [String: Int] = [:]
        for step in procedure.steps {
            for outcome in step.outcomes { taken["\(step.name) \(outcome.name)"] = 0 }
            if step.returns != .notAllowed { taken["\(step.name) return"] = 0 }
            if step.mayRefer { taken["\(step.name) refer"] = 0 }
        }
        var round = 0
        while taken.values.contains(0), round < 400 {
            bench.submit(submitter, name) { envelope in
                envelope.attributes = Self.values(procedure, round).map { name, value in
                    var attribute = Envelope.Attribute()
                    attribute.name = name
                    attribute.value = value
                    return attribute
                }
                if procedure.takesItinerary { envelope.itinerary = offices }
            }
            try bench.turn()
            try drive(bench, offices, round, &taken)
            round += 1
        }
        #expect(taken.filter { $0.value == 0 }.isEmpty, "never taken")
        let totals = try bench.reader().totals()
        #expect(totals.casesOpen == 0 && totals.casesClosed == round)
        #expect(try bench.number("SELECT count(*) FROM fork") == 0)
        try bench.verify()
    }

    /// Settles whatever is delivered, by the way taken least, until nothing is.
    private func drive(
        _ bench: LedgerBench,
        _ offices: [String],
        _ round: Int,
        _ taken: inout [String: Int]
    ) throws {
        var waiting = bench.deliveries
        var hops = 0
        while !waiting.isEmpty, hops < 300 {
            let delivery = waiting.remove(at: (hops + round) % waiting.count)
            hops += 1
            let step = delivery.step
            var ways = step.outcomes
            if step.mayReturn { ways.append("return") }
            if step.mayRefer { ways.append("refer") }
            // Enough detours: the declared outcomes end every case.
            if hops > 40 { ways = step.outcomes }
            let order = ways.sorted {
                taken["\(step.step) \($0)", default: 0] < taken["\(step.step) \($1)", default: 0]
            }
            for way in order {
                let number =
                    switch way {
                    case "return": bench.settle(.return, delivery)
                    case "refer": bench.settle(.refer, delivery, offices: [offices[hops % 3]])
                    default: bench.complete(delivery, way)
                    }
                let answer = try bench.reply(to: number)
                // The branch was withdrawn when its join fired or its case closed.
                guard answer.refusal != .stale else { break }
                guard answer.isAnswer else {
                    #expect(way == "return" && answer.refusal == .returnNotAllowed)
                    continue
                }
                taken["\(step.step) \(way)", default: 0] += 1
                break
            }
            waiting += bench.deliveries
        }
    }

    // MARK: The building permit

    /// Takes a permit from delivery to delivery by outcomes; `return` returns.
    private func permit(
        area: String,
        category: String?,
        _ ways: [String]
    ) throws -> (LedgerBench, [String]) {
        let bench = try LedgerBench()
        let procedure = try bench.publish(Samples.text("building-permit"))
        for office in procedure.offices { _ = try bench.staff([office.name]) }
        var visited: [String] = []
        try bench.submitted(1, "building-permit") { envelope in
            for (name, value) in [("area", area), ("category", category ?? "")]
            where !value.isEmpty {
                var attribute = Envelope.Attribute()
                attribute.name = name
                attribute.value = value
                envelope.attributes.append(attribute)
            }
        }
        for way in ways {
            let delivery = try #require(bench.deliveries.first, "nothing is delivered for \(way)")
            visited.append(delivery.step.step)
            let number =
                way == "return" ? bench.settle(.return, delivery) : bench.complete(delivery, way)
            #expect(try bench.reply(to: number).isAnswer)
        }
        return (bench, visited)
    }

    @Test(
        "the guards of the building permit decide by area and category",
        arguments: [
            ("600", nil, true), ("501", "residential", true), ("500", "residential", false),
            ("100", nil, false), ("100", "industrial", true), ("100", "commercial", false),
        ] as [(String, String?, Bool)]
    )
    func guards(area: String, category: String?, isVerified: Bool) throws {
        let ways = ["paid", "verified", "inspected"] + (isVerified ? ["verified"] : [])
        let (bench, visited) = try permit(
            area: area,
            category: category,
            ways + ["approved", "issued"]
        )
        #expect(visited.contains("noc-verification") == isVerified)
        let trail = try bench.trail(1)
        #expect(!trail.isOpen && trail.result == "issued")
        try bench.verify()
    }

    @Test(
        "a completed file goes back to the step that asked, not to the start",
        arguments: [
            (["paid"], "document-verification"), (["paid", "verified"], "field-inspection"),
            (["paid", "verified", "inspected"], "noc-verification"),
        ]
    )
    func asker(ways: [String], step: String) throws {
        let (bench, visited) = try permit(
            area: "600",
            category: nil,
            ways + ["return", "corrected", "return", "corrected"]
        )
        #expect(visited.suffix(4) == [step, "correction", step, "correction"])
        #expect(try bench.places(1) == ["\(step) waiting"])
        try bench.verify()
    }

    @Test("a case stays with the version it began with")
    func pinned() throws {
        let bench = try LedgerBench()
        try bench.publish(Samples.line)
        let one = try bench.staff(["a/one"])
        _ = try bench.staff(["b/two"])
        let old = try bench.submitted(one, "line")
        let held = try #require(bench.deliveries.first)
        try bench.publish(
            Samples.line.replacing(
                "{done: second, stop: closed}",
                with: "{done: closed, more: second}"
            )
        )
        try bench.submitted(one, "line")
        #expect(bench.deliveries.first?.step.outcomes == ["done", "more"])
        #expect(bench.deliveries.first?.step.version == 2)
        bench.complete(held, "done")
        try bench.turn()
        #expect(try bench.places(old) == ["second waiting"])
        try bench.reopen()
        #expect(try bench.trail(old).version == 1)
        try bench.verify()
    }

    // MARK: Routing slips

    private func slip(_ offices: [String]) throws -> (LedgerBench, UInt32) {
        let bench = try LedgerBench()
        try bench.publish(Samples.text("itinerary"))
        for office in ["a/one", "b/two", "c/three", "d/four"] { _ = try bench.staff([office]) }
        let number = bench.submit(1, "itinerary") {
            $0.itinerary = offices
            $0.due = bench.wall + 99
        }
        try bench.turn()
        return (bench, number)
    }

    @Test("a routing slip visits its offices in order and closes after the last")
    func itinerary() throws {
        let (bench, _) = try slip(["c/three", "a/one", "c/three"])
        for office in ["c/three", "a/one", "c/three"] {
            let delivery = try #require(bench.deliveries.first)
            #expect(delivery.step.office == office)
            bench.complete(delivery, "forwarded")
            try bench.turn()
        }
        let trail = try bench.trail(1)
        #expect(!trail.isOpen && trail.dueAt == bench.wall + 99)
        try bench.verify()
    }

    @Test("a referral replaces the rest of the slip, a return goes back one office")
    func amended() throws {
        let (bench, _) = try slip(["a/one", "b/two"])
        var visited: [String] = []
        func go(_ verb: Verb, _ offices: [String] = []) throws -> RefusalCode? {
            let delivery = try #require(bench.deliveries.first)
            visited.append(delivery.step.office)
            let number =
                verb == .complete
                ? bench.complete(delivery, "forwarded")
                : bench.settle(verb, delivery, offices: offices)
            let answer = try bench.reply(to: number)
            guard answer.refusal != nil else { return nil }
            bench.happen(
                .undelivered(
                    session: delivery.session,
                    referral: delivery.referral,
                    generation: delivery.generation
                )
            )
            try bench.turn()
            return answer.refusal
        }
        #expect(try go(.return) == .returnNotAllowed)
        #expect(try go(.refer, ["nobody/here"]) == .unknownOffice)
        let many = Array(repeating: "b/two", count: Limits.itineraryOfficesMax)
        #expect(try go(.refer, many) == .itineraryTooLong)
        #expect(try go(.refer, ["d/four", "c/three"]) == nil)
        #expect(try go(.complete) == nil)
        #expect(try go(.return) == nil)
        #expect(try go(.complete) == nil)
        try bench.reopen()
        _ = try bench.staff(["c/three"])
        #expect(try go(.complete) == nil)
        #expect(
            visited == [
                "a/one", "a/one", "a/one", "a/one", "d/four", "c/three", "d/four", "c/three",
            ]
        )
        #expect(try !bench.trail(1).isOpen)
        try bench.verify()
    }

    @Test(
        "a slip with no office, an unknown one or too many is refused",
        arguments: [
            ([], .itineraryMissing), (["nobody/here"], .unknownOffice),
            (Array(repeating: "a/one", count: 201), .itineraryTooLong),
        ] as [([String], RefusalCode)]
    )
    func refusedSlip(offices: [String], code: RefusalCode) throws {
        let (bench, number) = try slip(offices)
        #expect(try bench.answer(to: number).refusal == code)
    }

    @Test("a procedure with steps takes no slip and no due instant of the submitter")
    func notAllowed() throws {
        let bench = try LedgerBench()
        try bench.publish(Samples.line)
        let one = try bench.hello("a")
        let slip = bench.submit(one, "line") { $0.itinerary = ["a/one"] }
        #expect(try bench.reply(to: slip).refusal == .itineraryNotAllowed)
        let due = bench.submit(one, "line") { $0.due = 5 }
        #expect(try bench.reply(to: due).refusal == .dueNotAllowed)
        let unknown = bench.submit(one, "none")
        #expect(try bench.reply(to: unknown).refusal == .unknownProcedure)
    }
}
