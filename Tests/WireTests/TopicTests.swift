// SPDX-License-Identifier: Apache-2.0

import Testing
import Wire

/// Goal: a topic is what the grammar says, and its owner can be told from it.
///
/// Method: tables.
@Suite("Topics")
struct TopicTests {
    static let sixteen = Array(repeating: "a", count: 16).joined(separator: ".")
    static let longest = String(repeating: "a", count: 200)

    @Test(
        "words joined by dots are a topic and a pattern",
        arguments: [
            "city", "city.permits.issued", "case.building-permit.city/counter.completed",
            "a_b.c-d.0", "a%2eb.c", sixteen, longest,
        ]
    )
    func legal(text: String) {
        #expect(Topic.isLegal(text))
        #expect(Topic.isLegalPattern(text))
    }

    @Test(
        "what the grammar does not allow is neither",
        arguments: [
            "", ".", "a.", ".a", "a..b", "City", "a b", "ä", "a%2f", "a%2E", "a%2", "a%", "a*",
            "a>",
            "*a", "مدينة", "a\u{0}", sixteen + ".a", longest + "a",
        ]
    )
    func illegal(text: String) {
        #expect(!Topic.isLegal(text))
        #expect(!Topic.isLegalPattern(text))
    }

    @Test(
        "wild words stand for themselves only in patterns",
        arguments: ["*", ">", "a.*.b", "a.>"]
    )
    func wild(text: String) {
        #expect(!Topic.isLegal(text))
        #expect(Topic.isLegalPattern(text))
    }

    @Test("the rest can be matched only at the end", arguments: [">.a", "a.>.b", ">>", "a.>a"])
    func rest(text: String) { #expect(!Topic.isLegalPattern(text)) }

    @Test(
        "a name is one word, and the owner is read back from it",
        arguments: ["city", "a.b", "a..b"]
    )
    func owner(name: String) {
        let word = Topic.word(of: name)
        #expect(Topic.isLegal(word))
        #expect(!word.contains("."))
        #expect(Topic.owner(of: word + ".x.y") == name)
    }
}
