// SPDX-License-Identifier: Apache-2.0

import Testing
import Wire
import TestKit

/// Goal: identifiers are UUIDs any other program reads.
///
/// Method: the example of RFC 9562 and every bit of the layout.
@Suite("Identifiers")
struct IdentifierTests {
    @Test("the UUIDv7 of RFC 9562, appendix A.6, comes out of its parts")
    func example() {
        let id = Identifier(
            version7At: 0x017F_22E2_79B0,
            random: (0xCC3, 0x18C4_DC0C_0C07_398F)
        )
        #expect(id.text == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f")
    }

    @Test("random bits never reach time, version or variant")
    func layout() {
        let zeros = Identifier(version7At: 0, random: (0, 0))
        #expect(zeros.text == "00000000-0000-7000-8000-000000000000")
        let ones = Identifier(version7At: 0, random: (.max, .max))
        #expect(ones.text == "00000000-0000-7fff-bfff-ffffffffffff")
        let late = Identifier(version7At: -1, random: (0, 0))
        #expect(late.text == "ffffffff-ffff-7000-8000-000000000000")
    }

    @Test("later identifiers sort behind earlier ones")
    func order() {
        let early = Identifier(version7At: 1_790_000_000_000, random: (.max, .max))
        let late = Identifier(version7At: 1_790_000_000_001, random: (0, 0))
        #expect((early.high, early.low) < (late.high, late.low))
    }

    @Test("text reads back, with hyphens or without, in either case, seed 21")
    func roundTrip() {
        var random = SeededGenerator(seed: 21)
        for _ in 0..<1_000 {
            let id = Identifier(high: random.next(), low: random.next())
            #expect(Identifier(text: id.text) == id)
            #expect(Identifier(text: id.text.uppercased()) == id)
            #expect(Identifier(text: id.text.filter { $0 != "-" }) == id)
        }
    }

    @Test(
        "what is not a UUID is none",
        arguments: [
            "", "-", "017f22e2-79b0-7cc3-98c4-dc0c0c07398", "017f22e2-79b0-7cc3-98c4-dc0c0c07398f0",
            "+17f22e2-79b0-7cc3-98c4-dc0c0c07398f", "017f22e279b07cc3+8c4dc0c0c07398f",
            "017f22e27-9b0-7cc3-98c4-dc0c0c07398f", "----017f22e279b07cc398c4dc0c0c07398f",
            "017f22e2 79b0 7cc3 98c4 dc0c0c07398f", "017f22e2-79b0-7cc3-98c4-dc0c0c07398g",
            "{17f22e2-79b0-7cc3-98c4-dc0c0c07398}", "٠17f22e2-79b0-7cc3-98c4-dc0c0c07398",
        ]
    )
    func unreadable(text: String) {
        #expect(Identifier(text: text) == nil)
    }
}
