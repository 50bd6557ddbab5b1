// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import BaridClient
import Control
import Foundation
import Keys
import Platform
import TestKit
import Wire

/// `Trials hostile`: what each hostile peer costs a well-behaved flow, and whether it gets in.
///
/// Times alone and beside the attacker are taken in turns in one run, and the median of their ratios is
/// what counts: absolute times of a shared machine mean little.
struct HostileCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hostile",
        abstract: "Measure a flow beside every hostile peer."
    )

    @Option(help: "Attacks to run, by name; all unless told otherwise.")
    var only: [String] = []
    @Option(help: "How often each is measured, alone and attacked.")
    var rounds = 3
    @Option(help: "Cases submitted a second.")
    var rate = 400
    @Option(help: "Length of one measurement.")
    var milliseconds: Int64 = 2_000
    @Option(help: "Largest ratio of the attacked flow's 99th percentile to that alone.")
    var limit = 2.0
    @Option(help: "Also write the JSON to this file.")
    var json: String?

    /// Most by which the daemon may grow for a message without end.
    private static let growthBytesMax = 10 << 20

    func run() throws {
        Descriptors.raiseLimit()
        var rows: [HostileRow] = []
        for attack in Attack.table where only.isEmpty || only.contains(attack.name) {
            let scene = try HostileScene(descriptorsMax: attack.name == "descriptors" ? 200 : nil)
            let row = try scene.measure(self, name: attack.name, title: attack.title)
            rows.append(row)
            print(row.line)
            fflush(nil)
        }
        let broken = rows.flatMap { $0.faults(limit: limit, growthMax: Self.growthBytesMax) }
        for fault in broken { print(fault) }
        try emit(
            [
                "part": "hostile", "rounds": rounds, "rate": rate, "milliseconds": milliseconds,
                "rows": rows.map(\.json), "violations": broken,
            ],
            to: json
        )
        guard broken.isEmpty else { throw ExitCode(1) }
    }
}

/// What one hostile peer cost.
struct HostileRow {
    let name: String
    let title: String
    var submitRatios: [Double] = []
    var flowRatios: [Double] = []
    var aloneMicroseconds: [UInt64] = []
    var attackedMicroseconds: [UInt64] = []
    var attemptCount = 0
    var admittedCount = 0
    var growthBytes = 0
    var lostCount = 0
    var strangeCount = 0
    var isSound = true

    static func median<Value: Comparable>(_ values: [Value]) -> Value? {
        values.isEmpty ? nil : values.sorted()[values.count / 2]
    }

    var submitRatio: Double { Self.median(submitRatios) ?? 0 }
    var flowRatio: Double { Self.median(flowRatios) ?? 0 }

    /// For people.
    var line: String {
        let alone = Self.median(aloneMicroseconds) ?? 0
        let times = "\(alone) -> \(Self.median(attackedMicroseconds) ?? 0)"
        return """
            \(title): submission p99 x\(Self.short(submitRatio)), whole flow \
            x\(Self.short(flowRatio)) (\(times) us); \(attemptCount) attempts, \
            \(admittedCount) let in; the daemon grew by \(growthBytes >> 20) MiB
            """
    }

    private static func short(_ ratio: Double) -> String { String(format: "%.2f", ratio) }

    var json: [String: Any] {
        [
            "attack": name, "title": title, "submitRatio": submitRatio, "flowRatio": flowRatio,
            "submitRatios": submitRatios, "flowRatios": flowRatios,
            "aloneMicroseconds": aloneMicroseconds, "attackedMicroseconds": attackedMicroseconds,
            "attempts": attemptCount, "admitted": admittedCount, "growthBytes": growthBytes,
            "lost": lostCount, "strange": strangeCount, "isSound": isSound,
        ]
    }

    func faults(limit: Double, growthMax: Int) -> [String] {
        var faults: [String] = []
        if submitRatio > limit {
            faults.append("\(title): the flow's p99 rose by more than \(limit)")
        }
        if admittedCount > 0 { faults.append("\(title): let in \(admittedCount) times") }
        if lostCount > 0 || strangeCount > 0 || !isSound {
            faults.append("\(title): \(lostCount) cases lost, \(strangeCount) strange answers")
        }
        if name == "endless", growthBytes > growthMax {
            faults.append("\(title): the daemon grew by \(growthBytes >> 20) MiB")
        }
        return faults
    }
}

/// A daemon, a flow, and room for an attacker.
private final class HostileScene {
    private let directory = TemporaryDirectory()
    private let daemon: ServedDaemon
    private let operators: OperatorTraffic
    private let server: KeyPair
    private let data: String

    init(descriptorsMax: Int?) throws {
        data = directory.path + "/data"
        server = try ServerKey.make(in: data)
        daemon = try ServedDaemon(
            data: data,
            ["--listen", "tcp://127.0.0.1:*"],
            descriptorsMax: descriptorsMax
        )
        guard daemon.waitUntilReady() else { throw ExitCode(111) }
        operators = OperatorTraffic(data: data, server: server)
    }

