// SPDX-License-Identifier: Apache-2.0

import Declarations
import Foundation
import Ledger
import Rules
import TestKit
import Testing
import Wire

/// A ledger in a directory of its own, under clocks the test moves.
///
/// Requests gather in a batch until `turn`; what the ledger tells is decoded and kept until the
/// next one.
final class LedgerBench {
    private(set) var directory = TemporaryDirectory()
    private(set) var writer: LedgerWriter
    /// Wall clock, ms since 1970.
    var wall: Int64 = 1_800_000_000_000
    /// Monotonic clock, ms.
    var monotonic: Int64 = 1_000_000
    /// What the last turn told.
    private(set) var told: [Told] = []
    /// Whether roads are as fast as the ledger: what is told has passed with the next turn.
    var areRoadsFast = true
    private var passed: [UInt32: UInt64] = [:]
    private var batch = Batch()
    private var requests: UInt32 = 0
    private var sessions: UInt32 = 0
    private var keys: UInt64 = 0
    private var steps: [UInt64: Envelope.Step] = [:]
    private var offices: [String: UInt32] = [:]

    init() throws {
        writer = try Self.open(directory.path)
    }

    static func open(_ path: String) throws -> LedgerWriter {
        let limits = LedgerLimits(
            bodyBytesMax: Limits.bodyBytesMaxDefault,
            daemon: "baridd/test",
            diskReserveBytes: 0
        )
        return try LedgerWriter(path: path + "/" + Ledger.fileName, limits: limits) {
            try? ProcedureDeclaration.read($0)
        }
    }

    var file: String { directory.path + "/" + Ledger.fileName }

    /// What a killed daemon finds: the files as they are on disk, without a last checkpoint.
    func reopen() throws {
        let image = TemporaryDirectory()
        for suffix in ["", "-wal"] where FileManager.default.fileExists(atPath: file + suffix) {
            try FileManager.default.copyItem(
                atPath: file + suffix,
                toPath: image.path + "/" + Ledger.fileName + suffix
            )
        }
        batch.removeAll()
        steps.removeAll()
        monotonic = 5
        writer = try Self.open(image.path)
        directory = image
    }

    /// Lets time pass on both clocks.
    func pass(_ milliseconds: Int64) {
        wall += milliseconds
        monotonic += milliseconds
    }

    // MARK: Asking

    /// Adds a request to the batch and returns its number.
    @discardableResult
    func ask(
        _ header: Header,
        _ session: UInt32,
        envelope: [UInt8] = [],
        body: [UInt8] = []
    ) -> UInt32 {
        var header = header
        requests += 1
        if header.number == 0 { header.number = requests }
        header.envelopeLength = UInt32(envelope.count)
        header.bodyLength = UInt32(body.count)
        envelope.withUnsafeBytes { envelope in
            body.withUnsafeBytes { body in
                batch.append(header, session: session, envelope: envelope, body: body)
            }
        }
        return header.number
    }

    /// Adds something that happened to a session to the batch.
    func happen(_ event: SessionEvent) { batch.events.append(event) }

    /// Adds an account of refusals to the batch.
    func deny(_ denial: DenialCount) { batch.denials.append(denial) }

    /// Runs a turn on what has gathered and keeps what it told.
    func turn() throws {
        var effects = Effects()
        let handed = batch
        batch = Batch()
        try writer.turn(
            handed.isEmpty ? nil : handed,
            wall: wall,
            monotonic: monotonic,
            into: &effects
        )
        told = effects.items.map { Told($0, in: effects) }
        if areRoadsFast { notePassed() }
        for step in told where step.header.verb == .step {
            steps[UInt64(step.session) << 32 | UInt64(step.header.number)] =
                step.read(Envelope.Step.self)
        }
    }

    private func notePassed() {
        for item in told where item.header.verb == .delivery || item.header.verb == .event {
            let bytes = UInt64(item.envelope.count + item.body.count)
            passed[item.session, default: 0] += bytes
            guard passed[item.session, default: 0] % UnderWay.bytesMax < bytes else { continue }
            happen(.passed(session: item.session, bytes: passed[item.session, default: 0]))
        }
    }

    /// Runs a turn and returns what answers one request.
    func reply(to number: UInt32) throws -> Told {
        try turn()
        return try answer(to: number)
    }

    /// What the last turn told about a request; exactly one answer or refusal.
    func answer(to number: UInt32) throws -> Told {
        let answers = told.filter {
            $0.header.number == number && ($0.header.verb == .answer || $0.header.verb == .refusal)
        }
        #expect(answers.count == 1, "request \(number) was answered \(answers.count) times")
        return try #require(answers.first)
    }

    /// What the last turn delivered, in order.
    var deliveries: [Delivery] {
        told.compactMap { told in
            guard told.header.verb == .delivery else { return nil }
            let key = UInt64(told.session) << 32 | UInt64(told.header.number)
            guard let step = steps[key] else {
                Issue.record("a delivery came before its step was announced")
                return nil
            }
            return Delivery(
                session: told.session,
                referral: told.header.subject,
                generation: told.header.generation,
                serial: told.header.serial,
                lane: told.header.flags,
                attempts: Int(told.header.code),
                due: told.header.instant,
                id: told.header.id,
                envelope: told.envelope,
                body: told.body,
                step: step
            )
        }
    }

