// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Ledger
internal import Platform
internal import Wire

/// A crash test on the operator's own disk: a child process writes acknowledged batches into a
/// ledger of its own and is killed again and again; after each time everything it was told must
/// be there.
///
/// It works in a directory it makes inside the given one and removes at the end. Killing a process
/// leaves the page cache whole, so what a loss of power does is judged by the time a sync takes.
package struct SelfTest: Sendable {
    /// What the test found.
    package struct Report: Sendable {
        /// How often the child was killed.
        package var kills = 0
        /// Acts whose receipts had been told when the child was killed.
        package var acknowledged: UInt64 = 0
        /// Acts of these that were missing or changed afterwards; anything above 0 is a defect.
        package var lost = 0
        /// What the check of the whole ledger found.
        package var findings: [String] = []
        /// How long opening after a kill took, in milliseconds: at the median, and the longest.
        package var recoveryMilliseconds = (median: 0.0, longest: 0.0)
        /// What the disk says about itself by the time it takes.
        package var latency: SyncLatency

        /// Whether nothing was lost and the figures are plausible.
        package var isPassed: Bool { lost == 0 && findings.isEmpty && latency.isPlausible }
    }

    private let directory: String
    private let kills: Int
    private let program: String

    /// A test in a directory.
    ///
    /// - Parameters:
    ///   - directory: Where ledgers are to lie later; it must exist.
    ///   - kills: How often to kill the child, at least 1.
    ///   - program: The file of `baridd`, started again as the child.
    package init(directory: String, kills: Int, program: String = "/proc/self/exe") {
        self.directory = directory
        self.kills = kills
        self.program = program
    }

    /// Runs the test; takes some 100 ms a kill.
    ///
    /// - Throws: `SystemFault` if the directory cannot be used or the child not be started,
    ///   `LedgerFault` if the ledger does not open after a kill.
    package func run() throws -> Report {
        var template = Array((directory + "/barid-selftest-XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else {
            throw SystemFault.latest("make a directory in", directory)
        }
        let place = String(
            decoding: template.dropLast().map { UInt8(bitPattern: $0) },
            as: UTF8.self
        )
        defer { Self.remove(place) }
        var report = Report(latency: try SyncLatency(directory: place, count: 400))
        var recoveries: [Double] = []
        for _ in 0..<kills {
            let told = try killedChild(in: place)
            report.kills += 1
            report.acknowledged += UInt64(told.receipts.count)
            recoveries.append(told.recoveryMilliseconds)
            let reader = try LedgerReader(directory: place, reading: SelfTestWriter.read)
            for receipt in told.receipts
            where try reader.receiptHash(at: receipt.position) != receipt.hash {
                report.lost += 1
            }
            if report.kills.isMultiple(of: 25) || report.kills == kills {
                report.findings += try Verification(reader).findings
            }
        }
        recoveries.sort()
        report.recoveryMilliseconds = (recoveries[recoveries.count / 2], recoveries.last ?? 0)
        return report
    }

    // MARK: The child

    private struct Told {
        var recoveryMilliseconds = 0.0
        var receipts: [(position: UInt64, hash: Identifier)] = []
    }

    /// Starts the child, kills it some time after its first receipts, and returns all it told.
    private func killedChild(in place: String) throws -> Told {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw SystemFault.latest("make a pipe", nil) }
        defer { close(ends[0]) }
        let child: pid_t
        do {
            defer { close(ends[1]) }
            child = try start(in: place, writingTo: ends[1], closing: ends[0])
        }
        let pause = Int64.random(in: 5...80)
        var killAt: Int64?
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let rest = killAt.map { max(0, $0 - Clock.monotonicMilliseconds()) } ?? 30_000
            var waiting = pollfd(fd: ends[0], events: Int16(POLLIN), revents: 0)
            _ = poll(&waiting, 1, Int32(rest))
            if let due = killAt, Clock.monotonicMilliseconds() >= due { kill(child, SIGKILL) }
            // A child that says nothing for half a minute is not coming.
            if waiting.revents == 0, killAt == nil { kill(child, SIGKILL) }
            guard waiting.revents != 0 else { continue }
            let count = read(ends[0], &chunk, chunk.count)
            guard count > 0 else { break }
            bytes += chunk[..<count]
            if killAt == nil { killAt = Clock.monotonicMilliseconds() + pause }
        }
        var status: Int32 = 0
        waitpid(child, &status, 0)
        guard status & 0x7F == SIGKILL, killAt != nil else {
            throw LedgerFault.storage("the writer ended by itself (status \(status))")
        }
        return Self.told(bytes)
    }

    private func start(
        in place: String,
        writingTo output: Int32,
        closing input: Int32
    ) throws(SystemFault) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        posix_spawn_file_actions_addclose(&actions, input)
        var child: pid_t = 0
        let words = ["baridd", "selftest-writer", place]
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { (word: String) in strdup(word) }
        arguments.append(nil)
        defer { for argument in arguments { free(argument) } }
        let status = posix_spawn(&child, program, &actions, nil, &arguments, environ)
        guard status == 0 else {
            throw SystemFault(errno: status, operation: "start", path: program)
        }
        return child
    }

    /// Reads the child's words; the last one may be cut by its death and is then not told.
    private static func told(_ bytes: [UInt8]) -> Told {
        func word(_ place: Int) -> UInt64 {
            bytes[place..<place + 8].reduce(0) { $0 << 8 | UInt64($1) }
        }
        var told = Told()
        guard bytes.count >= 8 else { return told }
        told.recoveryMilliseconds = Double(word(0)) / 1_000
        var place = 8
        while place + 24 <= bytes.count {
            let hash = Identifier(high: word(place + 8), low: word(place + 16))
            told.receipts.append((word(place), hash))
            place += 24
        }
        return told
    }

    private static func remove(_ place: String) {
        for suffix in ["", "-wal", "-shm"] { unlink(place + "/" + Ledger.fileName + suffix) }
        rmdir(place)
    }
}
