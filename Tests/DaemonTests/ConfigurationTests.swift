// SPDX-License-Identifier: Apache-2.0

import BaridClient
import Control
import Foundation
import TestKit
import Testing

extension DaemonTests {
    /// Goal: a change of the configuration is whole, told and reversible, or does not happen.
    ///
    /// Method: a real daemon with files of its own.
    @Suite("configuration") struct ConfigurationTests {
        private struct Bench {
            let directory = TemporaryDirectory()
            var file: String { directory.path + "/barid.yaml" }

            init(_ text: String) throws { try write(text) }

            func write(_ text: String, to name: String = "barid.yaml") throws {
                let path = directory.path + "/" + name
                try FileManager.default.createDirectory(
                    at: URL(filePath: path).deletingLastPathComponent(),
                    withIntermediateDirectories: true
                )
                try text.write(toFile: path, atomically: true, encoding: .utf8)
            }

            func check(_ options: String...) throws -> Ended {
                try Ended("baridd", ["--check", "--config", file] + options, seconds: 20)
            }
        }

        private static func value(_ key: String, _ daemon: DaemonProcess) throws -> SettingRow? {
            try rows(.configShow, daemon, of: SettingRow.self).first { $0.key == key }
        }

        private static func rows<Row: Codable>(
            _ command: CommandName,
            _ daemon: DaemonProcess,
            of type: Row.Type
        ) throws -> [Row] {
            var rows: [Row] = []
            var control = try daemon.control()
            _ = try control.request(command, NoArguments(), result: RowCount.self) {
                (row: Row) throws(OperatorFault) in
                rows.append(row)
            }
            return rows
        }

        @Test("--check tells every fault of every file with its place, and ends with 100")
        func check() throws {
            let bench = try Bench("bus:\n  listen: [\"tcp://127.0.0.1\"]\n")
            let wrong = try bench.check("--data", bench.directory.path + "/data")
            #expect(wrong.status == 100)
            #expect(wrong.errors.contains("\(bench.file):2:11: "), "\(wrong.errors)")
            #expect(wrong.errors.contains("port is missing"), "\(wrong.errors)")

            try bench.write("dta: /x\ndisk:\n  reserve: big\n")
            try bench.write("bus:\n  bdy-max: 1\n", to: "conf.d/20-bus.yaml")
            let faults = try bench.check().errors.split(separator: "\n")
            #expect(faults.count == 3, "\(faults)")
            #expect(faults[0].hasPrefix("baridd: \(bench.file):1:1: "), "\(faults)")
            #expect(faults[0].hasSuffix("Did you mean 'data'?"), "\(faults)")
            #expect(faults[1].hasPrefix("baridd: \(bench.file):3:12: "), "\(faults)")
            #expect(faults[2].contains("/conf.d/20-bus.yaml:2:3: "), "\(faults)")

            let missing = try Ended(
                "baridd",
                ["--check", "--config", "/nowhere.yaml"],
                seconds: 20
            )
            #expect(missing.status == 100 && missing.errors.contains("/nowhere.yaml"))
        }

        @Test("--check looks at the data directory and its ledger without making or changing them")
        func checkData() throws {
            let bench = try Bench("")
            let data = bench.directory.path + "/data"
            #expect(try bench.check("--data", data).status == 0)
            #expect(!FileManager.default.fileExists(atPath: data))
            #expect(try bench.check("--data", bench.file).status == 100)

            let daemon = try DaemonProcess()
            // Beside a daemon that runs, too.
            #expect(try bench.check("--data", daemon.data).status == 0)
            #expect(daemon.terminate() == .exited(0))
            let ledger = URL(filePath: daemon.data + "/ledger.db")
            var bytes = try Data(contentsOf: ledger)
            bytes.replaceSubrange(60...63, with: [0, 0, 0x27, 0x0F])
            try bytes.write(to: ledger)
            let later = try bench.check("--data", daemon.data)
            #expect(later.status == 100 && later.errors.contains("has version 9999"), "\(later)")
            #expect(try Data(contentsOf: ledger) == bytes)
        }

        @Test(
            "options win over conf.d, conf.d over the file, the file over defaults, and each is told"
        )
        func origins() throws {
            let bench = try Bench("disk:\n  reserve: 1MiB\nbus:\n  body-max: 2MiB\n")
            try bench.write("bus:\n  body-max: 3MiB\n  sessions-max: 9\n", to: "conf.d/10.yaml")
            try bench.write("bus:\n  sessions-max: 10\n", to: "conf.d/20.yaml")
            let daemon = try DaemonProcess(["--config", bench.file, "--disk-reserve", "4096"])
            let conf = bench.directory.path + "/conf.d"
            let rows = try Self.rows(.configShow, daemon, of: SettingRow.self)
            let told = Dictionary(
                uniqueKeysWithValues: rows.map { ($0.key, [$0.value, $0.origin]) }
            )
            #expect(told["disk.reserve"] == ["4KiB", "command line"])
            #expect(told["bus.body-max"] == ["3MiB", "\(conf)/10.yaml:2"])
            #expect(told["bus.sessions-max"] == ["10", "\(conf)/20.yaml:2"])
            #expect(told["bus.connections-max"] == ["8192", "default"])
            #expect(told["data"] == [daemon.data, "command line"])
        }

