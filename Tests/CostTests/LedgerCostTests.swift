// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestKit
import Testing

/// Goal: a hop does not become dearer unnoticed.
///
/// Method: callgrind counts the instructions of the ledger's turns during a flow of fixed length,
/// which per hop are held against a committed number. Instructions and not seconds, so that a busy
/// machine changes nothing.
@Suite("What a hop costs", .enabled(if: Callgrind.isInstalled, "needs valgrind and objcopy"))
struct LedgerCostTests {
    /// Instructions of a hop in five offices, its share of the submission with it, 100 cases to a
    /// batch. Debian 12: SQLite 3.40.1, valgrind 3.19, which shows no SHA extensions.
    ///
    /// Lower it when a change makes a hop cheaper; raise it only with the reason in the commit.
    #if DEBUG
        private static let instructionsPerHop = 212_000
    #else
        private static let instructionsPerHop = 43_500
    #endif

    @Test("a hop costs the committed number of instructions, within a tenth")
    func hop() throws {
        let callgrind = try Callgrind(program: "LedgerCost")
        let counted = try callgrind.count(window: 100, hops: 1_000)
        let perHop = counted.instructions / counted.hops
        let committed = Self.instructionsPerHop
        #expect(
            (committed * 9 / 10...committed * 11 / 10).contains(perHop),
            "a hop costs \(perHop) instructions; committed are \(committed)"
        )
    }
}

/// Runs a program of this build under callgrind.
private struct Callgrind {
    static let isInstalled =
        ["valgrind", "objcopy"].allSatisfy {
            FileManager.default.isExecutableFile(atPath: "/usr/bin/\($0)")
        }

    private let directory = TemporaryDirectory()
    private let program: String

    /// Copies the program without debugging information: valgrind 3.19 cannot read that of Swift.
    init(program: String) throws {
        self.program = directory.path + "/" + program
        // Programs of a build stand beside the one that runs its tests.
        let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let built = URL(filePath: tests).deletingLastPathComponent().path + "/" + program
        _ = try Self.run("/usr/bin/objcopy", ["--strip-debug", built, self.program])
    }

    /// Instructions within the ledger's turns, and hops done.
    func count(window: Int, hops: Int) throws -> (instructions: Int, hops: Int) {
        let said = try Self.run(
            "/usr/bin/valgrind",
            [
                "--tool=callgrind", "--callgrind-out-file=/dev/null",
                "--toggle-collect=$s6Ledger0A6WriterC4turn*",
                program, directory.path, "\(window)", "\(hops)",
            ]
        )
        let collected = said.errors.components(separatedBy: "Collected : ").last ?? ""
        let done = said.output.prefix { $0.isNumber }
        return (
            try #require(Int(collected.prefix { $0.isNumber })), try #require(Int(done))
        )
    }

    private static func run(
        _ path: String,
        _ arguments: [String]
    ) throws -> (output: String, errors: String) {
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        // The seed of hashing would change the number a little from run to run.
        process.environment = ProcessInfo.processInfo.environment.merging(
            ["SWIFT_DETERMINISTIC_HASHING": "1"]
        ) { $1 }
        let output = Pipe()
        let errors = Pipe()
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        let said = try output.fileHandleForReading.readToEnd() ?? Data()
        let complained = try errors.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        let texts = (
            String(decoding: said, as: UTF8.self), String(decoding: complained, as: UTF8.self)
        )
        #expect(process.terminationStatus == 0, "\(path): \(texts.1)")
        return texts
    }
}
