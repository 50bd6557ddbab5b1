// SPDX-License-Identifier: Apache-2.0

import BaridClient
import Foundation
import TestKit
import Testing

extension DaemonTests {
    /// Goal: a question is answered once, or its asker is told why not.
    ///
    /// Method: `barid ask` and `barid answer` as processes, some of them killed.
    @Suite("carries questions") struct QuestionsTests {
        @Test("a service nobody offers is refused with its own status")
        func nobody() throws {
            let daemon = try DaemonProcess()
            let asked = try daemon.barid("ask", "registry/lookup", "--deadline", "5")
            #expect(asked.status == 75, "\(asked)")
            #expect(asked.errors.contains("notOffered"))
        }

        @Test("a question is answered by a command, or refused with its last line")
        func answered() throws {
            let daemon = try DaemonProcess()
            let answerer = try Self.offer(
                on: daemon,
                [
                    "--exec",
                    "read word && test $word != nobody && echo hello $word || { echo who?; exit 3; }",
                ]
            )
            let directory = TemporaryDirectory()
            let ada = try Self.file("ada\n", in: directory)
            let asked = try daemon.barid("ask", "registry/lookup", "--body", ada)
            #expect(asked.status == 0, "\(asked)")
            #expect(asked.output == "hello ada\n")
            let none = try Self.file("nobody\n", in: directory)
            let refused = try daemon.barid("ask", "registry/lookup", "--body", none)
            #expect(refused.status == 1)
            #expect(refused.errors.contains("who?"), "\(refused)")
            answerer.signal(SIGTERM)
            #expect(answerer.ending() == .exited(2), "one question was refused")
        }

        @Test("no answer in time is told at the deadline")
        func deadline() throws {
            let daemon = try DaemonProcess()
            let answerer = try Self.offer(on: daemon, ["--exec", "sleep 1000"])
            let asked = try daemon.barid("ask", "registry/lookup", "--deadline", "2")
            #expect(asked.status == 1, "\(asked)")
            #expect(asked.errors.contains("deadlinePassed"))
            answerer.signal(SIGTERM)
            #expect(answerer.ending() == .exited(0))
        }

        @Test("when who has the question is killed, another answers it")
        func killedAnswerer() throws {
            let daemon = try DaemonProcess()
            // It must not keep our end of its standard error open beyond the killed program.
            let command = "echo taken >&2; exec sleep 90 2>/dev/null"
            let first = try Self.offer(on: daemon, ["--exec", command])
            let asking = try ChildProcess(
                "barid",
                ["ask", "registry/lookup", "--deadline", "60", "--data", daemon.data]
            )
            let isTaken = first.listen(seconds: 30) { _, errors in errors.contains("taken") }
            #expect(isTaken, "\(first.errors)")
            let second = try Self.offer(on: daemon, ["--exec", "echo second"])
            first.kill()
            #expect(asking.ending(seconds: 90) == .exited(0), "\(asking.errors)")
            #expect(asking.output == "second\n")
            second.signal(SIGTERM)
            #expect(second.ending() == .exited(0))
        }

        @Test("a durable question is answered though asker, answerer and daemon come and go")
        func durable() throws {
            let daemon = try DaemonProcess()
            // The agency is known, and away.
            let away = try Self.offer(on: daemon, ["--echo"])
            away.signal(SIGTERM)
            #expect(away.ending() == .exited(0), "\(away.errors)")
            let words = [
                "ask", "registry/lookup", "--durable", "--deadline", "3600", "--key",
                "0195f0a0-0000-7000-8000-0000000000a1", "--data", daemon.data,
            ]
            let asking = try ChildProcess("barid", words)
            let isAsked = asking.listen(seconds: 30) { _, errors in errors.contains("recorded") }
            #expect(isAsked, "\(asking.errors)")
            asking.kill()
            #expect(asking.ending() == .killed(SIGKILL))
            daemon.kill()
            try daemon.restart()
            let answerer = try Self.offer(on: daemon, ["--exec", "echo late", "--limit", "1"])
            #expect(answerer.ending() == .exited(0), "\(answerer.errors)")
            daemon.kill()
            try daemon.restart()
            let again = try Ended("barid", words)
            #expect(again.status == 0, "\(again)")
            #expect(again.output == "late\n")
        }

        private static func offer(
            on daemon: DaemonProcess,
            _ options: [String]
        ) throws -> ChildProcess {
            let child = try ChildProcess(
                "barid",
                ["answer", "registry/lookup", "--data", daemon.data] + options
            )
            let isOffered = child.listen(seconds: 30) { _, errors in errors.contains("Answering") }
            try #require(isOffered, "\(child.errors)")
            return child
        }

        private static func file(_ text: String, in directory: TemporaryDirectory) throws -> String
        {
            let path = directory.path + "/\(UUID().uuidString)"
            try Data(text.utf8).write(to: URL(filePath: path))
            return path
        }
    }
}
