// SPDX-License-Identifier: Apache-2.0

import Control
import Testing
import TestKit

@Suite("Instants in JSON")
struct InstantTests {
    @Test(
        "an instant has one text",
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"),
            (1_772_438_400_250, "2026-03-02T08:00:00.250Z"),
            (951_782_400_001, "2000-02-29T00:00:00.001Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
            (-62_135_596_800_000, "0001-01-01T00:00:00.000Z"),
        ] as [(Int64, String)]
    )
    func text(milliseconds: Int64, text: String) {
        #expect(Instant(milliseconds: milliseconds).text == text)
        #expect(Instant(text: text)?.milliseconds == milliseconds)
    }

    @Test("what lies beyond the years 0001 to 9999 becomes the nearest within them")
    func clamped() {
        #expect(Instant(milliseconds: .max).text == "9999-12-31T23:59:59.999Z")
        #expect(Instant(milliseconds: .min).text == "0001-01-01T00:00:00.000Z")
    }

    @Test("every instant survives being written and read")
    func roundTrip() {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var random = SeededGenerator(seed: seed)
        for _ in 0..<5000 {
            let milliseconds = Int64.random(
                in: -62_135_596_800_000...253_402_300_799_999,
                using: &random
            )
            let instant = Instant(milliseconds: milliseconds)
            #expect(Instant(text: instant.text) == instant, "seed \(seed)")
        }
    }

    @Test(
        "any other text is no instant",
        arguments: [
            "", "2026-03-02", "2026-03-02T08:00:00Z", "2026-03-02T08:00:00.25Z",
            "2026-03-02T08:00:00.250", "2026-02-30T08:00:00.250Z", "2026-03-02T25:00:00.250Z",
            "2026-03-02T08:00:00.+50Z", "2026-03-02T08:00:00.250+01:00",
        ]
    )
    func refused(text: String) {
        #expect(Instant(text: text) == nil)
    }
}
