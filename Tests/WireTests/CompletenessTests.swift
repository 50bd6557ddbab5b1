// SPDX-License-Identifier: Apache-2.0

import Testing
import Wire

/// Goal: nothing the code speaks is without bytes on file.
///
/// Method: the vectors are counted against the cases of the code.
@Suite("Completeness of the vectors")
struct CompletenessTests {
    @Test("every verb has an accepted vector of its name", arguments: Verb.allCases)
    func verbs(verb: Verb) throws {
        let named = try Vector.accepted().filter { $0.name.split(separator: ".")[0] == "\(verb)" }
        #expect(!named.isEmpty)
        for vector in named {
            #expect(Decoded(vector.bytes).operations?.first?.header.verb == verb, "\(vector.name)")
        }
    }

    @Test("every fault of a packet has a vector", arguments: PacketFault.allCases)
    func faults(fault: PacketFault) throws {
        #expect(try Vector.all().contains { $0.expectation == .refuse(fault) })
    }

    @Test(
        "every refusal of the reader has a vector",
        arguments: [RefusalCode.unknownVerb, .unknownFlag, .malformed]
    )
    func refusals(code: RefusalCode) throws {
        #expect(try Vector.all().contains { $0.expectation == .operationRefused(code) })
    }

    @Test("every header field has a vector in which a verb that does not use it sets it")
    func fields() throws {
        let names = Set(try Vector.all().map(\.name))
        for (name, _) in FieldTable.names {
            #expect(names.contains("field.\(name)"))
        }
    }

    @Test("a verb is refused for every field it does not use", arguments: Verb.allCases)
    func unusedFields(verb: Verb) {
        let used = Fields.used(by: verb)
        var headers: [(Fields, Header)] = []
        func add(_ field: Fields, _ set: (inout Header) -> Void) {
            var header = Header(verb)
            set(&header)
            headers.append((field, header))
        }
        add(.code) { $0.code = 1 }
        add(.number) { $0.number = 1 }
        add(.envelope) { $0.envelopeLength = 1 }
        add(.body) { $0.bodyLength = 1 }
        add(.subject) { $0.subject = 1 }
        add(.generation) { $0.generation = 1 }
        add(.instant) { $0.instant = -1 }
        add(.serial) { $0.serial = 1 }
        add(.id) { $0.id = Identifier(high: 0, low: 1) }
        add(.id) { $0.id = Identifier(high: 1, low: 0) }
        for (field, header) in headers {
            #expect(header.isCanonical == used.contains(field), "\(field)")
        }
    }
}
