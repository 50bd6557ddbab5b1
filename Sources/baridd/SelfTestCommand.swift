// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Daemon
internal import Glibc
internal import Platform

/// `baridd selftest`: a crash test on the disk the ledger is to lie on.
struct SelfTestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "selftest",
        abstract: "Kill a writer many times on this disk, check recovery, and time its syncs.",
        discussion: """
            Works in a directory of its own inside DIR and removes it; no daemon is needed or \
            touched. Killing a process does not cut the power: whether the disk keeps its word \
            then is judged by the time a sync takes.

            Exit status: 0 nothing was lost and the figures are plausible, 1 they are not, \
            111 the test could not be run.
            """
    )

    @Option(help: "Directory on the disk to test.")
    var dir: String

    @Option(help: ArgumentHelp("How often to kill the writer, 1 to 10000.", valueName: "count"))
    var kills: Int = 100

    @Flag(help: "Print one JSON object instead of text.")
    var json = false

    func validate() throws {
        guard (1...10_000).contains(kills) else {
            throw ValidationError("--kills is 1 to 10000.")
        }
    }

    func run() throws {
        signal(SIGPIPE, SIG_IGN)
        let report: SelfTest.Report
        do {
            report = try SelfTest(directory: dir, kills: kills).run()
        } catch {
            writeStandardError("baridd: The self-test could not be run: \(error)\n")
            throw ExitCode(111)
        }
        print(json ? Self.object(report) : Self.text(report))
        guard report.isPassed else { throw ExitCode(1) }
    }

    private static func text(_ report: SelfTest.Report) -> String {
        let latency = report.latency
        let recovery = report.recoveryMilliseconds
        var lines = [
            "killed         \(report.kills) times while it wrote",
            "acknowledged   \(report.acknowledged) acts, \(report.lost) of them lost",
            "recovery       \(rounded(recovery.median)) ms median, "
                + "\(rounded(recovery.longest)) ms longest",
            "ledger         \(report.findings.isEmpty ? "sound" : "NOT sound")",
            "fdatasync      \(rounded(latency.median)) µs median, "
                + "\(rounded(latency.percentile99)) µs 99th percentile of \(latency.count)",
            latency.verdict,
        ]
        lines.insert(contentsOf: report.findings.map { "  " + $0 }, at: 4)
        return lines.joined(separator: "\n")
    }

    private static func object(_ report: SelfTest.Report) -> String {
        let latency = report.latency
        let recovery = report.recoveryMilliseconds
        return """
            {"passed":\(report.isPassed),"kills":\(report.kills),\
            "acknowledged":\(report.acknowledged),"lost":\(report.lost),\
            "findings":\(report.findings.count),"recoveryMedianMs":\(rounded(recovery.median)),\
            "recoveryLongestMs":\(rounded(recovery.longest)),\
            "syncMedianUs":\(rounded(latency.median)),\
            "sync99Us":\(rounded(latency.percentile99)),"syncs":\(latency.count),\
            "inMemory":\(latency.isInMemory),"plausible":\(latency.isPlausible),\
            "verdict":"\(latency.verdict)"}
            """
    }

    private static func rounded(_ value: Double) -> Double { (value * 10).rounded() / 10 }
}

/// What `selftest` starts and kills.
struct SelfTestWriterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "selftest-writer",
        abstract: "Write into a ledger and tell receipts until killed.",
        shouldDisplay: false
    )

    @Argument(help: "Directory of the ledger.")
    var directory: String

    func run() throws {
        do {
            var writer = try SelfTestWriter(directory: directory)
            try writer.run()
        } catch {
            writeStandardError("baridd: \(error)\n")
            throw ExitCode(111)
        }
    }
}
