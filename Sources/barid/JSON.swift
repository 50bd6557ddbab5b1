// SPDX-License-Identifier: Apache-2.0

internal import BaridClient

/// A value of JSON, written in one line with its members in the order given.
enum JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
    case null
    case flag(Bool)
    case whole(Int64)
    case real(Double)
    case text(String)
    case list([JSON])
    case object([(String, JSON)])

    init(stringLiteral value: String) { self = .text(value) }
    init(integerLiteral value: Int64) { self = .whole(value) }

    /// A count, or the largest number JSON readers agree on.
    static func count(_ value: some BinaryInteger) -> JSON { .whole(Int64(clamping: value)) }

    /// An instant as text, or null where there is none.
    static func instant(_ milliseconds: Int64?) -> JSON {
        milliseconds.flatMap(instantText).map { .text($0) } ?? .null
    }

    /// The value in one line, without a line end.
    var text: String {
        var text = ""
        write(to: &text)
        return text
    }

    private func write(to text: inout String) {
        switch self {
        case .null: text += "null"
        case .flag(let value): text += value ? "true" : "false"
        case .whole(let value): text += String(value)
        case .real(let value):
            text += value.isFinite ? String((value * 1_000).rounded() / 1_000) : "null"
        case .text(let value): JSONText.quote(value, to: &text)
        case .list(let values):
            text += "["
            for (index, value) in values.enumerated() {
                if index > 0 { text += "," }
                value.write(to: &text)
            }
            text += "]"
        case .object(let members):
            text += "{"
            for (index, member) in members.enumerated() {
                if index > 0 { text += "," }
                JSONText.quote(member.0, to: &text)
                text += ":"
                member.1.write(to: &text)
            }
            text += "}"
        }
    }
}
