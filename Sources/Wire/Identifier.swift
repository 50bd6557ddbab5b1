// SPDX-License-Identifier: Apache-2.0

/// Sixteen bytes that name a thing once: a case id (UUIDv7, RFC 9562), an idempotency key, a
/// session, or the first half of a record's hash.
package struct Identifier: Hashable, Sendable {
    /// Bytes 0 to 7, big-endian.
    package var high: UInt64
    /// Bytes 8 to 15, big-endian.
    package var low: UInt64

    /// Nothing named: sixteen zero bytes.
    package static let none = Identifier(high: 0, low: 0)

    /// An identifier of these two halves.
    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// A UUIDv7 of an instant and 74 random bits.
    ///
    /// - Parameters:
    ///   - milliseconds: Since 1970; the lowest 48 bits are used.
    ///   - random: Two words of entropy.
    package init(version7At milliseconds: Int64, random: (UInt64, UInt64)) {
        let time = UInt64(truncatingIfNeeded: milliseconds) & 0xFFFF_FFFF_FFFF
        high = time << 16 | 0x7000 | (random.0 & 0x0FFF)
        low = 0x8000_0000_0000_0000 | (random.1 & 0x3FFF_FFFF_FFFF_FFFF)
    }

    /// The identifier of a UUID's text, or nil.
    ///
    /// The text is 32 hexadecimal digits of either case, with hyphens as 8-4-4-4-12 or with none.
    package init?(text: some StringProtocol) {
        let isGrouped = text.utf8.count == 36
        var words: (UInt64, UInt64) = (0, 0)
        var count = 0
        for (index, byte) in text.utf8.enumerated() {
            if isGrouped, [8, 13, 18, 23].contains(index) {
                guard byte == UInt8(ascii: "-") else { return nil }
                continue
            }
            guard count < 32, let digit = Self.digit(byte) else { return nil }
            if count < 16 { words.0 = words.0 << 4 | digit } else { words.1 = words.1 << 4 | digit }
            count += 1
        }
        guard count == 32 else { return nil }
        self.init(high: words.0, low: words.1)
    }

    /// The text of a UUID: 8-4-4-4-12 hexadecimal digits.
    package var text: String {
        let digits = Array(Self.hexadecimal(high) + Self.hexadecimal(low))
        var text = ""
        for (index, digit) in digits.enumerated() {
            if [8, 12, 16, 20].contains(index) { text.append("-") }
            text.append(digit)
        }
        return text
    }

    /// Sixteen hexadecimal digits of a word.
    package static func hexadecimal(_ word: UInt64) -> String {
        let digits = String(word, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    private static func digit(_ byte: UInt8) -> UInt64? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt64(byte - UInt8(ascii: "a") + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt64(byte - UInt8(ascii: "A") + 10)
        default: nil
        }
    }
}
