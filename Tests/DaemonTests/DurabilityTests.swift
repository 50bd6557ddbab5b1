// SPDX-License-Identifier: Apache-2.0

import BaridClient
import Control
import Foundation
import TestKit
import Testing

extension DaemonTests {
    /// Goal: "acknowledged is durable".
    ///
    /// Method: watch the daemon's system calls with strace and read the answers it sends from their
    /// bytes.
    @Suite("acknowledges only what is on disk") struct DurabilityTests {
        private static let strace = "/usr/bin/strace"
        private static var hasStrace: Bool {
            FileManager.default.isExecutableFile(atPath: strace)
        }

        @Test(
            "no receipt leaves before its transaction is synced",
            .enabled(if: hasStrace, "strace is not installed at /usr/bin/strace")
        )
        func syncedFirst() async throws {
            let daemon = try DaemonProcess()
            let bus = try await daemon.connect()
            let referrals = try await bus.staff("city/desk")
            let directory = TemporaryDirectory()
            let log = directory.path + "/calls"
            let watch = try ChildProcess(
                Self.strace,
                [
                    "-f", "-q", "-xx", "-s", "1048576", "-e", "trace=fdatasync,fsync,sendto,write",
                    "-e", "signal=none", "-o", log, "-p", String(daemon.process.number),
                ]
            )
            let base = try daemon.status().commits
            // strace says nothing once it has attached, so look at who traces the daemon.
            let tracer = "/proc/\(daemon.process.number)/status"
            try await eventually {
                if watch.listen(seconds: 0, until: { !$1.isEmpty }) { return true }
                let status = try String(contentsOfFile: tracer, encoding: .utf8)
                return status.contains("TracerPid:\t\(watch.number)\n")
            }
            guard watch.errors.isEmpty else {
                try Test.cancel("strace may not watch processes here: \(watch.errors)")
            }
            var submission = Submission(procedure: "itinerary")
            submission.itinerary = ["city/desk"]
            var desk = referrals.makeAsyncIterator()
            for _ in 0..<40 {
                submission.key = SubmissionKey()
                _ = try await bus.submit(submission)
                try await desk.next()?.complete("forwarded")
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                // Many at once, which share a sync.
                for _ in 0..<1_000 {
                    submission.key = SubmissionKey()
                    group.addTask { [submission] in _ = try await bus.submit(submission) }
                }
                try await group.waitForAll()
            }
            await bus.close()
            let commits = try daemon.status().commits - base
            #expect(daemon.terminate() == .exited(0))
            _ = watch.ending(seconds: 20)
            try Self.check(
                String(contentsOfFile: log, encoding: .utf8),
                base: base,
                commits: commits
            )
        }

        /// Counts finished syncs; each receipt tells how many transactions the daemon had committed,
        /// and at least as many syncs must stand before the call that sends it.
        private static func check(_ log: String, base: UInt64, commits: UInt64) throws {
            var syncCount: UInt64 = 0
            var receiptCount = 0
            for line in log.split(separator: "\n") {
                if line.contains("sync") {
                    if line.contains("fdatasync resumed") || line.contains("fsync resumed")
                        || !line.contains("unfinished")
                    {
                        try #require(line.hasSuffix("= 0"), "\(line)")
                        syncCount += 1
                    }
                    continue
                }
                // The call is logged when it begins, so its bytes have not left before this line.
                for told in receipts(in: line) {
                    receiptCount += 1
                    #expect(
                        syncCount >= told - base,
                        "receipt of commit \(told) after \(syncCount)"
                    )
                }
            }
            print("\(receiptCount) receipts, \(syncCount) syncs, \(commits) commits")
            // Of a large packet only what its first write holds is read.
            #expect(receiptCount >= 200)
            #expect(syncCount >= commits && commits >= 80)
        }

        /// The commits that the receipts among the bytes of a traced call tell of.
        private static func receipts(in line: Substring) -> [UInt64] {
            guard line.contains("\\x42\\x52\\x01\\x00"), let quote = line.firstIndex(of: "\"")
            else { return [] }
            let digits = line[line.index(after: quote)...].prefix { $0 != "\"" }
            let bytes = digits.split(separator: "\\x").compactMap { UInt8($0, radix: 16) }
            var told: [UInt64] = []
            var place = 0
            // "BR", level 1, reserved; then 64 bytes an operation where neither envelope nor body
            // follows, as in a receipt.
            while place + 8 + 64 <= bytes.count {
                guard bytes[place..<place + 4].elementsEqual([0x42, 0x52, 1, 0]) else {
                    place += 1
                    continue
                }
                place += 8
                while place + 64 <= bytes.count, bytes[place] == 64,
                    bytes[place + 8..<place + 16].allSatisfy({ $0 == 0 })
                {
                    let commits = bytes[place + 24..<place + 32].reduce(UInt64(0)) {
                        $0 << 8 | UInt64($1)
                    }
                    if commits > 0 { told.append(commits) }
                    place += 64
                }
            }
            return told
        }
    }
}
