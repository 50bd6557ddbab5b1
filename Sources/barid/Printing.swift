// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Platform

/// Where text goes.
enum Outlet: Int32 {
    case output = 1
    case error = 2

    /// Whether a person may be looking.
    var isTerminal: Bool { isatty(rawValue) == 1 }
}

/// Writes text at once, unbuffered; gives up when nobody reads.
func writeText(_ text: String, to outlet: Outlet = .output) {
    _ = isWritten(text, to: outlet)
}

/// Writes text at once, unbuffered; false if nobody reads.
func isWritten(_ text: String, to outlet: Outlet = .output) -> Bool {
    var text = text
    return text.withUTF8 { isWritten(UnsafeRawBufferPointer($0), to: outlet) }
}

/// Writes bytes at once, unbuffered; false if nobody reads.
func isWritten(_ bytes: UnsafeRawBufferPointer, to outlet: Outlet = .output) -> Bool {
    var rest = bytes[...]
    while !rest.isEmpty {
        let part = UnsafeRawBufferPointer(rebasing: rest)
        let count = write(outlet.rawValue, part.baseAddress, part.count)
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return false }
        rest = rest.dropFirst(count)
    }
    return true
}

/// An instant as text of ISO 8601; nil where there is none.
func instantText(_ milliseconds: Int64) -> String? {
    milliseconds == 0 ? nil : Instants.format(milliseconds)
}

/// A span of time for people: the two largest of days, hours, minutes, seconds.
func spanText(milliseconds: Int64) -> String {
    let seconds = milliseconds / 1_000
    switch seconds {
    case 86_400...: return "\(seconds / 86_400) d \(seconds % 86_400 / 3_600) h"
    case 3_600...: return "\(seconds / 3_600) h \(seconds % 3_600 / 60) min"
    case 60...: return "\(seconds / 60) min \(seconds % 60) s"
    default: return "\(seconds).\(milliseconds % 1_000 / 100) s"
    }
}

/// Text from others, made safe to print: no control characters.
func printable(_ text: String) -> String {
    var shown = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
        shown.append(scalar.properties.generalCategory == .control ? "\u{FFFD}" : scalar)
    }
    return String(shown)
}

/// Rows under a heading: aligned on a terminal, separated by tabs elsewhere.
struct Table {
    var heading: [String]
    var rows: [[String]] = []

    var text: String { text(isAligned: Outlet.output.isTerminal) }

    func text(isAligned: Bool) -> String {
        let lines = ([heading] + rows).map { $0.map(printable) }
        guard isAligned else {
            return lines.map { $0.joined(separator: "\t") + "\n" }.joined()
        }
        var widths = heading.map { _ in 0 }
        for line in lines {
            for (column, cell) in line.enumerated() where column < widths.count {
                widths[column] = max(widths[column], cell.count)
            }
        }
        return lines.map { line in
            let cells = line.enumerated().map { column, cell in
                column == line.count - 1
                    ? cell
                    : cell + String(repeating: " ", count: max(0, widths[column] - cell.count))
            }
            let line = cells.joined(separator: "  ")
            return String(line.reversed().drop { $0 == " " }.reversed()) + "\n"
        }.joined()
    }
}
