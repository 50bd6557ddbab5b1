// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import TestKit

@testable import XES

/// Goal: what the writer writes, the reader reads back equal, byte for byte.
///
/// Method: seeded
/// random traces with hostile text, then the writer's promises one by one.
@Suite struct RoundTripTests {
    @Test("a written log reads back equal", arguments: 1...20 as ClosedRange<UInt64>)
    func roundTrip(seed: UInt64) throws {
        var source = TraceSource(seed: seed)
        let traces = source.traces()
        let bytes = try written(traces)
        for log in [bytes, bytes.count < 65_536 ? gzipStored(bytes) : bytes] {
            let readBack = try withFile(log) { try readAll(path: $0) }
            // Comparing text takes composed and decomposed letters for equal; bytes do not.
            #expect(readBack.map(exactBytes) == traces.map(exactBytes), "seed \(seed)")
            #expect(readBack == traces, "seed \(seed)")
        }
    }

    @Test("characters that XML cannot carry become U+FFFD")
    func replacesIllegalCharacters() throws {
        let illegal = (0..<0x20).filter { ![9, 10, 13].contains($0) } + [0xFFFE, 0xFFFF]
        for number in illegal {
            let scalar = try #require(Unicode.Scalar(UInt32(number)))
            let trace = Trace(
                name: "a\(scalar)b",
                attributes: [Attribute(key: "k\(scalar)", value: "\(scalar)\(scalar)")]
            )
            let readBack = try withFile(try written([trace])) { try readAll(path: $0) }
            #expect(readBack.first?.name == "a\u{FFFD}b")
            #expect(readBack.first?.text("k\u{FFFD}") == "\u{FFFD}\u{FFFD}")
        }
    }

    @Test("a trace that is refused leaves the log whole")
    func refusedTraceLeavesLogWhole() throws {
        let good = Trace(name: "good", events: [Event(activity: "a", instant: 0)])
        let long = String(repeating: "x", count: EventLogLimits.textBytesMax + 1)
        let many = (0...EventLogLimits.attributesMax).map { Attribute(key: "\($0)", value: "") }
        let refused: [(Trace, EventLogFault.Code)] = [
            (Trace(name: long), .tooLarge),
            (Trace(name: "t", attributes: many), .tooLarge),
            (Trace(name: "t", events: [Event(activity: "a", instant: .max)]), .badInstant),
            (
                Trace(
                    name: "t",
                    events: Array(
                        repeating: Event(activity: "a", instant: 0),
                        count: EventLogLimits.traceEventsMax + 1
                    )
                ), .tooLarge
            ),
        ]
        let gathered = Gathered()
        var writer = EventLogWriter { bytes throws(EventLogFault) in gathered.take(bytes) }
        try writer.write(good)
        for (trace, code) in refused {
            do throws(EventLogFault) {
                try writer.write(trace)
                Issue.record("the trace was written")
            } catch {
                #expect(error.code == code)
            }
        }
        try writer.write(good)
        try writer.finish()
        #expect(try withFile(gathered.bytes) { try readAll(path: $0) } == [good, good])
    }

    @Test("text of exactly the longest length is kept, replaced characters counted as replaced")
    func keepsLongestText() throws {
        let longest = Trace(name: String(repeating: "&", count: EventLogLimits.textBytesMax))
        #expect(try withFile(try written([longest])) { try readAll(path: $0) } == [longest])
        let grows = Trace(name: String(repeating: "\u{1}", count: EventLogLimits.textBytesMax / 2))
        #expect(throws: EventLogFault.self) { try written([grows]) }
    }

    @Test("a long log is handed out in pieces, not gathered")
    func streams() throws {
        let gathered = Gathered()
        var writer = EventLogWriter { bytes throws(EventLogFault) in gathered.take(bytes) }
        let trace = Trace(name: String(repeating: "n", count: 10_000))
        for _ in 0..<100 { try writer.write(trace) }
        #expect(gathered.callCount > 10)
        try writer.finish()
        #expect(try withFile(gathered.bytes) { try readAll(path: $0).count } == 100)
    }

