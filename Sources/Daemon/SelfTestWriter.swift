// SPDX-License-Identifier: Apache-2.0

internal import Declarations
internal import Glibc
internal import Ledger
internal import Platform
internal import Rules
internal import Wire

/// The child of the self-test: submits cases and closes them, as fast as the disk allows, and tells
/// every receipt on its standard output, until it is killed.
///
/// First it writes how long opening took, in microseconds, as 8 bytes; then 24 bytes a receipt:
/// position and half of the hash, big-endian.
package struct SelfTestWriter {
    private static let source = """
        procedure: selftest
        offices: {selftest/desk: Desk}
        steps:
          only:
            office: selftest/desk
            term: P1D
            outcomes: {done: closed}

        """
    private static let session: UInt32 = 1

    private let writer: LedgerWriter
    private var batch = Batch()
    private var effects = Effects()
    private var told: [UInt8] = []
    private var number: UInt32 = 0

    static let read: @Sendable (String) -> Procedure? = { try? ProcedureDeclaration.read($0) }

    /// Opens the ledger in a directory, or makes it.
    ///
    /// - Throws: `LedgerFault`.
    package init(directory: String) throws {
        let start = Clock.monotonicNanoseconds()
        writer = try LedgerWriter(
            path: directory + "/" + Ledger.fileName,
            limits: LedgerLimits(
                bodyBytesMax: Limits.bodyBytesMaxDefault,
                daemon: "baridd/selftest",
                diskReserveBytes: 0
            ),
            reading: Self.read
        )
        append(UInt64(max(0, Clock.monotonicNanoseconds() - start)) / 1_000)
    }

    /// Writes until the process is killed.
    ///
    /// - Throws: `LedgerFault` if the disk fails.
    package mutating func run() throws {
        if let procedure = Self.read(Self.source) {
            _ = try writer.carryOut(
                .publish(procedure, source: Self.source),
                by: Operator(uid: getuid(), pid: getpid(), reason: "self-test"),
                wall: Clock.wallMilliseconds(),
                monotonic: Clock.monotonicMilliseconds()
            )
        }
        try open()
        var envelope = Envelope.Case()
        envelope.procedure = "selftest"
        let bytes = Envelope.bytes(of: envelope)
        let body = [UInt8](repeating: 0x42, count: 256)
        while true {
            for _ in 0..<16 {
                var header = Header(.submit)
                header.id = Identifier(high: .random(in: 1 ... .max), low: .random(in: 1 ... .max))
                ask(header, envelope: bytes, body: body)
            }
            for effect in effects.items where effect.header.verb == .delivery {
                var header = Header(.complete)
                header.subject = effect.header.subject
                header.generation = effect.header.generation
                header.serial = effect.header.serial
                ask(header)
            }
            try turn()
            for effect in effects.items
            where effect.header.verb == .answer && effect.header.serial != 0 {
                append(effect.header.subject)
                append(effect.header.id.high)
                append(effect.header.id.low)
            }
            tell()
        }
    }

    /// A session that staffs the desk, with credit for what was left open before and for more.
    private mutating func open() throws {
        var hello = Envelope.Hello()
        hello.agency = "selftest"
        ask(Header(.hello), envelope: Envelope.bytes(of: hello))
        var attach = Envelope.Attach()
        attach.office = "selftest/desk"
        ask(Header(.attach), envelope: Envelope.bytes(of: attach))
        try turn()
        office = effects.items.last { $0.header.verb == .answer }?.header.subject ?? 0
        try turn()
    }

    private var office: UInt64 = 0

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
        if office != 0 {
            var credit = Header(.credit)
            credit.subject = office
            credit.generation = 32
            credit.serial = 65_536
            ask(credit)
        }
        effects.removeAll()
        try writer.turn(
            batch,
            wall: Clock.wallMilliseconds(),
            monotonic: Clock.monotonicMilliseconds(),
            into: &effects
        )
        batch.removeAll()
    }

    // MARK: Telling

    private mutating func append(_ word: UInt64) {
        withUnsafeBytes(of: word.bigEndian) { told.append(contentsOf: $0) }
    }

    private mutating func tell() {
        var start = 0
        while start < told.count {
            let count = told[start...].withUnsafeBytes {
                write(STDOUT_FILENO, $0.baseAddress, $0.count)
            }
            guard count > 0 else { return }
            start += count
        }
        told.removeAll(keepingCapacity: true)
    }
}
