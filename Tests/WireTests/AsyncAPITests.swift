// SPDX-License-Identifier: Apache-2.0
// Goal: the AsyncAPI document describes the messages the code speaks, all of them and no others.

internal import TestKit
internal import Testing
internal import Wire
internal import Yams

@Suite("The AsyncAPI document") struct AsyncAPITests {
    private typealias Members = [String: Any]

    private let document: Members

    init() throws {
        let loaded = try Yams.load(yaml: try Checkout.text(of: "asyncapi.yaml"))
        document = try #require(loaded as? Members)
    }

    private func members(_ path: String...) throws -> Members {
        var place: Any? = document
        for name in path { place = (place as? Members)?[name] }
        return try #require(place as? Members, "\(path)")
    }

    @Test("has a message for every verb, with its number")
    func verbs() throws {
        let messages = try members("components", "messages")
        #expect(Set(messages.keys) == Set(Verb.allCases.map { "\($0)" }))
        for verb in Verb.allCases {
            let message = try members("components", "messages", "\(verb)")
            #expect(message["name"] as? String == "\(verb)")
            #expect(message["x-verb"] as? Int == Int(verb.rawValue), "\(verb)")
            #expect((message["summary"] as? String)?.isEmpty == false, "\(verb)")
        }
    }

    @Test("gives each message the header fields, envelope and body that the verb uses")
    func fields() throws {
        let names: [(Fields, String)] = [
            (.code, "code"), (.number, "number"), (.subject, "subject"),
            (.generation, "generation"), (.instant, "instant"), (.serial, "serial"), (.id, "id"),
        ]
        for verb in Verb.allCases {
            let message = try members("components", "messages", "\(verb)")
            let headers = message["headers"] as? Members
            let properties = headers?["properties"] as? Members ?? [:]
            let used = Fields.used(by: verb)
            var expected = Set(names.filter { used.contains($0.0) }.map(\.1))
            if Fields.flags(of: verb) != 0 { expected.insert("flags") }
            #expect(Set(properties.keys) == expected, "\(verb)")
            #expect((message["payload"] != nil) == used.contains(.envelope), "\(verb)")
            #expect((message["x-envelope"] != nil) == used.contains(.envelope), "\(verb)")
            #expect(message["x-body"] as? Bool == used.contains(.body), "\(verb)")
        }
    }

    @Test("names only envelopes that the schema has, and every one that travels by itself")
    func envelopes() throws {
        let schema = try Checkout.text(of: "envelopes.proto")
        let known = Set(
            schema.split(separator: "\n").filter { $0.hasPrefix("message ") }
                .map { String($0.split(separator: " ")[1]) }
        )
        let parts: Set = ["Attribute", "Place", "Act", "Entry"]
        var named: Set<String> = []
        for verb in Verb.allCases {
            let message = try members("components", "messages", "\(verb)")
            named.formUnion(message["x-envelope"] as? [String] ?? [])
        }
        #expect(named == known.subtracting(parts))
    }

    @Test("sends each message where its side sends it, in one operation")
    func operations() throws {
        let requests = try members("channels", "requests", "messages")
        let told = try members("channels", "told", "messages")
        let operations = try members("operations")
        for verb in Verb.allCases {
            #expect((requests["\(verb)"] != nil) == verb.isAskedByClient, "\(verb)")
            #expect(
                (told["\(verb)"] != nil) == (!verb.isAskedByClient || verb == .heartbeat),
                "\(verb)"
            )
            guard verb != .answer, verb != .refusal else { continue }
            let operation = try #require(operations["\(verb)"] as? Members, "\(verb)")
            #expect(
                operation["action"] as? String == (verb.isAskedByClient ? "receive" : "send")
            )
        }
        #expect(operations.count == Verb.allCases.count - 2)
    }

    @Test("refers to nothing that is not there")
    func references() throws {
        for reference in Self.references(in: document) {
            guard reference.hasPrefix("#/") else {
                #expect(reference == "envelopes.proto")
                continue
            }
            var place: Any? = document
            for name in reference.dropFirst(2).split(separator: "/") {
                place = (place as? Members)?[String(name)]
            }
            #expect(place != nil, "\(reference)")
        }
    }

    private static func references(in value: Any) -> [String] {
        if let list = value as? [Any] { return list.flatMap(references) }
        guard let members = value as? Members else { return [] }
        return members.flatMap { name, value in
            name == "$ref" ? [value as? String ?? ""] : references(in: value)
        }
    }
}
