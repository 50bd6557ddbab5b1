// SPDX-License-Identifier: Apache-2.0

import Rules
import TestKit
import Testing

/// Goal: a record means the same for ever, and damaged bytes are no record.
///
/// Method: seeded records round trip; every truncation is refused; the fold is a table of acts.
@Suite("Records and trails")
struct JournalRecordTests {
    @Test("a record reads back as written, and each of its bytes matters, seed 21")
    func roundTrip() {
        var random = SeededGenerator(seed: 21)
        var bytes: [UInt8] = []
        for _ in 0..<500 {
            let record = record(&random)
            record.write(to: &bytes)
            #expect(read(bytes) == record)
            var again: [UInt8] = [1, 2, 3]
            read(bytes)?.write(to: &again)
            #expect(again == bytes)
        }
    }

    @Test("every truncation and every lengthening of a record is refused, seed 22")
    func truncations() {
        var random = SeededGenerator(seed: 22)
        var bytes: [UInt8] = []
        for _ in 0..<20 {
            record(&random).write(to: &bytes)
            for length in bytes.indices { #expect(read(Array(bytes[..<length])) == nil) }
            #expect(read(bytes + [0]) == nil)
        }
    }

    @Test("another format and an unknown act are refused")
    func unknown() {
        var bytes: [UInt8] = []
        JournalRecord(.submitted).write(to: &bytes)
        var other = bytes
        other[0] = 2
        #expect(read(other) == nil)
        other = bytes
        other[1] = 0
        #expect(read(other) == nil)
    }

    @Test("random bytes never make the reader trap, seed 23")
    func randomBytes() {
        var random = SeededGenerator(seed: 23)
        for _ in 0..<2_000 {
            let count = Int.random(in: 0..<300, using: &random)
            var bytes = (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &random) }
            if let first = bytes.indices.first { bytes[first] = 1 }
            _ = read(bytes)
        }
    }

    @Test("a slip reads back as written, and no other length is one, seed 24")
    func slips() {
        var random = SeededGenerator(seed: 24)
        for _ in 0..<200 {
            var referral = Referral(
                number: random.next(),
                serial: random.next(),
                office: UInt32.random(in: 0...9),
                lane: 1,
                step: StepNumber(rawValue: .random(in: .min ... .max, using: &random)),
                entered: Int64(bitPattern: random.next())
            )
            referral.fork = random.next()
            referral.slot = .random(in: .min ... .max, using: &random)
            referral.attempts = .random(in: .min ... .max, using: &random)
            referral.hops = .random(in: .min ... .max, using: &random)
            referral.due = Int64(bitPattern: random.next())
            referral.asker = StepNumber(rawValue: .random(in: .min ... .max, using: &random))
            referral.previous = StepNumber(rawValue: .random(in: .min ... .max, using: &random))
            referral.previousOffice = .random(in: .min ... .max, using: &random)
            var slip = [UInt8](repeating: 0, count: Referral.slipBytes)
            slip.withUnsafeMutableBytes { referral.writeSlip(to: $0) }
            #expect(reread(referral, slip) == referral)
            #expect(reread(referral, Array(slip.dropLast())) == nil)
        }
    }

    // MARK: Folding

    @Test("a trail tells where each branch is, act by act")
    func fold() {
        var fold = TrailFold()
        fold.read(act(.submitted, on: 0, entering: [1]))
        #expect(states(fold) == ["1 waiting 0"])
        fold.read(act(.lapsed, on: 1))
        fold.read(act(.released, on: 1))
        #expect(states(fold) == ["1 waiting 2"])
        fold.read(act(.lapsed, on: 1, flags: .dead))
        #expect(states(fold) == ["1 dead 3"])
        fold.read(act(.retried, on: 1))
        #expect(states(fold) == ["1 waiting 0"])
        fold.read(act(.accepted, on: 1))
        fold.read(act(.noted, on: 1))
        #expect(states(fold) == ["1 custody 0"])
        fold.read(act(.completed, on: 1, entering: [2, 3, 4]))
        #expect(states(fold) == ["2 waiting 0", "3 waiting 0", "4 waiting 0"])
        fold.read(act(.completed, on: 2, flags: .waitsAtJoin))
        fold.read(act(.withdrawn, on: 4))
        #expect(states(fold) == ["3 waiting 0"])
        fold.read(act(.refused, on: 3, entering: [5], flags: .dead))
        #expect(states(fold) == ["5 dead 0"])
        fold.read(act(.dismissed, on: 5, entering: [6]))
        #expect(states(fold) == ["6 waiting 0"])
        fold.read(act(.completed, on: 6, flags: .closes))
        #expect(fold.isClosed && fold.places.isEmpty)
        fold.read(act(.acted, on: 0))
        #expect(fold.isClosed)
        fold.read(act(.acted, on: 0, entering: [7], flags: .reopens))
        #expect(!fold.isClosed && states(fold) == ["7 waiting 0"])
    }

    private func states(_ fold: TrailFold) -> [String] {
        fold.places.map { "\($0.referral) \($0.state.rawValue) \($0.attempts)" }
    }

    private func act(
        _ act: Act,
        on referral: UInt64,
        entering: [UInt64] = [],
        flags: JournalRecord.Flags = []
    ) -> JournalRecord {
        var record = JournalRecord(act)
        record.referral = referral
        record.flags = flags
        record.entries = entering.map { number in
            JournalRecord.entry(
                of: Referral(
                    number: number,
                    serial: 1,
                    office: 1,
                    lane: 1,
                    step: StepNumber(procedure: 1, place: 0),
                    entered: 0
                )
            )
        }
        return record
    }

    // MARK: Bytes

    private func read(_ bytes: [UInt8]) -> JournalRecord? {
        bytes.withUnsafeBytes { JournalRecord(reading: $0) }
    }

    private func reread(_ referral: Referral, _ slip: [UInt8]) -> Referral? {
        slip.withUnsafeBytes {
            Referral(
                number: referral.number,
                serial: referral.serial,
                office: referral.office,
                lane: referral.lane,
                slip: $0
            )
        }
    }

    private func record(_ random: inout SeededGenerator) -> JournalRecord {
        var record = JournalRecord(Act.allCases.randomElement(using: &random) ?? .noted)
        record.code = .random(in: .min ... .max, using: &random)
        record.flags = JournalRecord.Flags(rawValue: .random(in: 0...127, using: &random))
        record.position = random.next()
        record.recordedAt = Int64(bitPattern: random.next())
        record.occurredAt = Int64(bitPattern: random.next())
        record.actor = random.next()
        record.serial = random.next()
        record.referral = random.next()
        record.generation = random.next()
        record.agency = .random(in: .min ... .max, using: &random)
        record.office = .random(in: .min ... .max, using: &random)
        record.step = StepNumber(rawValue: .random(in: .min ... .max, using: &random))
        for _ in 0..<Int.random(in: 0...6, using: &random) {
            var entered = Referral(
                number: random.next(),
                serial: 1,
                office: 7,
                lane: .random(in: 0...2, using: &random),
                step: StepNumber(rawValue: 9),
                entered: 0
            )
            entered.fork = random.next()
            entered.due = Int64(bitPattern: random.next())
            entered.slot = .random(in: .min ... .max, using: &random)
            record.entries.append(JournalRecord.entry(of: entered))
        }
        if Bool.random(using: &random) {
            record.digest = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        }
        return record
    }
}
