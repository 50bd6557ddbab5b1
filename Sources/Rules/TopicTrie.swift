// SPDX-License-Identifier: Apache-2.0

/// Finds the subscribers whose patterns match a topic: a tree with a branch for each word.
///
/// ```
/// city ─┬─ permits ─┬─ *    ends: subscriber 1        city.permits.*
///       │           └─ issued   ends: subscriber 2    city.permits.issued
///       └─ (>) subscriber 3                           city.>
/// ```
/// A topic is looked up along at most two branches a word, so the work follows the patterns that may
/// match, not those that are there. What was found for a topic is remembered until a subscriber
/// comes or goes, up to `topicsRememberedMax` topics and `foundRememberedMax` subscribers in all.
package struct TopicTrie: Sendable {
    /// Topics whose subscribers are remembered.
    package static let topicsRememberedMax = 4_096
    /// Subscribers remembered for all these topics together.
    package static let foundRememberedMax = 1 << 18

    private struct Node {
        var exact: [[UInt8]: Int] = [:]
        /// The node behind `*`, or nil.
        var any: Int?
        /// Subscribers whose pattern ends here.
        var ends: Set<UInt32> = []
        /// Subscribers whose pattern ends here with `>`.
        var rest: Set<UInt32> = []

        var isEmpty: Bool { exact.isEmpty && any == nil && ends.isEmpty && rest.isEmpty }
    }

    private var nodes = [Node()]
    private var freeNodes: [Int] = []
    /// Where in `found` the subscribers of a topic stand.
    private var remembered: [String: Range<Int>] = [:]
    private var found: [UInt32] = []

    /// A tree without subscribers.
    package init() {}

    /// Nodes in use, the root included; 1 when there is no subscriber.
    package var nodeCount: Int { nodes.count - freeNodes.count }

    /// Adds a subscriber; it has one pattern.
    package mutating func insert(_ subscriber: UInt32, pattern: TopicPattern) {
        forgetMatches()
        var node = 0
        for word in pattern.words {
            switch word {
            case .rest:
                nodes[node].rest.insert(subscriber)
                return
            case .any:
                let next = nodes[node].any ?? takeNode()
                nodes[node].any = next
                node = next
            case .exact(let bytes):
                let next = nodes[node].exact[bytes] ?? takeNode()
                nodes[node].exact[bytes] = next
                node = next
            }
        }
        nodes[node].ends.insert(subscriber)
    }

    /// Removes a subscriber with the pattern it was added with, and the branches it leaves bare.
    package mutating func remove(_ subscriber: UInt32, pattern: TopicPattern) {
        forgetMatches()
        var path: [(node: Int, word: TopicPattern.Word)] = []
        var node = 0
        for word in pattern.words {
            let next: Int?
            switch word {
            case .rest: next = nil
            case .any: next = nodes[node].any
            case .exact(let bytes): next = nodes[node].exact[bytes]
            }
            guard word != .rest else { break }
            guard let next else { return }
            path.append((node, word))
            node = next
        }
        if pattern.words.last == .rest {
            nodes[node].rest.remove(subscriber)
        } else {
            nodes[node].ends.remove(subscriber)
        }
        while nodes[node].isEmpty, let (parent, word) = path.popLast() {
            if case .exact(let bytes) = word {
                nodes[parent].exact.removeValue(forKey: bytes)
            } else {
                nodes[parent].any = nil
            }
            nodes[node] = Node()
            freeNodes.append(node)
            node = parent
        }
    }

    /// Appends the subscribers whose patterns match a legal topic, each once, in no order.
    ///
    /// - Parameters:
    ///   - topic: Legal by `Topic.isLegal`.
    ///   - matches: What is appended to.
    ///   - isHeard: Leaves out the subscribers it is false for; asked when the topic is not
    ///     remembered, so `forgetMatches` must be called when what it says changes.
    package mutating func match(
        _ topic: String,
        into matches: inout [UInt32],
        where isHeard: (UInt32) -> Bool
    ) {
        if let range = remembered[topic] {
            matches.append(contentsOf: found[range])
            return
        }
        let words = topic.utf8.split(separator: UInt8(ascii: ".")).map { [UInt8]($0) }
        let start = matches.count
        walk(0, words[...], into: &matches, where: isHeard)
        let count = matches.count - start
        guard count <= Self.foundRememberedMax else { return }
        if remembered.count >= Self.topicsRememberedMax
            || found.count + count > Self.foundRememberedMax
        {
            forgetMatches()
        }
        remembered[topic] = found.count..<found.count + count
        found.append(contentsOf: matches[start...])
    }

    /// Forgets what was found for topics.
    package mutating func forgetMatches() {
        guard !remembered.isEmpty else { return }
        remembered.removeAll(keepingCapacity: remembered.count > 64)
        found.removeAll(keepingCapacity: true)
    }

    private func walk(
        _ node: Int,
        _ words: ArraySlice<[UInt8]>,
        into matches: inout [UInt32],
        where isHeard: (UInt32) -> Bool
    ) {
        guard let word = words.first else {
            for subscriber in nodes[node].ends where isHeard(subscriber) {
                matches.append(subscriber)
            }
            return
        }
        for subscriber in nodes[node].rest where isHeard(subscriber) {
            matches.append(subscriber)
        }
        if let next = nodes[node].exact[word] {
            walk(next, words.dropFirst(), into: &matches, where: isHeard)
        }
        if let next = nodes[node].any {
            walk(next, words.dropFirst(), into: &matches, where: isHeard)
        }
    }

    private mutating func takeNode() -> Int {
        if let node = freeNodes.popLast() { return node }
        nodes.append(Node())
        return nodes.count - 1
    }
}
