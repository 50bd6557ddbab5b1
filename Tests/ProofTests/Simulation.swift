// SPDX-License-Identifier: Apache-2.0

import Glibc
import ProofKit
import TestKit

/// Runs histories from seeds, and shrinks the one that breaks a promise.
enum Simulation {
    /// What a run met.
    struct Figures {
        var histories = 0
        var turns = 0
        var crashes = 0
        var receipts = 0
        var cases = 0
        var virtualMilliseconds: Int64 = 0
        var acts: [String: Int] = [:]
    }

    /// Moves of one history.
    static let movesMax = 500

    /// Plays a history to its end.
    ///
    /// - Returns: The promise it breaks; nil if it keeps them all.
    static func violation(
        of moves: [Move],
        seed: UInt64,
        counting figures: inout Figures
    ) -> String? {
        do {
            let world = try World(seed: seed)
            let start = world.wall
            for move in moves { try world.apply(move) }
            try world.drain()
            figures.histories += 1
            figures.turns += world.turns
            figures.crashes += world.crashes
            figures.receipts += world.log.receipts.count
            figures.virtualMilliseconds += max(0, world.wall - start)
            if let auditor = try world.audit() {
                figures.cases += auditor.cases.count
                figures.acts.merge(auditor.acts) { $0 + $1 }
            }
            return nil
        } catch {
            return "\(error)"
        }
    }

    /// A shorter history that breaks the same promise: parts are left out as long as it still does.
    static func shrink(_ moves: [Move], seed: UInt64, checker: Character, runsMax: Int) -> [Move] {
        var shortest = moves
        var part = max(1, shortest.count / 2)
        var runs = 0
        var figures = Figures()
        while runs < runsMax {
            var start = 0
            var hasShrunk = false
            while start < shortest.count, runs < runsMax {
                var candidate = shortest
                candidate.removeSubrange(start..<min(start + part, shortest.count))
                runs += 1
                let found = violation(of: candidate, seed: seed, counting: &figures)
                if found?.first == checker {
                    shortest = candidate
                    hasShrunk = true
                } else {
                    start += part
                }
            }
            guard part > 1 || hasShrunk else { break }
            part = max(1, part / 2)
        }
        return shortest
    }

    /// Plays the history of a seed.
    ///
    /// - Returns: What to report if it breaks a promise, with the shrunk history.
    static func play(
        seed: UInt64,
        counting figures: inout Figures,
        runsToShrink: Int = 150
    ) -> String? {
        let trouble: Move.Trouble =
            switch seed % 8 {
            case 0: []
            case 1, 2: [.all, .hostile]
            default: .all
            }
        let moves = Move.history(seed: seed, count: movesMax, trouble: trouble)
        guard let found = violation(of: moves, seed: seed, counting: &figures),
            let checker = found.first
        else { return nil }
        print("seed \(seed) breaks a promise, shrinking: \(found)")
        fflush(nil)
        let short = shrink(moves, seed: seed, checker: checker, runsMax: runsToShrink)
        let reason = violation(of: short, seed: seed, counting: &figures) ?? found
        let list = short.map { "  \($0)" }.joined(separator: "\n")
        return "seed \(seed): \(found)\nshrunk to \(short.count) moves: \(reason)\n\(list)"
    }
}