    func measure(_ plan: HostileCommand, name: String, title: String) throws -> HostileRow {
        var row = HostileRow(name: name, title: title)
        try enrol("city")
        try enrol("bench")
        var thief = "thief"
        try enrol(thief)
        var flow = try OpenFlow(
            endpoint: daemon.endpoint("tcp://"),
            agency: "bench",
            credentials: Credentials(
                keyFile: keyFile("bench"),
                server: ServerKey.publicPath(in: data)
            )
        )
        // The first second warms files and caches.
        _ = try flow.run(perSecond: plan.rate, milliseconds: 1_000)
        for round in 0..<plan.rounds {
            let alone = try flow.run(perSecond: plan.rate, milliseconds: plan.milliseconds)
            let before = try peakBytes(forgetting: true)
            let attacker = try Attacker(
                name,
                bus: daemon.endpoint("tcp://"),
                server: server,
                agency: (thief, keyFile(thief)),
                victim: keyFile("city")
            )
            while !attacker.isReady { try flow.beat() }
            if name == "revoked" { try operators.revoke(thief) }
            let attacked = try flow.run(perSecond: plan.rate, milliseconds: plan.milliseconds)
            let (attempts, admitted) = try attacker.end { try flow.beat() }
            row.attemptCount += attempts
            row.admittedCount += admitted
            row.growthBytes = max(row.growthBytes, try peakBytes(forgetting: false) - before)
            row.add(alone, attacked)
            if name == "revoked" {
                thief = "thief-\(round)"
                try enrol(thief)
            }
        }
        row.lostCount = flow.lostCount
        row.strangeCount = flow.strangeCount
        var control = try ControlClient(path: data + "/control.sock")
        let report: VerifyReport = try control.request(.verify)
        row.isSound = report.isSound
        return row
    }

    /// Enrols an agency with every right.
    private func enrol(_ agency: String) throws {
        try KeyFile.write(operators.enrol(agency), to: keyFile(agency))
    }

    private func keyFile(_ agency: String) -> String { "\(data)/\(agency).key" }

    /// The most memory the daemon had since its peak was last forgotten.
    private func peakBytes(forgetting: Bool) throws -> Int {
        let process = "/proc/\(daemon.number)"
        if forgetting {
            try "5".write(toFile: process + "/clear_refs", atomically: false, encoding: .utf8)
        }
        let status = try String(contentsOfFile: process + "/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        return (line.flatMap { Int($0.filter(\.isNumber)) } ?? 0) << 10
    }
}

extension HostileRow {
    fileprivate mutating func add(_ alone: OpenFlow.Times, _ attacked: OpenFlow.Times) {
        typealias Times = OpenFlow.Times
        let submitted = (Times.p99(alone.submitted), Times.p99(attacked.submitted))
        let carried = (Times.p99(alone.carried), Times.p99(attacked.carried))
        submitRatios.append(Double(submitted.1) / Double(max(submitted.0, 1)))
        flowRatios.append(Double(carried.1) / Double(max(carried.0, 1)))
        aloneMicroseconds.append(submitted.0)
        attackedMicroseconds.append(submitted.1)
    }
}

/// An attack as a process of its own.
private final class Attacker {
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private var said = ""

    init(
        _ name: String,
        bus: String,
        server: KeyPair,
        agency: (name: String, keyFile: String),
        victim: String
    ) throws {
        process.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = [
            "attack", name, "--bus", bus, "--server", server.publicKey.z85, "--agency",
            agency.name, "--key", agency.keyFile, "--victim", victim,
        ]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
    }

    /// Whether it has tried once, waiting a little.
    var isReady: Bool {
        hear(milliseconds: 50)
        return said.contains("ready\n") || !process.isRunning
    }

    /// Has it end; returns how often it tried, and how often it was let in.
    func end(waiting: () throws -> Void) throws -> (attempts: Int, admitted: Int) {
        try input.fileHandleForWriting.close()
        let limit = Clock.monotonicMilliseconds() + 20_000
        while process.isRunning, Clock.monotonicMilliseconds() < limit {
            hear(milliseconds: 50)
            try waiting()
        }
        if process.isRunning { process.terminate() }
        process.waitUntilExit()
        hear(milliseconds: 0)
        let counts = said.split(separator: "\n").last?.split(separator: " ").compactMap { Int($0) }
        guard let counts, counts.count == 2 else { throw ExitCode(1) }
        return (counts[0], counts[1])
    }

    private func hear(milliseconds: Int32) {
        let descriptor = output.fileHandleForReading.fileDescriptor
        var block = [UInt8](repeating: 0, count: 4_096)
        var end = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&end, 1, milliseconds) > 0 else { return }
        let count = read(descriptor, &block, block.count)
        if count > 0 { said += String(decoding: block[..<count], as: UTF8.self) }
    }
}
