// SPDX-License-Identifier: Apache-2.0

internal import BaridClient
internal import Foundation
internal import Synchronization

/// A command run for one referral: content on standard input, particulars in the environment.
struct Job: Sendable {
    /// How it ended.
    struct Ending: Sendable {
        var status: Int32
        /// The last line of standard output that is not blank.
        var lastLine: String
    }

    /// Exit status by which a job asks for the referral to be given back (`EX_TEMPFAIL`).
    static let tryAgainStatus: Int32 = 75
    private static let outputBytesMax = 1 << 20

    let command: String

    /// Runs the command with `/bin/sh -c` and waits for its end; a cancelled wait ends the command.
    ///
    /// - Throws: Why it could not be started.
    func run(for referral: Referral) async throws -> Ending {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", command]
        process.environment = ProcessInfo.processInfo.environment.merging(
            environment(for: referral)
        ) { $1 }
        let input = Pipe()
        let output = Pipe()
        process.standardInput = input
        process.standardOutput = output
        signal(SIGPIPE, SIG_IGN)
        let body = Data(referral.body)
        let running = Running(process: process)
        return try await withTaskCancellationHandler {
            try await end(of: running, input: input, output: output, body: body)
        } onCancel: {
            running.terminate()
        }
    }

    private func end(
        of running: Running,
        input: Pipe,
        output: Pipe,
        body: Data
    ) async throws -> Ending {
        try await withCheckedThrowingContinuation { continuation in
            do { try running.start() } catch {
                continuation.resume(throwing: error)
                return
            }
            // Reading and writing block, so each has a thread: a job may print before it reads.
            Thread.detachNewThread {
                try? input.fileHandleForWriting.write(contentsOf: body)
                try? input.fileHandleForWriting.close()
            }
            Thread.detachNewThread {
                var text = Data()
                while let part = try? output.fileHandleForReading.read(upToCount: 65_536),
                    !part.isEmpty
                {
                    text.append(part)
                    if text.count > Self.outputBytesMax { text = text.suffix(Self.outputBytesMax) }
                }
                let ending = Ending(status: running.status(), lastLine: lastLine(of: text))
                continuation.resume(returning: ending)
            }
        }
    }

    private func environment(for referral: Referral) -> [String: String] {
        [
            "BARID_CASE": referral.caseNumber, "BARID_CASE_ID": referral.caseID,
            "BARID_OFFICE": referral.office, "BARID_PROCEDURE": referral.procedure,
            "BARID_STEP": referral.step,
            "BARID_OUTCOMES": referral.outcomes.joined(separator: " "),
            "BARID_ATTEMPTS": String(referral.attempts), "BARID_SUBJECT": referral.subject,
            "BARID_REFERENCE": referral.reference, "BARID_APPLICANT": referral.applicant,
            "BARID_DUE": referral.dueAt.flatMap(instantText) ?? "",
            "BARID_CONTENT_TYPE": referral.contentType,
        ]
    }
}

/// A process that may be told to end at any time, even before it runs.
private final class Running: Sendable {
    private let process: Process
    private let state = Mutex((isRunning: false, isUnwanted: false))

    init(process: Process) { self.process = process }

    func start() throws {
        try state.withLock { state in
            guard !state.isUnwanted else { throw CancellationError() }
            try process.run()
            state.isRunning = true
        }
    }

    func terminate() {
        state.withLock { state in
            state.isUnwanted = true
            if state.isRunning { process.terminate() }
        }
    }

    /// Waits for the end and returns the exit status, or -1 if a signal ended it.
    func status() -> Int32 {
        process.waitUntilExit()
        return process.terminationReason == .exit ? process.terminationStatus : -1
    }
}

private func lastLine(of output: Data) -> String {
    let lines = String(decoding: output, as: UTF8.self).split(whereSeparator: \.isNewline)
    let last = lines.last { !$0.allSatisfy(\.isWhitespace) } ?? ""
    return last.trimmingCharacters(in: .whitespaces)
}
