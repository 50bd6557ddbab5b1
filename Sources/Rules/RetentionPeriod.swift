// SPDX-License-Identifier: Apache-2.0

/// How long the content of a closed case is kept: an ISO 8601 period of years, months, weeks and
/// days.
///
/// Other than a `Term` it has years and months, as retention schedules do; they are those of the
/// calendar, counted in UTC. A day that the last month does not have becomes its last one.
package struct RetentionPeriod: Equatable, Sendable {
    /// Months, years among them, 0...12 000.
    package let months: Int64
    /// Days, weeks among them, 0...365 000.
    package let days: Int64

    private static let day: Int64 = 86_400_000
    private static let monthsMax: Int64 = 12_000
    private static let daysMax: Int64 = 365_000

    /// Reads `P10Y`, `P1Y6M`, `P12W`, `P30D`, …; nil if it is not such a period of at least a day.
    package init?(text: some StringProtocol) {
        var bytes = Array(text.utf8)[...]
        guard bytes.popFirst() == UInt8(ascii: "P"), !bytes.isEmpty else { return nil }
        var units = Array("YMWD".utf8)[...]
        var months: Int64 = 0
        var days: Int64 = 0
        while !bytes.isEmpty {
            let digits = bytes.prefix { (0x30...0x39).contains($0) }
            bytes = bytes.dropFirst(digits.count)
            guard (1...6).contains(digits.count), let unit = bytes.popFirst(),
                let place = units.firstIndex(of: unit)
            else { return nil }
            units = units[(place + 1)...]
            let count = digits.reduce(Int64(0)) { $0 * 10 + Int64($1 - 0x30) }
            switch unit {
            case UInt8(ascii: "Y"): months += count * 12
            case UInt8(ascii: "M"): months += count
            case UInt8(ascii: "W"): days += count * 7
            default: days += count
            }
        }
        guard months <= Self.monthsMax, days <= Self.daysMax, months + days > 0 else { return nil }
        self.months = months
        self.days = days
    }

    /// The ISO 8601 text, with as many whole years as there are.
    package var text: String {
        let parts = [(months / 12, "Y"), (months % 12, "M"), (days, "D")]
        return "P" + parts.filter { $0.0 > 0 }.map { "\($0.0)\($0.1)" }.joined()
    }

    /// Whether what closed at `closed` is past the period at `now` (both ms since 1970).
    package func isOver(closed: Int64, now: Int64) -> Bool { end(from: closed) <= now }

    /// The instant the period ends when it begins at `instant` (ms since 1970).
    ///
    /// - Returns: `Int64.max` if the instant lies so far off that it cannot be told.
    package func end(from instant: Int64) -> Int64 {
        // Years of 4 digits either way; whoever claims others gets no end.
        guard abs(instant / Self.day) < 3_000_000 else { return .max }
        let (day, rest) = Self.floored(instant, by: Self.day)
        var date = Self.date(ofDay: day)
        let (years, month) = Self.floored(date.month - 1 + months, by: 12)
        date.year += years
        date.month = month + 1
        date.day = min(date.day, Self.lastDay(of: date.month, year: date.year))
        return (Self.day(of: date) + days) * Self.day + rest
    }

    // MARK: The Gregorian calendar

    private struct CivilDate {
        var year: Int64
        /// From 1 to 12.
        var month: Int64
        /// From 1 to 31.
        var day: Int64
    }

    private static func floored(_ value: Int64, by divisor: Int64) -> (Int64, Int64) {
        let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }

    private static func lastDay(of month: Int64, year: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days since 1970 of a date; years begin in March here, so that the leap day is their last.
    private static func day(of date: CivilDate) -> Int64 {
        let year = date.month <= 2 ? date.year - 1 : date.year
        let (era, yearOfEra) = floored(year, by: 400)
        let dayOfYear = (153 * ((date.month + 9) % 12) + 2) / 5 + date.day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    private static func date(ofDay day: Int64) -> CivilDate {
        let (era, dayOfEra) = floored(day + 719_468, by: 146_097)
        let yearOfEra =
            (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        return CivilDate(
            year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
            month: month,
            day: dayOfYear - (153 * shifted + 2) / 5 + 1
        )
    }
}
