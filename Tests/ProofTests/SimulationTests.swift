// SPDX-License-Identifier: Apache-2.0

import Foundation
import ProofKit
import Testing

/// Goal: every promise, in histories nobody thought of.
///
/// Method: seeded histories of clients, roads, crashes, clocks and operators under virtual time,
/// judged by a model of its own and by what the clients were told. `Tests/simulate` plays more.
@Suite("Simulated histories")
struct SimulationTests {
    private static func setting(_ name: String) -> Int? {
        ProcessInfo.processInfo.environment[name].flatMap { Int($0) }
    }

    @Test("every promise holds in every simulated history")
    func histories() {
        let first = UInt64(Self.setting("BARID_SIMULATE_SEED") ?? 1)
        let seconds = Self.setting("BARID_SIMULATE_SECONDS")
        let end = seconds.map { Date(timeIntervalSinceNow: Double($0)) }
        var figures = Simulation.Figures()
        var seed = first
        while end.map({ Date() < $0 }) ?? (seed < first + 40) {
            if let found = Simulation.play(seed: seed, counting: &figures) {
                Issue.record("\(found)")
                break
            }
            seed += 1
        }
        let days = figures.virtualMilliseconds / 86_400_000
        print(
            """
            simulated: seeds \(first) to \(seed - 1), \(figures.turns) turns, \
            \(figures.crashes) crashes, \(figures.cases) cases, \(figures.receipts) receipts, \
            \(days) virtual days
            acts: \(figures.acts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" })
            """
        )
        guard seconds == nil else { return }
        #expect(figures.crashes > 40 && figures.cases > 500, "too little happened: \(figures)")
        let unusual = ["returned", "refused", "referred", "withdrawn", "dismissed", "lapsed"]
        for act in unusual { #expect(figures.acts[act, default: 0] > 5, "too few acts: \(act)") }
    }

    @Test("the same seed gives the same history")
    func replays() throws {
        func play() throws -> [String] {
            let world = try World(seed: 5)
            for move in Move.history(seed: 5, count: 200, trouble: .all) { try world.apply(move) }
            try world.drain()
            return world.log.asks.map { "\($0)" } + ["\(world.turns) \(world.crashes)"]
        }
        #expect(try play() == play())
    }

    @Test("a history that breaks a promise is found and shrunk", arguments: [3, 4] as [UInt64])
    func finds(seed: UInt64) throws {
        // The disk lies about its syncs; a crash must show it, and little else is needed for that.
        func breaks(_ moves: [Move]) -> Bool {
            do {
                let world = try World(seed: seed) { $0.honesty = .onlyInCheckpoints }
                for move in moves { try world.apply(move) }
                return false
            } catch {
                return true
            }
        }
        let crash = Move.crash(calls: 0, fate: 0, seed: 4)
        let moves =
            Move.history(seed: seed, count: 60, trouble: [])
            + [crash, .submit(client: 0, choice: 0), .flow, .flow]
        #expect(breaks(moves))
        var short = moves
        for place in moves.indices.reversed() {
            var candidate = short
            candidate.remove(at: place)
            if breaks(candidate) { short = candidate }
        }
        #expect(short.count <= 6, "\(short)")
    }
}
