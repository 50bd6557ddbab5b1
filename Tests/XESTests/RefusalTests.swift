// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import TestKit

@testable import XES

/// Goal: no file makes the reader trap, and each bad one is refused with a code, a place and a way
/// out.
///
/// Method: one file a kind of fault, every prefix of a small log, seeded damage.
@Suite struct RefusalTests {
    private static let small = """
        <?xml version="1.0" encoding="UTF-8"?>
        <log xes.version="1849.2016" xmlns="http://www.xes-standard.org/">
          <trace>
            <string key="concept:name" value="case &amp; co"/>
            <event>
              <date key="time:timestamp" value="2010-10-02T22:00:00.000Z"/>
              <string key="concept:name" value="receive"/>
            </event>
          </trace>
        </log>
        """

    private static func log(_ inside: String) -> String { "<log>\n\(inside)\n</log>" }

    @Test("every cut of a plain log is refused")
    func refusesPlainPrefixes() throws {
        let bytes = Array(Self.small.utf8)
        #expect(try fault(bytes) == nil)
        for count in 0..<bytes.count {
            let found = try fault(Array(bytes[..<count]))
            #expect(found?.code == .malformed, "cut at \(count): \(String(describing: found))")
        }
    }

    @Test("every cut of a compressed log is refused, down to its last checksum byte")
    func refusesCompressedPrefixes() throws {
        let bytes = gzipStored(Array(Self.small.utf8))
        #expect(try fault(bytes, named: ".xes.gz") == nil)
        for count in 0..<bytes.count {
            let found = try fault(Array(bytes[..<count]), named: ".xes.gz")
            let code: EventLogFault.Code = count < 2 ? .malformed : .unreadable
            #expect(found?.code == code, "cut at \(count): \(String(describing: found))")
        }
    }

    @Test("a compressed log with one wrong byte in text or checksum is unreadable")
    func refusesDamagedCompression() throws {
        let bytes = gzipStored(Array(Self.small.utf8))
        for index in [bytes.count - 8, bytes.count - 1, bytes.count - 40] {
            var damaged = bytes
            damaged[index] ^= 0x01
            #expect(try fault(damaged, named: ".xes.gz")?.code == .unreadable, "byte \(index)")
        }
    }

