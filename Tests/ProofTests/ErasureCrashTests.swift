// SPDX-License-Identifier: Apache-2.0

import Declarations
import Foundation
import Ledger
import ProofKit
import Rules
import TestKit
import Testing
import Wire

/// Goal: a crash in the middle of a run of retention leaves whole cases, and what was told erased
/// stays erased; the next run erases the rest.
///
/// Method: the real ledger on a disk in memory erases marked cases slice by slice. At every sync the
/// disk a crash would leave is opened, verified, erased to the end, and searched for the marks.
@Suite("A crash while cases are erased")
struct ErasureCrashTests {
    private static let source = """
        procedure: short
        retention: P1D
        offices: {a/one: One}
        steps:
          only:
            office: a/one
            term: P1D
            outcomes: {done: closed}

        """
    private static let wall: Int64 = 1_800_000_000_000
    private static let cases = 12

    private static func open(_ mount: CrashFileSystem.Mount) throws -> LedgerWriter {
        try LedgerWriter(
            path: mount.directory + "/" + Ledger.fileName,
            limits: LedgerLimits(
                bodyBytesMax: Limits.bodyBytesMaxDefault,
                daemon: "baridd/proof",
                diskReserveBytes: 0
            ),
            randomness: Randomness(seed: 1),
            reading: { try? ProcedureDeclaration.read($0) }
        )
    }

    private static func reader(_ mount: CrashFileSystem.Mount) throws -> LedgerReader {
        try LedgerReader(directory: mount.directory) { try? ProcedureDeclaration.read($0) }
    }

    /// Gives requests to a ledger and keeps what it tells.
    private struct Desk {
        let writer: LedgerWriter
        var batch = Batch()
        var effects = Effects()
        var number: UInt32 = 0

        init(_ writer: LedgerWriter) { self.writer = writer }

        mutating func ask(_ header: Header, envelope: [UInt8] = [], body: [UInt8] = []) {
            var header = header
            number += 1
            header.number = number
            header.envelopeLength = UInt32(envelope.count)
            header.bodyLength = UInt32(body.count)
            envelope.withUnsafeBytes { envelope in
                body.withUnsafeBytes {
                    batch.append(header, session: 1, envelope: envelope, body: $0)
                }
            }
        }

        mutating func turn() throws {
            effects.removeAll()
            try writer.turn(
                batch,
                wall: ErasureCrashTests.wall,
                monotonic: 1_000,
                into: &effects
            )
            batch.removeAll()
        }
    }

    /// Closes cases with a mark each in subject and body, some beyond a page.
    private static func fill(_ writer: LedgerWriter) throws {
        _ = try writer.carryOut(
            .publish(ProcedureDeclaration.read(source), source: source),
            by: Operator(uid: 0, pid: 1, reason: "test"),
            wall: wall,
            monotonic: 1_000
        )
        var desk = Desk(writer)
        var hello = Envelope.Hello()
        hello.agency = "a"
        desk.ask(Header(.hello), envelope: Envelope.bytes(of: hello))
        try desk.turn()
        var attach = Envelope.Attach()
        attach.office = "a/one"
        desk.ask(Header(.attach), envelope: Envelope.bytes(of: attach))
        try desk.turn()
        let office = desk.effects.items.first { $0.header.verb == .answer }?.header.subject ?? 0
        var credit = Header(.credit)
        (credit.subject, credit.generation, credit.serial) = (office, 100, 1 << 24)
        desk.ask(credit)
        try desk.turn()
        for number in 1...cases {
            var envelope = Envelope.Case()
            envelope.procedure = "short"
            envelope.subject = mark(number)
            var header = Header(.submit)
            header.flags = 1
            header.id = Identifier(high: 1, low: UInt64(number))
            let repeats = number % 3 == 0 ? 1_000 : 20
            let body = Array(String(repeating: mark(number), count: repeats).utf8)
            desk.ask(header, envelope: Envelope.bytes(of: envelope), body: body)
            try desk.turn()
            let delivery = try #require(
                desk.effects.items.first { $0.header.verb == .delivery }?.header
            )
            var complete = Header(.complete)
            complete.subject = delivery.subject
            complete.generation = delivery.generation
            complete.serial = delivery.serial
            desk.ask(complete)
            try desk.turn()
        }
    }

    private static func mark(_ number: Int) -> String { "<mark-\(number)>" }

    /// The numbers of the cases whose marks are in the files of a disk.
    private static func marks(_ disk: CrashDisk) -> Set<Int> {
        var found: Set<Int> = []
        for file in disk.files.values {
            var bytes = [UInt8](repeating: 0, count: file.live.count)
            bytes.withUnsafeMutableBytes { target in
                _ = target.baseAddress.map { file.live.load($0, at: 0, size: target.count) }
            }
            let data = Data(bytes)
            for number in 1...cases where !found.contains(number) {
                if data.firstRange(of: Data(mark(number).utf8)) != nil { found.insert(number) }
            }
        }
        return found
    }

    private static func erase(_ cases: [ErasableCase], _ writer: LedgerWriter) throws -> Int {
        let outcome = try writer.carryOut(
            .desk(.erase(cases)),
            by: Operator(uid: 0, pid: 1, reason: "test"),
            wall: wall,
            monotonic: 1_000
        )
        guard case .desk(.done(_, let count)) = outcome else { return 0 }
        return count
    }

    @Test("cases are whole or erased, what was told stays, and the next run erases the rest")
    func everySync() throws {
        let disk = CrashDisk()
        let mount = CrashFileSystem.mount(disk)
        let writer = try Self.open(mount)
        try Self.fill(writer)
        let found = try Self.reader(mount).erasable(after: 0, upTo: 100) { _, _ in true }.found
        try #require(found.count == Self.cases)
        #expect(Self.marks(disk) == Set(1...Self.cases))
        var told = 0
        var images: [(image: CrashDisk, told: Int, name: String)] = []
        disk.observer = { disk, isBefore in
            for (fate, seed) in [(CrashDisk.Fate.lost, UInt64(0)), (.kept, 0), (.torn, 7)] {
                let name = "\(fate), \(told) told, \(isBefore ? "before" : "after") a sync"
                images.append((disk.image(fate, seed: seed), told, name))
            }
        }
        for start in stride(from: 0, to: Self.cases, by: 3) {
            #expect(try Self.erase(Array(found[start..<(start + 3)]), writer) == 3)
            told += 3
        }
        #expect(try writer.emptyLog())
        disk.observer = nil
        #expect(Self.marks(disk).isEmpty)
        #expect(Self.marks(disk.image(.lost, seed: 0)).isEmpty)
        try #require(images.count > 20)
        for (image, told, name) in images {
            let mount = CrashFileSystem.mount(image)
            let writer = try Self.open(mount)
            let reader = try Self.reader(mount)
            let verification = try Verification(reader)
            #expect(verification.findings.isEmpty, "\(name): \(verification.findings)")
            let left = try reader.erasable(after: 0, upTo: 100) { _, _ in true }.found
            #expect(left.count % 3 == 0, "\(name): a slice was torn")
            #expect(left.count <= Self.cases - told, "\(name): an erasure was lost")
            #expect(Array(found.suffix(left.count)) == left, "\(name)")
            if !left.isEmpty { #expect(try Self.erase(left, writer) == left.count, "\(name)") }
            #expect(try writer.emptyLog(), "\(name)")
            #expect(Self.marks(image).isEmpty, "\(name): \(Self.marks(image)) are left")
            let again = try Verification(reader)
            #expect(again.findings.isEmpty, "\(name): \(again.findings)")
        }
    }
}
