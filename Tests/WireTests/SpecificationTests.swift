// SPDX-License-Identifier: Apache-2.0

import Testing
import Wire

/// Goal: the specification and the code say the same.
///
/// Method: `Protocols/bus.md` is parsed, and its headings and tables are compared with the cases of
/// the code.
@Suite("Specification")
struct SpecificationTests {
    @Test("every verb has a section with its number, and no section names another")
    func verbs() throws {
        let sections = try Specification().verbs
        let written = Dictionary(uniqueKeysWithValues: sections.map { ($0.name, $0.number) })
        let spoken = Dictionary(
            uniqueKeysWithValues: Verb.allCases.map { ("\($0)", Int($0.rawValue)) }
        )
        #expect(written == spoken)
    }

    @Test("the field table of a verb lists exactly the fields it uses", arguments: Verb.allCases)
    func fields(verb: Verb) throws {
        let section = try #require(try Specification().verbs.first { $0.name == "\(verb)" })
        let used = Fields.used(by: verb)
        let names = Set(FieldTable.names.filter { used.contains($0.field) }.map(\.name))
        #expect(section.fields.subtracting(["flags"]) == names)
        #expect(section.fields.contains("flags") == (Fields.flags(of: verb) != 0))
    }

    @Test("every refusal is listed with its number and who may repeat it, and no other")
    func refusals() throws {
        let rows = try Specification().rows(under: "## Refusals").filter { Int($0[0]) != nil }
        #expect(rows.count == RefusalCode.allCases.count)
        for (row, code) in zip(rows, RefusalCode.allCases) {
            #expect(row[0] == "\(code.rawValue)")
            #expect(row[1] == "`\(code)`")
            #expect(row[2] == (code.isRetriable ? "yes" : "no"), "\(code)")
        }
    }

    @Test("every fault of a packet is listed with the refusal it is answered with")
    func faults() throws {
        let rows = try Specification().rows(under: "### Validity").filter { $0.count == 4 }
        let listed = Set(rows.map { "\($0[2]) \($0[3])" })
        let faults = Set(PacketFault.allCases.map { "`\($0)` `\($0.refusal)`" })
        #expect(listed.intersection(faults) == faults)
    }

    @Test("every limit is listed with the number the code uses")
    func limits() throws {
        let rows = try Specification().rows(under: "## Limits")
        let listed = Dictionary(
            uniqueKeysWithValues: rows.compactMap { row in
                Int(row[1].filter { $0 != " " }).map { (row[0], $0) }
            }
        )
        #expect(
            listed == [
                "level": Int(Limits.level),
                "packet header": Limits.packetHeaderBytes,
                "operation header": Limits.headerBytes,
                "packet of several operations": Limits.packetBytesMax,
                "operations in a packet": Limits.packetOperationsMax,
                "envelope": Limits.envelopeBytesMax,
                "body": Limits.bodyBytesMaxDefault,
                "message": Limits.messageBytesMax(bodyBytesMax: Limits.bodyBytesMaxDefault),
                "name": Limits.nameBytesMax,
                "text of a reason or remark": Limits.textBytesMax,
                "offices in an itinerary": Limits.itineraryOfficesMax,
                "attributes of a case": Limits.attributesMax,
                "credit of one office, messages": Int(Limits.creditMessagesMax),
                "credit of one office, bytes": Int(Limits.creditBytesMax),
                "topic or pattern": Limits.topicBytesMax,
                "words of a topic or pattern": Limits.topicWordsMax,
                "subscriptions of a session": Limits.subscriptionsMax,
                "durable subscriptions of an agency": Limits.durableSubscriptionsMax,
                "topics kept for a slow subscription": Limits.latestTopicsMax,
                "services a session offers": Limits.offersMax,
                "questions of an offer": Int(Limits.questionsMax),
                "deadline": Int(Limits.deadlineMilliseconds),
                "deadline of a durable question": Int(Limits.durableDeadlineMilliseconds),
                "open durable questions of an agency": Limits.openQuestionsMax,
                "longest time to acknowledge": Int(Limits.ackMillisecondsMax),
                "most deliveries of an event": Int(Limits.eventAttemptsMax),
                "time to acknowledge, unless said otherwise": Int(
                    Limits.ackMillisecondsDefault
                ),
                "deliveries of an event, unless said otherwise": Int(
                    Limits.eventAttemptsDefault
                ),
                "entries in a page of the catalogue": Limits.catalogueEntriesMax,
                "unanswered requests of a session": Limits.requestsMax,
                "silence before a session expires": Int(Limits.expiryMilliseconds),
                "pause between signs of life": Int(Limits.heartbeatMilliseconds),
            ]
        )
    }

    @Test("a refusal says who refused, and its text is a sentence", arguments: RefusalCode.allCases)
    func texts(code: RefusalCode) {
        #expect(code.text.hasSuffix("."))
        #expect(!code.text.contains("\n"))
        #expect(code.text.utf8.count <= 200)
        switch code.rawValue / 100 {
        case 5: #expect(code.refuser == .office)
        case 6: #expect(code.refuser == .client)
        default: #expect(code.refuser == .bus)
        }
    }
}
