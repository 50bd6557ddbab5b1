// SPDX-License-Identifier: Apache-2.0

import SwiftProtobuf
import Testing
import Wire
import TestKit

/// Goal: envelopes are what the schema says, and nothing else traps or passes.
///
/// Method: the vectors' envelopes both ways, known garbage, and seeded random bytes.
@Suite("Envelopes")
struct EnvelopeTests {
    @Test(
        "the envelopes of the vectors read and write to the same bytes",
        arguments: try Vector.accepted()
    )
    func vectors(vector: Vector) throws {
        let operations = try #require(Decoded(vector.bytes).operations)
        for (header, envelope, _) in operations {
            let written = try rewritten(envelope, of: header, in: vector.name)
            #expect(written == envelope, "\(header.verb)")
        }
    }

    @Test("what the vector of a full case says comes out")
    func fullCase() throws {
        let vectors = try Vector.accepted()
        let vector = try #require(vectors.first { $0.name == "submit.full" })
        let operation = try #require(Decoded(vector.bytes).operations?.first)
        let envelope = try read(Envelope.Case.self, operation.envelope)
        #expect(envelope.procedure == "building-permit")
        #expect(envelope.applicant == "a-7f3c")
        #expect(envelope.subject == "رخصة بناء")
        #expect(envelope.reference == "CITY-2026-118")
        #expect(envelope.contentType == "application/json")
        #expect(envelope.attributes.map(\.name) == ["floors", "zone"])
        #expect(envelope.attributes.map(\.value) == ["3", "old-town"])
        #expect(envelope.itinerary.isEmpty)
        #expect(envelope.due == 1_790_000_000_000 + 56 * 86_400_000)
        #expect(envelope.action.isEmpty)
    }

    @Test("a field of a later level is kept and written again")
    func unknownField() throws {
        let bytes: [UInt8] = [0x0A, 1, 0x61, 0xF8, 0x07, 5]
        #expect(Envelope.bytes(of: try read(Envelope.Case.self, bytes)) == bytes)
    }

    @Test(
        "garbage is refused as envelopeInvalid",
        arguments: [
            [0x0A], [0x0A, 5, 0x61], [0x0A, 1, 0xFF], [0x00, 0], [0x0F, 0], [0x0C],
            [0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F], [UInt8](repeating: 0xFF, count: 64),
            [0x32, 2, 0x0A, 9],
        ] as [[UInt8]]
    )
    func garbage(bytes: [UInt8]) {
        #expect(throws: RefusalCode.envelopeInvalid) { try read(Envelope.Case.self, bytes) }
    }

    @Test("random bytes are refused or read, and never trap, seed 31")
    func randomBytes() {
        var random = SeededGenerator(seed: 31)
        var refused = 0
        for _ in 0..<20_000 {
            let count = Int.random(in: 1...48, using: &random)
            let bytes = (0..<count).map { _ in
                UInt8.random(in: Bool.random(using: &random) ? 0...0x42 : 0...255, using: &random)
            }
            if (try? read(Envelope.Case.self, bytes)) == nil { refused += 1 }
            if (try? read(Envelope.Trail.self, bytes)) == nil { refused += 1 }
        }
        #expect(refused > 20_000)
    }

    @Test("no bytes are an empty envelope")
    func empty() throws {
        #expect(try read(Envelope.Reason.self, []) == Envelope.Reason())
        #expect(Envelope.bytes(of: Envelope.Reason()).isEmpty)
    }

    private func read<Message: SwiftProtobuf.Message>(
        _ type: Message.Type,
        _ bytes: [UInt8]
    ) throws -> Message {
        try bytes.withUnsafeBytes { try Envelope.read(type, from: $0) }
    }

    /// Reads an envelope as the kind its verb carries and writes it again.
    ///
    /// What an answer carries depends on the question, which the name of the vector tells.
    private func rewritten(
        _ bytes: [UInt8],
        of header: Header,
        in vector: String
    ) throws -> [UInt8] {
        switch header.verb {
        case .hello: Envelope.bytes(of: try read(Envelope.Hello.self, bytes))
        case .attach: Envelope.bytes(of: try read(Envelope.Attach.self, bytes))
        case .submit, .delivery: Envelope.bytes(of: try read(Envelope.Case.self, bytes))
        case .return, .refer, .release, .refuse:
            Envelope.bytes(of: try read(Envelope.Reason.self, bytes))
        case .note: Envelope.bytes(of: try read(Envelope.Note.self, bytes))
        case .step: Envelope.bytes(of: try read(Envelope.Step.self, bytes))
        case .refusal, .farewell, .ended:
            Envelope.bytes(of: try read(Envelope.Refused.self, bytes))
        case .publish, .event: Envelope.bytes(of: try read(Envelope.Event.self, bytes))
        case .subscribe: Envelope.bytes(of: try read(Envelope.Subscribe.self, bytes))
        case .ack: Envelope.bytes(of: try read(Envelope.Reason.self, bytes))
        case .ask, .question: Envelope.bytes(of: try read(Envelope.Question.self, bytes))
        case .offer: Envelope.bytes(of: try read(Envelope.Offer.self, bytes))
        case .reply, .replied: Envelope.bytes(of: try read(Envelope.Reply.self, bytes))
        case .catalogue: Envelope.bytes(of: try read(Envelope.CatalogueQuery.self, bytes))
        case .answer where vector == "answer.question":
            Envelope.bytes(of: try read(Envelope.Reply.self, bytes))
        case .answer where vector == "answer.catalogue":
            Envelope.bytes(of: try read(Envelope.Catalogue.self, bytes))
        case .answer where header.serial == 0:
            Envelope.bytes(of: try read(Envelope.Welcome.self, bytes))
        case .answer: Envelope.bytes(of: try read(Envelope.Trail.self, bytes))
        case .accept, .complete, .credit, .renew, .track, .bye, .heartbeat, .unsubscribe,
            .withdraw, .gap:
            []
        }
    }
}
