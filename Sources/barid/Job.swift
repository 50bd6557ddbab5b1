// SPDX-License-Identifier: Apache-2.0

internal import BaridClient
internal import Glibc
internal import Subprocess
internal import SystemPackage

/// A command run for something the bus delivered.
///
/// Its standard input is the content, the particulars are in its environment, and its standard error
/// is that of this program.
struct Job: Sendable {
    /// How it ended.
    struct Ending: Sendable {
        /// The exit status; -1 if a signal ended it.
        var status: Int32
        /// Standard output, of which the last 1 MiB is kept.
        var output: [UInt8]
        /// Whether there was more of it.
        var isCut: Bool
    }

    /// Exit status by which a job asks for the referral to be given back (`EX_TEMPFAIL`).
    static let tryAgainStatus: Int32 = 75
    private static let outputBytesMax = 1 << 20
    /// How long a command may take to end once it was asked to; then it is killed.
    private static let endingPause: Duration = .seconds(5)

    let command: String

    /// Runs the command with `/bin/sh -c` and waits for its end; a cancelled wait ends the command
    /// and what it started.
    ///
    /// - Parameters:
    ///   - input: What the command may read; it need not.
    ///   - particulars: Variables added to the environment of this program.
    /// - Returns: How the command ended. What it left running is not waited for.
    /// - Throws: Why it could not be started.
    func run(
        input: [UInt8],
        particulars: [(name: String, value: String)]
    ) async throws -> Ending {
        // What the command does not read is a failed write, not this program's end.
        signal(SIGPIPE, SIG_IGN)
        var options = PlatformOptions()
        // A group of its own, so that the whole command is ended and not its shell alone.
        options.processGroupID = 0
        options.teardownSequence = [
            .gracefulShutDown(toProcessGroup: true, allowedDurationToNextStep: Self.endingPause)
        ]
        let added = particulars.map { item in
            (Environment.Key(stringLiteral: item.name), Optional(item.value))
        }
        let result = try await Subprocess.run(
            .path("/bin/sh"),
            arguments: ["-c", command],
            environment: .inherit.updating(Dictionary(added) { $1 }),
            platformOptions: options,
            input: .inputWriter,
            output: .sequence,
            error: .currentStandardError
        ) { execution in
            // At once, because a command may print before it reads. It may also end without having
            // read everything: that is no fault.
            async let fed: Void = {
                _ = try? await execution.standardInputWriter.write(input)
                try? await execution.standardInputWriter.finish()
            }()
            var output = Tail(bytesMax: Self.outputBytesMax)
            for try await part in execution.standardOutput {
                part.withUnsafeBytes { output.append($0) }
            }
            await fed
            return output
        }
        let status: Int32 =
            if case .exited(let code) = result.terminationStatus { code } else { -1 }
        return Ending(
            status: status,
            output: result.closureResult.bytes,
            isCut: result.closureResult.isCut
        )
    }

    /// Runs the command for a referral.
    func run(for referral: Referral) async throws -> Ending {
        try await run(
            input: referral.body,
            particulars: [
                ("BARID_CASE", referral.caseNumber), ("BARID_CASE_ID", referral.caseID),
                ("BARID_OFFICE", referral.office), ("BARID_PROCEDURE", referral.procedure),
                ("BARID_STEP", referral.step),
                ("BARID_OUTCOMES", referral.outcomes.joined(separator: " ")),
                ("BARID_ATTEMPTS", String(referral.attempts)),
                ("BARID_SUBJECT", referral.subject), ("BARID_REFERENCE", referral.reference),
                ("BARID_APPLICANT", referral.applicant),
                ("BARID_DUE", referral.dueAt.flatMap(instantText) ?? ""),
                ("BARID_CONTENT_TYPE", referral.contentType),
            ]
        )
    }
}

extension Job.Ending {
    /// The last line of standard output that is not blank.
    var lastLine: String {
        let lines = String(decoding: output, as: UTF8.self).split(whereSeparator: \.isNewline)
        let last = lines.last { !$0.allSatisfy(\.isWhitespace) } ?? ""
        let trimmed = last.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace)
        return String(String(trimmed).reversed())
    }
}

/// The last bytes of a stream.
private struct Tail: Sendable {
    private(set) var bytes: [UInt8] = []
    private(set) var isCut = false
    private let bytesMax: Int

    init(bytesMax: Int) { self.bytesMax = bytesMax }

    mutating func append(_ part: UnsafeRawBufferPointer) {
        bytes.append(contentsOf: part)
        guard bytes.count > bytesMax else { return }
        bytes.removeFirst(bytes.count - bytesMax)
        isCut = true
    }
}
