// SPDX-License-Identifier: Apache-2.0

import Declarations
import Ledger
import ProofKit
import Rules
import SQLite
import TestKit
import Wire

/// A bus in one process under virtual time: the real ledger on a crash disk, a courier without
/// sockets, and clients on roads that lose, repeat, delay and reorder.
///
/// Nothing in it depends on the machine: the same moves give the same history.
final class World {
    private let workload: Workload
    private let declared: [String: Procedure]
    private(set) var disk = CrashDisk()
    private(set) var mount: CrashFileSystem.Mount
    private(set) var writer: LedgerWriter?
    private var clients: [SimulatedClient] { workload.clients }
    private var procedures: [ModelProcedure] { workload.procedures }
    var log: ClientLog { workload.log }
    /// Told of every disk the ledger is opened on, before it is.
    var prepare: (CrashDisk) -> Void

    var wall: Int64 = 1_800_000_000_000
    var monotonic: Int64 = 1_000_000
    private(set) var crashes = 0
    private(set) var turns = 0
    private var seed: UInt64
    private var sessions: UInt32 = 0
    /// How long a sync takes.
    private var syncMilliseconds: Int64 = 0
    private var syncsPassed = 0
    private var leaseClock = LeaseClock()
    private var courier = SimulatedCourier()
    private var watch = DeliveryWatch()
    /// What the next crash leaves of unsynced writes.
    var fate = (CrashDisk.Fate.kept, UInt64(0))
    /// How often a request was refused with each code.
    var refusals: [RefusalCode: Int] { watch.refusals }

    init(seed: UInt64, prepare: @escaping (CrashDisk) -> Void = { _ in }) throws {
        self.seed = seed
        self.prepare = prepare
        workload = Workload(seed: seed)
        let procedures = workload.procedures
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
                monotonic: leaseClock.reading(at: monotonic)
            )
        }
        for client in clients { connect(client) }
    }

    private static let person = Operator(uid: 1000, pid: 42, reason: "drill")

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
        case .submit(let client, let choice): workload.submit(self[client], choice)
        case .work(let client, let choice): workload.work(self[client], choice)
        case .late(let client, let choice): workload.late(self[client], choice)
        case .custody(let client, let choice): workload.settleCustody(self[client], choice)
        case .act(let client, let choice): workload.act(self[client], choice)
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
        case .slowDisk(let milliseconds): syncMilliseconds = Int64(milliseconds)
        case .outage(let milliseconds): try outage(Int64(milliseconds))
        case .storm(let rounds): try storm(rounds)
        case .suspend(let milliseconds, let isMachine):
            wall += Int64(milliseconds)
            // The monotonic clock stands still while the machine sleeps.
            if !isMachine { monotonic += Int64(milliseconds) }
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

    /// The bus goes on, in some twenty looks, while nobody is there.
    private func outage(_ milliseconds: Int64) throws {
        for client in clients { client.isReachable = false }
        for _ in 0..<20 {
            try turn()
            pass(milliseconds / 20)
        }
        for client in clients { connect(client) }
    }

    private func storm(_ rounds: Int) throws {
        for _ in 0..<rounds {
            for client in clients {
                connect(client)
                deliverUp(client, 2)
            }
            try turn()
        }
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
            try workload.hear(client, parcel)
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
                monotonic: leaseClock.reading(at: monotonic),
                into: &effects
            )
        }
        let told = leaseClock.reading(at: monotonic)
        turns += 1
        let began = monotonic
        pass(syncMilliseconds * Int64(disk.syncs - syncsPassed))
        syncsPassed = disk.syncs
        leaseClock.note(workFrom: began, to: monotonic)
        guard isDone else { return }
        try watch.check(effects, answering: parcels, at: told)
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
        syncsPassed = disk.syncs
        leaseClock = LeaseClock()
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
                monotonic: leaseClock.reading(at: monotonic)
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
        syncMilliseconds = 0
        if disk.isCut { try restart() }
        for client in clients { connect(client) }
        for round in 0..<400 {
            try flow()
            for client in clients {
                if client.session == nil { connect(client) }
                client.grant(40, below: 20)
                for held in client.held {
                    workload.send(.complete, client, held, 0)
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
            workload.finishCustody(cases)
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
                monotonic: leaseClock.reading(at: monotonic)
            )
        }
    }

}
