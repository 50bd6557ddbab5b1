// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Keys
import Ledger
import Platform
import ProofKit
import Synchronization
import TestKit
import Wire
import ZeroMQ

/// `Trials kill`: the daemon is killed at random moments, and held to what it had told.
struct KillCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kill",
        abstract: "Kill the daemon under mixed traffic, and hold it to every answer it gave."
    )

    @Option(help: "How often to kill it.")
    var kills = 100
    @Option(help: "Decides what is asked and when it is killed, as far as processes can repeat it.")
    var seed = UInt64.random(in: 1...1_000_000)
    @Option(help: "Kills before a new ledger is begun.")
    var perLedger = 20
    @Option(help: "Also write the JSON to this file.")
    var json: String?
    @Flag(help: "Play a disk that lost the end of the log, to see that this is noticed.")
    var losing = false
    @Flag(help: "Stop it by SIGTERM amid the traffic instead, and time that.")
    var stopping = false
    @Option(help: "Where to copy a ledger that breaks a promise; it must not exist yet.")
    var keep: String?

    func run() throws {
        var figures = KillTrial.Figures(seed: seed)
        let start = Clock.monotonicMilliseconds()
        var ledger = seed
        while figures.kills < kills, figures.violations.isEmpty {
            let trial = try KillTrial(seed: ledger, isLosing: losing, isStopping: stopping)
            let count = min(perLedger, kills - figures.kills)
            do {
                try trial.run(kills: count, counting: &figures)
            } catch {
                figures.violations.append("seed \(ledger): \(error)")
                if let keep { try trial.copy(to: keep) }
            }
            figures.ledgers += 1
            ledger += 1
        }
        figures.seconds = Double(Clock.monotonicMilliseconds() - start) / 1_000
        figures.recoveryMilliseconds.sort()
        figures.stopMilliseconds.sort()
        try emit(figures.report, to: json)
        guard figures.violations.isEmpty else { throw ExitCode(1) }
    }
}

/// Prints a report as one line of JSON, and writes it to a file where one is named.
func emit(_ report: [String: Any], to path: String?) throws {
    let bytes = try JSONSerialization.data(withJSONObject: report, options: [.sortedKeys])
    print(String(decoding: bytes, as: UTF8.self))
    if let path { try bytes.write(to: URL(filePath: path)) }
}

/// One ledger's life: traffic of every kind over real sockets, kills, restarts, and audits.
final class KillTrial {
    struct Figures {
        let seed: UInt64
        var ledgers = 0
        var kills = 0
        /// Kills of these before the daemon had answered anybody.
        var killsInRecovery = 0
        var receipts = 0
        var operatorActs = 0
        var cases = 0
        var events = 0
        var questions = 0
        var acts: [String: Int] = [:]
        var recoveryMilliseconds: [Int64] = []
        /// From SIGTERM to the end of the process.
        var stopMilliseconds: [Int64] = []
        var violations: [String] = []
        var seconds = 0.0

        init(seed: UInt64) { self.seed = seed }

        var report: [String: Any] {
            let times = recoveryMilliseconds
            return [
                "part": "kill", "seed": seed, "ledgers": ledgers, "kills": kills,
                "killsInRecovery": killsInRecovery, "receipts": receipts,
                "operatorActs": operatorActs, "cases": cases, "eventDeliveries": events,
                "questions": questions, "acts": acts, "violations": violations,
                "recoveryMedianMs": times.isEmpty ? 0 : times[times.count / 2],
                "recovery99Ms": times.isEmpty ? 0 : times[times.count * 99 / 100],
                "recoveryLongestMs": times.last ?? 0, "seconds": seconds,
                "stopMedianMs": stopMilliseconds.isEmpty
                    ? 0 : stopMilliseconds[stopMilliseconds.count / 2],
                "stopLongestMs": stopMilliseconds.last ?? 0,
            ]
        }
    }

    private let directory = TemporaryDirectory()
    private let data: String
    /// Whether the ledger holds this trial's cases only, so that the model can judge all of it.
    private let isOwn: Bool
    /// Whether every kill takes the end of the log with it, though it was synced.
    private let isLosing: Bool
    /// Whether the daemon is asked to stop, and not killed.
    private let isStopping: Bool
    private let workload: Workload
    private let events: EventTraffic
    private let operators: OperatorTraffic
    private let server: KeyPair
    private var random: SeededGenerator
    private var daemon: ServedDaemon
    private var lines: [BusLine] = []
    private var keys: [String: KeyPair] = [:]
    private var sessions: UInt32 = 0
    private var generations: [UInt64: UInt64] = [:]

    /// Agencies that come over TCP with a key; the others use the open socket of the machine.
    private static let keyed: Set = ["a", "c"]
    /// Requests without an answer above which a client only waits.
    private static let openMax = 200
    /// How long a daemon may take for anything, in milliseconds.
    private static let patience: Int64 = 60_000

