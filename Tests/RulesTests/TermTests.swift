// SPDX-License-Identifier: Apache-2.0

import Rules
import Testing

/// Goal: a term is read as the law writes it, or refused.
///
/// Method: tables.
@Suite("Terms")
struct TermTests {
    @Test(
        "a duration reads as its length",
        arguments: [
            ("P1D", 86_400_000), ("P8W", 8 * 7 * 86_400_000), ("P1W2D", 9 * 86_400_000),
            ("PT12H", 43_200_000), ("P1DT12H", 129_600_000), ("PT1H2M3S", 3_723_000),
            ("PT90M", 5_400_000), ("P007D", 7 * 86_400_000), ("P36525D", 36_525 * 86_400_000),
        ] as [(String, Int64)]
    )
    func read(text: String, milliseconds: Int64) {
        #expect(Term(text: text)?.milliseconds == milliseconds)
    }

    @Test(
        "what is not such a duration is refused",
        arguments: [
            "", "P", "PT", "P1", "1D", "P1M", "P1Y", "P1DT", "PT1D", "P1H", "P1D1W", "PT1S1M",
            "P1D2D", "P0D", "PT0S", "P-1D", "P1.5D", "p1d", "P1D ", "PTT1S", "P1DT1HT1M",
            "P1234567890D", "P999999999W", "P36526D", "P٣D",
        ]
    )
    func refused(text: String) {
        #expect(Term(text: text) == nil)
    }

    @Test(
        "the text of a term reads back to the same term",
        arguments: ["P1D", "P14D", "PT12H", "P1DT12H", "PT1H2M3S", "PT30S", "P2DT5S"]
    )
    func text(text: String) throws {
        #expect(try #require(Term(text: text)).text == text)
    }

    @Test("a term ends its length after the beginning, at the latest at the end of time")
    func end() throws {
        let term = try #require(Term(text: "P1D"))
        #expect(term.end(from: 1_000) == 86_401_000)
        #expect(term.end(from: -86_400_000) == 0)
        #expect(term.end(from: .max - 5) == .max)
        #expect(Term(milliseconds: 0) == nil)
    }
}
