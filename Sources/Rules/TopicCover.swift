// SPDX-License-Identifier: Apache-2.0

/// How patterns of topics lie to each other.
extension TopicPattern {
    /// Whether every topic the other matches is matched by this one too.
    package func covers(_ other: TopicPattern) -> Bool {
        for (place, word) in words.enumerated() {
            if word == .rest { return other.words.count > place }
            guard other.words.count > place else { return false }
            switch (word, other.words[place]) {
            case (_, .rest), (.exact, .any): return false
            case (.exact(let mine), .exact(let theirs)): guard mine == theirs else { return false }
            case (.any, _), (.rest, _): continue
            }
        }
        return other.words.count == words.count
    }

    /// Whether some topic may be matched by both.
    package func overlaps(_ other: TopicPattern) -> Bool {
        for place in 0..<max(words.count, other.words.count) {
            guard place < words.count, place < other.words.count else { return false }
            switch (words[place], other.words[place]) {
            case (.rest, _), (_, .rest): return true
            case (.exact(let mine), .exact(let theirs)): guard mine == theirs else { return false }
            case (.any, _), (_, .any): continue
            }
        }
        return true
    }
}