    // MARK: Sessions

    /// Opens a session of an agency.
    func hello(_ agency: String, key: EnrolledKey? = nil) throws -> UInt32 {
        sessions += 1
        if let key {
            batch.introductions.append(
                Introduction(session: sessions, key: key, address: "192.0.2.7 port 4711")
            )
        }
        var hello = Envelope.Hello()
        hello.agency = agency
        let session = sessions
        let number = ask(Header(.hello), session, envelope: Envelope.bytes(of: hello))
        #expect(try reply(to: number).isAnswer)
        return session
    }

    /// Attaches an office and returns its number.
    @discardableResult
    func attach(_ session: UInt32, _ office: String) throws -> UInt32 {
        let number = askToAttach(session, office)
        let answer = try reply(to: number)
        #expect(answer.isAnswer)
        offices[office] = UInt32(answer.header.subject)
        return UInt32(answer.header.subject)
    }

    func askToAttach(_ session: UInt32, _ office: String) -> UInt32 {
        var attach = Envelope.Attach()
        attach.office = office
        return ask(Header(.attach), session, envelope: Envelope.bytes(of: attach))
    }

    /// Grants credit in the batch, unless told otherwise with bytes enough for small cases.
    @discardableResult
    func credit(
        _ session: UInt32,
        _ office: String,
        messages: UInt64,
        bytes: UInt64? = nil
    ) -> UInt32 {
        var header = Header(.credit)
        header.subject = UInt64(offices[office] ?? 0)
        header.generation = messages
        header.serial = bytes ?? messages * 1_024
        return ask(header, session)
    }

    /// A session that staffs offices, with credit for each.
    func staff(_ names: [String], credit messages: UInt64 = 1_000) throws -> UInt32 {
        let session = try hello(Name.agency(ofOffice: names[0]))
        for name in names {
            try attach(session, name)
            credit(session, name, messages: messages)
        }
        try turn()
        return session
    }

    // MARK: Submitting

    func key() -> Identifier {
        keys += 1
        return Identifier(high: 0xBA21D, low: keys)
    }

    @discardableResult
    func submit(
        _ session: UInt32,
        _ procedure: String,
        lane: Lane = .normal,
        key: Identifier? = nil,
        serial: UInt64 = 0,
        at occurred: Int64 = 0,
        body: String = "body",
        _ change: (inout Envelope.Case) -> Void = { _ in }
    ) -> UInt32 {
        var envelope = Envelope.Case()
        envelope.procedure = procedure
        change(&envelope)
        var header = Header(.submit)
        header.flags = lane.rawValue
        header.id = key ?? self.key()
        header.serial = serial
        header.instant = occurred
        return ask(
            header,
            session,
            envelope: Envelope.bytes(of: envelope),
            body: Array(body.utf8)
        )
    }

    /// Submits in a turn of its own and returns the serial.
    @discardableResult
    func submitted(
        _ session: UInt32,
        _ procedure: String,
        lane: Lane = .normal,
        _ change: (inout Envelope.Case) -> Void = { _ in }
    ) throws -> UInt64 {
        let answer = try reply(to: submit(session, procedure, lane: lane, change))
        #expect(answer.isAnswer, "refused: \(String(describing: answer.refusal))")
        return answer.header.serial
    }

    // MARK: Settling

    @discardableResult
    func complete(_ delivery: Delivery, _ outcome: String, at occurred: Int64 = 0) -> UInt32 {
        var header = settling(.complete, delivery, at: occurred)
        header.code = delivery.place(of: outcome)
        return ask(header, delivery.session)
    }

    @discardableResult
    func settle(
        _ verb: Verb,
        _ delivery: Delivery,
        at occurred: Int64 = 0,
        offices: [String] = [],
        text: String = "because",
        delay: UInt64 = 0
    ) -> UInt32 {
        var header = settling(verb, delivery, at: occurred)
        var reason = Envelope.Reason()
        reason.text = text
        reason.offices = offices
        header.id.low = delay
        let bytes = verb == .accept || verb == .renew ? [] : Envelope.bytes(of: reason)
        if verb == .renew { header.serial = 0 }
        return ask(header, delivery.session, envelope: bytes)
    }

    @discardableResult
    func note(_ delivery: Delivery, _ text: String, key: Identifier = .none) -> UInt32 {
        var header = settling(.note, delivery, at: 0)
        header.id = key
        var note = Envelope.Note()
        note.text = text
        return ask(header, delivery.session, envelope: Envelope.bytes(of: note))
    }

    private func settling(_ verb: Verb, _ delivery: Delivery, at occurred: Int64) -> Header {
        var header = Header(verb)
        header.subject = delivery.referral
        header.generation = delivery.generation
        header.serial = delivery.serial
        header.instant = occurred
        return header
    }
}
