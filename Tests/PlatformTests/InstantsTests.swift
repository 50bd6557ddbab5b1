// SPDX-License-Identifier: Apache-2.0

import Testing
import TestKit

@testable import Platform

/// Goal: instants are read strictly and written so that they read back.
///
/// Method: vectors, then
/// every day of three eras against plain counting, then seeded round trips.
@Suite struct InstantsTests {
    @Test(
        "an instant is read to the millisecond in UTC",
        arguments: [
            ("1970-01-01T00:00:00Z", 0),
            ("1970-01-01T00:00:00.000+01:00", -3_600_000),
            ("2010-10-02T22:00:00.000Z", 1_286_056_800_000),
            ("2010-10-03T00:00:00.000+02:00", 1_286_056_800_000),
            ("2010-10-02T16:30:00-05:30", 1_286_056_800_000),
            ("1969-12-31T23:59:59.999Z", -1),
            ("2000-02-29T12:00:00Z", 951_825_600_000),
            ("2024-02-29T23:59:59.5Z", 1_709_251_199_500),
            ("2024-03-01T00:00:00+14:00", 1_709_200_800_000),
            ("2024-02-28T10:00:00-14:00", 1_709_164_800_000),
            ("2011-10-10T13:59:08.0129999Z", 1_318_255_148_012),
            ("2011-10-10T13:59:08.123456789Z", 1_318_255_148_123),
            ("0001-01-01T00:00:00Z", -62_135_596_800_000),
            ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
            ("1970-01-01T00:00:00-00:00", 0),
        ] as [(String, Int64)]
    )
    func readsInstant(text: String, instant: Int64) {
        #expect(Instants.parse(text) == instant)
    }

    @Test(
        "what is not exactly an instant is refused",
        arguments: [
            "", "Z", "2010", "2010-10-02", "2010-10-02T22:00:00", "2010-10-02 22:00:00Z",
            "2010-10-02t22:00:00Z", "2010-10-02T22:00:00z", "2010-10-02T22:00Z",
            "2010-10-02T24:00:00Z", "2010-10-02T22:60:00Z", "2010-10-02T23:59:60Z",
            "2010-00-02T22:00:00Z", "2010-13-02T22:00:00Z", "2010-10-00T22:00:00Z",
            "2010-04-31T22:00:00Z", "2010-02-29T22:00:00Z", "1900-02-29T22:00:00Z",
            "2010-10-02T22:00:00.Z", "2010-10-02T22:00:00.1234567890Z", "2010-10-02T22:00:00,5Z",
            "2010-10-02T22:00:00+02", "2010-10-02T22:00:00+0200", "2010-10-02T22:00:00+14:01",
            "2010-10-02T22:00:00+02:60", "2010-10-02T22:00:00Zx", " 2010-10-02T22:00:00Z",
            "2010-10-02T22:00:00Z ", "2010-10-02T22:00:00ZZ", "+2010-10-02T22:00:00Z",
            "-0001-10-02T22:00:00Z", "0000-10-02T22:00:00Z", "12010-10-02T22:00:00Z",
            "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "٢٠١٠-10-02T22:00:00Z",
            "2010-10-02T22:00:00.-5Z", "2010-1-002T22:00:00Z", "2010-10-02T22:00:00\u{2212}02:00",
        ]
    )
    func refusesText(text: String) {
        #expect(Instants.parse(text) == nil)
    }

    @Test("no prefix of an instant is an instant")
    func refusesPrefixes() {
        let text = "2010-10-02T22:00:00.000+02:00"
        #expect(Instants.parse(text) != nil)
        for count in 0..<text.count { #expect(Instants.parse(String(text.prefix(count))) == nil) }
    }

    @Test("each day follows the day before, over leap years and centuries")
    func countsDays() throws {
        let lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        var expected = try #require(Instants.parse("1895-01-01T00:00:00Z"))
        for year in 1895...2105 {
            let isLeap = year % 400 == 0 || (year % 4 == 0 && year % 100 != 0)
            for month in 1...12 {
                for day in 1...(lengths[month - 1] + (month == 2 && isLeap ? 1 : 0)) {
                    let date = [year, month, day].map { $0 < 10 ? "0\($0)" : "\($0)" }
                    let text = date.joined(separator: "-") + "T00:00:00.000Z"
                    #expect(Instants.parse(text) == expected)
                    #expect(Instants.format(expected) == text)
                    expected += 86_400_000
                }
            }
        }
    }

    @Test("an instant that is written reads back as itself")
    func roundTrip() {
        var generator = SeededGenerator(seed: 11)
        for _ in 0..<20_000 {
            let instant = Int64.random(
                in: -62_135_596_800_000...253_402_300_799_999,
                using: &generator
            )
            #expect(Instants.format(instant).flatMap(Instants.parse) == instant)
        }
    }

    @Test("instants outside the years 0001 to 9999 are not written")
    func refusesFarInstants() {
        let far = [Int64.min, -62_135_596_800_001, 253_402_300_800_000, Int64.max]
        for instant in far { #expect(Instants.format(instant) == nil) }
        #expect(Instants.format(1_286_056_800_000) == "2010-10-02T22:00:00.000Z")
        #expect(Instants.format(-1) == "1969-12-31T23:59:59.999Z")
    }
}
