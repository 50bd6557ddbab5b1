// SPDX-License-Identifier: Apache-2.0

package import Wire

/// A legal pattern of topics, taken apart into its words.
package struct TopicPattern: Hashable, Sendable {
    /// The pattern as it was written.
    package let text: String
    let words: [Word]

    enum Word: Hashable, Sendable {
        case exact([UInt8])
        case any
        case rest
    }

    /// Takes a pattern apart.
    ///
    /// - Throws: `patternInvalid`.
    package init(_ text: String) throws(RefusalCode) {
        guard Topic.isLegalPattern(text) else { throw .patternInvalid }
        self.text = text
        words = text.split(separator: ".").map { word in
            switch word {
            case "*": .any
            case ">": .rest
            default: .exact(Array(word.utf8))
            }
        }
    }

    /// Whether it matches a legal topic.
    package func matches(_ topic: some StringProtocol) -> Bool {
        let parts = topic.utf8.split(separator: UInt8(ascii: "."))
        for (place, word) in words.enumerated() {
            switch word {
            case .rest: return parts.count > place
            case .any: guard parts.count > place else { return false }
            case .exact(let bytes):
                guard parts.count > place, parts[place].elementsEqual(bytes) else { return false }
            }
        }
        return parts.count == words.count
    }

    /// Whether it matches one topic only, the one that is written the same.
    package var isTopic: Bool {
        words.allSatisfy { word in
            if case .exact = word { true } else { false }
        }
    }

    /// Whether some topic on which the bus tells the acts of cases may match.
    package var mayConcernCases: Bool {
        switch words[0] {
        case .exact(let bytes): bytes.elementsEqual(Topic.cases.utf8)
        case .any, .rest: true
        }
    }

    /// Whether some topic of an agency may match.
    package var mayConcernAgencies: Bool {
        switch words[0] {
        case .exact(let bytes): !bytes.elementsEqual(Topic.cases.utf8)
        case .any, .rest: true
        }
    }
}
