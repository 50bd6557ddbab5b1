// SPDX-License-Identifier: Apache-2.0

/// Instants as text of ISO 8601 and as milliseconds since 1970-01-01T00:00:00Z.
///
/// Proleptic Gregorian calendar, no leap seconds, years 0001 to 9999 in UTC.
package enum Instants {
    /// Reads `YYYY-MM-DDThh:mm:ss[.f…]` followed by `Z` or `±hh:mm`, and nothing else.
    ///
    /// One to nine fraction digits are accepted and what is finer than a millisecond is cut off.
    /// An offset is at most 14:00, as in XML Schema.
    ///
    /// - Returns: Milliseconds since 1970 UTC, or nil where the text is not such an instant: a day
    ///   that does not exist, hour 24, second 60, no offset, blanks, years out of range.
    package static func parse(_ text: String) -> Int64? {
        var digits = DigitReader(text.utf8[...])
        guard
            let year = digits.number(4), digits.skips("-"),
            let month = digits.number(2), digits.skips("-"),
            let day = digits.number(2), digits.skips("T"),
            let hour = digits.number(2), digits.skips(":"),
            let minute = digits.number(2), digits.skips(":"),
            let second = digits.number(2),
            let fraction = digits.skips(".") ? digits.milliseconds() : 0,
            let offset = digits.offsetMinutes(), digits.isAtEnd
        else { return nil }
        guard
            (1...9999).contains(year), (1...12).contains(month),
            (1...dayCount(year: year, month: month)).contains(day),
            hour < 24, minute < 60, second < 60
        else { return nil }
        let days = daysSince1970(year: year, month: month, day: day)
        let minutes = (days * 24 + hour) * 60 + minute - offset
        let instant = (minutes * 60 + second) * 1000 + fraction
        return range.contains(instant) ? instant : nil
    }

    /// Writes milliseconds since 1970 UTC as `2010-10-02T22:00:00.000Z`.
    ///
    /// - Returns: nil outside the years 0001 to 9999.
    package static func format(_ instant: Int64) -> String? {
        guard range.contains(instant) else { return nil }
        var milliseconds = instant % dayMilliseconds
        if milliseconds < 0 { milliseconds += dayMilliseconds }
        let date = civil((instant - milliseconds) / dayMilliseconds)
        let seconds = milliseconds / 1000
        var text = ""
        text.reserveCapacity(24)
        text.append(date.year, width: 4)
        text.append("-")
        text.append(date.month, width: 2)
        text.append("-")
        text.append(date.day, width: 2)
        text.append("T")
        text.append(seconds / 3600, width: 2)
        text.append(":")
        text.append(seconds / 60 % 60, width: 2)
        text.append(":")
        text.append(seconds % 60, width: 2)
        text.append(".")
        text.append(milliseconds % 1000, width: 3)
        text.append("Z")
        return text
    }

    private static let dayMilliseconds: Int64 = 86_400_000

    /// 0001-01-01T00:00:00.000Z to 9999-12-31T23:59:59.999Z.
    private static let range: ClosedRange<Int64> = -62_135_596_800_000...253_402_300_799_999

    private static func dayCount(year: Int64, month: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    // Both conversions count in eras of 400 years (146 097 days) and in years that begin in
    // March, so that the leap day is the last one: Howard Hinnant, "chrono-Compatible Low-Level
    // Date Algorithms", days_from_civil and civil_from_days.

    /// Days since 1970-01-01 of a date that exists, in the years 0001 to 9999.
    private static func daysSince1970(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    private static func civil(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
    }
}

private struct DigitReader {
    private var rest: Substring.UTF8View

    init(_ text: Substring.UTF8View) { rest = text }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func skips(_ mark: Unicode.Scalar) -> Bool {
        guard let byte = rest.first, UInt32(byte) == mark.value else { return false }
        rest.removeFirst()
        return true
    }

    /// Exactly `width` ASCII digits; `width` is at most 4.
    mutating func number(_ width: Int) -> Int64? {
        var value: Int64 = 0
        for _ in 0..<width {
            guard let digit = digit() else { return nil }
            value = value * 10 + digit
        }
        return value
    }

    mutating func milliseconds() -> Int64? {
        guard let tenths = digit() else { return nil }
        var value = tenths * 100
        var unit: Int64 = 10
        for _ in 1..<9 {
            guard let digit = digit() else { break }
            value += digit * unit
            unit /= 10
        }
        return value
    }

    mutating func offsetMinutes() -> Int64? {
        if skips("Z") { return 0 }
        let isWest = skips("-")
        guard
            isWest || skips("+"),
            let hours = number(2), skips(":"), let minutes = number(2), minutes < 60
        else { return nil }
        let offset = hours * 60 + minutes
        guard offset <= 14 * 60 else { return nil }
        return isWest ? -offset : offset
    }

    private mutating func digit() -> Int64? {
        guard let byte = rest.first, (0x30...0x39).contains(byte) else { return nil }
        rest.removeFirst()
        return Int64(byte - 0x30)
    }
}

extension String {
    fileprivate mutating func append(_ number: Int64, width: Int) {
        let digits = String(number)
        append(String(repeating: "0", count: max(0, width - digits.count)))
        append(digits)
    }
}
