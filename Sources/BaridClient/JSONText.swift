// SPDX-License-Identifier: Apache-2.0

/// The text of JSON values, written and checked byte by byte (RFC 8259).
package enum JSONText {
    /// Levels of lists and objects a value may have, so that no body makes the stack run over.
    private static let depthMax = 128

    /// Appends a string with its quotation marks.
    package static func quote(_ value: String, to text: inout String) {
        text += "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }

    /// The value without the space between its parts, so that it stands in one line; nil if the bytes
    /// are not exactly one value in UTF-8.
    package static func compacted(_ bytes: [UInt8]) -> String? {
        guard String(validating: bytes) != nil else { return nil }
        var scanner = Scanner(bytes)
        guard scanner.value(depth: 0) else { return nil }
        scanner.space()
        return scanner.isAtEnd ? String(decoding: scanner.compact, as: UTF8.self) : nil
    }

    private struct Scanner {
        private let bytes: [UInt8]
        private var index = 0
        private(set) var compact: [UInt8] = []

        init(_ bytes: [UInt8]) {
            self.bytes = bytes
            compact.reserveCapacity(bytes.count)
        }

        var isAtEnd: Bool { index == bytes.count }

        private var next: UInt8? { index < bytes.count ? bytes[index] : nil }

        mutating func space() {
            while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
                index += 1
            }
        }

        mutating func value(depth: Int) -> Bool {
            space()
            switch next {
            case UInt8(ascii: "{"): return list(depth, until: UInt8(ascii: "}"), isObject: true)
            case UInt8(ascii: "["): return list(depth, until: UInt8(ascii: "]"), isObject: false)
            case UInt8(ascii: "\""): return string()
            case UInt8(ascii: "t"): return word("true")
            case UInt8(ascii: "f"): return word("false")
            case UInt8(ascii: "n"): return word("null")
            default: return number()
            }
        }

        private mutating func list(_ depth: Int, until end: UInt8, isObject: Bool) -> Bool {
            guard depth < JSONText.depthMax else { return false }
            take()
            space()
            if next == end { return take() }
            while true {
                if isObject {
                    space()
                    guard next == UInt8(ascii: "\""), string() else { return false }
                    space()
                    guard next == UInt8(ascii: ":") else { return false }
                    take()
                }
                guard value(depth: depth + 1) else { return false }
                space()
                if next == end { return take() }
                guard next == UInt8(ascii: ",") else { return false }
                take()
            }
        }

        private mutating func string() -> Bool {
            take()
            while let byte = next {
                switch byte {
                case UInt8(ascii: "\""): return take()
                case UInt8(ascii: "\\"):
                    take()
                    guard escape() else { return false }
                case 0..<0x20: return false
                default: take()
                }
            }
            return false
        }

        private mutating func escape() -> Bool {
            guard let byte = next else { return false }
            take()
            guard byte == UInt8(ascii: "u") else {
                return "\"\\/bfnrt".utf8.contains(byte)
            }
            for _ in 0..<4 {
                guard let digit = next, Character(Unicode.Scalar(digit)).isHexDigit else {
                    return false
                }
                take()
            }
            return true
        }

        private mutating func number() -> Bool {
            if next == UInt8(ascii: "-") { take() }
            let isZero = next == UInt8(ascii: "0")
            guard digits(atMost: isZero ? 1 : .max) else { return false }
            if next == UInt8(ascii: ".") {
                take()
                guard digits() else { return false }
            }
            if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
                take()
                if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { take() }
                guard digits() else { return false }
            }
            return true
        }

        private mutating func digits(atMost countMax: Int = .max) -> Bool {
            var count = 0
            while count < countMax, let byte = next, (0x30...0x39).contains(byte) {
                take()
                count += 1
            }
            return count > 0
        }

        private mutating func word(_ word: String) -> Bool {
            for byte in word.utf8 {
                guard next == byte else { return false }
                take()
            }
            return true
        }

        @discardableResult
        private mutating func take() -> Bool {
            compact.append(bytes[index])
            index += 1
            return true
        }
    }
}

/// Bytes as text (RFC 4648 § 4, with padding).
package enum Base64 {
    private static let digits = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8
    )

    /// The text of these bytes.
    package static func text(of bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let part = bytes[start..<min(start + 3, bytes.count)]
            var word: UInt32 = 0
            for byte in part { word = word << 8 | UInt32(byte) }
            word <<= UInt32(8 * (3 - part.count))
            for place in 0..<4 {
                let digit = Int(word >> UInt32(18 - 6 * place)) & 63
                text.append(place <= part.count ? digits[digit] : UInt8(ascii: "="))
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
