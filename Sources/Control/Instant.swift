// SPDX-License-Identifier: Apache-2.0

internal import Platform

/// A moment in milliseconds since 1970-01-01 UTC, written as ISO 8601 text in JSON:
/// `2026-03-01T08:00:00.000Z`.
package struct Instant: Hashable, Comparable, Codable, Sendable {
    /// Milliseconds since 1970-01-01 UTC, within the years 0001 to 9999.
    package let milliseconds: Int64

    /// 0001-01-01T00:00:00.000Z to 9999-12-31T23:59:59.999Z.
    private static let range: ClosedRange<Int64> = -62_135_596_800_000...253_402_300_799_999

    /// The moment this many milliseconds after 1970; one beyond the years 0001 to 9999 becomes the
    /// nearest within them.
    package init(milliseconds: Int64) {
        self.milliseconds = min(max(milliseconds, Self.range.lowerBound), Self.range.upperBound)
    }

    /// The moment, or nil for 0, which stands for "none" on the bus.
    package static func unlessZero(_ milliseconds: Int64) -> Instant? {
        milliseconds == 0 ? nil : Instant(milliseconds: milliseconds)
    }

    /// Reads `YYYY-MM-DDThh:mm:ss.fffZ`, the form that `text` writes; nil for any other.
    package init?(text: String) {
        guard let milliseconds = Instants.parse(text) else { return nil }
        self.init(milliseconds: milliseconds)
        guard self.text == text else { return nil }
    }

    /// The moment as `2026-03-01T08:00:00.000Z`.
    package var text: String { Instants.format(milliseconds) ?? "" }

    /// Reads the text form.
    ///
    /// - Throws: `DecodingError` for any other text.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let instant = Instant(text: try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription: "not an instant like 2026-03-01T08:00:00.000Z"
            )
        }
        self = instant
    }

    /// Writes the text form.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }

    package static func < (left: Instant, right: Instant) -> Bool {
        left.milliseconds < right.milliseconds
    }
}
