// SPDX-License-Identifier: Apache-2.0

import BaridClient
import Control
import Keys
import Foundation
import TestKit
import Testing

extension DaemonTests {
    /// Goal: the first minute of a new operator.
    ///
    /// Method: start it rightly and wrongly.
    @Suite("starts or says why not") struct StartTests {
        @Test("a fresh directory without any configuration carries a case")
        func fresh() async throws {
            let daemon = try DaemonProcess()
            #expect(daemon.endpoints == [daemon.bus])
            #expect(try daemon.status().epoch == 1)
            let bus = try await daemon.connect()
            #expect(bus.daemon.hasPrefix("baridd/"))
            var submission = Submission(procedure: "itinerary")
            submission.itinerary = ["city/counter"]
            submission.body = Array("plans".utf8)
            let referrals = try await bus.staff("city/counter")
            let receipt = try await bus.submit(submission)
            for try await referral in referrals {
                #expect(referral.caseNumber == receipt.caseNumber)
                #expect(referral.body == Array("plans".utf8))
                try await referral.complete("forwarded")
                break
            }
            #expect(try await bus.track(receipt.caseNumber).isClosed)
            await bus.close()
            try daemon.expectSound(closed: 1)
            #expect(daemon.terminate() == .exited(0))
            // What goes well is told as notices, one JSON object a line.
            let told = daemon.process.errors.split(separator: "\n")
            #expect(told.allSatisfy { $0.contains(#""level":"notice""#) }, "\(told)")
        }

        @Test("a second daemon on the same data is refused and names the first")
        func second() throws {
            let daemon = try DaemonProcess()
            let refused = try Ended("baridd", ["--data", daemon.data], seconds: 20)
            #expect(refused.status == 100)
            #expect(refused.errors.contains("Process \(daemon.process.number) is using it"))
            #expect(daemon.isRunning)
        }

        @Test("a data directory that cannot be one is refused with its name and what to do")
        func directory() throws {
            let directory = TemporaryDirectory()
            let file = directory.path + "/file"
            #expect(FileManager.default.createFile(atPath: file, contents: Data()))
            for path in [file, file + "/data", directory.path + "/missing/data", "/proc/data"] {
                let refused = try Ended("baridd", ["--data", path], seconds: 20)
                #expect(refused.status == 100, "\(path): \(refused)")
                #expect(refused.errors.hasPrefix("baridd: "), "\(refused)")
                #expect(refused.errors.contains(path), "\(refused)")
                #expect(refused.output.isEmpty)
            }
        }

        @Test(
            "a TCP endpoint without a key of the daemon's, or no endpoint, is refused with its text",
            arguments: [
                ("tcp://0.0.0.0:7420", "baridctl init"), ("tcp://*:7420", "baridctl init"),
                ("tcp://127.0.0.1:7420", "baridctl init"), ("tcp://127.0.0.1", "port is missing"),
                ("tcp://127.0.0.1:99999", "1 to 65535"), ("udp://127.0.0.1:7420", "ipc://"),
                ("ipc://relative", "absolute"),
            ]
        )
        func endpoint(text: String, reason: String) throws {
            let directory = TemporaryDirectory()
            let refused = try Ended(
                "baridd",
                ["--data", directory.path + "/data", "--listen", text],
                seconds: 20
            )
            #expect(refused.status == 100, "\(refused)")
            #expect(refused.errors.contains(text) && refused.errors.contains(reason), "\(refused)")
        }

        @Test("a port in use is refused with its endpoint; a path too long for a socket as well")
        func taken() throws {
            let first = try DaemonProcess(["--listen", "tcp://127.0.0.1:*"], isKeyed: true)
            let endpoint = try #require(first.endpoints.first { $0.hasPrefix("tcp://") })
            let directory = TemporaryDirectory()
            _ = try ServerKey.make(in: directory.path + "/data")
            let refused = try Ended(
                "baridd",
                ["--data", directory.path + "/data", "--listen", endpoint],
                seconds: 20
            )
            #expect(refused.status == 100)
            #expect(refused.errors.contains(endpoint), "\(refused)")
            let deep = directory.path + "/" + String(repeating: "a", count: 110)
            let long = try Ended("baridd", ["--data", deep], seconds: 20)
            #expect(long.status == 100)
            #expect(long.errors.contains("107 bytes"), "\(long)")
        }

        @Test("a database of another program, a later ledger and a spoilt one are left alone")
        func foreign() throws {
            let daemon = try DaemonProcess()
            #expect(daemon.terminate() == .exited(0))
            let file = URL(filePath: daemon.data + "/ledger.db")
            let sound = try Data(contentsOf: file)
            // Offsets of the SQLite header: user_version at 60, application_id at 68.
            let spoilt: [(ClosedRange<Int>, [UInt8], String)] = [
                (68...71, [0, 0, 0, 1], "another program"),
                (60...63, [0, 0, 0x27, 0x0F], "has version 9999"),
                (0...15, Array("not a database!!".utf8), "ledger"),
            ]
            for (range, bytes, reason) in spoilt {
                var changed = sound
                changed.replaceSubrange(range, with: bytes)
                try changed.write(to: file)
                let refused = try Ended("baridd", ["--data", daemon.data], seconds: 20)
                #expect(refused.status == 100, "\(refused)")
                #expect(refused.errors.contains(reason), "\(refused)")
                #expect(try Data(contentsOf: file) == changed, "the file was written to")
            }
            try sound.write(to: file)
            try daemon.restart()
            #expect(try daemon.status().epoch == 2)
        }

        @Test("wrong usage ends with 64")
        func usage() throws {
            let directory = TemporaryDirectory()
            for arguments in [
                [], ["--data"], ["--data", directory.path, "--body-max", "-1"],
                ["--data", directory.path, "--body-max", "67108865"],
                ["--data", directory.path, "--disk-reserve", "-1"],
                ["--data", directory.path, "--nonsense"],
            ] {
                #expect(try Ended("baridd", arguments, seconds: 20).status == 64, "\(arguments)")
            }
        }
    }
}
