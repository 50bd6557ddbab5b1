// SPDX-License-Identifier: Apache-2.0

import Ledger
import Rules
import TestKit
import Testing
import Wire

/// Goal: promise 3 in every state a ledger can come to: each open branch is at exactly one place.
///
/// Method: seeded histories of valid and invalid operations over several procedures, with clock
/// steps, kills and operators; a small model knows what is out and what must exist.
@Suite("Random histories")
struct RandomHistoryTests {
    @Test("a random history keeps every promise", arguments: [1, 2, 3, 4, 5, 6, 7, 8] as [UInt64])
    func history(seed: UInt64) throws {
        var history = try History(seed: seed)
        while history.operations < 2_700 { try history.step() }
        try history.finish()
    }
}

/// One random history and what its model knows.
private struct History {
    private static let offices = [
        "a/desk", "b/one", "c/two", "d/three", "a/one", "b/two", "b/three",
    ]
    private let seed: UInt64
    private var random: SeededGenerator
    private let bench: LedgerBench
    private var sessions: [(number: UInt32, office: String)] = []
    /// What was delivered and neither settled nor given up, by referral.
    private var out: [UInt64: (delivery: Delivery, until: Int64)] = [:]
    /// Everything ever delivered, to be settled too late.
    private var past: [Delivery] = []
    private var custody: [Delivery] = []
    private var submitted: [UInt32: (key: Identifier, procedure: String)] = [:]
    private var serials: [UInt64: (key: Identifier, procedure: String)] = [:]
    private var steps = 0
    private(set) var operations = 0

    init(seed: UInt64) throws {
        self.seed = seed
        random = SeededGenerator(seed: seed)
        bench = try LedgerBench()
        try bench.publish(Samples.line)
        try bench.publish(Samples.fork(join: ["all", "any", "2"][Int(seed % 3)]))
        try bench.publish(Samples.text("itinerary"))
        try staff()
    }

    private mutating func chance(_ one: Int) -> Bool {
        Int.random(in: 0..<one, using: &random) == 0
    }

    private mutating func staff() throws {
        sessions = try Self.offices.map { (try bench.staff([$0], credit: 40), $0) }
        take()
    }

    // MARK: One turn

    mutating func step() throws {
        steps += 1
        for _ in 0..<Int.random(in: 1...25, using: &random) { act() }
        if chance(3) { time() }
        try bench.turn()
        take()
        try checkAnswers()
        if chance(25) { try operatorActs() }
        if chance(30) { try replaceSession() }
        if chance(60) {
            try bench.reopen()
            out.removeAll()
            try staff()
        }
        if steps.isMultiple(of: 20) { try bench.verify("seed \(seed), step \(steps)") }
    }

    private mutating func time() {
        bench.pass([1, 1_000, 10_000, 31_000].randomElement(using: &random) ?? 1)
        if chance(10) { bench.wall -= 500 }
    }

    private mutating func act() {
        operations += 1
        switch Int.random(in: 0..<20, using: &random) {
        case 0..<3: submit()
        case 3..<14: settleHeld()
        case 14: settleLate()
        case 15: settleCustody()
        case 16: repeatSubmission()
        case 17: askNonsense()
        default:
            guard let (session, office) = sessions.randomElement(using: &random) else { return }
            bench.credit(session, office, messages: UInt64.random(in: 0...8, using: &random))
        }
    }

    private mutating func submit() {
        let procedure = ["line", "opinions", "itinerary", "none"].randomElement(using: &random)
        guard let (session, _) = sessions.randomElement(using: &random), let procedure else {
            return
        }
        let key = bench.key()
        let slip = (0..<3).compactMap { _ in Self.offices.randomElement(using: &random) }
        let lane = Lane.allCases.randomElement(using: &random) ?? .normal
        let number = bench.submit(session, procedure, lane: lane, key: key) { envelope in
            if procedure == "itinerary" { envelope.itinerary = slip }
        }
        submitted[number] = (key, procedure)
    }

    private mutating func settleHeld() {
        guard let held = out.values.min(by: { $0.until < $1.until }) else { return }
        settle(held.delivery)
    }

    private mutating func settleLate() {
        guard let delivery = past.randomElement(using: &random) else { return }
        settle(delivery.held(by: sessions[0].number))
    }

    private mutating func settleCustody() {
        guard let delivery = custody.randomElement(using: &random) else { return }
        let agency = Name.agency(ofOffice: delivery.step.office)
        let session = sessions.first { Name.agency(ofOffice: $0.office) == agency }
        settle(delivery.inCustody.held(by: session?.number ?? 0))
    }

