// SPDX-License-Identifier: Apache-2.0

import Crypto
import Ledger
import ProofKit
import SQLite
import TestKit
import Testing
import Wire

/// Goal: a bit that changed on the disk is found and named, wherever it is.
///
/// Method: one bit of a ledger at rest, or of its log after a crash, is flipped, at seeded places;
/// what opens and checks as sound must hold what it held before.
@Suite("A bit flipped on the disk")
struct DamageTests {
    private static let database = "ledger.db"
    private static let log = "ledger.db-wal"

    /// A disk after a calm history; its log holds the newest transactions, or nothing.
    private func disk(_ world: World, isAtRest: Bool) throws -> CrashDisk {
        for move in Move.history(seed: 31, count: 500, trouble: []) { try world.apply(move) }
        try world.flow()
        if isAtRest { try world.apply(.checkpoint) }
        let image = world.disk.image(.kept, seed: 0)
        if isAtRest { image.files[Self.log] = nil }
        return image
    }

    /// The same disk with one bit changed.
    private func flipped(_ disk: CrashDisk, _ name: String, bit: Int) throws -> CrashDisk {
        let image = disk.image(.kept, seed: 0)
        let file = try #require(image.files[name])
        for content in [file.synced, file.live] {
            var byte: UInt8 = 0
            _ = content.load(&byte, at: bit / 8, size: 1)
            byte ^= 1 << UInt8(bit % 8)
            withUnsafeBytes(of: byte) { content.store($0, at: bit / 8) }
        }
        return image
    }

    /// What a ledger holds, as a hash of each column.
    private func content(_ directory: String) throws -> [String: SHA256.Digest] {
        let connection = try Connection(path: directory + "/" + Ledger.fileName, access: .readOnly)
        var columns: [(table: String, name: String)] = []
        let names = try Statement(
            """
            SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c
            WHERE m.type = 'table'
            """,
            on: connection
        )
        while try names.step() { columns.append((names.string(0), names.string(1))) }
        var content: [String: SHA256.Digest] = [:]
        for (table, name) in columns {
            var hasher = SHA256()
            let rows = try Statement("SELECT \(name) FROM \(table)", on: connection)
            while try rows.step() {
                hasher.update(data: rows.bytes(0))
                hasher.update(data: [0xFF])
            }
            content["\(table).\(name)"] = hasher.finalize()
        }
        return content
    }

    /// Columns that the journal does not tell, so that nothing can judge them.
    private static let untold: Set = [
        "agency.backdating", "cases.due", "cases.itinerary", "cases.result", "custody.accepted",
        "daemon.probed", "daemon.started", "dead.at", "dead.cause", "dead.reason", "delayed.until",
        "office.agency", "office.title", "procedure.published", "procedure.uid", "submission.key",
    ]

    @Test("in the database it is found by a check of the ledger, or has changed nothing")
    func database() throws {
        let world = try World(seed: 31)
        let disk = try disk(world, isAtRest: true)
        let mount = CrashFileSystem.mount(disk)
        let before = try content(mount.directory)
        let size = try #require(disk.files[Self.database]).live.count
        var random = SeededGenerator(seed: 77)
        var found = 0
        var harmless = 0
        var missed: [String] = []
        for _ in 0..<1_500 {
            let bit = Int.random(in: 0..<size * 8, using: &random)
            let image = CrashFileSystem.mount(try flipped(disk, Self.database, bit: bit))
            do {
                let reader = try LedgerReader(directory: image.directory) { _ in nil }
                let findings = try Verification(reader).findings
                if !findings.isEmpty {
                    found += 1
                    continue
                }
                let changed = try content(image.directory)
                    .filter { before[$0.key] != $0.value && !Self.untold.contains($0.key) }
                if changed.isEmpty {
                    harmless += 1
                } else {
                    missed.append("bit \(bit): \(changed.keys.sorted())")
                }
            } catch {
                found += 1
            }
        }
        print(
            "damage: 1500 bits of the database, \(found) found, \(harmless) in unused space or untold"
        )
        #expect(missed.isEmpty, "\(missed)")
        #expect(found > 100)
    }

    @Test("in the log it is found when the ledger is opened, or nothing is lost by it")
    func log() throws {
        let world = try World(seed: 31)
        let disk = try disk(world, isAtRest: false)
        let bytes = try #require(disk.files[Self.log])
        let size = bytes.live.count
        let last = newest(in: bytes.live)
        #expect(damage(in: bytes.live) == nil)
        var random = SeededGenerator(seed: 78)
        var found = 0
        for _ in 0..<200 {
            let bit = Int.random(in: 0..<last * 8, using: &random)
            let image = try flipped(disk, Self.log, bit: bit)
            if try damage(in: #require(image.files[Self.log]).live) != nil {
                found += 1
            } else {
                do {
                    try world.audit(image, receipts: world.log.receipts.count)
                } catch {
                    Issue.record("byte \(bit / 8) of \(size): \(error)")
                }
            }
        }
        print("damage: 200 bits of the log, \(found) found")
        #expect(found > 150)
    }

    private func damage(in log: FileBytes) -> LogDamage? {
        var bytes = [UInt8](repeating: 0, count: log.count)
        bytes.withUnsafeMutableBytes { target in
            guard let base = target.baseAddress else { return }
            _ = log.load(base, at: 0, size: target.count)
        }
        return bytes.withUnsafeBytes { LogDamage.find(in: $0) }
    }

    /// Where the last three transactions of a log begin.
    private func newest(in log: FileBytes) -> Int {
        var salts = [UInt8](repeating: 0, count: 8)
        salts.withUnsafeMutableBytes { target in
            _ = target.baseAddress.map { log.load($0, at: 16, size: 8) }
        }
        var ends: [Int] = []
        for start in stride(from: 32, to: log.count, by: 24 + 4_096) {
            var header = [UInt8](repeating: 0, count: 24)
            header.withUnsafeMutableBytes { target in
                guard let base = target.baseAddress else { return }
                _ = log.load(base, at: start, size: 24)
            }
            // What lies behind is of the log before it began anew.
            guard header[8..<16] == salts[...] else { break }
            if header[4..<8].contains(where: { $0 != 0 }) { ends.append(start + 24 + 4_096) }
        }
        return ends.dropLast(3).last ?? 0
    }
}
