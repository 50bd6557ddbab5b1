// SPDX-License-Identifier: Apache-2.0

import Rules
import TestKit
import Testing

/// Goal: the tree finds exactly whom the patterns name, whatever came and went before.
///
/// Method: seeded random histories against `TopicPattern.matches`.
@Suite("The tree of topics")
struct TopicTrieTests {
    @Test(
        "it finds the subscribers whose patterns match and no other, each once",
        arguments: [1, 7, 20_261_124] as [UInt64]
    )
    func random(seed: UInt64) throws {
        print("topics from seed \(seed)")
        var random = SeededGenerator(seed: seed)
        var trie = TopicTrie()
        var patterns: [UInt32: TopicPattern] = [:]
        for step in 0..<3_000 {
            if Int.random(in: 0..<3, using: &random) == 0,
                let gone = patterns.keys.sorted().randomElement(using: &random)
            {
                let pattern = try #require(patterns[gone])
                patterns[gone] = nil
                trie.remove(gone, pattern: pattern)
            } else if patterns.count < 60 {
                let text = random.pattern()
                let pattern = try TopicPattern(text)
                patterns[UInt32(step)] = pattern
                trie.insert(UInt32(step), pattern: pattern)
            }
            for _ in 0..<3 {
                let topic = random.topic()
                var found: [UInt32] = [99]
                trie.match(topic, into: &found) { $0 % 5 != 0 }
                let expected = patterns.filter { $0.key % 5 != 0 && $0.value.matches(topic) }
                #expect(
                    found.dropFirst().sorted() == expected.keys.sorted(),
                    "\(topic) at step \(step)"
                )
                #expect(found.first == 99)
            }
        }
        for (subscriber, pattern) in patterns { trie.remove(subscriber, pattern: pattern) }
        #expect(trie.nodeCount == 1)
    }

    @Test("what is remembered is forgotten when a subscriber comes or goes, and when told to")
    func memory() throws {
        var trie = TopicTrie()
        trie.insert(1, pattern: try TopicPattern("a.*"))
        func found(_ mayHear: Bool = true) -> [UInt32] {
            var found: [UInt32] = []
            trie.match("a.b", into: &found) { _ in mayHear }
            return found.sorted()
        }
        #expect(found() == [1])
        #expect(found(false) == [1], "the topic was not remembered")
        trie.forgetMatches()
        #expect(found(false) == [])
        trie.insert(2, pattern: try TopicPattern(">"))
        #expect(found() == [1, 2])
        trie.remove(1, pattern: try TopicPattern("a.*"))
        #expect(found() == [2])
        trie.remove(9, pattern: try TopicPattern("x.y.z"))
        #expect(found() == [2])
    }

    @Test("a flood of topics and one topic with very many subscribers are both answered")
    func floods() throws {
        var trie = TopicTrie()
        let all = try TopicPattern(">")
        let count = UInt32(TopicTrie.foundRememberedMax + 1)
        for subscriber in 0..<count { trie.insert(subscriber, pattern: all) }
        var found: [UInt32] = []
        trie.match("a", into: &found) { _ in true }
        #expect(found.count == Int(count))
        for subscriber in 1..<count { trie.remove(subscriber, pattern: all) }
        found = []
        for topic in 0..<2 * TopicTrie.topicsRememberedMax {
            trie.match("a.\(topic)", into: &found) { _ in true }
        }
        #expect(found == Array(repeating: 0, count: 2 * TopicTrie.topicsRememberedMax))
    }
}

extension SeededGenerator {
    private mutating func words(_ choice: [String], last: [String]) -> String {
        let count = Int.random(in: 0...3, using: &self)
        var words = (0..<count).map { _ in choice[Int.random(in: 0..<choice.count, using: &self)] }
        words.append(last[Int.random(in: 0..<last.count, using: &self)])
        return words.joined(separator: ".")
    }

    /// A pattern of few words, so that many match.
    fileprivate mutating func pattern() -> String {
        words(["a", "b", "ab", "*"], last: ["a", "b", "*", ">"])
    }

    /// A topic of the same words.
    fileprivate mutating func topic() -> String {
        words(["a", "b", "ab"], last: ["a", "b", "ab"])
    }
}
