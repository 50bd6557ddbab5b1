// SPDX-License-Identifier: Apache-2.0

import Wire

/// The words for telling a person what was probably meant.
package enum Suggestion {
    /// ` Did you mean 'x'?` for the known word most like this one, otherwise nothing.
    package static func text(for word: String, among known: some Sequence<String>) -> String {
        guard let nearest = nearest(to: word, among: known) else { return "" }
        return " Did you mean '\(nearest)'?"
    }

    /// A word of the text in quotes, cut to a length a person reads, without line breaks.
    static func quoted(_ word: String) -> String {
        let scalars = word.unicodeScalars.prefix(60).map { scalar in
            scalar.properties.generalCategory == .control ? " " : Character(scalar)
        }
        return "'\(String(scalars))\(word.unicodeScalars.count > 60 ? "…" : "")'"
    }

    /// The words of a choice as a person lists them: `a, b or c`.
    static func choice(_ words: [String]) -> String {
        guard let last = words.last, words.count > 1 else { return words.joined() }
        return words.dropLast().joined(separator: ", ") + " or " + last
    }

    /// The known word within a third of the length in edits, at least one; the first of equals.
    static func nearest(to word: String, among known: some Sequence<String>) -> String? {
        let wanted = Array(word.lowercased().utf8)
        guard (1...Limits.nameBytesMax).contains(wanted.count) else { return nil }
        var best: (word: String, edits: Int)?
        for candidate in known {
            let bytes = Array(candidate.utf8)
            let editsMax = max(1, max(wanted.count, bytes.count) / 3)
            guard abs(bytes.count - wanted.count) <= editsMax else { continue }
            let edits = edits(wanted, bytes)
            guard edits <= editsMax, edits < best?.edits ?? .max else { continue }
            best = (candidate, edits)
        }
        return best?.word
    }

    /// Insertions, deletions, replacements and swaps of neighbours that turn one into the other.
    private static func edits(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for row in left.indices {
            var current = [row + 1]
            current.reserveCapacity(right.count + 1)
            for column in right.indices {
                let isSame = left[row] == right[column]
                var edits = min(
                    last[column] + (isSame ? 0 : 1),
                    last[column + 1] + 1,
                    current[column] + 1
                )
                if row > 0, column > 0, left[row] == right[column - 1],
                    left[row - 1] == right[column]
                {
                    edits = min(edits, beforeLast[column - 1] + 1)
                }
                current.append(edits)
            }
            (beforeLast, last) = (last, current)
        }
        return last[right.count]
    }
}
