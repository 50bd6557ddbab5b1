// SPDX-License-Identifier: Apache-2.0

/// A settings file in YAML, of which every key has a comment, read as a guide.
enum Settings {
    /// The file as Markdown: comments that stand alone become paragraphs, and every key a row with
    /// its value and what the comment before or behind it says.
    ///
    /// A key that is commented out is told like the others; so is one without a value, which opens
    /// a section.
    static func guide(of text: String) -> String {
        var guide = ""
        var comment: [Substring] = []
        var rows: [String] = []
        var section: Substring?
        func flushRows() {
            guard !rows.isEmpty else { return }
            guide += "| key | meaning |\n|---|---|\n" + rows.joined(separator: "\n") + "\n\n"
            rows = []
        }
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let isIndented = line.hasPrefix(" ")
            let said = line.drop { $0 == " " }
            guard let first = said.first else {
                if !comment.isEmpty {
                    flushRows()
                    guide += comment.joined(separator: "\n") + "\n\n"
                }
                comment = []
                continue
            }
            let bare = first == "#" ? said.drop { $0 == "#" || $0 == " " } : said
            guard let entry = Entry(bare) else {
                if first == "#", !bare.hasPrefix("SPDX") { comment.append(bare) }
                continue
            }
            let meaning = (comment + [entry.comment]).filter { !$0.isEmpty }
                .joined(separator: " ")
            comment = []
            if entry.value.isEmpty, !isIndented {
                flushRows()
                section = entry.key
                guide += "## \(entry.key)\n\(meaning)\n\n"
                continue
            }
            if !isIndented { section = nil }
            let name = [section, entry.key].compactMap(\.self).joined(separator: ".")
            rows.append("| `\(name): \(entry.value)` | \(meaning) |")
        }
        flushRows()
        return guide + comment.joined(separator: "\n")
    }

    /// A line `key: value # comment`.
    private struct Entry {
        var key: Substring
        var value: Substring
        var comment: Substring

        init?(_ line: Substring) {
            guard let colon = line.firstIndex(of: ":"), colon > line.startIndex else { return nil }
            key = line[..<colon]
            let rest = line[line.index(after: colon)...]
            guard key.allSatisfy({ $0.isLowercase || $0.isNumber || $0 == "-" || $0 == "_" }),
                rest.isEmpty || rest.hasPrefix(" ")
            else { return nil }
            let parts = rest.split(separator: " #", maxSplits: 1)
            value = Self.trimmed(parts.first ?? "")
            comment = Self.trimmed(parts.count > 1 ? parts[1] : "")
        }

        private static func trimmed(_ text: Substring) -> Substring {
            var text = text.drop { $0 == " " }
            while text.last == " " { text.removeLast() }
            return text
        }
    }
}
