// SPDX-License-Identifier: Apache-2.0

import BaridClient
import Control
import Foundation
import Keys
import Platform
import TestKit
import Testing

/// A real daemon on a directory of the test's own.
final class DaemonProcess {
    private let directory = TemporaryDirectory()
    private(set) var process: ChildProcess
    private(set) var endpoints: [String] = []

    /// Its TCP endpoint.
    var network: String { endpoints.first { $0.hasPrefix("tcp://") } ?? "" }

    /// Its data directory.
    let data: String
    /// Its socket for departments.
    var bus: String { "ipc://\(data)/bus.sock" }

    /// The daemon's key, where it has one.
    let serverKey: KeyPair?

    /// Starts a daemon on a fresh directory and waits until it is ready.
    ///
    /// With `isKeyed` it has a key of its own; with `descriptorsMax` it may have no more descriptors.
    init(
        _ options: [String] = [],
        isKeyed: Bool = false,
        descriptorsMax: Int? = nil
    ) throws {
        data = directory.path + "/data"
        serverKey = isKeyed ? try ServerKey.make(in: data) : nil
        if let descriptorsMax {
            process = try ChildProcess(
                "/bin/sh",
                [
                    "-c", "ulimit -n \(descriptorsMax); exec \"$@\"", "sh",
                    try ChildProcess.products() + "/baridd", "--data", data,
                ] + options
            )
            try waitUntilReady()
            return
        }
        process = try ChildProcess("baridd", ["--data", data] + options)
        try waitUntilReady()
    }

    /// Starts a daemon on a data directory that is there already and belongs to the test.
    init(restoredAt data: String) throws {
        self.data = data
        serverKey = nil
        process = try ChildProcess("baridd", ["--data", data])
        try waitUntilReady()
    }

    deinit {
        // Before its files go.
        process.kill()
        _ = process.ending()
    }

    /// Starts it again on the same data, after its end.
    func restart(_ options: [String] = []) throws {
        process = try ChildProcess("baridd", ["--data", data] + options)
        try waitUntilReady()
    }

    /// Ends it as a power failure would.
    func kill() {
        process.kill()
        #expect(process.ending() == .killed(SIGKILL))
    }

    /// Asks it to drain, and waits for its end.
    func terminate() -> Ending {
        process.signal(SIGTERM)
        return process.ending(seconds: 30)
    }

    /// Whether it still runs.
    var isRunning: Bool { Foundation.kill(process.number, 0) == 0 && (try? status()) != nil }

    private func waitUntilReady() throws {
        let isReady = process.listen(seconds: 30) { output, _ in
            output.contains("is ready on") && output.contains("bus.sock\n")
        }
        let said = process.errors
        try #require(isReady, "the daemon did not get ready: \(said)")
        endpoints = process.output.split(separator: "\n").dropFirst().map {
            $0.trimmingCharacters(in: .whitespaces)
        }
    }
}

/// What operators do, over the control socket.
extension DaemonProcess {
    func status() throws -> Status {
        var control = try control()
        return try control.request(.status)
    }

    func verify() throws -> VerifyReport {
        var control = try control()
        return try control.request(.verify)
    }

    /// Publishes a declaration.
    func publish(_ source: String) throws {
        var control = try control()
        let publication: Control.Publication = try control.request(
            .procedurePublish,
            SourceArguments(source: source),
            reason: "a new law"
        )
        try #require(publication.isNew)
    }

    /// Publishes a declaration of `Deploy/procedures`.
    func publish(file: String) throws {
        try publish(
            String(contentsOfFile: Checkout.path + "/Deploy/procedures/\(file)", encoding: .utf8)
        )
    }

    func caseView(_ number: String) throws -> CaseView {
        var control = try control()
        return try control.request(.caseShow, CaseArguments(number: number))
    }

    func deadLetters() throws -> [DeadLetter] {
        var letters: [DeadLetter] = []
        var control = try control()
        _ = try control.request(.deadList, DeadListArguments(), result: RowCount.self) {
            (row: DeadLetter) throws(OperatorFault) in
            letters.append(row)
        }
        return letters
    }

    /// Checks the whole ledger, and that nothing in it is under way.
    func expectSound(
        closed: Int,
        open: Int = 0,
        _ location: SourceLocation = #_sourceLocation
    ) throws {
        let report = try verify()
        #expect(report.isSound, "\(report.findings)", sourceLocation: location)
        let cases = try status().cases
        #expect(
            cases == Status.Cases(open: UInt64(open), closed: UInt64(closed)),
            sourceLocation: location
        )
    }

    /// Runs `baridctl` on this daemon.
    func baridctl(_ arguments: String...) throws -> Ended {
        try Ended("baridctl", arguments + ["--data", data])
    }

    /// Runs `barid` on this daemon.
    func barid(_ arguments: String..., agency: String? = nil) throws -> Ended {
        try Ended(
            "barid",
            arguments + ["--data", data] + (agency.map { ["--agency", $0] } ?? [])
        )
    }

    /// Connects as a department's program.
    func connect(
        _ agency: String = "city",
        settleTimeout: Duration = .seconds(30)
    ) async throws -> Bus {
        try await Bus.connect(
            to: bus,
            agency: agency,
            name: "tests",
            settleTimeout: settleTimeout
        )
    }

    func control() throws -> ControlClient {
        try ControlClient(path: data + "/control.sock")
    }
}

/// Looks until a condition holds or 30 s are over.
///
/// The pause only spares the processor.
func eventually(
    _ condition: () async throws -> Bool,
    _ location: SourceLocation = #_sourceLocation
) async throws {
    // Three times the default lease: what a killed worker held comes back after one.
    let limit = Clock.monotonicMilliseconds() + 90_000
    while try await !condition() {
        try #require(
            Clock.monotonicMilliseconds() < limit,
            "it never came true",
            sourceLocation: location
        )
        try await Task.sleep(for: .milliseconds(2))
    }
}

/// All tests that start daemons, one after the other: each daemon and its peers want both cores.
@Suite("baridd", .serialized, .timeLimit(.minutes(4))) enum DaemonTests {}
