// SPDX-License-Identifier: Apache-2.0

import Rules
import TestKit
import Testing
import Wire

/// Goal: guards, retries and admission decide as declared.
///
/// Method: tables and seeded words.
@Suite("Guards, retries and admission")
struct RoutingRuleTests {
    @Test(
        "a guard compares integers as numbers and everything else as text",
        arguments: [
            ("600", .greater, "500", true), ("500", .greater, "500", false),
            ("100", .greater, "500", false), ("9", .less, "10", true),
            ("500", .greaterOrEqual, "500", true), ("500", .lessOrEqual, "500", true),
            ("501", .lessOrEqual, "500", false), ("007", .equal, "7", true),
            ("007", .notEqual, "7", false), ("a", .equal, "a", true),
            ("a", .notEqual, "b", true), ("a", .less, "b", false), ("a", .greater, "5", false),
            ("true", .equal, "true", true), ("", .equal, "", true),
            (nil, .equal, "", false), (nil, .notEqual, "x", true), (nil, .less, "5", false),
            ("-5", .less, "0", true), ("9223372036854775808", .greater, "1", false),
        ] as [(String?, Guard.Comparison, String, Bool)]
    )
    func guards(value: String?, comparison: Guard.Comparison, constant: String, holds: Bool) {
        let condition = Guard(attribute: "x", comparison: comparison, constant: constant)
        #expect(condition.holds(for: value) == holds)
    }

    @Test("a pause doubles up to the longest and lies in the upper half of its length, seed 7")
    func pauses() {
        var random = SeededGenerator(seed: 7)
        var rule = RetryRule()
        rule.backoffMilliseconds = 1_000
        rule.backoffMillisecondsMax = 60_000
        for attempts in UInt32(1)...40 {
            let full = attempts < 7 ? Int64(1_000) << Int64(attempts - 1) : 60_000
            var seen: Set<Int64> = []
            for _ in 0..<200 {
                let pause = rule.pauseMilliseconds(after: attempts, random: random.next())
                #expect(pause > full / 2 - 1 && pause <= full)
                seen.insert(pause)
            }
            #expect(seen.count > 50, "the pause after \(attempts) attempts is not spread")
        }
    }

    @Test("a pause is never shorter than nothing and never overflows")
    func extremePauses() {
        var rule = RetryRule()
        rule.backoffMilliseconds = .max
        rule.backoffMillisecondsMax = .max
        for attempts in [0, 1, 31, UInt32.max] {
            #expect(rule.pauseMilliseconds(after: attempts, random: .max) > 0)
        }
        rule.backoffMilliseconds = 1
        rule.backoffMillisecondsMax = 1
        #expect(rule.pauseMilliseconds(after: 5, random: .max) == 1)
    }

    @Test(
        "an instant is now if none is claimed, and may lie back or ahead only so far",
        arguments: [
            (0, false, 100_000, nil), (100_000, false, 100_000, nil),
            (99_000, false, 99_000, nil), (40_000, false, 40_000, nil),
            (39_999, false, 0, .mayNotBackdate), (39_999, true, 39_999, nil),
            (-5, true, -5, nil), (.min, true, .min, nil), (.min, false, 0, .mayNotBackdate),
            (105_000, true, 100_000, nil), (105_001, true, 0, .inFuture),
            (.max, true, 0, .inFuture),
        ] as [(Int64, Bool, Int64, RefusalCode?)]
    )
    func occurred(claimed: Int64, mayBackdate: Bool, instant: Int64, refusal: RefusalCode?) {
        do throws(RefusalCode) {
            let occurred = try Admission.occurredAt(
                claimed: claimed,
                now: 100_000,
                mayBackdate: mayBackdate
            )
            #expect(occurred == instant && refusal == nil)
        } catch {
            #expect(error == refusal)
        }
    }

    @Test(
        "attributes are admitted as declared",
        arguments: [
            (["area": "5"], nil), (["area": "5", "kind": "home"], nil),
            (["area": "5", "is-new": "true", "owner": "any text"], nil),
            ([:], .attributeInvalid), (["kind": "home"], .attributeInvalid),
            (["area": "five"], .attributeInvalid), (["area": ""], .attributeInvalid),
            (["area": "5", "kind": "office"], .attributeInvalid),
            (["area": "5", "is-new": "yes"], .attributeInvalid),
            (["area": "5", "other": "1"], .undeclaredAttribute),
            (["area": "5", "Not a name": "1"], .attributeInvalid),
        ] as [([String: String], RefusalCode?)]
    )
    func attributes(values: [String: String], refusal: RefusalCode?) {
        #expect(refused(values.sorted { $0.key < $1.key }, by: procedure) == refusal)
    }

    @Test("attributes given twice or more than a hundred are refused, others only where allowed")
    func moreAttributes() {
        #expect(refused([("area", "5"), ("area", "5")], by: procedure) == .attributeInvalid)
        var open = procedure
        open.takesOtherAttributes = true
        #expect(refused([("area", "5"), ("other", "1")], by: open) == nil)
        let many = (0..<101).map { ("a\($0)", "1") }
        #expect(refused(many, by: open) == .attributeInvalid)
    }

    private var procedure: Procedure {
        var procedure = Procedure(name: "sample")
        procedure.attributes = [
            AttributeDeclaration(name: "area", kind: .integer, isRequired: true),
            AttributeDeclaration(name: "kind", kind: .word(["home", "shop"])),
            AttributeDeclaration(name: "is-new", kind: .boolean),
            AttributeDeclaration(name: "owner", kind: .text),
        ]
        return procedure
    }

    private func refused(
        _ values: [(key: String, value: String)],
        by procedure: Procedure
    ) -> RefusalCode? {
        let attributes = values.map { name, value in
            var attribute = Envelope.Attribute()
            attribute.name = name
            attribute.value = value
            return attribute
        }
        do throws(AttributeRefusal) {
            try Admission.check(attributes, against: procedure)
            return nil
        } catch {
            #expect(error.text.hasSuffix("."))
            return error.code
        }
    }
}
