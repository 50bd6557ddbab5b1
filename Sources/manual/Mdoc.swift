// SPDX-License-Identifier: Apache-2.0

/// A manual page in the language of mdoc(7), written from top to bottom.
struct Mdoc {
    private(set) var text: String

    /// Opens a page with its NAME.
    ///
    /// - Parameters:
    ///   - title: Name of the page.
    ///   - section: 1 to 9.
    ///   - date: A day such as `2026-11-24`; what is none stays as it is.
    ///   - summary: One line, without a full stop.
    init(title: String, section: Int, date: String, summary: String) {
        let parts = date.split(separator: "-")
        let day = parts.count == 3 ? Int(parts[2]).map(String.init) : nil
        let shown = Self.month(of: date).flatMap { month in
            day.map { "\(month) \($0), \(parts[0])" }
        }
        text = """
            .\\" SPDX-License-Identifier: Apache-2.0
            .Dd \(shown ?? date)
            .Dt \(title.uppercased()) \(section)
            .Os Barid
            .Sh NAME
            .Nm \(title)
            .Nd \(Self.words(summary))

            """
    }

    /// The English name of a day's month; nil if the text is no day.
    static func month(of date: String) -> String? {
        let parts = date.split(separator: "-").map { Int($0) }
        let names = [
            "January", "February", "March", "April", "May", "June", "July", "August",
            "September", "October", "November", "December",
        ]
        guard parts.count == 3, let month = parts[1], let day = parts[2], parts[0] != nil,
            (1...12).contains(month), (1...31).contains(day)
        else { return nil }
        return names[month - 1]
    }

    mutating func section(_ title: String) { line(".Sh " + Self.words(title)) }
    mutating func subsection(_ title: String) { line(".Ss " + Self.words(title)) }

    /// A line of macros, its parts escaped already.
    mutating func line(_ line: String) { text += line + "\n" }

    /// Running text; a new sentence begins a new line, as mdoc wants it.
    mutating func prose(_ prose: String) {
        var sentence = ""
        for word in prose.split(separator: " ") {
            sentence += (sentence.isEmpty ? "" : " ") + word
            // A full stop within backquotes ends no sentence.
            if word.count > 1, word.hasSuffix("."),
                sentence.count(where: { $0 == "`" }).isMultiple(of: 2)
            {
                line(Self.inline(sentence))
                sentence = ""
            }
        }
        if !sentence.isEmpty { line(Self.inline(sentence)) }
    }

    /// Blocks one after the other, with space between them.
    mutating func append(_ blocks: [Markdown.Block]) {
        for (place, block) in blocks.enumerated() {
            if case .prose(let prose) = block {
                if place > 0 { line(".Pp") }
                self.prose(prose)
            } else {
                append(block)
            }
        }
    }

    private mutating func append(_ block: Markdown.Block) {
        switch block {
        case .prose(let prose): self.prose(prose)
        case .heading(let title): subsection(title)
        case .literal(let lines):
            line(".Bd -literal -offset indent")
            for one in lines { line(Self.literal(one)) }
            line(".Ed")
        case .list(let items):
            line(".Bl -bullet")
            for item in items {
                line(".It")
                prose(item)
            }
            line(".El")
        case .table(let rows):
            line(".Bl -tag -width Ds")
            for row in rows {
                line(".It " + Self.inline(row[0], isMacroLine: true))
                prose(row.dropFirst().joined(separator: "; "))
            }
            line(".El")
        }
    }
}

// MARK: - Escaping

extension Mdoc {
    /// Text as it is, for a line of a literal block.
    static func literal(_ text: some StringProtocol) -> String {
        let escaped = text.map { $0 == "\\" ? "\\e" : $0 == "-" ? "\\-" : String($0) }.joined()
        return escaped.hasPrefix(".") || escaped.hasPrefix("'") ? "\\&" + escaped : escaped
    }

    /// Words as arguments of a macro: none of them can be taken for a macro, all of which begin with
    /// a capital and go on in small letters, or for punctuation.
    static func words(_ text: some StringProtocol) -> String {
        text.split(separator: " ").map { word in
            let isWord = word.allSatisfy(\.isUppercase) || word.first?.isLowercase == true
            let escaped = literal(word).replacing("\"", with: "\\(dq")
            return word.count <= 3 && !isWord ? "\\&" + escaped : escaped
        }
        .joined(separator: " ")
    }

    /// Running text, with what stands in backquotes or begins with `--` in bold.
    static func inline(_ text: some StringProtocol, isMacroLine: Bool = false) -> String {
        var result = ""
        for (place, part) in text.split(separator: "`", omittingEmptySubsequences: false)
            .enumerated()
        {
            if place % 2 == 1 {
                result += "\\fB" + literal(part) + "\\fP"
            } else {
                result += part.split(separator: " ", omittingEmptySubsequences: false)
                    .map { option($0) }.joined(separator: " ")
            }
        }
        if isMacroLine { return result.replacing("\"", with: "\\(dq") }
        return result.hasPrefix(".") || result.hasPrefix("'") ? "\\&" + result : result
    }

    /// A word of running text; an option of a command line is set in bold.
    private static func option(_ word: some StringProtocol) -> String {
        let plain = String(word).replacing("**", with: "").replacing("\\", with: "\\e")
        guard plain.hasPrefix("--"), plain.count > 2 else { return plain }
        let name = plain.prefix { $0 == "-" || $0.isLetter || $0.isNumber }
        return "\\fB" + name.replacing("-", with: "\\-") + "\\fP" + plain.dropFirst(name.count)
    }
}
