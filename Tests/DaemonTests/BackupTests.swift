// SPDX-License-Identifier: Apache-2.0

import BaridClient
import Control
import Foundation
import TestKit
import Testing

extension DaemonTests {
    /// Goal: a backup made under load is the ledger of one moment, and what is restored from it
    /// serves.
    ///
    /// Method: the drill an operator would do, with the programs an operator has.
    @Suite("backup and restore") struct BackupTests {
        private static func ended(_ arguments: String...) throws -> Ended {
            try Ended("baridctl", arguments, seconds: 60)
        }

        private static func submission() -> Submission {
            var submission = Submission(procedure: "itinerary")
            submission.itinerary = ["city/counter", "city/archive"]
            submission.body = Array(repeating: 7, count: 2_000)
            return submission
        }

        /// A daemon with some cases of two offices.
        private static func daemon(cases: Int) async throws -> (DaemonProcess, [String]) {
            let daemon = try DaemonProcess()
            let bus = try await daemon.connect()
            _ = try await bus.staff("city/counter")
            _ = try await bus.staff("city/archive")
            var numbers: [String] = []
            for _ in 0..<cases { numbers.append(try await bus.submit(submission()).caseNumber) }
            await bus.close()
            return (daemon, numbers)
        }

        @Test("the drill: a backup under full load is restored elsewhere, verifies, and serves")
        func drill() async throws {
            let (daemon, before) = try await Self.daemon(cases: 200)
            let directory = TemporaryDirectory()
            let backup = directory.path + "/backup"
            // A program of its own, which goes on for as long as the backup takes.
            let load = try ChildProcess(
                "barid",
                ["bench", "flow", "--data", daemon.data, "--seconds", "600", "--window", "50"]
            )
            try await eventually { try daemon.status().hops > 100 }
            let head = try daemon.status().journal.position
            let made = try daemon.baridctl(
                "backup",
                "create",
                "--to",
                backup,
                "--reason",
                "drill",
                "--json"
            )
            let after = try daemon.status().journal.position
            load.kill()
            #expect(load.ending() == .killed(SIGKILL), "the load ended by itself")
            try #require(made.status == 0, "\(made)")
            let result = try #require(try made.json["result"] as? [String: Any])
            let journal = try #require(result["journal"] as? [String: Any])
            let position = try #require(journal["position"] as? UInt64)
            #expect(position > head && position <= after, "\(head) \(position) \(after)")
            #expect(after > head + 1, "nothing happened while the backup was made")

            let target = directory.path + "/data"
            let restored = try Self.ended("backup", "restore", backup, "--to", target)
            try #require(restored.status == 0, "\(restored)")
            #expect(daemon.terminate() == .exited(0))
            let second = try DaemonProcess(restoredAt: target)
            #expect(try second.verify().isSound)
            // Every case that was acknowledged before the backup began.
            for number in before { #expect(try second.caseView(number).number == number) }
            #expect(try second.status().epoch > 1_000_000)
            let again = try await second.connect()
            let archive = try await again.staff("city/archive")
            _ = try await again.staff("city/counter")
            var submission = Submission(procedure: "itinerary")
            submission.itinerary = ["city/archive"]
            let number = try await again.submit(submission).caseNumber
            for try await referral in archive {
                try await referral.complete("forwarded")
                if referral.caseNumber == number { break }
            }
            #expect(try second.caseView(number).state == "closed")
            await again.close()
        }

        @Test("a ledger in use is not restored to, nor one that is there unless it is moved aside")
        func live() async throws {
            let (daemon, _) = try await Self.daemon(cases: 3)
            let directory = TemporaryDirectory()
            let backup = directory.path + "/backup"
            let made = try daemon.baridctl("backup", "create", "--to", backup, "--reason", "test")
            try #require(made.status == 0, "\(made)")
            let bus = try await daemon.connect()
            _ = try await bus.staff("city/counter")
            _ = try await bus.submit(Self.submission())
            await bus.close()

            for options in [[], ["--replace"]] {
                let refused = try Ended(
                    "baridctl",
                    ["backup", "restore", backup, "--to", daemon.data] + options
                )
                #expect(refused.status == 1 && refused.errors.contains("is using it"), "\(refused)")
            }
            #expect(try daemon.status().cases.open == 4)
            daemon.kill()
            let there = try Self.ended("backup", "restore", backup, "--to", daemon.data)
            #expect(there.status == 1 && there.errors.contains("--replace"), "\(there)")
            // The log of the killed daemon would bring its rows into the restored file.
            let replaced = try Self.ended(
                "backup",
                "restore",
                backup,
                "--to",
                daemon.data,
                "--replace"
            )
            #expect(replaced.status == 0, "\(replaced)")
            try daemon.restart()
            #expect(try daemon.status().cases.open == 3)
            #expect(try daemon.verify().isSound)
        }

        @Test("a stale log beside no ledger is removed, and the restored ledger serves")
        func stale() async throws {
            let (daemon, _) = try await Self.daemon(cases: 2)
            let directory = TemporaryDirectory()
            let backup = directory.path + "/backup"
            #expect(
                try daemon.baridctl("backup", "create", "--to", backup, "--reason", "t").status == 0
            )
            // Its log has rows that came after the backup.
            let bus = try await daemon.connect()
            _ = try await bus.staff("city/counter")
            _ = try await bus.submit(Self.submission())
            daemon.kill()
            let target = directory.path + "/data"
            try FileManager.default.createDirectory(
                atPath: target,
                withIntermediateDirectories: true
            )
            for ending in ["-wal", "-shm"] {
                let left = daemon.data + "/ledger.db" + ending
                try FileManager.default.copyItem(
                    atPath: left,
                    toPath: target + "/ledger.db" + ending
                )
            }
            #expect(try Self.ended("backup", "restore", backup, "--to", target).status == 0)
            let second = try DaemonProcess(restoredAt: target)
            #expect(try second.verify().isSound)
            #expect(try second.status().cases.open == 2)
        }

