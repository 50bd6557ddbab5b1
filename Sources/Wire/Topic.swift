// SPDX-License-Identifier: Apache-2.0

/// The rules for topics and patterns (`Protocols/bus.md` § Grammar).
///
/// A topic is 1 to 16 words joined by dots, at most 200 bytes in all; a word is of `a-z 0-9 _ - /`,
/// and `%2e` stands for a dot within a name. In a pattern a word may be `*`, which matches one word,
/// and the last may be `>`, which matches one or more.
package enum Topic {
    /// The first word of the topics on which the bus publishes the acts of cases.
    package static let cases = "case"

    /// Whether this is a legal topic.
    package static func isLegal(_ text: some StringProtocol) -> Bool {
        words(of: text)?.allSatisfy { isWord($0) } ?? false
    }

    /// Whether this is a legal pattern; every legal topic is one.
    package static func isLegalPattern(_ text: some StringProtocol) -> Bool {
        guard let words = words(of: text), let last = words.last else { return false }
        return words.dropLast().allSatisfy { $0 == "*" || isWord($0) }
            && (last == ">" || last == "*" || isWord(last))
    }

    /// A name as one word: its dots are written `%2e`.
    package static func word(of name: some StringProtocol) -> String {
        guard name.utf8.contains(UInt8(ascii: ".")) else { return String(name) }
        return name.split(separator: ".", omittingEmptySubsequences: false)
            .joined(separator: "%2e")
    }

    /// The agency that owns a topic: the name its first word stands for.
    package static func owner(of topic: some StringProtocol) -> String {
        let first = topic.prefix { $0 != "." }
        guard first.utf8.contains(UInt8(ascii: "%")) else { return String(first) }
        var name: [UInt8] = []
        var bytes = Array(first.utf8)[...]
        while let byte = bytes.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                name.append(byte)
                continue
            }
            bytes = bytes.dropFirst(2)
            name.append(UInt8(ascii: "."))
        }
        return String(decoding: name, as: UTF8.self)
    }

    /// The words, or nil if they are too many or too long in all.
    private static func words<Text: StringProtocol>(of text: Text) -> [Text.SubSequence]? {
        guard (1...Limits.topicBytesMax).contains(text.utf8.count) else { return nil }
        let words = text.split(separator: ".", omittingEmptySubsequences: false)
        return words.count <= Limits.topicWordsMax ? words : nil
    }

    private static func isWord(_ word: some StringProtocol) -> Bool {
        var bytes = Array(word.utf8)[...]
        guard !bytes.isEmpty else { return false }
        while let byte = bytes.popFirst() {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "/"):
                continue
            case UInt8(ascii: "%"):
                guard bytes.starts(with: [UInt8(ascii: "2"), UInt8(ascii: "e")]) else {
                    return false
                }
                bytes = bytes.dropFirst(2)
            default:
                return false
            }
        }
        return true
    }
}