    @Test("damaged logs are read or refused, never a trap", arguments: [3, 5] as [UInt64])
    func survivesDamage(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let plain = Array(Self.small.utf8)
        var refusedCount = 0
        for round in 0..<1500 {
            var bytes = round % 2 == 0 ? plain : gzipStored(plain)
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let index = Int.random(in: bytes.indices, using: &generator)
                bytes[index] = UInt8.random(in: .min ... .max, using: &generator)
            }
            if try fault(bytes) != nil { refusedCount += 1 }
        }
        #expect((1...1499).contains(refusedCount), "seed \(seed)")
    }

    @Test(
        "text that is not XML is refused as malformed",
        arguments: ["", "hello", "\u{0}", "\u{FEFF}", "<log", "<log></lag>", "<log/>x", "<a b=1/>"]
    )
    func refusesNonXML(text: String) throws {
        #expect(try fault(text)?.code == .malformed)
    }

    @Test("bytes that are not text, or in no known encoding, are refused as malformed")
    func refusesBadEncoding() throws {
        let bytes =
            Array("<log><string key=\"a\" value=\"".utf8) + [0xC3, 0x28] + Array("\"/></log>".utf8)
        #expect(try fault(bytes)?.code == .malformed)
        #expect(
            try fault("<?xml version=\"1.0\" encoding=\"KLINGON\"?><log/>")?.code == .malformed
        )
    }

    @Test("XML with another root is not an event log")
    func refusesOtherRoots() throws {
        let found = try #require(try fault("<?xml version=\"1.0\"?>\n<definitions/>"))
        #expect(found.code == .notXES)
        #expect(found.line == 2)
        #expect(found.message.contains("<definitions>"))
    }

    @Test("a missing file, a folder, a device and a pipe are unreadable")
    func refusesWhatIsNoFile() throws {
        let pipe = FileManager.default.temporaryDirectory
            .appendingPathComponent("barid-xes-\(UUID().uuidString)").path
        try #require(mkfifo(pipe, 0o600) == 0)
        defer { unlink(pipe) }
        for path in ["/nonexistent/a.xes", "/", "/dev/null", "", pipe] {
            do throws(EventLogFault) {
                _ = try readAll(path: path)
                Issue.record("\(path) was read")
            } catch {
                #expect(error.code == .unreadable)
            }
        }
    }

    @Test("a path is taken literally, percent signs and all")
    func takesPathLiterally() throws {
        try withFile(Array(Self.small.utf8), named: "%41 #?.xes") { path in
            let count = try readAll(path: path).count
            #expect(count == 1)
        }
    }

    @Test(
        "a document type is refused, whatever its entities would grow to",
        arguments: [
            "<!DOCTYPE log>",
            "<!DOCTYPE log SYSTEM \"http://localhost:1/log.dtd\">",
            "<!DOCTYPE log [<!ENTITY a SYSTEM \"file:///etc/passwd\">]>",
            "<!DOCTYPE log [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;\">"
                + (0..<12).map { index in
                    let names = Array("bcdefghijklmn")
                    let inner = String(repeating: "&\(names[index]);", count: 10)
                    return "<!ENTITY \(names[index + 1]) \"\(inner)\">"
                }.joined() + "<!ENTITY bomb \"&n;&n;&n;&n;\">]>",
        ]
    )
    func refusesDocumentTypes(declaration: String) throws {
        let entity =
            declaration.contains("bomb") ? "&bomb;" : declaration.contains("ENTITY") ? "&a;" : ""
        // XML allows the bomb in a value, but not an entity from outside.
        let value = declaration.contains("bomb") ? entity : ""
        let text =
            "\(declaration)<log><trace><string key=\"a\" value=\"\(value)\"/>"
            + "<string key=\"b\" value=\"c\">\(entity)</string></trace></log>"
        let found = try #require(try fault(text))
        #expect(found.code == .malformed)
        #expect(found.message.contains("DOCTYPE"))
    }

    @Test("an event without a time is refused, with its line, its trace and the remedy")
    func refusesEventWithoutTime() throws {
        let found = try #require(
            try fault(
                Self.log(
                    """
                    <trace><string key="concept:name" value="case-7"/>
                    <event>
                    <string key="concept:name" value="receive"/>
                    </event></trace>
                    """
                )
            )
        )
        #expect(found.code == .badInstant)
        #expect(found.line == 3)
        #expect(found.message.contains("\"case-7\""))
        #expect(found.message.contains("time:timestamp"))
    }

    @Test("an event at no instant is refused, with its line and what it says")
    func refusesEventAtNoInstant() throws {
        let found = try #require(
            try fault(
                Self.log(
                    """
                    <trace>
                    <event>
                    <date key="time:timestamp" value="2010-02-30T00:00:00Z"/>
                    </event></trace>
                    """
                )
            )
        )
        #expect(found.code == .badInstant)
        #expect(found.line == 4)
        #expect(found.message.contains("2010-02-30T00:00:00Z"))
        #expect(found.message.contains("trace number 1"))
    }

    @Test("an attribute without key or value is not XES")
    func refusesIncompleteAttributes() throws {
        for attribute in ["<string key=\"a\"/>", "<string value=\"a\"/>", "<int/>"] {
            #expect(try fault(Self.log("<trace>\(attribute)</trace>"))?.code == .notXES)
        }
    }

    @Test("each limit is a refusal, not a trap")
    func refusesBeyondLimits() throws {
        let long = String(repeating: "x", count: EventLogLimits.textBytesMax)
        func text(_ value: String) -> String {
            "<trace><string key=\"a\" value=\"\(value)\"/></trace>"
        }
        #expect(try fault(Self.log(text(long))) == nil)
        #expect(try fault(Self.log(text(long + "x")))?.code == .tooLarge)

        let attribute = "<int key=\"a\" value=\"1\"/>"
        let many = String(repeating: attribute, count: EventLogLimits.attributesMax)
        #expect(try fault(Self.log("<trace>\(many)</trace>")) == nil)
        #expect(try fault(Self.log("<trace>\(many)\(attribute)</trace>"))?.code == .tooLarge)

        let event = "<event><date key=\"time:timestamp\" value=\"2010-10-02T22:00:00Z\"/></event>"
        let events = String(repeating: event, count: EventLogLimits.traceEventsMax)
        #expect(try fault(Self.log("<trace>\(events)</trace>")) == nil)
        #expect(try fault(Self.log("<trace>\(events)\(event)</trace>"))?.code == .tooLarge)

        let crowded = Trace(
            name: "t",
            events: Array(
                repeating: Event(
                    activity: "a",
                    instant: 0,
                    attributes: Array(repeating: Attribute(key: "", value: ""), count: 1000)
                ),
                count: 1000
            )
        )
        #expect(throws: EventLogFault.self) { try written([crowded]) }
        let empty = String(repeating: "<int key=\"\" value=\"\"/>", count: 999)
        let full = event.replacing("<event>", with: "<event>\(empty)")
        let thousand = String(repeating: full, count: 1000)
        #expect(try fault(Self.log("<trace>\(thousand)</trace>")) == nil)
        #expect(
            try fault(Self.log("<trace><int key=\"\" value=\"\"/>\(thousand)</trace>"))?.code
                == .tooLarge
        )

        let heavyCount = EventLogLimits.traceBytesMax / EventLogLimits.textBytesMax + 1
        let heavy = String(repeating: "<string key=\"a\" value=\"\(long)\"/>", count: heavyCount)
        #expect(try fault(Self.log("<trace>\(heavy)</trace>"))?.code == .tooLarge)
    }

    @Test("a value beyond the parser's own limit and a bottomless nesting are refused")
    func refusesBeyondParserLimits() throws {
        let huge = String(repeating: "x", count: 11_000_000)
        #expect(
            try fault(Self.log("<trace><string key=\"a\" value=\"\(huge)\"/></trace>")) != nil
        )
        let deep = String(repeating: "<string key=\"a\" value=\"\">", count: 100_000)
        #expect(try fault(Self.log("<trace>\(deep)"))?.code == .malformed)
    }

    @Test("a fault stays: the next call throws it again")
    func faultStays() throws {
        try withFile(Array("<log><trace><int/></trace><trace/></log>".utf8)) { path in
            var reader = try EventLogReader(path: path)
            for _ in 0..<3 {
                do throws(EventLogFault) {
                    _ = try reader.nextTrace()
                    Issue.record("a trace was read after the fault")
                } catch {
                    #expect(error.code == .notXES)
                }
            }
        }
    }

    @Test("text shown from a file carries no terminal controls and is short")
    func quotesSafely() {
        #expect(quoted("a\u{1B}[31m\n") == "\"a\u{FFFD}[31m\u{FFFD}\"")
        #expect(quoted(String(repeating: "x", count: 81)).unicodeScalars.count == 83)
    }
}
