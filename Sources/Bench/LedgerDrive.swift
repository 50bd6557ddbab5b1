// SPDX-License-Identifier: Apache-2.0

internal import Ledger
internal import Platform
internal import Rules
internal import Wire

/// The ledger driven without a bus: what the rules and rows of a flow cost, no more.
///
/// One session submits cases and settles every delivery in the next batch. Clocks stand still and
/// batches are filled by count, so that the same numbers do the same work every time.
///
/// One thread only.
package final class LedgerDrive {
    private static let session: UInt32 = 1
    private static let credit = Limits.creditMessagesMax
    private static let wall: Int64 = 1_800_000_000_000
    private static let monotonic: Int64 = 1_000_000

    private let scratch: Scratch
    private let writer: LedgerWriter
    private let envelope: [UInt8]
    private let body: [UInt8]
    private let offices: Int
    private var batch = Batch()
    private var effects = Effects()
    private var requests: UInt32 = 0
    private var used: UInt64 = 0
    /// Bytes of them, as the courier would report them.
    private var heard: UInt64 = 0
    private var passed: UInt64 = 0
    /// Deliveries settled so far.
    private var hops = 0
    /// Offices visited by the cases on their way, by serial.
    private var visits: [UInt64: Int] = [:]

    /// Makes a ledger in a scratch directory inside `parent`, with offices `bench/o1` to `bench/oN` and
    /// a procedure that takes an itinerary.
    ///
    /// - Throws: `LedgerFault`, or `SystemFault` if there can be no such directory.
    package init(
        in parent: String,
        offices: Int,
        bodyBytes: Int
    ) throws {
        self.offices = offices
        scratch = try Scratch(in: parent)
        let names = (1...offices).map { "bench/o\($0)" }
        var made = Envelope.Case()
        made.procedure = "itinerary"
        made.subject = "bench"
        made.itinerary = names
        envelope = Envelope.bytes(of: made)
        body = [UInt8](repeating: 0x78, count: bodyBytes)
        let procedure = Self.procedure
        writer = try LedgerWriter(
            path: scratch.path + "/" + Ledger.fileName,
            limits: LedgerLimits(
                bodyBytesMax: Limits.bodyBytesMaxDefault,
                daemon: "bench",
                diskReserveBytes: 0
            )
        ) { _ in procedure }
        _ = try writer.carryOut(
            .publish(procedure, source: procedure.name),
            by: Operator(uid: 0, pid: 0, reason: "bench"),
            wall: Self.wall,
            monotonic: Self.monotonic
        )
        try open(names)
    }

    /// Passes cases from office to office, `window` of them to a batch.
    ///
    /// - Returns: Hops done, a little over `hopsMin`, and the nanoseconds they took.
    /// - Throws: `LedgerFault`.
    package func run(
        window: Int,
        hopsMin: Int
    ) throws -> (hops: Int, nanoseconds: Int64) {
        let start = Clock.monotonicNanoseconds()
        let before = hops
        for _ in 0..<window { submit() }
        while hops - before < hopsMin {
            try turn()
            settleAll()
        }
        return (hops - before, Clock.monotonicNanoseconds() - start)
    }

    /// Removes the scratch directory; nothing may be measured afterwards.
    package func remove() { scratch.remove() }

    private static var procedure: Procedure {
        var step = StepDeclaration(name: "stop", office: "")
        step.outcomes = [
            OutcomeDeclaration(name: "forwarded", transitions: [Transition(target: .next)])
        ]
        var procedure = Procedure(name: "itinerary")
        procedure.takesItinerary = true
        procedure.steps = [step]
        return procedure
    }

    private func open(_ names: [String]) throws {
        var hello = Envelope.Hello()
        hello.agency = "bench"
        ask(Header(.hello), envelope: Envelope.bytes(of: hello))
        try turn()
        for name in names {
            var attach = Envelope.Attach()
            attach.office = name
            ask(Header(.attach), envelope: Envelope.bytes(of: attach))
        }
        try turn()
        grant(Self.credit / 2)
    }

    private func turn() throws {
        effects.removeAll()
        let gathered = batch
        batch = Batch()
        try writer.turn(gathered, wall: Self.wall, monotonic: Self.monotonic, into: &effects)
    }

    /// Settles what the last turn delivered; a case that came to its end is replaced.
    private func settleAll() {
        for effect in effects.items where effect.header.verb == .delivery {
            var header = Header(.complete)
            header.subject = effect.header.subject
            header.generation = effect.header.generation
            header.serial = effect.header.serial
            ask(header)
            hops += 1
            used += 1
            heard += UInt64(effect.envelope.count + effect.body.count)
            visits[header.serial, default: 0] += 1
            guard visits[header.serial] == offices else { continue }
            visits[header.serial] = nil
            submit()
        }
        if heard - passed >= UnderWay.bytesMax / 8 {
            passed = heard
            batch.events.append(.passed(session: Self.session, bytes: passed))
        }
        guard used >= Self.credit / 4 else { return }
        grant(used / UInt64(offices))
        used = 0
    }

    private func submit() {
        var header = Header(.submit)
        header.flags = Lane.normal.rawValue
        header.id = Identifier(high: 0xBE, low: UInt64(requests) + 1)
        ask(header, envelope: envelope, body: body)
    }

    private func grant(_ messages: UInt64) {
        for office in 1...UInt64(offices) {
            var header = Header(.credit)
            header.subject = office
            header.generation = messages
            header.serial = messages * 1_024
            ask(header)
        }
    }

    private func ask(
        _ header: Header,
        envelope: [UInt8] = [],
        body: [UInt8] = []
    ) {
        requests += 1
        var header = header
        header.number = requests
        header.envelopeLength = UInt32(envelope.count)
        header.bodyLength = UInt32(body.count)
        envelope.withUnsafeBytes { envelope in
            body.withUnsafeBytes { body in
                batch.append(header, session: Self.session, envelope: envelope, body: body)
            }
        }
    }
}
