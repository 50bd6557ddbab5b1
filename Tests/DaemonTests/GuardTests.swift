// SPDX-License-Identifier: Apache-2.0

import BaridClient
import Control
import Foundation
import TestKit
import Testing

extension DaemonTests {
    /// Goal: a disk that fills stops what adds to it, step by step, and never what was taken.
    ///
    /// Method: raise the marks above what is free.
    @Suite("guards") struct GuardTests {
        private static func refusal(_ work: () async throws -> Void) async -> String {
            do {
                try await work()
                return ""
            } catch {
                return "\(error)"
            }
        }

        @Test("below each mark less is taken, and settling always")
        func marks() async throws {
            let directory = TemporaryDirectory()
            let file = directory.path + "/barid.yaml"
            func mark(_ text: String, _ daemon: DaemonProcess) throws {
                try text.write(toFile: file, atomically: true, encoding: .utf8)
                let reload = try daemon.baridctl("config", "reload", "--reason", "test")
                try #require(reload.status == 0, "\(reload)")
            }
            try "".write(toFile: file, atomically: true, encoding: .utf8)
            let daemon = try DaemonProcess(["--config", file])
            let bus = try await daemon.connect()
            var referrals = try await bus.staff("city/counter").makeAsyncIterator()
            var submission = Submission(procedure: "itinerary")
            submission.itinerary = ["city/counter"]
            _ = try await bus.submit(submission)
            let referral = try #require(try await referrals.next())
            _ = try await referral.accept()
            let trail = try await bus.track(referral.caseNumber)
            let custody = try bus.custody(of: try #require(trail.places.first), in: trail)
            #expect(try daemon.status().alarms == nil)

            try mark("disk:\n  warn: 1024TiB\n", daemon)
            try await eventually { try daemon.status().alarms == ["diskWarn"] }
            submission.key = SubmissionKey()
            _ = try await bus.submit(submission)

            try mark("disk:\n  reserve: 1024TiB\n  stop: 0\n", daemon)
            try await eventually { try daemon.status().alarms == ["diskReserve"] }
            try await eventually {
                submission.key = SubmissionKey()
                let refused = await Self.refusal { _ = try await bus.submit(submission) }
                return refused.contains("storageFull")
            }
            try await custody.note(activity: "seen")

            try mark("disk:\n  reserve: 1024TiB\n  stop: 1024TiB\n", daemon)
            try await eventually { try daemon.status().alarms == ["diskStop"] }
            try await eventually {
                await Self.refusal { try await custody.note(activity: "seen again") }
                    .contains("storageFull")
            }
            let metrics = try daemon.baridctl("metrics").output
            #expect(metrics.contains("\nbarid_disk_stage 3\n"))
            try await custody.complete("forwarded")

            try mark("", daemon)
            try await eventually { try daemon.status().alarms == nil }
            await bus.close()
            #expect(daemon.terminate() == .exited(0))
            for kind in ["diskWarn", "diskReserve", "diskStop", "diskEnough"] {
                #expect(daemon.process.errors.contains(#""kind":"\#(kind)""#), "\(kind)")
            }
        }

        @Test("memory above its mark is an alarm until it is below again")
        func memory() async throws {
            let directory = TemporaryDirectory()
            let file = directory.path + "/barid.yaml"
            try "memory:\n  warn: 1MiB\n".write(toFile: file, atomically: true, encoding: .utf8)
            let daemon = try DaemonProcess(["--config", file])
            try await eventually { try daemon.status().alarms == ["memoryHigh"] }
            try "".write(toFile: file, atomically: true, encoding: .utf8)
            #expect(try daemon.baridctl("config", "reload", "--reason", "more").status == 0)
            try await eventually { try daemon.status().alarms == nil }
        }
    }
}
