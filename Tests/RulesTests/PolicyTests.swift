// SPDX-License-Identifier: Apache-2.0
// Goal: a policy says what its rules say, whatever their order. Method: random policies and requests
// against an oracle that knows nothing of patterns: it spells out everything a pattern names.

import Rules
import TestKit
import Testing
import Wire

@Suite("The policy")
struct PolicyTests {
    private static let agencies = ["a", "b", "c"]
    private static let roles = ["r", "s"]
    private static let names = ["a/x", "a/xy", "b/x", "b/y", "c/z"]
    private static let procedures = ["p", "pq", "pr", "q"]
    /// All topics of one to three words over three letters: nothing that a pattern of at most
    /// three words tells apart is missing.
    private static let topics: [String] = {
        let words = ["a", "b", "c"]
        var topics = words
        for first in words { topics += words.map { "\(first).\($0)" } }
        for pair in topics where pair.count == 3 { topics += words.map { "\(pair).\($0)" } }
        for triple in topics where triple.count == 5 { topics += words.map { "\(triple).\($0)" } }
        return topics
    }()

    /// Everything a pattern names, spelt out.
    private static func spelt(_ pattern: String, for right: Right) -> Set<String> {
        switch right.object {
        case .bus: return ["*"]
        case .topic: return Set(topics.filter { isMatch(pattern, $0) })
        case .procedure: return Set(procedures.filter { isPrefixed(pattern, $0) })
        case .office, .service: return Set(names.filter { isPrefixed(pattern, $0) })
        }
    }

    private static func isPrefixed(_ pattern: String, _ name: String) -> Bool {
        guard pattern.last == "*" else { return pattern == name }
        return name.starts(with: pattern.dropLast())
    }

    private static func isMatch(_ pattern: String, _ topic: String) -> Bool {
        func match(_ pattern: ArraySlice<Substring>, _ topic: ArraySlice<Substring>) -> Bool {
            guard let head = pattern.first else { return topic.isEmpty }
            if head == ">" { return !topic.isEmpty }
            guard let word = topic.first, head == "*" || head == word else { return false }
            return match(pattern.dropFirst(), topic.dropFirst())
        }
        return match(pattern.split(separator: ".")[...], topic.split(separator: ".")[...])
    }

    private struct Line {
        var number: UInt32
        var subject: String
        var right: Right
        var pattern: String
        var isAllowed: Bool
        var ceiling: Int
    }

    private static let levels = ["public", "restricted", "secret", "top-secret"]

    /// The decision by the book: any line that forbids and touches, then any that allows, covers and
    /// goes far enough.
    private static func oracle(
        _ lines: [Line],
        _ roles: [String: Set<String>],
        _ agency: String,
        _ right: Right,
        _ object: String,
        _ level: Int
    ) -> (isAllowed: Bool, number: UInt32?) {
        let asked =
            right == .subscribe
            ? Set(topics.filter { isMatch(object, $0) }) : [object]
        var allowing: UInt32?
        var denying: UInt32?
        for line in lines where line.right == right {
            let isMeant =
                line.subject == "*" || line.subject == agency
                || roles[agency, default: []].contains { "@" + $0 == line.subject }
            guard isMeant else { continue }
            let named = spelt(line.pattern, for: right)
            if line.isAllowed, line.ceiling >= level, asked.isSubset(of: named) {
                allowing = min(allowing ?? .max, line.number)
            }
            if !line.isAllowed, !asked.isDisjoint(with: named) {
                denying = min(denying ?? .max, line.number)
            }
        }
        if let denying { return (false, denying) }
        return (allowing != nil, allowing)
    }

    private static func topicPattern(_ random: inout SeededGenerator) -> String {
        let count = Int.random(in: 1...3, using: &random)
        var words = (0..<count).map { _ in
            ["a", "b", "c", "*"].randomElement(using: &random) ?? "a"
        }
        if Int.random(in: 0..<3, using: &random) == 0 { words[count - 1] = ">" }
        return words.joined(separator: ".")
    }

    private static func pattern(_ right: Right, _ random: inout SeededGenerator) -> String {
        switch right.object {
        case .bus: return "*"
        case .topic: return topicPattern(&random)
        case .procedure, .office, .service:
            let names = right.object == .procedure ? procedures : Self.names
            let name = names.randomElement(using: &random) ?? "p"
            guard Bool.random(using: &random) else { return name }
            return name.prefix(Int.random(in: 0...name.count, using: &random)) + "*"
        }
    }

    private static func object(_ right: Right, _ random: inout SeededGenerator) -> String {
        switch right.object {
        case .bus: return "*"
        case .topic where right == .subscribe: return topicPattern(&random)
        case .topic: return topics.randomElement(using: &random) ?? "a"
        case .procedure: return procedures.randomElement(using: &random) ?? "p"
        case .office, .service: return names.randomElement(using: &random) ?? "a/x"
        }
    }

