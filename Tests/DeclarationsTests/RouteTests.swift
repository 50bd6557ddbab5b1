// SPDX-License-Identifier: Apache-2.0
// Goal: forks, returns, itineraries, defaults and order of steps are what the text says.
// Method: whole small texts, read and compared.

import Declarations
import Rules
import Testing

@Suite("Routes")
struct RouteTests {
    private static func fork(_ join: String, branch: String = "join-up") -> String {
        """
        procedure: forks
        offices: {a/b: One}
        steps:
          split:
            office: a/b
            term: P1D
            outcomes:
              both: {fork: [left, right], join: join-up}
          left: {office: a/b, term: P1D, outcomes: {done: \(branch)}}
          right: {office: a/b, term: P1D, outcomes: {done: join-up}}
          join-up: {office: a/b, term: P1D, \(join) outcomes: {done: closed}}

        """
    }

    @Test(
        "a join waits for all, for any, or for no more branches than there are",
        arguments: [
            ("join: all,", [String]()), ("join: any,", []), ("join: 2,", []),
            ("join: 3,", ["11:43 badValue"]), ("join: 0,", ["11:43 badValue"]),
            ("", ["8:41 forkWithoutJoin"]),
        ]
    )
    func joins(_ rule: String, _ faults: [String]) {
        #expect(Sample.faults(Self.fork(rule)) == faults)
    }

    @Test("a branch may close, but not run in a circle")
    func branches() {
        #expect(Sample.faults(Self.fork("join: all,", branch: "closed")) == [])
        #expect(
            Sample.faults(Self.fork("join: all,", branch: "left"))
                == ["8:21 branchAstray", "9:3 deadEnd"]
        )
    }

    @Test("the start step comes first and references follow it")
    func startMoves() throws {
        let text = Sample.text(
            [22: "      granted: check"],
            adding: ["      refused: closed", "start: decide"]
        )
        let procedure = try ProcedureDeclaration.read(text)
        #expect(procedure.steps.map(\.name) == ["decide", "check"])
        #expect(procedure.steps[0].outcomes[0].transitions[0].target == .step(1))
        #expect(procedure.steps[1].outcomes[0].transitions[0].target == .step(0))
    }

    @Test("what is left out has its default, what is said is taken")
    func values() throws {
        let plain = try ProcedureDeclaration.read(Sample.text())
        #expect(plain.hopsMax == 64 && !plain.takesDue && !plain.takesOtherAttributes)
        #expect(plain.steps[0].leaseMilliseconds == 30_000)
        #expect(plain.steps[0].retries == RetryRule())
        #expect(plain.offices[0].title == ["en": "Desk"])

        let text = Sample.text(
            [
                2: "hops: 7\ndue: submitter\nterm: P8W\nattributes:",
                13: "    term: P5D\n    lease: PT1M\n"
                    + "    retries: {attempts: 9, backoff: PT2S, longest: PT1M}",
            ],
            adding: ["after-closing: {appeal: {to: decide, within: P30D}, rate: {}}"]
        )
        let full = try ProcedureDeclaration.read(text)
        #expect(full.hopsMax == 7 && full.takesDue && full.term?.text == "P56D")
        #expect(full.steps[0].leaseMilliseconds == 60_000)
        #expect(full.steps[0].retries.attemptsMax == 9)
        #expect(full.steps[0].retries.backoffMilliseconds == 2_000)
        #expect(full.steps[0].retries.backoffMillisecondsMax == 60_000)
        #expect(full.actions.map(\.within?.text) == ["P30D", nil])
    }

    @Test(
        "a condition is read into attribute, comparison and constant",
        arguments: [
            ("area >= -5", "area", Guard.Comparison.greaterOrEqual, "-5"),
            ("area<007", "area", .less, "7"), ("level != high", "level", .notEqual, "high"),
            ("urgent == true", "urgent", .equal, "true"),
            ("district == 'Old Town'", "district", .equal, "Old Town"),
            ("district == a = b", "district", .equal, "a = b"),
        ]
    )
    func conditions(
        _ text: String,
        _ attribute: String,
        _ comparison: Guard.Comparison,
        _ constant: String
    ) throws {
        let procedure = try ProcedureDeclaration.read(
            Sample.text([16: FaultPlaceTests.guarded(text)])
        )
        #expect(
            procedure.steps[0].outcomes[0].transitions[0].guarded
                == Guard(attribute: attribute, comparison: comparison, constant: constant)
        )
    }

    @Test(
        "an itinerary knows neither steps nor forks nor ways to them",
        arguments: [
            ("outcomes: [on, off]", [String]()), ("outcomes: {on: next, stop: closed}", []),
            ("outcomes: [on, on]", ["3:28 duplicateKey"]), ("outcomes: []", ["3:23 deadEnd"]),
            ("outcomes: {on: elsewhere}", ["3:28 itineraryConflict"]),
            ("outcomes: {on: asker}", ["3:28 itineraryConflict"]),
            ("outcomes: {on: {fork: [a, b], join: c}}", ["3:29 itineraryConflict"]),
            ("outcomes: [on], return: start", ["3:37 itineraryConflict"]),
            ("outcomes: [on], office: a/b", ["3:29 unknownKey"]),
            ("term: P5D", ["3:1 missingKey"]),
        ]
    )
    func itineraries(_ content: String, _ faults: [String]) {
        #expect(
            Sample.faults("procedure: slip\noffices: {}\nitinerary: {\(content)}\n") == faults
        )
    }

    @Test(
        "an itinerary above restricted must declare where it may go",
        arguments: [
            ("public", [String]()), ("restricted", []), ("secret", ["2:17 missingKey"]),
            ("top-secret", ["2:17 missingKey"]),
        ]
    )
    func classifiedItineraries(_ level: String, _ faults: [String]) {
        let head = "procedure: slip\nclassification: \(level)\n"
        let tail = "itinerary: {outcomes: [on]}\n"
        #expect(Sample.faults(head + "offices: {}\n" + tail) == faults)
        #expect(Sample.faults(head + "offices: {a/b: B}\n" + tail) == [])
    }

    @Test("limits on counts are kept")
    func counts() {
        let offices = (1...499).map { "  a/o\($0): X" }
        #expect(Sample.faults(Sample.text([7: lines("offices:", offices)])) == ["508:3 tooMany"])
        #expect(Sample.faults(Sample.text([7: lines("offices:", offices.dropLast())])) == [])
        let steps = (1...199).map {
            "  s\($0): {office: city/desk, term: P1D, outcomes: {on: check}}"
        }
        #expect(
            Sample.faults(Sample.text([10: lines("steps:", steps)]))
                == ["217:3 tooMany"]
        )
        let outcomes = (1...64).map { "      o\($0): closed" }
        #expect(Sample.faults(Sample.text(adding: Array(outcomes.prefix(63)))) == [])
        #expect(Sample.faults(Sample.text(adding: outcomes)) == ["86:7 tooMany"])
    }

    private func lines(_ first: String, _ rest: some Sequence<String>) -> String {
        ([first] + rest).joined(separator: "\n")
    }
}
