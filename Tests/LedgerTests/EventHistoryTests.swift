// SPDX-License-Identifier: Apache-2.0

import Ledger
import Rules
import TestKit
import Testing
import Wire

/// Goal: over any history of publishing, acknowledging, failing, leaving and dying, every event
/// reaches its subscription, nothing acknowledged comes again, and cases stay in order.
///
/// Method: seeded histories against a model that knows what was published and what was settled.
@Suite("Random histories of events")
struct EventHistoryTests {
    @Test(
        "nothing is missed, nothing settled is repeated",
        arguments: [11, 12, 13, 14, 15, 16] as [UInt64]
    )
    func history(seed: UInt64) throws {
        var history = try EventHistory(seed: seed)
        for _ in 0..<120 { try history.step() }
        try history.finish()
    }
}

private struct EventHistory {
    private let seed: UInt64
    private var random: SeededGenerator
    private let bench: LedgerBench
    private var publisher: UInt32 = 0
    private var members: [UInt32] = []
    /// The first of a ledger.
    private let subscription: UInt64 = Numbering.durableSubscriptions
    /// Sequences published on matching topics.
    private var published: [UInt64] = []
    /// Publications whose receipt is awaited.
    private var awaited: Set<UInt32> = []
    /// Settled for sure: acknowledged one by one, or below what an answer told.
    private var settled: Set<UInt64> = []
    /// Settled perhaps: what a cumulative acknowledgement covered, unless it was taken back before.
    private var covered: Set<UInt64> = []
    /// Acknowledgements whose answer is awaited: what each settles.
    private var acks: [UInt32: [UInt64]] = [:]
    private var out: [UInt64: Heard] = [:]
    private var settledUpTo: UInt64 = 0
    private var cases: [Delivery] = []
    private var caseOf: [UInt64: String] = [:]
    private var bodies = 0

    init(seed: UInt64) throws {
        self.seed = seed
        random = SeededGenerator(seed: seed)
        bench = try LedgerBench()
        try bench.publish(Samples.line)
        try connect()
    }

    private mutating func chance(_ one: Int) -> Bool {
        Int.random(in: 0..<one, using: &random) == 0
    }

    private mutating func connect() throws {
        publisher = try bench.staff(["a/one"])
        members = [try bench.hello("a"), try bench.hello("a"), try bench.hello("a")]
        join(members, credit: 40)
        out.removeAll()
        try hear()
    }

    /// Asks for members of the subscription and their credit, in the batch.
    private func join(_ sessions: [UInt32], credit: UInt64) {
        for session in sessions {
            _ = bench.askToSubscribe(session, ">", "all") {
                $0.from = .beginning
                $0.ackMs = 20_000
                $0.attemptsMax = 1_000
            }
            bench.creditEvents(session, subscription, credit)
        }
    }

    mutating func step() throws {
        for _ in 0..<Int.random(in: 1...12, using: &random) { act() }
        if chance(4) {
            bench.pass([1, 900, 21_000, 400_000].randomElement(using: &random) ?? 1)
        }
        try hear()
        if chance(12), let member = members.randomElement(using: &random) {
            try replace(member)
        }
        if chance(15) {
            try bench.reopen()
            awaited.removeAll()
            acks.removeAll()
            cases.removeAll()
            try connect()
        }
        if chance(15) { try bench.verify("seed \(seed)") }
    }

    private mutating func act() {
        switch Int.random(in: 0..<10, using: &random) {
        case 0..<3:
            bodies += 1
            awaited.insert(bench.publish(publisher, "a.t\(bodies % 5)", "\(bodies)"))
        case 3: bench.submit(publisher, "line")
        case 4:
            if let held = cases.randomElement(using: &random) { bench.note(held, "noted") }
        case 5..<9: acknowledge()
        default:
            guard let member = members.randomElement(using: &random) else { return }
            bench.creditEvents(member, subscription, UInt64.random(in: 0...10, using: &random))
        }
    }

    private mutating func acknowledge() {
        guard
            let heard = out.values.sorted(by: { $0.position < $1.position })
                .randomElement(using: &random)
        else { return }
        switch Int.random(in: 0..<8, using: &random) {
        case 0:
            bench.ack(heard, code: 1)
            out[heard.position] = nil
        case 1:
            let covered = out.values.filter {
                $0.session == heard.session && $0.position <= heard.position
            }
            acks[bench.ack(heard, isCumulative: true)] = [heard.position]
            self.covered.formUnion(covered.map(\.position))
            for one in covered { out[one.position] = nil }
        default:
            acks[bench.ack(heard)] = [heard.position]
            out[heard.position] = nil
        }
    }

    private mutating func replace(_ member: UInt32) throws {
        bench.happen(chance(2) ? .ended(session: member) : .departed(session: member))
        out = out.filter { $0.value.session != member }
        try hear()
        let next = try bench.hello("a")
        members = members.filter { $0 != member } + [next]
        join([next], credit: 40)
        try hear()
    }

    /// Runs what has gathered and takes in what is told.
    private mutating func hear() throws {
        for told in try bench.hear() {
            if told.isAnswer, awaited.remove(told.header.number) != nil {
                published.append(told.header.subject)
            }
            if told.isAnswer, let positions = acks.removeValue(forKey: told.header.number) {
                settled.formUnion(positions)
                settledUpTo = max(settledUpTo, told.header.serial)
            }
            guard let heard = Heard(told) else { continue }
            let isRepeated =
                settled.contains(heard.position) || heard.position <= settledUpTo
            #expect(!isRepeated, "seed \(seed): \(heard.position) was settled and came again")
            if heard.topic.hasPrefix("case.") {
                caseOf[heard.position] = heard.subject
                // Whatever came before of this case is settled, or with the same member.
                for (position, subject) in caseOf
                where subject == heard.subject && position < heard.position
                    && position > settledUpTo && !settled.contains(position)
                    && !covered.contains(position)
                {
                    let isInOrder = out[position]?.session == heard.session || isAwaited(position)
                    #expect(
                        isInOrder,
                        "seed \(seed): \(heard.position) overtook \(position)"
                    )
                }
            }
            out[heard.position] = heard
        }
        cases += bench.deliveries
    }

    /// Whether an acknowledgement of an event is under way.
    private func isAwaited(_ position: UInt64) -> Bool {
        acks.values.contains { $0.contains(position) }
    }

    mutating func finish() throws {
        acks.removeAll()
        // What was out lapses, and the longest pause passes; then there must be nothing left.
        var idle = 0
        while idle < 3 {
            for member in members { bench.unsubscribe(member, subscription) }
            try hear()
            out.removeAll()
            bench.pass(400_000)
            join(members, credit: 500)
            try hear()
            idle = out.isEmpty ? idle + 1 : 0
            for heard in out.values { acks[bench.ack(heard)] = [heard.position] }
            out.removeAll()
            try hear()
        }
        try bench.verify("seed \(seed)")
        let missing = published.filter { !settled.contains($0) && !covered.contains($0) }
        #expect(missing.isEmpty, "seed \(seed): never heard of \(missing.sorted().prefix(5))")
        let ofCases = UInt64(try bench.number("SELECT count(*) FROM trail"))
        #expect(caseOf.count == Int(ofCases), "seed \(seed)")
        #expect(try bench.number("SELECT count(*) FROM settled") == 0)
        #expect(try bench.number("SELECT count(*) FROM failed") == 0)
        #expect(try bench.number("SELECT count(*) FROM dead_event") == 0)
    }
}
