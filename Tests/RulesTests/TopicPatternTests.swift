// SPDX-License-Identifier: Apache-2.0

import Rules
import Testing
import Wire

/// Goal: a pattern matches what it says, and the policy lets hear and ask whom it names.
///
/// Method: tables.
@Suite("Patterns of topics")
struct TopicPatternTests {
    @Test(
        "a pattern matches these topics",
        arguments: [
            ("a.b", "a.b"), ("*", "a"), ("a.*", "a.b"), ("*.b", "a.b"), (">", "a"), (">", "a.b.c"),
            ("a.>", "a.b"), ("a.>", "a.b.c.d"), ("*.*.c", "a.b.c"), ("a.*.>", "a.b.c"),
            ("case.*.city/counter.*", "case.permit.city/counter.completed"),
        ]
    )
    func matches(pattern: String, topic: String) throws {
        #expect(try TopicPattern(pattern).matches(topic))
    }

    @Test(
        "and not these",
        arguments: [
            ("a.b", "a"), ("a.b", "a.b.c"), ("a.b", "a.c"), ("*", "a.b"), ("a.>", "a"),
            ("a.>", "b.c"),
            ("a.*", "a"), ("*.b", "a.c"), ("a.*.>", "a.b"), ("ab", "a"),
        ]
    )
    func matchesNot(pattern: String, topic: String) throws {
        #expect(try !TopicPattern(pattern).matches(topic))
    }

    @Test("a pattern that is none is refused")
    func illegal() {
        #expect(throws: RefusalCode.patternInvalid) { try TopicPattern("a.>.b") }
    }

    @Test("a pattern says whether it may be about cases or about agencies")
    func concerns() throws {
        #expect(
            try TopicPattern("case.>").mayConcernCases && !TopicPattern("case.>").mayConcernAgencies
        )
        #expect(
            try !TopicPattern("city.>").mayConcernCases && TopicPattern("city.>").mayConcernAgencies
        )
        #expect(try TopicPattern("*.a").mayConcernCases && TopicPattern(">").mayConcernAgencies)
    }

    @Test("only agencies the catalogue names, and the owner, may use what it restricts")
    func policy() throws {
        var policy = UsePolicy()
        #expect(policy.mayAsk("a/s", by: "c") && policy.mayHear("a.t", by: "c"))
        policy.serviceUsers["a/s"] = ["b"]
        policy.topicRules = [.init(pattern: try TopicPattern("a.t.>"), users: ["b"])]
        policy.observers = ["d"]
        for (agency, may) in [("a", true), ("b", true), ("c", false)] {
            #expect(policy.mayAsk("a/s", by: agency) == may)
            #expect(policy.mayHear("a.t.x", by: agency) == may)
            #expect(policy.mayHear("a.u", by: agency))
        }
        #expect(policy.mayHear(actConcerning: ["a", "b"], by: "b"))
        #expect(!policy.mayHear(actConcerning: ["a", "b"], by: "c"))
        #expect(policy.mayHear(actConcerning: ["a"], by: "d"))
    }
}
