// SPDX-License-Identifier: Apache-2.0
// Goal: each kind of fault is found, with its code, at its line and column. Method: one changed
// line of a good procedure at a time, against what a person reading the text expects.

import Declarations
import Testing

@Suite("Faults and their places")
struct FaultPlaceTests {
    /// A changed line and the faults it causes.
    struct Change: Sendable, CustomTestStringConvertible {
        let line: Int
        let text: String
        let faults: [String]

        init(_ line: Int, _ text: String, _ faults: String...) {
            self.line = line
            self.text = text
            self.faults = faults
        }

        var testDescription: String { "\(line): \(text)" }
    }

    static let names = [
        Change(1, "procedure: Sample", "1:12 illegalName"),
        Change(1, "title: Sample", "1:1 missingKey"),
        Change(1, "procedure: sample\npurpose: none", "2:1 unknownKey"),
        Change(1, "procedure: [sample]", "1:12 wrongKind"),
        Change(1, "procedure: sample\nterm: P1M", "2:7 badTerm"),
        Change(1, "procedure: sample\nterm: 5", "2:7 badTerm"),
        Change(1, "procedure: sample\nretention: PT5H", "2:12 badTerm"),
        Change(1, "procedure: sample\nretention: 10", "2:12 badTerm"),
        Change(1, "procedure: sample\nretention: P1001Y", "2:12 badTerm"),
        Change(1, "procedure: sample\ndue: someday", "2:6 badValue"),
        Change(1, "procedure: sample\nhops: 0", "2:7 badValue"),
        Change(1, "procedure: sample\nhops: 10001", "2:7 badValue"),
        Change(1, "procedure: sample\ntitle: {english: A}", "2:9 illegalName"),
        Change(1, "procedure: sample\ntitle: {en: }", "2:13 wrongKind"),
        Change(1, "procedure: sample\nstart: chekc", "2:8 unknownStep"),
        Change(1, "procedure: sample\nitinerary: {outcomes: [on]}", "11:1 itineraryConflict"),
        Change(3, "  area: {kind: float}", "3:16 badValue"),
        Change(3, "  area: {required: true}", "3:3 missingKey"),
        Change(3, "  area: {kind: integer, required: 1}", "3:35 badValue"),
        Change(3, "  Area: {kind: integer}", "3:3 illegalName"),
        Change(4, "  level: {kind: [low, low]}", "4:23 badValue"),
        Change(4, "  level: {kind: []}", "4:17 tooMany"),
        Change(8, "  desk: Desk", "8:3 illegalName", "12:13 unknownOffice"),
        Change(9, "  city/board: Board\n  city/desk: Again", "10:3 duplicateKey"),
    ]

    static let steps = [
        Change(12, "    office: city/dask", "12:13 unknownOffice"),
        Change(12, "    title: Check", "11:3 missingKey"),
        Change(13, "    offcie: city/desk", "11:3 missingTerm", "13:5 unknownKey"),
        Change(13, "    term: P5D\n    term: P6D", "14:5 duplicateKey"),
        Change(13, "    term: P5D\n    lease: PT2H", "14:12 badValue"),
        Change(13, "    term: P5D\n    retries: {attempts: 0}", "14:25 badValue"),
        Change(13, "    term: P5D\n    retries: {backoff: PT9S, longest: PT2S}", "14:39 badValue"),
        Change(13, "    term: P5D\n    refer: yes", "14:12 badValue"),
        Change(13, "    term: P5D\n    join: some", "14:11 badValue", "14:11 joinWithoutFork"),
        Change(13, "    term: P5D\n    join: all", "14:11 joinWithoutFork"),
        Change(14, "    return: decdie", "14:13 unknownStep"),
        Change(15, "    outcomes: {}", "16:7 invalidYAML"),
        Change(16, "      passed: dceide", "16:15 unknownStep"),
        Change(16, "      Passed: decide", "16:7 illegalName"),
        Change(16, "      passed: next", "16:15 itineraryConflict"),
        Change(16, "      passed: previous", "16:15 badValue"),
        Change(16, "      passed: []", "16:15 badValue"),
        Change(16, "      passed: closed", "18:3 unreachableStep"),
        Change(16, "      passed: {to: decide, join: decide}", "16:28 missingKey"),
        Change(16, "      passed: {fork: [check, decide]}", "16:15 missingKey"),
        Change(
            16,
            "      passed: {fork: [decide], join: decide}",
            "16:22 forkWithoutJoin",
            "16:23 badValue",
            "16:38 forkWithoutJoin"
        ),
        Change(18, "  closed:", "16:15 unknownStep", "18:3 illegalName"),
        Change(21, "    outcomes: {}\n    x:", "18:3 deadEnd", "22:5 unknownKey"),
        Change(22, "      granted: decide", "18:3 deadEnd"),
        Change(17, "      failed: asker", "17:15 askerWithoutReturn"),
    ]

