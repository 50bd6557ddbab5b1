// SPDX-License-Identifier: Apache-2.0

import Declarations
import Ledger
import Rules
import SQLite
import TestKit
import Wire

/// A bus in one process under virtual time: the real ledger on a crash disk, a courier without
/// sockets, and clients on roads that lose, repeat, delay and reorder.
///
/// Nothing in it depends on the machine: the same moves give the same history.
final class World {
    let procedures: [ModelProcedure]
    private let declared: [String: Procedure]
    private(set) var disk = CrashDisk()
    private(set) var mount: CrashFileSystem.Mount
    private(set) var writer: LedgerWriter?
    private(set) var clients: [SimulatedClient] = []
    private(set) var log = ClientLog()
    /// Told of every disk the ledger is opened on, before it is.
    var prepare: (CrashDisk) -> Void

    var wall: Int64 = 1_800_000_000_000
    var monotonic: Int64 = 1_000_000
    private(set) var crashes = 0
    private(set) var turns = 0
    private var seed: UInt64
    private var keys: UInt64 = 0
    private var sessions: UInt32 = 0
    private var courier = SimulatedCourier()
    private var watch = DeliveryWatch()
    /// What the next crash leaves of unsynced writes.
    var fate = (CrashDisk.Fate.kept, UInt64(0))
    /// How often a request was refused with each code.
    var refusals: [RefusalCode: Int] { watch.refusals }

    init(seed: UInt64, prepare: @escaping (CrashDisk) -> Void = { _ in }) throws {
        self.seed = seed
        self.prepare = prepare
        procedures = ModelProcedure.all(seed: seed)
        var declared: [String: Procedure] = [:]
        for procedure in procedures {
            declared[procedure.source] = try ProcedureDeclaration.read(procedure.source)
        }
        self.declared = declared
        mount = CrashFileSystem.mount(disk)
        prepare(disk)
        let opened = try Self.open(mount, declared, seed: seed)
        writer = opened
        for procedure in procedures {
            guard let value = declared[procedure.source] else { continue }
            _ = try opened.carryOut(
                .publish(value, source: procedure.source),
                by: Self.person,
                wall: wall,
                monotonic: monotonic
            )
        }
        for (agency, offices) in [
            ("a", ["a/desk", "a/one"]), ("b", ["b/one", "b/two"]), ("b", ["b/two", "b/three"]),
            ("c", ["c/two"]), ("d", ["d/three"]),
        ] {
            clients.append(SimulatedClient(agency: agency, offices: offices))
        }
        for client in clients { connect(client) }
    }

    private static let person = Operator(uid: 1000, pid: 42, reason: "drill")
    private static let offices = [
        "a/desk", "b/one", "c/two", "d/three", "a/one", "b/two", "b/three",
    ]

    static func open(
        _ mount: CrashFileSystem.Mount,
        _ declared: [String: Procedure],
        seed: UInt64
    ) throws -> LedgerWriter {
        try LedgerWriter(
            path: mount.directory + "/" + Ledger.fileName,
            limits: LedgerLimits(
                bodyBytesMax: Limits.bodyBytesMaxDefault,
                daemon: "baridd/proof",
                diskReserveBytes: 0
            ),
            randomness: Randomness(seed: seed),
            reading: { declared[$0] }
        )
    }

    // MARK: Moves

    func apply(_ move: Move) throws {
        switch move {
        case .submit(let client, let choice): submit(self[client], choice)
        case .work(let client, let choice): work(self[client], choice)
        case .late(let client, let choice): late(self[client], choice)
        case .custody(let client, let choice): settleCustody(self[client], choice)
        case .act(let client, let choice): act(self[client], choice)
        case .credit(let client, let messages): self[client].grant(messages)
        case .deliverUp(let client, let count): deliverUp(self[client], count)
        case .deliverDown(let client, let count): try deliverDown(self[client], count)
        case .dropUp(let client): if !self[client].up.isEmpty { self[client].up.removeFirst() }
        case .dropDown(let client):
            if !self[client].down.isEmpty { self[client].down.removeFirst() }
        case .repeatUp(let client):
            if let parcel = self[client].up.randomItem(client) { self[client].up.append(parcel) }
        case .reorderUp(let client):
            let count = self[client].up.count
            if count > 1 { self[client].up.swapAt(count - 1, client % (count - 1)) }
        case .resend(let client): self[client].resend()
        case .partition(let client): self[client].isReachable = false
        case .reconnect(let client): connect(self[client])
        case .bye(let client): bye(self[client])
        case .undelivered(let client): undelivered(self[client])
        case .turn: try turn()
        case .flow: try flow()
        case .pass(let milliseconds): pass(Int64(milliseconds))
        case .stepClock(let milliseconds): wall += Int64(milliseconds)
        case .operate(let choice): try operate(choice)
        case .checkpoint: try onLedger { writer throws(LedgerFault) in try writer.checkpoint() }
        case .crash(let calls, let kind, let number):
            fate = (CrashDisk.Fate.allCases[kind % 3], UInt64(number))
            disk.cutAtCall = disk.calls + 1 + calls
        case .audit: try audit()
        }
    }

