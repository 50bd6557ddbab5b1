// SPDX-License-Identifier: Apache-2.0

import CSQLite
import ProofKit
import Testing
import Wire

/// Goal: a disk that fails makes the ledger stop or refuse, never lie.
///
/// Method: the same short history again and again; in the n-th run the n-th call of the disk fails.
@Suite("A fault at every call of the disk")
struct FaultTests {
    private static let seed: UInt64 = 21
    private static let moves = 200

    /// Runs the history with a fault at one call; nil once the history has fewer calls.
    private func run(
        at call: Int,
        _ status: Int32,
        isLasting: Bool = false,
        _ fate: CrashDisk.Fate
    ) throws -> World? {
        let world = try World(seed: Self.seed)
        let disk = world.disk
        disk.failure = (disk.calls + call, status, isLasting)
        world.fate = (fate, UInt64(call))
        for move in Move.history(seed: Self.seed, count: Self.moves, trouble: []) {
            try world.apply(move)
        }
        guard disk.hasFailed else { return nil }
        try world.drain()
        return world
    }

    @Test(
        "an input or output fault ends the ledger unanswered, and nothing acknowledged is lost",
        arguments: CrashDisk.Fate.allCases
    )
    func inputOutput(fate: CrashDisk.Fate) throws {
        var call = 1
        while let world = try run(at: call, SQLITE_IOERR, fate) {
            #expect(world.crashes == 1, "call \(call) failed and the ledger went on")
            call += 1
        }
        #expect(call > 40, "the history has \(call) calls only")
        print("faults: EIO at each of \(call - 1) calls, unsynced writes \(fate.rawValue)")
    }

    @Test("a full disk refuses submissions, takes what still fits, and never lies")
    func full() throws {
        var call = 1
        var refused = 0
        while let world = try run(at: call, SQLITE_FULL, .torn) {
            refused += world.refusals[.storageFull, default: 0]
            call += 1
        }
        #expect(refused > 20, "only \(refused) submissions were refused")
        print("faults: ENOSPC at each of \(call - 1) calls, \(refused) submissions refused")
    }

    @Test("a disk that stays full ends the ledger unanswered, and it recovers")
    func staysFull() throws {
        var call = 1
        while let world = try run(at: call, SQLITE_FULL, isLasting: true, .torn) {
            #expect(world.crashes <= 1)
            call += 1
        }
        print("faults: ENOSPC from each of \(call - 1) calls on")
    }
}
