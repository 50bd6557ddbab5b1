// SPDX-License-Identifier: Apache-2.0
// Goal: events are printed as CloudEvents 1.0 in JSON. Method: compare with what Foundation reads.

internal import Foundation
internal import TestKit
internal import Testing
internal import Wire

@testable internal import BaridClient
@testable internal import barid

@Suite("CloudEvents in JSON") struct CloudEventTests {
    private static func event(
        contentType: String,
        body: [UInt8],
        sequence: UInt64 = 0
    ) throws -> BusEvent {
        var envelope = Envelope.Event()
        envelope.topic = "city.desk.news"
        envelope.source = "city/desk"
        envelope.contentType = contentType
        var header = Header(.event)
        header.id = Identifier(high: 1, low: 2)
        header.instant = 1_700_000_000_123
        header.serial = sequence
        return try BusEvent(
            News(session: 1, header: header, envelope: Envelope.bytes(of: envelope), body: body)
        )
    }

    private static func read(_ text: String) throws -> [String: Any] {
        #expect(!text.contains("\n"))
        let value = try JSONSerialization.jsonObject(with: Data(text.utf8))
        return try #require(value as? [String: Any])
    }

    @Test("the attributes of the specification's table stand in the object")
    func attributes() throws {
        let event = try Self.event(contentType: "", body: [], sequence: 41)
        let object = try Self.read(event.cloudEvent.json) as? [String: String]
        #expect(
            object == [
                "specversion": "1.0", "id": "00000000-0000-0001-0000-000000000002",
                "source": "city/desk", "type": "city.desk.news",
                "time": "2023-11-14T22:13:20.123Z", "sequence": "41", "topic": "city.desk.news",
            ]
        )
    }

    @Test("a body is JSON, text or base64 by its media type and its bytes")
    func bodies() throws {
        let json = Array(#"{ "a" : [1, -2.5e3, null, "\u00e9\n"] }"#.utf8)
        let object = try Self.read(
            Self.event(contentType: "application/vnd.x+json; charset=utf-8", body: json)
                .cloudEvent.json
        )
        #expect((object["data"] as? [String: Any])?.keys.first == "a")
        let text = try Self.read(
            Self.event(contentType: "text/plain", body: Array("عام\n".utf8)).cloudEvent.json
        )
        #expect(text["data"] as? String == "عام\n")
        for (type, body) in [
            ("text/plain", [0xFF, 0xFE]), ("application/json", Array("{\"a\":}".utf8)),
            ("", [1, 2, 3, 4]), ("image/png", [0]),
        ] as [(String, [UInt8])] {
            let other = try Self.read(Self.event(contentType: type, body: body).cloudEvent.json)
            #expect(other["data"] == nil)
            let base64 = other["data_base64"] as? String
            #expect(base64.flatMap { Data(base64Encoded: $0) } == Data(body))
        }
    }

    @Test("an event in structured mode is given as it is, in one line")
    func structured() throws {
        let whole = "{\n \"specversion\":\"1.0\", \"id\":\"7\" }"
        let event = try Self.event(
            contentType: "application/cloudevents+json",
            body: Array(whole.utf8)
        )
        #expect(event.cloudEvent.json == #"{"specversion":"1.0","id":"7"}"#)
    }

    @Test(
        "what is taken for JSON is JSON, and what is not is not",
        arguments: [UInt64(0x0CE5_0001), 0x0CE5_0002]
    )
    func scanner(seed: UInt64) throws {
        let good = [
            "null", "true", "-0", "0.5", "1e-9", "[]", "[[],{}]", " {\"a\":\"\\\\\"} ",
            "\"\\ud83d\"",
            "[1 , 2]",
        ]
        for text in good { #expect(JSONText.compacted(Array(text.utf8)) != nil, "\(text)") }
        let bad = [
            "", "nul", "01", "1.", ".5", "1e", "[1,]", "{\"a\"}", "{a:1}", "\"\n\"", "\"\\x\"",
            "1 2",
            "[", "\"", "-", String(repeating: "[", count: 200) + String(repeating: "]", count: 200),
        ]
        for text in bad { #expect(JSONText.compacted(Array(text.utf8)) == nil, "\(text)") }
        var generator = SeededGenerator(seed: seed)
        let alphabet = Array("[]{},:\"\\ 0123456789.eE+-tfn\nu".utf8)
        for round in 0..<20_000 {
            let bytes = (0..<Int(generator.next() % 12)).map { _ in
                alphabet[Int(generator.next() % UInt64(alphabet.count))]
            }
            // Foundation reads no number that a double cannot hold; the grammar sets no limit.
            guard let compact = JSONText.compacted(bytes),
                !compact.contains(/[eE][+]?[0-9]{3}/)
            else { continue }
            let isRead =
                (try? JSONSerialization.jsonObject(
                    with: Data(compact.utf8),
                    options: [.fragmentsAllowed]
                )) != nil
            #expect(isRead, "\(compact), seed \(seed), round \(round)")
        }
    }
}