        @Test("a reload puts all of it in force, journals who and why, and tells what waits")
        func reload() throws {
            let bench = try Bench("disk:\n  reserve: 1MiB\n")
            let daemon = try DaemonProcess(["--config", bench.file])
            try bench.write("disk:\n  reserve: 2MiB\nbus:\n  body-max: 5MiB\n")
            let diff = try Self.rows(.configDiff, daemon, of: SettingChange.self)
            #expect(diff.map(\.key) == ["bus.body-max", "disk.reserve"])
            #expect(diff.map(\.applies) == ["restart", "now"])
            #expect(try Self.value("disk.reserve", daemon)?.value == "1MiB")

            let head = try daemon.status().journal.position
            let done = try daemon.baridctl("config", "reload", "--reason", "more room", "--json")
            #expect(done.status == 0, "\(done)")
            #expect(try daemon.status().journal.position == head + 1)
            #expect(try Self.value("disk.reserve", daemon)?.value == "2MiB")
            #expect(try Self.value("bus.body-max", daemon)?.value == "1MiB")
            #expect(
                try Self.rows(.configDiff, daemon, of: SettingChange.self).map(\.key)
                    == ["bus.body-max"]
            )
            // Nothing to put in force is nothing to journal.
            #expect(try daemon.baridctl("config", "reload", "--reason", "again").status == 0)
            #expect(try daemon.status().journal.position == head + 1)
            #expect(try daemon.verify().isSound)
        }

        @Test("a reload of faulty files changes nothing and names every fault")
        func refused() throws {
            let bench = try Bench("disk:\n  reserve: 1MiB\n")
            let daemon = try DaemonProcess(["--config", bench.file])
            try bench.write("disk:\n  reserve: 3MiB\nbus:\n  listen: [\"udp://127.0.0.1:1\"]\n")
            let refused = try daemon.baridctl("config", "reload", "--reason", "wrong")
            #expect(refused.status == 65, "\(refused)")
            #expect(refused.errors.contains("\(bench.file):4:11: "), "\(refused)")
            #expect(try Self.value("disk.reserve", daemon)?.value == "1MiB")
            let check = try daemon.baridctl("config", "check")
            #expect(check.status == 65 && check.output.contains("udp://127.0.0.1:1"), "\(check)")
        }

        @Test("a reload is undone unless it is confirmed in time")
        func undone() async throws {
            let bench = try Bench("disk:\n  reserve: 1MiB\n")
            let daemon = try DaemonProcess(["--config", bench.file])
            try bench.write("disk:\n  reserve: 2MiB\n")
            let reload = ["config", "reload", "--undo-after"]
            #expect(
                try daemon.baridctl(reload[0], reload[1], reload[2], "1", "--reason", "try").status
                    == 0
            )
            let refused = try daemon.baridctl("config", "reload", "--reason", "twice")
            if refused.status != 0 { #expect(refused.errors.contains("waits to be confirmed")) }
            try await eventually { try Self.value("disk.reserve", daemon)?.value == "1MiB" }
            #expect(try daemon.baridctl("config", "confirm").status == 1)

            #expect(
                try daemon.baridctl(reload[0], reload[1], reload[2], "600", "--reason", "try")
                    .status
                    == 0
            )
            #expect(try daemon.baridctl("config", "confirm").status == 0)
            #expect(try Self.value("disk.reserve", daemon)?.value == "2MiB")
            #expect(try daemon.baridctl("config", "undo", "--reason", "back").status == 0)
            #expect(try Self.value("disk.reserve", daemon)?.value == "1MiB")
            #expect(try daemon.baridctl("config", "undo", "--reason", "back").status == 1)
        }

        @Test("SIGHUP reloads, and faulty files are told on standard error while it serves on")
        func hangUp() async throws {
            let bench = try Bench("disk:\n  reserve: 1MiB\n")
            let daemon = try DaemonProcess(["--config", bench.file])
            try bench.write("disk:\n  reserve: 2MiB\n")
            daemon.process.signal(SIGHUP)
            try await eventually { try Self.value("disk.reserve", daemon)?.value == "2MiB" }
            try bench.write("disk:\n  reserve: two\n")
            daemon.process.signal(SIGHUP)
            #expect(daemon.process.listen(seconds: 30) { $1.contains("\(bench.file):2:12: ") })
            #expect(try Self.value("disk.reserve", daemon)?.value == "2MiB")
            #expect(daemon.terminate() == .exited(0))
        }

        @Test(
            "what is logged follows the level of a reload, and names no setting that did not change"
        )
        func level() throws {
            let bench = try Bench("log:\n  level: warning\n")
            let daemon = try DaemonProcess(["--config", bench.file])
            try bench.write("log:\n  level: notice\n")
            #expect(try daemon.baridctl("config", "reload", "--reason", "look").status == 0)
            #expect(daemon.terminate() == .exited(0))
            let told = daemon.process.errors.split(separator: "\n")
            try #require(told.count == 3, "\(told)")
            #expect(told[0].contains(#""kind":"configurationReloaded""#), "\(told)")
            #expect(told[0].contains(#""settings":"log.level: warning -> notice""#), "\(told)")
            #expect(told[1].contains(#""kind":"draining""#), "\(told)")
            #expect(told[2].contains(#""kind":"stopped""#), "\(told)")
        }

        @Test("a reserve above what is free refuses new cases from the reload on")
        func applied() async throws {
            let bench = try Bench("")
            let daemon = try DaemonProcess(["--config", bench.file])
            let bus = try await daemon.connect()
            _ = try await bus.staff("city/counter")
            var submission = Submission(procedure: "itinerary")
            submission.itinerary = ["city/counter"]
            _ = try await bus.submit(submission)
            try bench.write("disk:\n  reserve: 1024TiB\n")
            #expect(try daemon.baridctl("config", "reload", "--reason", "full").status == 0)
            try await eventually {
                do {
                    var next = submission
                    next.key = SubmissionKey()
                    _ = try await bus.submit(next)
                    return false
                } catch let error as BaridError {
                    return "\(error)".contains("storageFull")
                }
            }
        }
    }
}
