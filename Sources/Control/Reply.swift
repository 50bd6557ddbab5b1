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
