// SPDX-License-Identifier: Apache-2.0
// Goal: no text makes the reader stop the process, hang, or take an alias. Method: texts made to
// harm, and seeded mutations of the shipped procedures.

import Declarations
import Rules
import Testing
import TestKit

@Suite("Hostile texts")
struct HostileTextTests {
    @Test(
        "what is not one plain YAML document is refused at its place",
        arguments: [
            ("", ["1:1 invalidYAML"]), ("\n\n", ["1:1 invalidYAML"]),
            ("# only", ["1:1 invalidYAML"]),
            ("word", ["1:1 wrongKind"]), ("- a\n- b", ["1:1 wrongKind"]),
            ("a: [1", ["1:6 invalidYAML"]), ("a: b: c", ["1:5 invalidYAML"]),
            ("\tx: 1", ["1:1 invalidYAML"]), ("a: \u{0}", ["1:4 invalidYAML"]),
            ("a: 1\nb: \u{E000}", ["2:4 invalidYAML"]), ("a: \"\\ud800\"", ["1:7 invalidYAML"]),
        ]
    )
    func notADeclaration(_ text: String, _ faults: [String]) {
        #expect(Sample.faults(text) == faults)
    }

    @Test("anchors, aliases and tags are refused at their places")
    func aliases() {
        let text = Sample.text([
            8: "  city/desk: &desk Desk", 9: "  city/board: *desk", 12: "    office: !x city/desk",
        ])
        #expect(
            Sample.faults(text) == [
                "8:14 aliasNotTaken", "9:15 aliasNotTaken", "12:13 aliasNotTaken",
            ]
        )
        #expect(
            Sample.faults(Sample.text([16: "      *passed : decide"])).contains(
                "16:7 aliasNotTaken"
            )
        )
    }

    @Test("a star inside a text is a star")
    func stars() throws {
        let text = Sample.text([8: "  city/desk: \"*Desk*\"", 9: "  city/board: a *b # - *c"])
        let procedure = try ProcedureDeclaration.read(text)
        #expect(procedure.offices.map(\.title) == [["en": "*Desk*"], ["en": "a *b"]])
    }

    @Test("nested aliases cost nothing, not even as keys")
    func bombs() {
        var bomb = "a0: &a0 [x, x]\n"
        for level in 1...60 {
            bomb += "a\(level): &a\(level) [*a\(level - 1), *a\(level - 1)]\n"
        }
        #expect(Sample.faults(bomb + "? *a60\n: x\n").contains("1:5 aliasNotTaken"))
    }

    @Test("a second document is refused")
    func documents() {
        #expect(Sample.faults(Sample.text(adding: ["---", "x: 1"])) == ["24:1 invalidYAML"])
    }

    @Test("three of one key are two faults")
    func repeatedKeys() {
        let text = Sample.text([1: "procedure: sample\n\"hops\": 5\nhops: 6\nh\u{6F}ps: 7"])
        #expect(Sample.faults(text) == ["3:1 duplicateKey", "4:1 duplicateKey"])
    }

    @Test("a text over a mebibyte is refused unread")
    func size() {
        let text = Sample.text(adding: ["# " + String(repeating: "x", count: 1 << 20)])
        #expect(Sample.faults(text) == ["1:1 tooMany"])
    }

    @Test(
        "deep or endless structures are refused",
        arguments: [
            "[", "{", "- ", "? ", "{a: ", "[[a]: ", "\"", "|\n ", "a:\n ", "&a ", "!", ": ",
        ]
    )
    func depth(_ unit: String) {
        #expect(!Sample.faults(String(repeating: unit, count: 20_000)).isEmpty)
    }

    @Test("mutated procedures never stop the process", arguments: [1, 2, 3, 4] as [UInt64])
    func mutations(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var refused = 0
        for name in try ProcedureFiles.names() {
            let original = Array(try ProcedureFiles.text(name).utf8)
            for _ in 0..<60 {
                var bytes = original
                for _ in 0..<Int.random(in: 1...6, using: &generator) {
                    mutate(&bytes, &generator)
                }
                if !Sample.faults(String(decoding: bytes, as: UTF8.self)).isEmpty { refused += 1 }
            }
        }
        #expect(refused > 100, "seed \(seed)")
    }

    private func mutate(_ bytes: inout [UInt8], _ generator: inout SeededGenerator) {
        guard !bytes.isEmpty else { return }
        let start = Int.random(in: 0..<bytes.count, using: &generator)
        let end = min(bytes.count, start + Int.random(in: 1...40, using: &generator))
        switch Int.random(in: 0..<5, using: &generator) {
        case 0: bytes.removeSubrange(start..<end)
        case 1: bytes.insert(contentsOf: bytes[start..<end], at: start)
        case 2: bytes[start] = UInt8.random(in: 0...255, using: &generator)
        case 3:
            let signs = Array("{}[]:,-?*&!|>'\"#%@ \n\t".utf8)
            bytes[start] = signs.randomElement(using: &generator) ?? 0
        default:
            let target = Int.random(in: 0..<bytes.count, using: &generator)
            bytes.swapAt(start, target)
        }
    }
}
