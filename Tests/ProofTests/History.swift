// SPDX-License-Identifier: Apache-2.0

import TestKit

/// One thing that happens in a history.
///
/// Every move means something in every state (places are taken modulo what there is, and a move
/// that has no object does nothing), so that any part of a history is a history: that is what makes
/// shrinking simple.
enum Move {
    case submit(client: Int, choice: Int)
    case work(client: Int, choice: Int)
    case late(client: Int, choice: Int)
    case custody(client: Int, choice: Int)
    case act(client: Int, choice: Int)
    case credit(client: Int, messages: Int)
    /// Packets on their way to the bus, and back.
    case deliverUp(client: Int, count: Int)
    case deliverDown(client: Int, count: Int)
    case dropUp(client: Int)
    case dropDown(client: Int)
    case repeatUp(client: Int)
    case reorderUp(client: Int)
    case resend(client: Int)
    /// The road is gone; the bus learns of it by silence only.
    case partition(client: Int)
    case reconnect(client: Int)
    case bye(client: Int)
    /// A delivery the courier could not hand over.
    case undelivered(client: Int)
    case turn
    /// Everybody's packets up, a turn, and all packets down.
    case flow
    case pass(milliseconds: Int)
    case stepClock(milliseconds: Int)
    case operate(choice: Int)
    case checkpoint
    /// Every sync takes so long from now on.
    case slowDisk(milliseconds: Int)
    /// Nobody is reachable for so long, while the bus goes on; then all come back at once.
    case outage(milliseconds: Int)
    /// Everybody opens one session after the other and uses none.
    case storm(rounds: Int)
    /// The process, or the whole machine, stands still for so long.
    case suspend(milliseconds: Int, isMachine: Bool)
    /// The power goes at one of the next calls of the disk.
    case crash(calls: Int, fate: Int, seed: Int)
    case audit

    /// The kinds of trouble a history may hold.
    struct Trouble: OptionSet {
        let rawValue: Int
        static let network = Trouble(rawValue: 1)
        static let crashes = Trouble(rawValue: 2)
        static let clocks = Trouble(rawValue: 4)
        static let all: Trouble = [.network, .crashes, .clocks]
        /// Slow disks, outages of everybody for minutes and days, storms of connections.
        static let hostile = Trouble(rawValue: 8)
    }

    /// The next move of a seed.
    static func next(_ trouble: Trouble, _ random: inout SeededGenerator) -> Move {
        func number(_ range: Range<Int>) -> Int { Int.random(in: range, using: &random) }
        if trouble.contains(.hostile), number(0..<100) < 4 {
            return hostileMove(number(0..<9), &random)
        }
        let client = number(0..<1_000)
        let choice = number(0..<1_000_000)
        switch number(0..<100) {
        case 0..<14: return .submit(client: client, choice: choice)
        case 14..<40: return .work(client: client, choice: choice)
        case 40..<43: return .custody(client: client, choice: choice)
        case 43..<45: return .late(client: client, choice: choice)
        case 45..<46: return .act(client: client, choice: choice)
        case 46..<50: return .credit(client: client, messages: number(1..<5))
        case 50..<72: return .flow
        case 72..<75: return .turn
        case 75..<78: return .pass(milliseconds: [1, 900, 6_000, 31_000][number(0..<4)])
        case 78..<80: return .operate(choice: choice)
        case 80..<81: return .checkpoint
        case 81..<82: return .audit
        case 82..<96:
            guard trouble.contains(.network) else { return .flow }
            return networkMove(client, number(0..<24), number(1..<4))
        case 96..<99:
            guard trouble.contains(.crashes) else { return .flow }
            return .crash(calls: number(0..<40), fate: number(0..<3), seed: choice)
        default:
            guard trouble.contains(.clocks) else { return .flow }
            return .stepClock(milliseconds: [-3_600_000, -500, 500, 3_600_000][number(0..<4)])
        }
    }

    private static func hostileMove(_ kind: Int, _ random: inout SeededGenerator) -> Move {
        let minute = 60_000
        let span = [minute, 5 * minute, 60 * minute, 2 * 1_440 * minute].randomElement(
            using: &random
        )
        switch kind {
        case 0, 1: return .slowDisk(milliseconds: Int.random(in: 50...500, using: &random))
        case 2: return .slowDisk(milliseconds: 0)
        // A frozen disk: nothing else happens for minutes.
        case 3: return .slowDisk(milliseconds: 3 * minute)
        case 4, 5: return .outage(milliseconds: span ?? minute)
        case 6: return .storm(rounds: Int.random(in: 2...20, using: &random))
        case 7: return .suspend(milliseconds: span ?? minute, isMachine: false)
        default: return .suspend(milliseconds: span ?? minute, isMachine: true)
        }
    }

    private static func networkMove(_ client: Int, _ kind: Int, _ count: Int) -> Move {
        switch kind {
        case 0..<4: .deliverUp(client: client, count: count)
        case 4..<7: .deliverDown(client: client, count: count)
        case 7..<9: .dropUp(client: client)
        case 9..<11: .dropDown(client: client)
        case 11..<14: .repeatUp(client: client)
        case 14..<16: .reorderUp(client: client)
        case 16..<18: .resend(client: client)
        case 18: .partition(client: client)
        case 19..<22: .reconnect(client: client)
        case 22: .bye(client: client)
        default: .undelivered(client: client)
        }
    }

    /// The first `count` moves of a seed.
    static func history(seed: UInt64, count: Int, trouble: Trouble) -> [Move] {
        var random = SeededGenerator(seed: seed)
        return (0..<count).map { _ in next(trouble, &random) }
    }
}
