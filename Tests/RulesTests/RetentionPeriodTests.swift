// SPDX-License-Identifier: Apache-2.0

import Foundation
import Rules
import Testing

/// Goal: a period of retention ends on the day the law means, or is refused.
///
/// Method: tables; Foundation's Gregorian calendar as a second opinion over many days.
@Suite("Periods of retention")
struct RetentionPeriodTests {
    @Test(
        "a period reads as its years, months and days",
        arguments: [
            ("P10Y", 120, 0), ("P1Y6M", 18, 0), ("P18M", 18, 0), ("P2W", 0, 14), ("P30D", 0, 30),
            ("P1Y2M3W4D", 14, 25), ("P1000Y", 12_000, 0), ("P365000D", 0, 365_000),
        ] as [(String, Int64, Int64)]
    )
    func read(text: String, months: Int64, days: Int64) throws {
        let period = try #require(RetentionPeriod(text: text))
        #expect(period.months == months && period.days == days)
        #expect(RetentionPeriod(text: period.text) == period)
    }

    @Test(
        "what is no such period is refused",
        arguments: [
            "", "P", "10Y", "P10", "P0D", "P0Y", "PT1H", "P1DT1H", "P1M1Y", "P1Y1Y", "P-1Y", "p1y",
            "P1.5Y", "P1001Y", "P365001D", "P1234567D", "P1Y ", "P٣Y", "P1H",
        ]
    )
    func refused(text: String) {
        #expect(RetentionPeriod(text: text) == nil)
    }

    private static func instant(_ text: String) throws -> Int64 {
        let date = try Date(text, strategy: .iso8601)
        return Int64(date.timeIntervalSince1970 * 1_000)
    }

    @Test(
        "a period ends on the same day of its last month, or on the last day that month has",
        arguments: [
            ("2016-02-29T12:00:00Z", "P1Y", "2017-02-28T12:00:00Z"),
            ("2016-02-29T12:00:00Z", "P4Y", "2020-02-29T12:00:00Z"),
            ("2026-01-31T00:00:00Z", "P1M", "2026-02-28T00:00:00Z"),
            ("2026-11-30T23:59:59Z", "P3M", "2027-02-28T23:59:59Z"),
            ("2026-12-31T01:02:03Z", "P10Y1D", "2037-01-01T01:02:03Z"),
            ("1969-12-31T23:00:00Z", "P1D", "1970-01-01T23:00:00Z"),
            ("1899-12-31T23:00:00Z", "P1M2W", "1900-02-14T23:00:00Z"),
            ("2096-02-29T00:00:00Z", "P4Y", "2100-02-28T00:00:00Z"),
        ]
    )
    func end(from: String, period: String, to: String) throws {
        let period = try #require(RetentionPeriod(text: period))
        let from = try Self.instant(from)
        let end = try Self.instant(to)
        #expect(period.end(from: from) == end)
        #expect(!period.isOver(closed: from, now: end - 1) && period.isOver(closed: from, now: end))
    }

    @Test("over four centuries it agrees with another calendar")
    func calendar() throws {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        let texts = ["P1M", "P7M", "P10Y", "P1Y11M9D", "P5W"]
        for period in texts.compactMap({ RetentionPeriod(text: $0) }) {
            let added = DateComponents(month: Int(period.months))
            for day in stride(from: Int64(-40_000), to: 110_000, by: 13) {
                let instant = day * 86_400_000 + 5
                let start = Date(timeIntervalSince1970: Double(day) * 86_400)
                let months = try #require(calendar.date(byAdding: added, to: start))
                let end = Int64(months.timeIntervalSince1970) * 1_000 + period.days * 86_400_000 + 5
                #expect(period.end(from: instant) == end, "\(period.text) from day \(day)")
            }
        }
    }

    @Test("an instant beyond all calendars gives no end, and nothing is over")
    func beyond() throws {
        let period = try #require(RetentionPeriod(text: "P1000Y"))
        for instant in [Int64.max, .min, .max / 2, .min / 2] {
            #expect(period.end(from: instant) == .max)
            #expect(!period.isOver(closed: instant, now: 1_800_000_000_000))
        }
    }
}