    private subscript(client: Int) -> SimulatedClient { clients[client % clients.count] }

    private func connect(_ client: SimulatedClient) {
        sessions += 1
        courier.owners[sessions] = client
        client.connect(sessions)
    }

    func pass(_ milliseconds: Int64) {
        wall += milliseconds
        monotonic += milliseconds
        // The daemon looks at the free space of the disk every second.
        if milliseconds >= 900 { writer?.isStorageLow = false }
    }

    func flow() throws {
        for client in clients { deliverUp(client, .max) }
        try turn()
        for client in clients { try deliverDown(client, .max) }
        pass(20)
    }

    private func bye(_ client: SimulatedClient) {
        guard let session = client.session, courier.isOpen(session) else { return }
        courier.end(session, .departed(session: session))
        watch.forget(session: session)
        client.session = nil
    }

    /// The last delivery on its way to a client could not be handed to the network.
    private func undelivered(_ client: SimulatedClient) {
        guard
            let place = client.down.lastIndex(where: { $0.header.verb == .delivery })
        else { return }
        let parcel = client.down.remove(at: place)
        courier.events.append(
            .undelivered(
                session: parcel.session,
                referral: parcel.header.subject,
                generation: parcel.header.generation
            )
        )
        watch.giveBack(parcel)
    }

    // MARK: Asking

    private func ask(_ client: SimulatedClient, _ parcel: Parcel, _ logged: LoggedAsk) {
        guard client.session != nil else { return }
        var parcel = parcel
        parcel.ask = log.asks.count
        var logged = logged
        logged.receiptsBefore = log.receipts.count
        log.asks.append(logged)
        client.send(parcel)
    }

    private func key() -> Identifier {
        keys += 1
        return Identifier(high: seed | 1, low: keys)
    }

    private func submit(_ client: SimulatedClient, _ choice: Int) {
        let procedure = procedures[choice % procedures.count]
        var envelope = Envelope.Case()
        envelope.procedure = procedure.name
        if procedure.takesItinerary {
            let count = choice / 3 % 4 + 1
            envelope.itinerary = (0..<count).map { Self.offices[(choice / 7 + $0 * 3) % 7] }
        }
        let lane = UInt8(choice / 11 % 3)
        let key = key()
        var header = Header(.submit)
        header.flags = lane
        header.id = key
        let size = choice % 29 == 0 ? 9_000 : choice % 200
        ask(
            client,
            Parcel(
                header: header,
                session: 0,
                envelope: Envelope.bytes(of: envelope),
                body: Array(repeating: UInt8(truncatingIfNeeded: choice), count: size)
            ),
            LoggedAsk(
                verb: .submit,
                agency: client.agency,
                key: key,
                offices: envelope.itinerary,
                procedure: procedure.name,
                lane: lane
            )
        )
    }

    private func work(_ client: SimulatedClient, _ choice: Int) {
        guard let held = client.held.randomItem(choice) else { return }
        settle(client, held, choice / 17)
        client.leave(held)
        client.grant(4, below: 3)
    }

    private func late(_ client: SimulatedClient, _ choice: Int) {
        guard let held = client.past.randomItem(choice) else { return }
        let first = log.asks.count
        settle(client, held, choice / 17)
        // It may repeat what was asked before, and is then given the first answer.
        for ask in log.asks.indices[first...] { log.asks[ask].receiptsBefore = 0 }
    }