    @Test("10 000 random policies decide as the oracle does, by the same rule")
    func oracle() throws {
        let seed = UInt64.random(in: 0 ... .max)
        print("policies from seed \(seed)")
        var random = SeededGenerator(seed: seed)
        var allowedCount = 0
        for _ in 0..<10_000 {
            var roles: [String: Set<String>] = [:]
            for agency in Self.agencies {
                roles[agency] = Set(Self.roles.filter { _ in Bool.random(using: &random) })
            }
            let rights = (0..<2).map { _ in Right.allCases.randomElement(using: &random) ?? .staff }
            var lines: [Line] = []
            for number in 1...UInt32.random(in: 1...8, using: &random) {
                let right = rights.randomElement(using: &random) ?? .staff
                let subjects = Self.agencies + Self.roles.map { "@" + $0 } + ["*"]
                lines.append(
                    Line(
                        number: number,
                        subject: subjects.randomElement(using: &random) ?? "*",
                        right: right,
                        pattern: Self.pattern(right, &random),
                        isAllowed: Int.random(in: 0..<4, using: &random) > 0,
                        ceiling: Int.random(in: 0...3, using: &random)
                    )
                )
            }
            let policy = Policy(
                rules: try lines.shuffled(using: &random).map { line in
                    PolicyRule(
                        number: line.number,
                        subject: try #require(PolicySubject(text: line.subject)),
                        right: line.right,
                        pattern: try #require(RightPattern(line.pattern, for: line.right)),
                        isAllowed: line.isAllowed,
                        ceiling: try #require(Classification(word: Self.levels[line.ceiling]))
                    )
                },
                roles: roles
            )
            for _ in 0..<4 {
                let agency = Self.agencies.randomElement(using: &random) ?? "a"
                let right = rights.randomElement(using: &random) ?? .staff
                let object = Self.object(right, &random)
                let place = Int.random(in: 0...3, using: &random)
                let level = try #require(Classification(word: Self.levels[place]))
                let decision = policy.decide(agency, right, on: object, at: level)
                let expected = Self.oracle(lines, roles, agency, right, object, place)
                let ceiling = policy.ceiling(agency, right, on: object)
                try #require(ceiling.map { level <= $0 } ?? false == decision.isAllowed)
                try #require(
                    decision.isAllowed == expected.isAllowed
                        && decision.rule?.number == expected.number,
                    "\(agency) \(right.word) \(object): \(decision), \(lines), \(roles)"
                )
                if decision.isAllowed { allowedCount += 1 }
            }
        }
        #expect(allowedCount > 2_000, "the policies say too little")
    }

    @Test("an empty policy allows nothing")
    func empty() throws {
        for right in Right.allCases {
            let decision = Policy().decide("city", right, on: "*")
            #expect(!decision.isAllowed && decision.rule == nil)
        }
    }

    @Test("what names nothing is no pattern")
    func patterns() throws {
        let bad: [(Right, [String])] = [
            (.staff, ["", "city", "city/", "/x", "city/*x", "c*ty/x", "**", "City/x", "a/b/c"]),
            (.submit, ["", "a/b", "*a", "é*", "-x"]),
            (.subscribe, ["", "a..b", ">.a", "a.>.b", "A"]),
            (.catalogue, ["", "a", "**"]),
        ]
        for (right, texts) in bad {
            for text in texts { #expect(RightPattern(text, for: right) == nil, "\(text)") }
        }
        for text in ["", "@", "@A", "City", "a/b"] { #expect(PolicySubject(text: text) == nil) }
    }

    @Test("a key is good from its first instant up to its end, and not when revoked or suspended")
    func keys() throws {
        let publicKey = try #require(PublicKey([UInt8](repeating: 1, count: 32)))
        let other = try #require(PublicKey([UInt8](repeating: 2, count: 32)))
        var access = Access()
        var key = EnrolledKey(
            number: 7,
            agency: "city",
            publicKey: publicKey,
            begins: 100,
            ends: 200
        )
        access.enrol(key)
        #expect(access.denial(of: key, at: 99) == .outOfTime)
        #expect(access.denial(of: key, at: 100) == nil && access.denial(of: key, at: 199) == nil)
        #expect(access.denial(of: key, at: 200) == .outOfTime)
        #expect(try access.admit(publicKey, at: 150).userID == "city#7")
        #expect(throws: Denial.unknownKey) { try access.admit(other, at: 150) }
        access.suspended = ["city"]
        #expect(access.denial(of: key, at: 150) == .suspended)
        access.suspended = []
        key.isRevoked = true
        access.enrol(key)
        #expect(access.denial(of: key, at: 150) == .revoked)
    }

    @Test("a rate lets a second's worth through at once, then as time passes")
    func rate() throws {
        var limit = RateLimit(perSecond: 10, now: 0)
        var taken = 0
        for _ in 0..<50 where limit.take(1, perSecond: 10, now: 0) { taken += 1 }
        #expect(taken == 10)
        for now in stride(from: Int64(0), through: 1_000, by: 10) {
            if limit.take(1, perSecond: 10, now: now) { taken += 1 }
        }
        #expect(taken == 20)
        let isBack = limit.take(1, perSecond: 10, now: 0)
        #expect(!isBack, "time went back")
        limit.charge(1_000_000, perSecond: 10, now: 1_000)
        #expect(limit.pauseMilliseconds(perSecond: 10) == 1_001)
        let isEarly = limit.take(1, perSecond: 10, now: 1_900)
        let isLate = limit.take(1, perSecond: 10, now: 2_200)
        #expect(!isEarly && isLate)
        var huge = RateLimit(perSecond: .max, now: 0)
        let isTaken = huge.take(.max, perSecond: .max, now: .max)
        #expect(isTaken)
        #expect(RateLimit(perSecond: 0, now: 0).pauseMilliseconds(perSecond: 0) == 1)
    }
}