    private mutating func settle(_ delivery: Delivery) {
        switch Int.random(in: 0..<14, using: &random) {
        case 0: bench.settle(.return, delivery)
        case 1: bench.settle(.refuse, delivery)
        case 2:
            bench.settle(.release, delivery, delay: UInt64.random(in: 0...20_000, using: &random))
        case 3:
            bench.settle(.accept, delivery)
            custody.append(delivery)
        case 4: bench.note(delivery, "note")
        case 5: bench.settle(.renew, delivery)
        case 6:
            let office = Self.offices.randomElement(using: &random) ?? ""
            bench.settle(.refer, delivery, offices: [office])
        default:
            let outcome = delivery.step.outcomes.randomElement(using: &random) ?? "none"
            bench.complete(delivery, outcome)
        }
        // Whatever came of it, the model no longer counts on this lease; a refused settle leaves
        // it to lapse.
        past.append(delivery)
        if past.count > 200 { past.removeFirst(100) }
        out[delivery.referral] = nil
    }

    private mutating func repeatSubmission() {
        guard let known = serials.values.randomElement(using: &random) else { return }
        // Another agency may use the same key, which makes another case.
        let number = bench.submit(
            sessions[0].number,
            known.procedure,
            key: known.key,
            body: "other"
        )
        submitted[number] = known
    }

    private mutating func askNonsense() {
        var header = Header(Verb.allCases.randomElement(using: &random) ?? .note)
        guard header.verb != .hello, header.verb != .bye else { return }
        header.subject = random.next() >> UInt64.random(in: 0..<64, using: &random)
        header.generation = random.next() >> UInt64.random(in: 0..<64, using: &random)
        header.serial = random.next() >> UInt64.random(in: 0..<64, using: &random)
        header.code = UInt16.random(in: 0...70, using: &random)
        header.flags = UInt8.random(in: 0...3, using: &random)
        let bytes = (0..<Int.random(in: 0..<40, using: &random)).map { _ in
            UInt8.random(in: .min ... .max, using: &random)
        }
        if header.verb == .credit { header.generation = .max }
        bench.ask(header, sessions[0].number, envelope: bytes)
    }

    // MARK: What is told

    private mutating func take() {
        for delivery in bench.deliveries {
            #expect(
                out[delivery.referral].map { $0.until <= bench.monotonic } ?? true,
                "seed \(seed): \(delivery.referral) was delivered twice"
            )
            let lease = Int64(delivery.step.leaseMs)
            out[delivery.referral] = (delivery, bench.monotonic + lease)
            past.append(delivery)
        }
    }

    private mutating func checkAnswers() throws {
        for told in bench.told {
            if let known = submitted[told.header.number], told.isAnswer {
                let isKnown = serials[told.header.serial] != nil
                #expect(isKnown == told.isRepeated, "seed \(seed): \(told.header.serial)")
                serials[told.header.serial] = known
            }
        }
        submitted.removeAll()
    }

    // MARK: Operators and roads

    private mutating func operatorActs() throws {
        for letter in try bench.reader().dead(.all, limit: 4) {
            let number = letter.referral.number
            try bench.act(chance(2) ? .retry(referral: number) : .dismiss(referral: number))
        }
    }

    private mutating func replaceSession() throws {
        let place = Int.random(in: 0..<sessions.count, using: &random)
        let (gone, office) = sessions[place]
        let isBye = chance(2)
        bench.happen(isBye ? .departed(session: gone) : .ended(session: gone))
        if isBye { out = out.filter { $0.value.delivery.session != gone } }
        try bench.turn()
        take()
        sessions[place] = (try bench.staff([office], credit: 40), office)
        take()
    }

    // MARK: The end

    mutating func finish() throws {
        try bench.verify("seed \(seed), at the end")
        #expect(serials.count > 200, "seed \(seed) made too few cases")
        let totals = try bench.reader().totals()
        #expect(totals.casesOpen + totals.casesClosed == serials.count)
        #expect(totals.casesClosed > 50, "seed \(seed) closed too few cases")
        for serial in serials.keys.sorted() {
            let acts = try bench.trail(serial).acts.map(\.act)
            #expect(acts.first == "submitted" && acts.filter { $0 == "submitted" }.count == 1)
        }
        // The flag that closes is bit 0 of the fifth byte of a record.
        let reopened = try bench.number(
            """
            SELECT count(*) FROM (SELECT t.serial FROM trail t JOIN journal j USING (position)
            WHERE substr(hex(j.record), 10, 1) IN ('1', '3', '5', '7', '9', 'B', 'D', 'F')
            GROUP BY t.serial HAVING count(*) > 1)
            """
        )
        #expect(reopened == 0, "a case closed twice")
        #expect(
            try bench.number(
                "SELECT count(*) FROM fork WHERE serial IN "
                    + "(SELECT serial FROM cases WHERE closed != 0)"
            ) == 0
        )
    }
}