    private func settleCustody(_ client: SimulatedClient, _ choice: Int) {
        guard let held = client.custody.randomItem(choice) else { return }
        settle(client, held, choice / 17)
        client.custody.removeAll { $0.referral == held.referral }
    }

    private func settle(_ client: SimulatedClient, _ held: HeldReferral, _ choice: Int) {
        let verb: Verb =
            switch choice % 20 {
            case 0, 1: .return
            case 2: .refuse
            case 3: .release
            case 4, 5: .accept
            case 6: .note
            case 7, 8: .refer
            case 9: .renew
            default: .complete
            }
        send(verb, client, held, choice / 20)
    }

    /// Settles a referral; `choice` decides what is not decided by the verb.
    func send(_ verb: Verb, _ client: SimulatedClient, _ held: HeldReferral, _ choice: Int) {
        var header = Header(verb)
        header.subject = held.referral
        header.generation = held.generation
        header.serial = verb == .renew ? 0 : held.serial
        var logged = LoggedAsk(
            verb: verb,
            agency: client.agency,
            referral: held.referral,
            generation: held.generation,
            serial: held.serial
        )
        var envelope: [UInt8] = []
        switch verb {
        case .complete:
            header.code = UInt16(choice % max(held.step.outcomes.count, 1))
            logged.code = header.code
        case .note:
            var note = Envelope.Note()
            note.text = "remark \(choice)"
            envelope = Envelope.bytes(of: note)
            header.id = key()
            logged.key = header.id
        case .accept, .renew: break
        default:
            var reason = Envelope.Reason()
            reason.text = "because \(choice % 1_000)"
            if verb == .release { header.id.low = UInt64(choice % 20_000) }
            if verb == .refer {
                let isSlip = held.step.procedure == ModelProcedure.itinerary.name
                let names = isSlip ? Self.offices : ModelProcedure.line.offices
                reason.offices = (0..<(isSlip ? choice % 3 + 1 : 1)).map {
                    names[(choice / 3 + $0 * 2) % names.count]
                }
                logged.offices = reason.offices
            }
            envelope = Envelope.bytes(of: reason)
        }
        if verb == .renew {
            // A renewal is void after a restart, so it is not asked for twice.
            client.send(Parcel(header: header, session: 0))
        } else {
            ask(client, Parcel(header: header, session: 0, envelope: envelope), logged)
        }
    }

    /// An action on some case, allowed only where the case is closed.
    private func act(_ client: SimulatedClient, _ choice: Int) {
        let serials = log.asks.compactMap { $0.procedure == "line" ? $0.receipt?.serial : nil }
        guard let serial = serials.randomItem(choice) else { return }
        var envelope = Envelope.Case()
        envelope.procedure = "line"
        envelope.action = choice / 5 % 2 == 0 ? "reopen" : "rate"
        let key = key()
        var header = Header(.submit)
        header.id = key
        header.serial = serial
        ask(
            client,
            Parcel(header: header, session: 0, envelope: Envelope.bytes(of: envelope)),
            LoggedAsk(verb: .submit, agency: client.agency, key: key, action: envelope.action)
        )
    }

    // MARK: Roads

    private func deliverUp(_ client: SimulatedClient, _ count: Int) {
        guard client.isReachable else { return client.up.removeAll() }
        for parcel in client.up.prefix(count) { courier.take(parcel, at: monotonic) }
        client.up.removeFirst(min(count, client.up.count))
    }

    private func deliverDown(_ client: SimulatedClient, _ count: Int) throws {
        let parcels = client.down.prefix(count)
        client.down.removeFirst(parcels.count)
        for parcel in parcels where parcel.session == client.session {
            try hear(client, parcel)
        }
    }

    private func hear(_ client: SimulatedClient, _ parcel: Parcel) throws {
        let header = parcel.header
        switch header.verb {
        case .step:
            client.steps[header.number] = parcel.envelope.withUnsafeBytes {
                try? Envelope.read(Envelope.Step.self, from: $0)
            }
        case .delivery:
            guard let step = client.steps[header.number] else { return }
            client.credit[step.office, default: 0] -= 1
            client.held.append(
                HeldReferral(
                    referral: header.subject,
                    generation: header.generation,
                    serial: header.serial,
                    step: step
                )
            )
        case .answer: try hearAnswer(client, parcel)
        case .refusal: hearRefusal(client, parcel)
        default: break
        }
    }

