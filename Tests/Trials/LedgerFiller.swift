// SPDX-License-Identifier: Apache-2.0

import Declarations
import Glibc
import Ledger
import Platform
import Rules
import Wire

/// Fills a ledger with open cases through its writer, in large batches and without a bus.
///
/// Of every hundred one is taken into custody, one is put off for a day and one is refused, which
/// makes it a dead letter; the others wait, spread over the offices.
struct LedgerFiller {
    static let offices = 100
    private static let perTurn = 1_000
    private static let session: UInt32 = 1
    private static let source = """
        procedure: filling
        attributes: any
        hops: 4
        offices: {}
        itinerary:
          title: {en: Stop}
          outcomes: {forwarded: next}

        """

    private let writer: LedgerWriter
    private var batch = Batch()
    private var effects = Effects()
    private var number: UInt32 = 0
    private var desk: UInt64 = 0
    /// Bytes delivered, as the courier would report them.
    private var heard: UInt64 = 0

    static let read: @Sendable (String) -> Procedure? = { try? ProcedureDeclaration.read($0) }

    /// Makes the ledger of a data directory.
    init(data: String) throws {
        mkdir(data, 0o750)
        writer = try LedgerWriter(
            path: data + "/" + Ledger.fileName,
            limits: LedgerLimits(
                bodyBytesMax: Limits.bodyBytesMaxDefault,
                daemon: "baridd/trials",
                diskReserveBytes: 0
            ),
            reading: Self.read
        )
        let procedure = try ProcedureDeclaration.read(Self.source)
        _ = try writer.carryOut(
            .publish(procedure, source: Self.source),
            by: Operator(uid: getuid(), pid: getpid(), reason: "filling"),
            wall: Clock.wallMilliseconds(),
            monotonic: Clock.monotonicMilliseconds()
        )
    }

    /// Submits so many cases, and leaves everything in the database file.
    mutating func fill(_ cases: Int) throws {
        var hello = Envelope.Hello()
        hello.agency = "fill"
        ask(Header(.hello), envelope: Envelope.bytes(of: hello))
        try turn()
        for office in 0..<Self.offices {
            var attach = Envelope.Attach()
            attach.office = Self.office(office)
            ask(Header(.attach), envelope: Envelope.bytes(of: attach))
        }
        try turn()
        desk = effects.items.first { $0.header.verb == .answer }?.header.subject ?? 0
        let envelopes = (0..<Self.offices).map { office in
            var envelope = Envelope.Case()
            envelope.procedure = "filling"
            envelope.itinerary = [Self.office(office)]
            return Envelope.bytes(of: envelope)
        }
        let body = [UInt8](repeating: 0x42, count: 256)
        for place in 0..<cases {
            var header = Header(.submit)
            header.flags = 1
            header.id = Identifier(high: 0xF111, low: UInt64(place) + 1)
            let office = place % Self.offices
            ask(header, envelope: envelopes[office < 3 ? 0 : office], body: body)
            if place % Self.perTurn == Self.perTurn - 1 { try turnAndSettle() }
            if place % (20 * Self.perTurn) == 0 { try writer.checkpoint() }
        }
        try turnAndSettle()
        try writer.checkpoint()
    }

    private static func office(_ place: Int) -> String { "fill/office-\(place)" }

    private mutating func turnAndSettle() throws {
        var credit = Header(.credit)
        credit.subject = desk
        credit.generation = UInt64(3 * Self.perTurn / Self.offices)
        credit.serial = 1 << 20
        ask(credit)
        try turn()
        for (place, effect) in effects.items.filter({ $0.header.verb == .delivery }).enumerated() {
            var header = Header([.accept, .release, .refuse][place % 3])
            header.subject = effect.header.subject
            header.generation = effect.header.generation
            header.serial = effect.header.serial
            var envelope: [UInt8] = []
            heard += UInt64(effect.envelope.count + effect.body.count)
            if header.verb == .release { header.id.low = 86_400_000 }
            if header.verb == .refuse {
                var reason = Envelope.Reason()
                reason.text = "no"
                envelope = Envelope.bytes(of: reason)
            }
            ask(header, envelope: envelope)
        }
        batch.events.append(.passed(session: Self.session, bytes: heard))
        try turn()
    }

    private mutating func ask(_ header: Header, envelope: [UInt8] = [], body: [UInt8] = []) {
        var header = header
        number &+= 1
        header.number = number
        header.envelopeLength = UInt32(envelope.count)
        header.bodyLength = UInt32(body.count)
        envelope.withUnsafeBytes { envelope in
            body.withUnsafeBytes { body in
                batch.append(header, session: Self.session, envelope: envelope, body: body)
            }
        }
    }

    private mutating func turn() throws {
        effects.removeAll()
        try writer.turn(
            batch,
            wall: Clock.wallMilliseconds(),
            monotonic: Clock.monotonicMilliseconds(),
            into: &effects
        )
        batch.removeAll()
    }
}
