// SPDX-License-Identifier: Apache-2.0

/// Time allowed by law or promise: an ISO 8601 duration in calendar time.
///
/// Weeks, days, hours, minutes and seconds are taken. Months and years are refused, because they
/// differ in length and a term must end at one known instant.
package struct Term: Equatable, Sendable {
    /// Length in milliseconds, at least 1, at most 100 years.
    package let milliseconds: Int64

    private static let day: Int64 = 86_400_000
    private static let longest = 36_525 * day

    /// A term of this length, or nil outside 1 ms to 100 years.
    package init?(milliseconds: Int64) {
        guard (1...Self.longest).contains(milliseconds) else { return nil }
        self.milliseconds = milliseconds
    }

    /// Reads `P8W`, `P56D`, `P1DT12H`, `PT30S`, …; nil if it is not such a duration.
    package init?(text: some StringProtocol) {
        var bytes = Array(text.utf8)[...]
        guard bytes.popFirst() == UInt8(ascii: "P") else { return nil }
        var total: Int64 = 0
        var units: [(UInt8, Int64)] = [
            (UInt8(ascii: "W"), 7 * Self.day), (UInt8(ascii: "D"), Self.day),
        ]
        var isTime = false
        while let next = bytes.first {
            if next == UInt8(ascii: "T") {
                guard !isTime, bytes.count > 1 else { return nil }
                isTime = true
                bytes = bytes.dropFirst()
                units = [
                    (UInt8(ascii: "H"), 3_600_000), (UInt8(ascii: "M"), 60_000),
                    (UInt8(ascii: "S"), 1_000),
                ]
                continue
            }
            let digits = bytes.prefix { (0x30...0x39).contains($0) }
            bytes = bytes.dropFirst(digits.count)
            guard (1...9).contains(digits.count), let unit = bytes.popFirst(),
                let place = units.firstIndex(where: { $0.0 == unit })
            else { return nil }
            let count = digits.reduce(Int64(0)) { $0 * 10 + Int64($1 - 0x30) }
            total += count * units[place].1
            units.removeSubrange(...place)
        }
        self.init(milliseconds: total)
    }

    /// The ISO 8601 text, in days where it is whole days.
    package var text: String {
        let (days, rest) = milliseconds.quotientAndRemainder(dividingBy: Self.day)
        guard rest > 0 else { return "P\(days)D" }
        var text = days > 0 ? "P\(days)DT" : "PT"
        let parts = [(rest / 3_600_000, "H"), (rest / 60_000 % 60, "M"), (rest / 1_000 % 60, "S")]
        for (count, unit) in parts where count > 0 { text += "\(count)\(unit)" }
        return text
    }

    /// The instant the term ends when it begins at `instant` (ms since 1970).
    package func end(from instant: Int64) -> Int64 {
        let (end, overflow) = instant.addingReportingOverflow(milliseconds)
        return overflow ? Int64.max : end
    }
}