    /// Starts a daemon on a fresh directory, or on a ledger that was filled before.
    init(
        seed: UInt64,
        in filled: String? = nil,
        isLosing: Bool = false,
        isStopping: Bool = false
    ) throws {
        isOwn = filled == nil
        self.isLosing = isLosing
        self.isStopping = isStopping
        random = SeededGenerator(seed: seed)
        workload = Workload(seed: seed)
        events = EventTraffic(workload, seed: seed)
        data = filled ?? directory.path + "/data"
        server = try ServerKey.make(in: data)
        operators = OperatorTraffic(data: data, server: server)
        daemon = try Self.start(data)
        guard daemon.waitUntilReady() else {
            throw Violation(.lost, "the daemon does not start on a fresh directory")
        }
        for procedure in workload.procedures { try operators.publish(procedure.source) }
        for agency in Self.keyed.sorted() { keys[agency] = try operators.enrol(agency) }
    }

    private static func start(_ data: String) throws -> ServedDaemon {
        try ServedDaemon(data: data, ["--listen", "tcp://127.0.0.1:*"])
    }

    /// Takes away the second half of the write-ahead log.
    private func loseTail() {
        let path = data + "/ledger.db-wal"
        var status = stat()
        guard stat(path, &status) == 0 else { return }
        _ = truncate(path, status.st_size / 2)
    }

    /// Copies the data directory, to be looked at.
    func copy(to path: String) throws {
        daemon.kill()
        daemon.reap()
        for name in ["bus.sock", "control.sock"] { unlink(data + "/" + name) }
        try FileManager.default.copyItem(atPath: data, toPath: path)
    }

    // MARK: A life

    func run(kills: Int, counting figures: inout Figures) throws {
        defer {
            figures.receipts += workload.log.receipts.count
            figures.operatorActs += operators.acknowledged
            figures.events += events.events
            figures.questions += events.answered
        }
        try connect()
        var done = 0
        while done < kills {
            let stopped = try traffic(milliseconds: number(40...400))
            if isStopping { figures.stopMilliseconds.append(stopped) }
            done += 1
            figures.kills += 1
            if isLosing { loseTail() }
            while done < kills, number(0...3) == 0 {
                // Killed again while it recovers, or before it has begun to.
                daemon = try Self.start(data)
                usleep(UInt32(number(0...120_000)))
                daemon.kill()
                daemon.reap()
                done += 1
                figures.kills += 1
                figures.killsInRecovery += 1
            }
            daemon = try Self.start(data)
            guard daemon.waitUntilReady() else {
                throw Violation(.lost, "the daemon does not start after a kill")
            }
            try probe()
            figures.recoveryMilliseconds.append(Clock.monotonicMilliseconds() - daemon.startedAt)
            guard isOwn else {
                try checkReceipts()
                if done < kills { try connect() }
                continue
            }
            let auditor = try audit()
            if done < kills {
                if done.isMultiple(of: 5) { _ = try operators.verify() }
                try connect()
                continue
            }
            try drain()
            let last = try audit()
            _ = try operators.verify()
            guard last.cases.count >= auditor.cases.count else {
                throw Violation(.lost, "cases went while all was settled")
            }
            figures.cases += last.cases.count
            figures.acts.merge(last.acts) { $0 + $1 }
        }
    }

    /// Checks the whole ledger; returns how many seconds it took.
    func verify() throws -> Double { try operators.verify() }

    /// Looks for every receipt, where the ledger is too large to be judged whole each time.
    private func checkReceipts() throws {
        try operators.audit()
        let reader = try LedgerReader(directory: data, reading: LedgerFiller.read)
        for ask in workload.log.receipts {
            guard let receipt = workload.log.asks[ask].receipt else { continue }
            guard try reader.receiptHash(at: receipt.position) == receipt.hash else {
                throw Violation(.lost, "the receipt of \(workload.log.asks[ask]) is gone")
            }
        }
    }