        @Test("a copy that was changed, cut or left unfinished is refused, each with its reason")
        func unsound() async throws {
            let (daemon, _) = try await Self.daemon(cases: 2)
            let directory = TemporaryDirectory()
            let backup = directory.path + "/backup"
            let create = ["backup", "create", "--to", backup, "--reason", "t"]
            #expect(try Ended("baridctl", create + ["--data", daemon.data]).status == 0)
            #expect(try Self.ended("backup", "verify", backup).status == 0)
            // Not over another one.
            let twice = try Ended("baridctl", create + ["--data", daemon.data])
            #expect(twice.status == 1 && twice.errors.contains("empty"), "\(twice)")

            let file = URL(filePath: backup + "/ledger.db")
            let sound = try Data(contentsOf: file)
            var flipped = sound
            flipped[flipped.count / 2] ^= 1
            try flipped.write(to: file)
            #expect(try Self.ended("backup", "verify", backup).status == 65)
            try sound.dropLast(4_096).write(to: file)
            #expect(try Self.ended("backup", "verify", backup).status == 65)
            let target = directory.path + "/data"
            #expect(try Self.ended("backup", "restore", backup, "--to", target).status == 65)
            #expect(!FileManager.default.fileExists(atPath: target))
            try sound.write(to: file)
            #expect(try Self.ended("backup", "verify", backup).status == 0)
            try FileManager.default.removeItem(atPath: backup + "/manifest.json")
            let unfinished = try Self.ended("backup", "verify", backup)
            #expect(unfinished.status == 4, "\(unfinished)")
        }

        @Test("a directory that cannot be written to is refused, and nothing is left there")
        func refused() async throws {
            let (daemon, _) = try await Self.daemon(cases: 1)
            let head = try daemon.status().journal.position
            for (path, status) in [("/proc/backup", 1), ("relative", 65)] as [(String, Int32)] {
                let ended = try daemon.baridctl("backup", "create", "--to", path, "--reason", "t")
                #expect(ended.status == status, "\(ended)")
            }
            #expect(try daemon.status().journal.position == head)
            #expect(try daemon.verify().isSound)
        }
    }
}