    static let guards = [
        Change(16, "      passed: [{when: area > 5, to: decide}]", "16:16 missingDefault"),
        Change(16, "      passed: {when: area > 5, to: decide}", "16:15 missingDefault"),
        Change(16, "      passed: [{to: decide}, {to: closed}]", "16:16 badGuard"),
        Change(16, guarded("area = 5"), "16:23 badGuard"),
        Change(16, guarded("area"), "16:23 badGuard"),
        Change(16, guarded("area > many"), "16:23 badGuard"),
        Change(16, guarded("area > 99999999999999999999"), "16:23 badGuard"),
        Change(16, guarded("aera > 5"), "16:23 unknownAttribute"),
        Change(16, guarded("level == hihg"), "16:23 badGuard"),
        Change(16, guarded("level > low"), "16:23 badGuard"),
        Change(16, guarded("urgent == yes"), "16:23 badGuard"),
        Change(16, guarded("urgent < true"), "16:23 badGuard"),
        Change(16, guarded("district == 'Old"), "16:23 badGuard"),
    ]

    static func guarded(_ condition: String) -> String {
        "      passed: [{when: \"\(condition)\", to: decide}, {to: closed}]"
    }

    @Test("a small good procedure has no faults")
    func good() { #expect(Sample.faults(Sample.text()) == []) }

    @Test("a fault outside the steps is found at its place", arguments: names)
    func outsideSteps(_ change: Change) { check(change) }

    @Test("a fault in a step is found at its place", arguments: steps)
    func inSteps(_ change: Change) { check(change) }

    @Test("a fault in a condition is found at its place", arguments: guards)
    func inGuards(_ change: Change) { check(change) }

    private func check(_ change: Change) {
        #expect(Sample.faults(Sample.text([change.line: change.text])) == change.faults)
    }

    @Test("all faults are told in one pass, in order of place")
    func allAtOnce() {
        let text = Sample.text(
            [
                1: "procedure: sample\npurpose: x", 8: "  city/desk: Desk\n  city/desk: Twice",
                12: "    office: city/desc\n    offise: city/desk", 13: "    term: tomorrow",
                16: "      passed: decied",
            ],
            adding: ["      granted: closed", "after-closing: {reopen: {to: nowhere}}"]
        )
        #expect(
            Sample.faults(text) == [
                "2:1 unknownKey", "10:3 duplicateKey", "14:13 unknownOffice", "15:5 unknownKey",
                "16:11 badTerm", "19:15 unknownStep", "26:7 duplicateKey", "27:30 unknownStep",
            ]
        )
    }

    @Test("a misspelt name or key comes with what was probably meant")
    func suggestions() {
        let text = Sample.text([
            12: "    office: city/dask\n    trem: P5D", 16: "      passed: dceide",
        ])
        let sentences = Sample.sentences(text)
        for meant in ["'city/desk'", "'term'", "'decide'"] {
            #expect(sentences.contains { $0.hasSuffix("Did you mean \(meant)?") })
        }
    }

    @Test("a text full of faults tells the first hundred and counts the rest")
    func manyFaults() {
        let text = Sample.text(adding: (1...250).map { "key\($0): x" })
        let error = #expect(throws: DeclarationFaults.self) {
            try ProcedureDeclaration.read(text)
        }
        #expect(error?.faults.count == DeclarationFaults.shownMax)
        #expect(error?.omitted == 150)
    }
}
