// SPDX-License-Identifier: Apache-2.0

import Ledger
import ProofKit
import TestKit
import Testing

/// Goal: promises 1 to 4 hold wherever the power goes.
///
/// Method: the real ledger works on a disk in memory that knows what was synced. At every sync,
/// before and after it, the disk a crash would leave is opened as a ledger of its own and audited
/// against what had been told by then; writes that were not synced are lost, kept or torn.
@Suite("A crash at every sync")
struct CrashTests {
    static let tornSeeds: [UInt64] = [1, 2, 3]

    /// Runs a calm history and audits every crash it could have met.
    ///
    /// - Returns: How many crashes were audited, and the violations.
    static func crashes(
        seed: UInt64,
        moves: Int,
        honesty: CrashDisk.Honesty = .honest,
        stopAtFirst: Bool = false
    ) throws -> (audited: Int, syncs: Int, violations: [String]) {
        var images: [(CrashDisk, String)] = []
        var syncs = 0
        let world = try World(seed: seed) { disk in
            disk.honesty = honesty
            disk.observer = { disk, isBefore in
                if isBefore { syncs += 1 }
                let name = "sync \(syncs) \(isBefore ? "before" : "after")"
                images.append((disk.image(.lost, seed: 0), name + " lost"))
                guard isBefore else { return }
                images.append((disk.image(.kept, seed: 0), name + " kept"))
                for seed in tornSeeds {
                    images.append((disk.image(.torn, seed: seed), name + " torn \(seed)"))
                }
            }
        }
        var audited = 0
        var violations: [String] = []
        // The first round is for the crashes while the ledger was made and opened.
        let history =
            [Move.pass(milliseconds: 1)] + Move.history(seed: seed, count: moves, trouble: [])
        for move in history {
            let receipts = world.log.receipts.count
            try world.apply(move)
            for (image, name) in images {
                do {
                    if honesty == .honest { try expectNoAlarm(image) }
                    try world.audit(image, receipts: receipts)
                } catch {
                    violations.append("\(name): \(error)")
                }
                audited += 1
            }
            images.removeAll()
            if stopAtFirst, !violations.isEmpty { break }
        }
        if honesty == .honest { try world.drain() }
        return (audited, syncs, violations)
    }

    /// What a crash leaves of an honest disk is never taken for damage.
    private static func expectNoAlarm(_ image: CrashDisk) throws {
        guard let log = image.files["ledger.db-wal"]?.live else { return }
        var bytes = [UInt8](repeating: 0, count: log.count)
        let damage = bytes.withUnsafeMutableBytes { target in
            _ = target.baseAddress.map { log.load($0, at: 0, size: target.count) }
            return LogDamage.find(in: UnsafeRawBufferPointer(target))
        }
        guard let damage else { return }
        throw Violation(.hash, "the log was taken for damaged: \(damage)")
    }

    @Test(
        "nothing acknowledged is lost, nothing applied twice, whatever a crash leaves of the disk",
        arguments: [11, 12, 13] as [UInt64]
    )
    func everySync(seed: UInt64) throws {
        let (audited, syncs, violations) = try Self.crashes(seed: seed, moves: 260)
        #expect(violations.isEmpty, "seed \(seed): \(violations.prefix(5))")
        #expect(syncs > 40 && audited > 200, "seed \(seed) met \(audited) crashes only")
        print(
            "crashes: seed \(seed), \(syncs) syncs, \(audited) crashes, \(violations.count) violations"
        )
    }

    @Test(
        "the audit catches a ledger that does not sync, or tells before it has synced",
        arguments: [CrashDisk.Honesty.onlyInCheckpoints, .oneBehind]
    )
    func negativeControls(honesty: CrashDisk.Honesty) throws {
        let (_, _, violations) = try Self.crashes(
            seed: 11,
            moves: 260,
            honesty: honesty,
            stopAtFirst: true
        )
        #expect(violations.contains { $0.contains("L: ") }, "the control was not caught")
    }
}
