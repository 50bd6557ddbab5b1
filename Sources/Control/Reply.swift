// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials

/// The lines that answer a request: rows, then exactly one final line.
enum Reply {
    /// A row, such as `{"id":7,"row":{…}}`.
    struct Row<Content: Codable>: Codable {
        var id: Int64
        var row: Content
    }

    /// The end, such as `{"id":7,"ok":true,"result":{…}}`.
    struct Done<Content: Codable>: Codable {
        var id: Int64
        var ok = true
        var result: Content
    }

    /// A fault, such as `{"code":"busy","exit":75,"id":7,"ok":false,"text":"…"}`.
    struct Refused: Codable {
        var id: Int64
        var ok = false
        var code: String
        var exit: Int32
        var text: String
    }

    /// A line with its end, keys in alphabetical order.
    ///
    /// - Throws: `OperatorFault` with code `internal` for a number JSON cannot carry.
    static func line(_ content: some Encodable) throws(OperatorFault) -> [UInt8] {
        do {
            return Array(try sortedEncoder().encode(content)) + [UInt8(ascii: "\n")]
        } catch {
            throw OperatorFault(
                code: "internal",
                exit: .failed,
                text: """
                    The daemon could not write its answer as JSON; this is its fault. Repeat the \
                    command, and report it if that does not help.
                    """
            )
        }
    }

    /// The object of a row where the line is written as `{"id":7,"row":{…}}`; nil where it is written
    /// in any other way, or is no row.
    static func rowAsWritten(in line: UnsafeRawBufferPointer) -> [UInt8]? {
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")),
            line[...colon].elementsEqual(#"{"id":"#.utf8)
        else { return nil }
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        let rest = line[(colon + 1)...].drop { digits.contains($0) }
        let start = #","row":"#.utf8
        guard rest.starts(with: start), line.last == UInt8(ascii: "}") else { return nil }
        let object = rest.dropFirst(start.count).dropLast()
        return isOneObject(object) ? Array(object) : nil
    }

    /// Whether JSON that is well formed but for its ends begins with an object and ends with it.
    private static func isOneObject(_ text: Slice<UnsafeRawBufferPointer>) -> Bool {
        var depth = 0
        var isInText = false
        var isEscaped = false
        for (place, byte) in zip(text.indices, text) {
            if isEscaped {
                isEscaped = false
            } else if isInText {
                isEscaped = byte == UInt8(ascii: "\\")
                isInText = byte != UInt8(ascii: "\"")
            } else {
                switch byte {
                case UInt8(ascii: "\""): isInText = true
                case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
                case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
                default: break
                }
                if depth <= 0 {
                    return depth == 0 && byte == UInt8(ascii: "}") && place == text.endIndex - 1
                }
            }
        }
        return false
    }

    static func line(_ fault: OperatorFault, id: Int64) -> [UInt8] {
        let refused = Refused(id: id, code: fault.code, exit: fault.exit, text: fault.text)
        // Integers and texts always have a JSON form.
        return (try? line(refused)) ?? []
    }
}

/// How many rows came before.
package struct RowCount: Equatable, Codable, Sendable {
    /// Number of rows.
    package var rows: Int

    /// A count.
    package init(rows: Int) { self.rows = rows }
}

func sortedEncoder() -> JSONEncoder {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return encoder
}