    private func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }

    private func audit() throws -> Auditor {
        try operators.audit()
        return try Auditor(
            directory: data,
            procedures: workload.procedures,
            log: workload.log,
            receipts: workload.log.receipts.count
        )
    }

    /// Everybody opens a session with the running daemon, and asks again what was not answered.
    private func connect() throws {
        let context = try Context()
        lines = try workload.clients.map { client in
            try line(client, context)
        }
        events.restart()
        for client in workload.clients {
            sessions += 1
            client.connect(sessions)
        }
    }

    private func line(_ client: SimulatedClient, _ context: Context) throws -> BusLine {
        let key = keys[client.agency].map { (pair: $0, server: server.publicKey) }
        return try BusLine(
            client,
            to: daemon.endpoint(key == nil ? "ipc" : "tcp"),
            key: key,
            in: context
        )
    }

    /// Waits until the daemon answers a stranger's hello.
    private func probe() throws {
        let client = SimulatedClient(agency: "probe", offices: [])
        let line = try line(client, try Context())
        client.connect(1)
        var poller = Poller()
        _ = poller.add(line.socket)
        let limit = Clock.monotonicMilliseconds() + Self.patience
        while Clock.monotonicMilliseconds() < limit {
            try line.send()
            _ = try poller.waitForWork(timeoutMilliseconds: 2)
            if try line.received().contains(where: { $0.header.verb == .answer }) { return }
        }
        throw Violation(.answered, "the daemon is ready and answers no hello")
    }

    // MARK: Traffic

    /// Mixed traffic until the daemon is killed or told to stop, after some milliseconds and at any
    /// instruction.
    ///
    /// - Returns: Milliseconds from then to its end.
    private func traffic(milliseconds: Int) throws -> Int64 {
        let signal = isStopping ? SIGTERM : SIGKILL
        let killer = try Killer(of: daemon.number, after: milliseconds, by: signal)
        defer { killer.join() }
        var poller = Poller()
        for line in lines { _ = poller.add(line.socket) }
        while !killer.hasKilled {
            for _ in 0..<number(1...8) { move() }
            for line in lines { try line.send() }
            _ = try poller.waitForWork(timeoutMilliseconds: 1)
            for line in lines { try hear(line) }
        }
        guard daemon.reap() == (isStopping ? 0 : SIGKILL), daemon.exitCode == 0 else {
            throw Violation(.answered, "the daemon ended otherwise than it was told to")
        }
        let ended = Clock.monotonicMilliseconds()
        // What it had sent before its end was told.
        for line in lines { try hear(line) }
        lines.removeAll()
        for client in workload.clients {
            client.session = nil
            client.up.removeAll()
            client.held.removeAll()
        }
        return ended - killer.struckAt
    }

    private func move() {
        let client = workload.clients[number(0...999) % workload.clients.count]
        let choice = number(0...999_999)
        guard client.open.count < Self.openMax else { return }
        switch number(0...999) {
        case 0..<200: workload.submit(client, choice)
        case 200..<620: workload.work(client, choice)
        case 620..<680: workload.settleCustody(client, choice)
        case 680..<710: workload.late(client, choice)
        case 710..<730: workload.act(client, choice)
        case 730..<790: client.grant(choice % 4 + 1, below: 40)
        case 790..<800: client.resend()
        case 800..<900: events.publish(client, choice)
        case 900..<998: events.ask(client)
        default: operators.act(choice)
        }
    }

    private func hear(_ line: BusLine) throws {
        for parcel in try line.received() {
            let client = line.client
            let header = parcel.header
            if header.verb == .delivery {
                let last = generations.updateValue(header.generation, forKey: header.subject)
                guard last ?? 0 < header.generation else {
                    throw Violation(.twice, "referral \(header.subject) came under an old lease")
                }
            }
            let request = client.open[header.number]
            if header.verb == .answer, request?.header.verb == .hello { line.isOpen = true }
            try workload.hear(client, parcel)
            try events.hear(client, parcel, answering: request)
        }
    }

    /// No new work: everything that was asked is answered, everything published is heard.
    private func drain() throws {
        try connect()
        var poller = Poller()
        for line in lines { _ = poller.add(line.socket) }
        let limit = Clock.monotonicMilliseconds() + Self.patience
        var next = Clock.monotonicMilliseconds() + 300
        while true {
            for line in lines { try line.send() }
            _ = try poller.waitForWork(timeoutMilliseconds: 5)
            for line in lines { try hear(line) }
            let open = workload.clients.flatMap(\.open.values).compactMap(\.ask)
            if open.isEmpty, events.missing() == nil { return }
            let now = Clock.monotonicMilliseconds()
            guard now < limit else {
                let asks = Set(open).prefix(3).map { workload.log.asks[$0] }
                throw Violation(
                    .answered,
                    "in the end \(open.count) are unanswered (\(asks)), \(events.missing() ?? "")"
                )
            }
            guard now >= next else { continue }
            next = now + 300
            for client in workload.clients {
                client.resend()
                events.askAgain(client)
            }
        }
    }
}

/// Signals a process some milliseconds from now, whatever its parent is busy with then.
private final class Killer {
    private let isDone = Mark()
    private let thread: WorkerThread

    private final class Mark: Sendable {
        let struckAt = Atomic<Int64>(0)
    }

    init(of process: pid_t, after milliseconds: Int, by signal: Int32) throws {
        thread = try WorkerThread(name: "killer") { [isDone] in
            usleep(UInt32(milliseconds) * 1_000)
            let now = Clock.monotonicMilliseconds()
            kill(process, signal)
            isDone.struckAt.store(now, ordering: .releasing)
        }
    }

    var hasKilled: Bool { struckAt != 0 }

    /// When it struck, by the monotonic clock in milliseconds; 0 before.
    var struckAt: Int64 { isDone.struckAt.load(ordering: .acquiring) }

    /// Waits until it has killed.
    func join() { thread.join() }
}
