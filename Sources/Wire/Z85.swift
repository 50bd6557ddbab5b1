// SPDX-License-Identifier: Apache-2.0

/// Z85, the text form ZeroMQ gives to keys: four bytes are five printable characters (RFC 32).
package enum Z85 {
    private static let alphabet = Array(
        """
        0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#
        """.utf8
    )
    private static let values: [UInt8: UInt32] = {
        var values: [UInt8: UInt32] = [:]
        for (value, character) in alphabet.enumerated() { values[character] = UInt32(value) }
        return values
    }()

    /// The text of bytes whose count is a multiple of four.
    package static func text(of bytes: [UInt8]) -> String {
        precondition(bytes.count % 4 == 0, "Z85 is written in groups of four bytes")
        var characters: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 4) {
            var group = bytes[start..<start + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            var digits: [UInt8] = []
            for _ in 0..<5 {
                digits.append(alphabet[Int(group % 85)])
                group /= 85
            }
            characters.append(contentsOf: digits.reversed())
        }
        return String(decoding: characters, as: UTF8.self)
    }

    /// The bytes of a text, or nil if it is not Z85: a character of no value, a broken group, or a
    /// group above 2³² - 1.
    package static func bytes(of text: some StringProtocol) -> [UInt8]? {
        let characters = Array(text.utf8)
        guard characters.count % 5 == 0 else { return nil }
        var bytes: [UInt8] = []
        for start in stride(from: 0, to: characters.count, by: 5) {
            var group: UInt64 = 0
            for character in characters[start..<start + 5] {
                guard let value = values[character] else { return nil }
                group = group * 85 + UInt64(value)
            }
            guard let word = UInt32(exactly: group) else { return nil }
            withUnsafeBytes(of: word.bigEndian) { bytes.append(contentsOf: $0) }
        }
        return bytes
    }
}