    @Test("a key that has a field of its own is written once")
    func writesFieldsOnce() throws {
        let doubled = Trace(
            name: "n",
            attributes: [Attribute(key: "concept:name", value: "other")],
            events: [
                Event(
                    activity: "a",
                    group: "g",
                    resource: "r",
                    instant: 5,
                    attributes: ["concept:name", "org:group", "org:resource", "time:timestamp"]
                        .map { Attribute(key: $0, value: "other") }
                )
            ]
        )
        let expected = Trace(
            name: "n",
            events: [Event(activity: "a", group: "g", resource: "r", instant: 5)]
        )
        #expect(try withFile(try written([doubled])) { try readAll(path: $0) } == [expected])
    }

    @Test("a descriptor receives the whole log, and one that cannot is reported")
    func writesToDescriptor() throws {
        let trace = Trace(name: "t", events: [Event(activity: "a", group: "g", instant: 1)])
        try withFile([]) { path in
            let descriptor = open(path, O_WRONLY | O_CLOEXEC)
            try #require(descriptor >= 0)
            defer { close(descriptor) }
            var writer = EventLogWriter(descriptor: descriptor)
            try writer.write(trace)
            try writer.finish()
            #expect(try readAll(path: path) == [trace])

            let readOnly = open(path, O_RDONLY | O_CLOEXEC)
            try #require(readOnly >= 0)
            defer { close(readOnly) }
            let refused = EventLogWriter(descriptor: readOnly)
            do throws(EventLogFault) {
                try refused.finish()
                Issue.record("a read-only descriptor took the log")
            } catch {
                #expect(error.code == .unwritable)
            }
        }
    }
}

private func exactBytes(_ trace: Trace) -> [[UInt8]] {
    func bytes(_ attributes: [Attribute]) -> [[UInt8]] {
        attributes.flatMap {
            [Array($0.key.utf8), Array($0.kind.rawValue.utf8), Array($0.value.utf8)]
        }
    }
    return [Array(trace.name.utf8)] + bytes(trace.attributes)
        + trace.events.flatMap { event in
            [event.activity, event.group, event.resource, "\(event.instant)"].map { Array($0.utf8) }
                + bytes(event.attributes)
        }
}

private struct TraceSource {
    private var generator: SeededGenerator

    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    private static let pieces = [
        "&", "<", ">", "\"", "'", "\t", "\n", "\r", "\r\n", " ", "  ", "]]>", "&amp;", "<!--",
        "&#0;",
        "بريد", "官", "é", "e\u{301}", "👩‍⚖️", "\u{7F}", "\u{85}", "\u{2028}", "\u{FEFF}", "\u{FFFD}",
        "\u{E000}", "\u{10FFFF}", "\u{1FFFE}", "\u{202E}", "value", "/>", "%41", "\\", "\u{A0}",
    ]

    private mutating func text() -> String {
        (0..<Int.random(in: 0...6, using: &generator))
            .map { _ in Self.pieces.randomElement(using: &generator) ?? "" }.joined()
    }

    private mutating func attributes() -> [Attribute] {
        (0..<Int.random(in: 0...4, using: &generator)).map { index in
            Attribute(
                key: "\(index)\(text())",
                kind: Attribute.Kind.allCases.randomElement(using: &generator) ?? .string,
                value: text()
            )
        }
    }

    private mutating func event() -> Event {
        Event(
            activity: text(),
            group: text(),
            resource: text(),
            instant: Int64.random(
                in: -62_135_596_800_000...253_402_300_799_999,
                using: &generator
            ),
            attributes: attributes()
        )
    }

    mutating func traces() -> [Trace] {
        (0..<Int.random(in: 0...12, using: &generator)).map { _ in
            Trace(
                name: text(),
                attributes: attributes(),
                events: (0..<Int.random(in: 0...9, using: &generator)).map { _ in event() }
            )
        }
    }
}