    private func hearAnswer(_ client: SimulatedClient, _ parcel: Parcel) throws {
        guard let asked = client.open.removeValue(forKey: parcel.header.number) else { return }
        if asked.header.verb == .attach {
            let attach = asked.envelope.withUnsafeBytes {
                try? Envelope.read(Envelope.Attach.self, from: $0)
            }
            client.officeNumbers[attach?.office ?? ""] = parcel.header.subject
            client.grant(6, below: 3)
        }
        guard let ask = asked.ask else { return }
        if log.asks[ask].verb == .accept, log.asks[ask].receipt == nil {
            let past = client.past.last { $0.referral == asked.header.subject }
            if var held = past {
                held.generation = 0
                client.custody.append(held)
            }
        }
        try log.told(Self.receipt(parcel.header), of: ask)
    }

    private static func receipt(_ header: Header) -> ToldReceipt {
        ToldReceipt(
            position: header.subject,
            hash: header.id,
            serial: header.serial,
            recordedAt: header.instant
        )
    }

    private func hearRefusal(_ client: SimulatedClient, _ parcel: Parcel) {
        guard let asked = client.open[parcel.header.number] else { return }
        switch RefusalCode(rawValue: parcel.header.code) {
        case .noSession: client.session = nil
        case .notAttached, .busy, .unavailable, .storageFull, .draining: break
        default:
            client.open[parcel.header.number] = nil
            if let ask = asked.ask { log.asks[ask].isResolved = true }
        }
    }

    // MARK: The bus

    func turn() throws {
        courier.expire(at: monotonic)
        let (batch, parcels) = courier.handOver()
        var effects = Effects()
        let isDone = try onLedger { writer throws(LedgerFault) in
            try writer.turn(
                batch.isEmpty ? nil : batch,
                wall: wall,
                monotonic: monotonic,
                into: &effects
            )
        }
        turns += 1
        guard isDone else { return }
        try watch.check(effects, answering: parcels, at: monotonic)
        for effect in effects.items {
            let parcel = Parcel(
                header: effect.header,
                session: effect.session,
                envelope: Array(effects.bytes[effect.envelope]),
                body: []
            )
            if !courier.send(parcel) { watch.giveBack(parcel) }
        }
    }

    /// Uses the ledger; if the power went meanwhile, starts it again on what the disk has left.
    ///
    /// - Returns: False if nothing of it may be told.
    @discardableResult
    private func onLedger(_ use: (LedgerWriter) throws(LedgerFault) -> Void) throws -> Bool {
        guard let writer else { return false }
        do throws(LedgerFault) {
            try use(writer)
        } catch {
            guard disk.isCut || disk.hasFailed else {
                throw Violation(.answered, "the ledger ended without a fault: \(error)")
            }
            // The process ends; what it wrote is left to the disk's fate.
            disk.cut()
        }
        guard disk.isCut else { return true }
        try restart()
        return false
    }

    private func restart() throws {
        crashes += 1
        writer = nil
        var (kind, number) = fate
        // Sometimes the power goes again while the ledger recovers.
        var again = Int(number % 4)
        while true {
            disk = disk.image(kind, seed: number)
            mount = CrashFileSystem.mount(disk)
            prepare(disk)
            if again > 0 { disk.cutAtCall = again }
            do {
                writer = try Self.open(mount, declared, seed: seed &+ UInt64(crashes))
            } catch {
                guard disk.isCut, again > 0 else {
                    throw Violation(.lost, "the ledger does not open after a crash: \(error)")
                }
            }
            if !disk.isCut { break }
            writer = nil
            again = 0
            number += 1
            kind = CrashDisk.Fate.allCases[Int(number % 3)]
        }
        disk.cutAtCall = nil
        monotonic = 5
        courier.restart()
        watch.restart()
        for client in clients {
            client.session = nil
            client.up.removeAll()
            client.down.removeAll()
            client.held.removeAll()
        }
        try audit()
        for client in clients { connect(client) }
    }

