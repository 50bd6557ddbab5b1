// SPDX-License-Identifier: Apache-2.0

/// A guide as the pages need it: the Markdown of headings, paragraphs, lists, tables and code.
///
/// Anything else, links and emphasis among it, stays text.
struct Markdown {
    enum Block: Equatable {
        case prose(String)
        case heading(String)
        case literal([String])
        case list([String])
        /// Rows without the heading.
        case table([[String]])
    }

    struct Section: Equatable {
        var title: String
        var blocks: [Block] = []
    }

    /// What stands before the first heading of the second level.
    private(set) var opening: [Block] = []
    private(set) var sections: [Section] = []

    init(_ text: String) {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)[...]
        while let line = lines.first {
            if line.hasPrefix("# ") || line.allSatisfy(\.isWhitespace) {
                // The name of the page stands where the title of the guide would.
                lines.removeFirst()
            } else if line.hasPrefix("## ") {
                sections.append(Section(title: String(line.dropFirst(3))))
                lines.removeFirst()
            } else if let block = Self.block(&lines) {
                if sections.isEmpty {
                    opening.append(block)
                } else {
                    sections[sections.count - 1].blocks.append(block)
                }
            }
        }
    }

    /// Takes one block from the lines, the first of which is not empty.
    private static func block(_ lines: inout ArraySlice<Substring>) -> Block? {
        let first = lines.removeFirst()
        if first.hasPrefix("```") {
            let inner = lines.prefix { !$0.hasPrefix("```") }
            lines = lines.dropFirst(inner.count + 1)
            return .literal(inner.map(String.init))
        }
        if first.hasPrefix("###") {
            return .heading(first.drop { $0 == "#" || $0 == " " }.description)
        }
        if first.hasPrefix("  ") {
            let more = lines.prefix { $0.hasPrefix("  ") }
            lines = lines.dropFirst(more.count)
            return .literal(([first] + more).map { String($0.dropFirst(2)) })
        }
        if first.hasPrefix("|") {
            let more = lines.prefix { $0.hasPrefix("|") }
            lines = lines.dropFirst(more.count)
            // The line after the heading only says how columns are set.
            let rows = more.dropFirst().map(cells)
            return rows.isEmpty ? nil : .table(rows)
        }
        if first.hasPrefix("- ") {
            var items = [String(first.dropFirst(2))]
            while let line = lines.first, line.hasPrefix("- ") || line.hasPrefix("  ") {
                if line.hasPrefix("- ") {
                    items.append(String(line.dropFirst(2)))
                } else {
                    items[items.count - 1] += " " + line.drop { $0 == " " }
                }
                lines.removeFirst()
            }
            return .list(items)
        }
        let more = lines.prefix { line in
            !line.allSatisfy(\.isWhitespace)
                && !["#", "- ", "|", "```", "  "].contains { line.hasPrefix($0) }
        }
        lines = lines.dropFirst(more.count)
        return .prose(([first] + more).joined(separator: " "))
    }

    /// The cells of a row of a table; a bar in backquotes is part of a cell.
    private static func cells(_ row: Substring) -> [String] {
        var cells = [""]
        var isCode = false
        for character in row.dropFirst() {
            if character == "`" { isCode.toggle() }
            if character == "|", !isCode {
                cells.append("")
            } else {
                cells[cells.count - 1].append(character)
            }
        }
        return cells.dropLast().map { cell in
            let start = cell.drop { $0 == " " }
            return String(start.prefix(start.count - start.reversed().prefix { $0 == " " }.count))
        }
    }
}
