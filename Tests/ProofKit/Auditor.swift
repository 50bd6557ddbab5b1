// SPDX-License-Identifier: Apache-2.0

import Crypto
import Ledger
import Rules
import SQLite
import Wire

/// Reads a whole ledger and holds it against the model and against what its clients were told.
///
/// It shares the reader of records with the product, and nothing else: places, joins, budgets,
/// hashes and queues are worked out anew.
package struct Auditor {
    private let connection: Connection
    private let procedures: [ModelProcedure]
    private let log: ClientLog
    private var offices: [UInt64: String] = [:]
    private var names: [UInt64: String] = [:]
    package private(set) var cases: [UInt64: ModelCase] = [:]
    private var records: [UInt64: (act: Act, hash: Identifier, record: JournalRecord)] = [:]
    /// How often each act stands in the journal.
    package var acts: [String: Int] {
        records.values.reduce(into: [:]) { $0[$1.act.word, default: 0] += 1 }
    }
    private var settledUnder: Set<[UInt64]> = []
    /// Requests for settling and noting by referral, generation and verb, for what a record does not hold.
    private var asked: [[UInt64]: [Int]] = [:]

    /// Audits the ledger in a directory.
    ///
    /// - Parameters:
    ///   - directory: Where the ledger is.
    ///   - procedures: What is published in it.
    ///   - log: What its clients know.
    ///   - receipts: How many of the log's receipts had been told when the ledger was so.
    /// - Throws: `Violation`.
    @discardableResult
    package init(
        directory: String,
        procedures: [ModelProcedure],
        log: ClientLog,
        receipts: Int
    ) throws {
        connection = try Connection(path: directory + "/" + Ledger.fileName, access: .readOnly)
        self.procedures = procedures
        self.log = log
        for (index, ask) in log.asks.enumerated() where ask.referral != 0 {
            asked[[ask.referral, ask.generation, UInt64(ask.verb.rawValue)], default: []].append(
                index
            )
        }
        try connection.execute("BEGIN")
        try readNames()
        try readJournal()
        try checkReceipts(log.receipts.prefix(receipts))
        try checkCases()
        try checkQueues()
        try checkForks()
        try connection.execute("COMMIT")
    }

    private mutating func readNames() throws {
        let offices = try Statement("SELECT number, name FROM office", on: connection)
        while try offices.step() { self.offices[UInt64(offices.int64(0))] = offices.string(1) }
        let procedures = try Statement("SELECT number, name FROM procedure", on: connection)
        while try procedures.step() { names[UInt64(procedures.int64(0))] = procedures.string(1) }
    }

    private func step(_ number: StepNumber) -> String? {
        guard let name = names[UInt64(number.procedure)],
            let procedure = procedures.first(where: { $0.name == name }),
            procedure.steps.indices.contains(number.place)
        else { return nil }
        return procedure.steps[number.place].name
    }

    // MARK: Journal

    private mutating func readJournal() throws {
        var hash = [UInt8](repeating: 0, count: 32)
        var next: UInt64 = 1
        let rows = try Statement(
            "SELECT position, hash, record FROM journal ORDER BY position",
            on: connection
        )
        while try rows.step() {
            let position = UInt64(rows.int64(0))
            guard position == next else { throw Violation(.hash, "position \(next) is missing") }
            next += 1
            let bytes = rows.bytes(2)
            var hasher = SHA256()
            hasher.update(data: hash)
            hasher.update(data: bytes)
            hash = Array(hasher.finalize())
            guard hash == rows.bytes(1) else {
                throw Violation(.hash, "the chain breaks at \(position)")
            }
            guard let record = bytes.withUnsafeBytes({ JournalRecord(reading: $0) }),
                record.position == position
            else { throw Violation(.hash, "the record at \(position) cannot be read") }
            let prefix = hash.withUnsafeBytes {
                Identifier(high: $0.bigEndian(at: 0), low: $0.bigEndian(at: 8))
            }
            records[position] = (record.act, prefix, record)
            if record.serial != 0 { try take(record) }
        }
    }

    private mutating func take(_ record: JournalRecord) throws {
        let serial = record.serial
        if record.act == .submitted {
            guard cases[serial] == nil else {
                throw Violation(.twice, "case \(serial) was submitted twice")
            }
            guard let name = names[UInt64(record.step.procedure)],
                let procedure = procedures.first(where: { $0.name == name })
            else { throw Violation(.trail, "case \(serial) has no known procedure") }
            cases[serial] = ModelCase(procedure: procedure)
        }
        guard var model = cases[serial] else {
            throw Violation(.trail, "case \(serial) has acts before it was submitted")
        }
        try apply(record, to: &model)
        cases[serial] = model
    }

    private mutating func apply(_ record: JournalRecord, to model: inout ModelCase) throws {
        let where_ = "\(record.act.word) at \(record.position) of case \(record.serial)"
        switch record.act {
        case .submitted: return try submitted(record, &model)
        case .acted: return try acted(record, &model)
        default: break
        }
        guard let place = model.tokens.firstIndex(where: { $0.referral == record.referral }) else {
            let again = model.settled.contains(record.referral)
            throw Violation(
                again ? .twice : .trail,
                "\(where_) is about referral \(record.referral), which "
                    + (again ? "has left already" : "does not exist")
            )
        }
        let token = model.tokens[place]
        if record.act != .withdrawn, record.act != .noted {
            try checkHold(record, token, where_)
        }
        switch record.act {
        case .accepted: model.tokens[place].state = .custody
        case .noted: break
        case .withdrawn:
            model.withdrawn.insert(record.referral)
        case .released, .lapsed:
            model.tokens[place].attempts += 1
            let spent = model.tokens[place].attempts
            let isDead = spent >= UInt32(model.procedure.step(token.step)?.attempts ?? 0)
            guard record.flags.contains(.dead) == isDead else {
                throw Violation(.trail, "\(where_): attempt \(spent) should be dead: \(isDead)")
            }
            model.tokens[place].state = isDead ? .dead : .waiting
        case .retried:
            model.tokens[place].attempts = 0
            model.tokens[place].hops = 0
            model.tokens[place].state = .waiting
        default:
            let prediction = try predict(record, token, &model, where_)
            try settle(record, token, prediction, &model, where_)
        }
    }

    /// Whether an act was possible for who held the referral: under a lease that was delivered and
    /// never used before, from custody, or by an operator.
    private mutating func checkHold(
        _ record: JournalRecord,
        _ token: ModelToken,
        _ where_: String
    ) throws {
        switch record.act {
        case .retried, .dismissed:
            guard token.state == .dead else { throw Violation(.trail, "\(where_): not dead") }
            return
        default: break
        }
        if record.flags.contains(.fromCustody) {
            guard token.state == .custody, record.generation == 0 else {
                throw Violation(.trail, "\(where_): the referral is not in custody")
            }
            return
        }
        guard token.state == .waiting, record.generation != 0 else {
            throw Violation(.trail, "\(where_): the referral is not out under a lease")
        }
        guard settledUnder.insert([record.referral, record.generation]).inserted else {
            throw Violation(.twice, "\(where_): lease \(record.generation) was settled twice")
        }
    }

    // MARK: Acts

    private func submitted(_ record: JournalRecord, _ model: inout ModelCase) throws {
        guard record.entries.count == 1, let entry = record.entries.first else {
            throw Violation(.trail, "case \(record.serial) entered \(record.entries.count) queues")
        }
        let first = model.procedure.steps[0]
        let office = offices[UInt64(entry.office)] ?? ""
        let isRight = model.procedure.takesItinerary || office == first.office
        guard isRight, step(entry.step) == first.name, entry.slot == 0, entry.fork == 0 else {
            throw Violation(.trail, "case \(record.serial) began at \(office)")
        }
        model.itinerary = try slipSubmitted(record.serial)
        model.tokens = [
            ModelToken(
                referral: entry.referral,
                office: office,
                step: first.name,
                lane: entry.lane
            )
        ]
    }

    /// The routing slip in the envelope its submitter sent.
    private func slipSubmitted(_ serial: UInt64) throws -> [String] {
        let file = try Statement("SELECT envelope FROM file WHERE serial = ?", on: connection)
        file.bind(1, Int64(serial))
        guard try file.step() else { throw Violation(.lost, "case \(serial) has no file") }
        let envelope = file.withBlob(0) { try? Envelope.read(Envelope.Case.self, from: $0) }
        return envelope?.itinerary ?? []
    }

    private func acted(_ record: JournalRecord, _ model: inout ModelCase) throws {
        guard model.isClosed else {
            throw Violation(.trail, "an action on the open case \(record.serial)")
        }
        let action = model.procedure.actions[Int(record.code)]
        guard (action.step == nil) == record.entries.isEmpty else {
            throw Violation(.trail, "\(action.word) at \(record.position) entered the wrong places")
        }
        guard let name = action.step, let entry = record.entries.first else { return }
        model.isClosed = false
        model.result = ""
        model.tokens = [
            ModelToken(
                referral: entry.referral,
                office: model.procedure.step(name)?.office ?? "",
                step: name,
                lane: entry.lane
            )
        ]
    }

    private func predict(
        _ record: JournalRecord,
        _ token: ModelToken,
        _ model: inout ModelCase,
        _ where_: String
    ) throws -> ModelCase.Prediction {
        let prediction: ModelCase.Prediction? =
            switch record.act {
            case .completed:
                model.complete(token, outcome: Int(record.code), position: record.position)
            case .returned: model.giveBack(token)
            case .refused: model.refuse(token)
            case .dismissed: model.dismiss(token)
            case .referred: model.refer(token, to: slip(record))
            default: nil
            }
        guard let prediction else { throw Violation(.trail, "\(where_) was not allowed") }
        return prediction
    }

    /// The offices an ad-hoc referral named, which its record holds only as a digest.
    private func slip(_ record: JournalRecord) -> [String] {
        let key = [record.referral, record.generation, UInt64(Verb.refer.rawValue)]
        let candidates = asked[key] ?? []
        let entered = record.entries.first.flatMap { offices[UInt64($0.office)] }
        let told = candidates.first { log.asks[$0].receipt?.position == record.position }
        let index = told ?? candidates.first { log.asks[$0].offices.first == entered }
        return index.map { log.asks[$0].offices } ?? []
    }

    private func settle(
        _ record: JournalRecord,
        _ token: ModelToken,
        _ prediction: ModelCase.Prediction,
        _ model: inout ModelCase,
        _ where_: String
    ) throws {
        guard prediction.withdrawn == model.withdrawn else {
            throw Violation(
                .trail,
                "\(where_) withdrew \(model.withdrawn.sorted()) instead of "
                    + "\(prediction.withdrawn.sorted())"
            )
        }
        guard record.flags.contains(.closes) == prediction.closes,
            record.flags.contains(.waitsAtJoin) == prediction.waitsAtJoin
        else { throw Violation(.trail, "\(where_) closed or waits where it should not") }
        let isDead = prediction.isDead && record.act != .dismissed
        guard record.flags.contains(.dead) == isDead else {
            throw Violation(.trail, "\(where_): dead should be \(isDead)")
        }
        guard record.entries.count == prediction.entering.count else {
            throw Violation(
                .twice,
                "\(where_) entered \(record.entries.count) queues instead of "
                    + "\(prediction.entering.count)"
            )
        }
        model.settled.formUnion(model.withdrawn)
        model.settled.insert(token.referral)
        model.tokens.removeAll { model.settled.contains($0.referral) }
        model.withdrawn.removeAll()
        if prediction.closes { model.isClosed = true }
        for (predicted, entry) in zip(prediction.entering, record.entries) {
            var entering = predicted
            entering.referral = entry.referral
            entering.state = isDead ? .dead : .waiting
            let found = (
                offices[UInt64(entry.office)] ?? "", step(entry.step) ?? "", entry.fork, entry.slot,
                entry.lane
            )
            let expected = (
                entering.office, entering.step, entering.fork, entering.slot, entering.lane
            )
            guard found == expected else {
                throw Violation(.trail, "\(where_) entered \(found) instead of \(expected)")
            }
            model.tokens.append(entering)
        }
    }

    // MARK: What was told

    private func checkReceipts(_ told: ArraySlice<Int>) throws {
        var serials: [[UInt64]: UInt64] = [:]
        for index in told {
            let ask = log.asks[index]
            guard let receipt = ask.receipt else { continue }
            guard let (act, hash, record) = records[receipt.position], hash == receipt.hash,
                record.serial == receipt.serial, record.recordedAt == receipt.recordedAt
            else { throw Violation(.lost, "the receipt of \(ask) is not in the journal") }
            let expected: Act =
                switch ask.verb {
                case .submit: ask.action.isEmpty ? .submitted : .acted
                case .note: .noted
                case .publish: .published
                case .ask: .asked
                case .reply: .answered
                default: Act(settling: ask.verb) ?? .started
                }
            guard act == expected, ask.referral == 0 || record.referral == ask.referral else {
                throw Violation(.lost, "the receipt of \(ask) names \(act.word)")
            }
            if ask.verb == .submit {
                let key = [ask.key.high, ask.key.low]
                guard serials.updateValue(receipt.position, forKey: key) == nil else {
                    throw Violation(.twice, "key \(ask.key.low) was asked twice")
                }
            }
            // An act asked for after another's receipt stands after it.
            if ask.receiptsBefore > 0 {
                let earlier = log.asks[log.receipts[ask.receiptsBefore - 1]]
                guard let before = earlier.receipt, before.position < receipt.position else {
                    throw Violation(.order, "\(ask) stands before what it came after")
                }
            }
        }
        let acts = records.values.filter { $0.act == .submitted }.count
        let submissions = log.asks.filter { $0.verb == .submit && $0.action.isEmpty }
        let resolved = submissions.filter { $0.receipt != nil }.count
        let open = submissions.filter { !$0.isResolved }.count
        let known = told.filter { log.asks[$0].verb == .submit && log.asks[$0].action.isEmpty }
            .count
        guard acts <= resolved + open, acts >= (told.count == log.receipts.count ? known : 0) else {
            throw Violation(.twice, "\(acts) cases of \(resolved) receipts, \(open) unanswered")
        }
    }

    // MARK: State

    private func checkCases() throws {
        let rows = try Statement("SELECT serial, closed, result FROM cases", on: connection)
        var count = 0
        while try rows.step() {
            count += 1
            guard let model = cases[UInt64(rows.int64(0))] else {
                throw Violation(.trail, "case \(rows.int64(0)) is not in the journal")
            }
            guard model.isClosed == (rows.int64(1) != 0), model.result == rows.string(2),
                model.withdrawn.isEmpty
            else {
                throw Violation(
                    .trail,
                    "case \(rows.int64(0)) should be closed: \(model.isClosed) \(model.result)"
                )
            }
        }
        guard count == cases.count else { throw Violation(.trail, "a case is missing") }
    }

    private func checkQueues() throws {
        var expected: [UInt64: ModelToken] = [:]
        for model in cases.values {
            for token in model.tokens { expected[token.referral] = token }
        }
        for (table, state) in [
            ("ready", ModelToken.State.waiting), ("delayed", .waiting), ("custody", .custody),
            ("dead", .dead),
        ] {
            let rows = try Statement(
                "SELECT referral, serial, office, lane, slip FROM \(table)",
                on: connection
            )
            while try rows.step() {
                let number = UInt64(rows.int64(0))
                let row = rows.withBlob(4) { slip in
                    Referral(
                        number: number,
                        serial: UInt64(rows.int64(1)),
                        office: UInt32(rows.int64(2)),
                        lane: UInt8(rows.int64(3)),
                        slip: slip
                    )
                }
                guard let token = expected.removeValue(forKey: number), let row else {
                    throw Violation(.twice, "referral \(number) is in \(table), or in two queues")
                }
                guard token.state == state, agrees(row, token) else {
                    throw Violation(.trail, "\(table) has \(row), the model \(token)")
                }
            }
        }
        guard expected.isEmpty else {
            throw Violation(.lost, "nobody holds \(expected.keys.sorted())")
        }
    }

    private func agrees(_ row: Referral, _ token: ModelToken) -> Bool {
        offices[UInt64(row.office)] == token.office && step(row.step) == token.step
            && row.lane == token.lane && row.fork == token.fork && row.slot == token.slot
            && row.attempts == token.attempts && row.hops == token.hops
            && step(row.asker) == token.asker && step(row.previous) == token.previous
            && offices[UInt64(row.previousOffice)] == token.previousOffice
    }

    private func checkForks() throws {
        var expected: [UInt64: ModelFork] = [:]
        for model in cases.values { expected.merge(model.forks) { first, _ in first } }
        var found: [UInt64: ModelFork] = [:]
        let rows = try Statement(
            "SELECT number, parent, step, need, branches, arrived FROM fork",
            on: connection
        )
        while try rows.step() {
            found[UInt64(rows.int64(0))] = ModelFork(
                parent: UInt64(rows.int64(1)),
                join: step(StepNumber(rawValue: UInt32(rows.int64(2)))) ?? "",
                need: Int(rows.int64(3)),
                branches: Int(rows.int64(4)),
                arrived: Int(rows.int64(5))
            )
        }
        guard found == expected else {
            throw Violation(.trail, "the forks are \(found) instead of \(expected)")
        }
    }
}