    private func operate(_ choice: Int) throws {
        guard let number = try dead().randomItem(choice) else { return }
        let isRetry = choice / 7 % 3 > 0
        watch.retried.insert(number)
        try onLedger { writer throws(LedgerFault) in
            _ = try writer.carryOut(
                isRetry ? .retry(referral: number) : .dismiss(referral: number),
                by: Self.person,
                wall: wall,
                monotonic: monotonic
            )
        }
    }

    private func dead() throws -> [UInt64] {
        guard !disk.isCut else { return [] }
        let connection = try Connection(
            path: mount.directory + "/" + Ledger.fileName,
            access: .readOnly
        )
        let rows = try Statement("SELECT referral FROM dead ORDER BY referral", on: connection)
        var found: [UInt64] = []
        while try rows.step() { found.append(UInt64(rows.int64(0))) }
        return found
    }

    // MARK: Judging

    /// Holds the ledger as it is against the model and the log.
    @discardableResult
    func audit() throws -> Auditor? {
        guard !disk.isCut else { return nil }
        return try Auditor(
            directory: mount.directory,
            procedures: procedures,
            log: log,
            receipts: log.receipts.count
        )
    }

    /// Opens the ledger on another disk, as after a crash, and audits what it finds.
    func audit(_ image: CrashDisk, receipts: Int) throws {
        let mount = CrashFileSystem.mount(image)
        do {
            _ = try Self.open(mount, declared, seed: 1)
        } catch {
            throw Violation(.lost, "the ledger does not open: \(error)")
        }
        try Auditor(
            directory: mount.directory,
            procedures: procedures,
            log: log,
            receipts: receipts
        )
        let reader = try LedgerReader(directory: mount.directory) { [declared] in declared[$0] }
        let verification = try Verification(reader)
        guard verification.findings.isEmpty else {
            throw Violation(.trail, "verify: \(verification.findings.prefix(3))")
        }
    }

    /// Ends all trouble, lets everybody finish, and expects every request answered and every case
    /// closed.
    func drain() throws {
        disk.cutAtCall = nil
        disk.failure = nil
        if disk.isCut { try restart() }
        for client in clients { connect(client) }
        for round in 0..<400 {
            try flow()
            for client in clients {
                if client.session == nil { connect(client) }
                client.grant(40, below: 20)
                for held in client.held {
                    send(.complete, client, held, 0)
                    client.leave(held)
                }
            }
            try flow()
            pass(round % 10 == 9 ? 7_300_000 : 2_000)
            guard round % 5 == 4, clients.allSatisfy(\.held.isEmpty) else { continue }
            for number in try dead() { try operate(retrying: number) }
            guard let cases = try audit()?.cases else { continue }
            let isAnswered = clients.allSatisfy { $0.open.values.allSatisfy { $0.ask == nil } }
            if isAnswered, cases.values.allSatisfy(\.isClosed) { return }
            for client in clients { client.resend() }
            finishCustody(cases)
        }
        let unanswered = clients.flatMap { $0.open.values.compactMap(\.ask) }.map { log.asks[$0] }
        let open = try audit()?.cases.filter { !$0.value.isClosed }.map(\.value.tokens)
        throw Violation(.answered, "in the end \(unanswered) are unanswered, \(open ?? []) open")
    }

    private func operate(retrying number: UInt64) throws {
        watch.retried.insert(number)
        try onLedger { writer throws(LedgerFault) in
            _ = try writer.carryOut(
                .retry(referral: number),
                by: Self.person,
                wall: wall,
                monotonic: monotonic
            )
        }
    }

    private func finishCustody(_ cases: [UInt64: ModelCase]) {
        for serial in cases.keys.sorted() {
            for token in cases[serial]?.tokens ?? [] where token.state == .custody {
                guard let client = clients.first(where: { $0.offices.contains(token.office) })
                else {
                    continue
                }
                var step = Envelope.Step()
                step.outcomes =
                    cases[serial]?.procedure.step(token.step)?.outcomes.map(\.word) ?? []
                let held = HeldReferral(
                    referral: token.referral,
                    generation: 0,
                    serial: serial,
                    step: step
                )
                send(.complete, client, held, 0)
            }
        }
    }
}

extension Array {
    /// The item a number picks; nil if there is none.
    func randomItem(_ choice: Int) -> Element? { isEmpty ? nil : self[choice % count] }
}
