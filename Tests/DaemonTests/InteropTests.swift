// SPDX-License-Identifier: Apache-2.0

import BaridClient
import Foundation
import TestKit
import Testing

extension DaemonTests {
    /// Goal: software that knows nothing of Barid understands what it is told.
    ///
    /// Method: `Tests/interop/check.py` with packages of the Python Package Index.
    @Suite("is understood by others") struct InteropTests {
        /// Where the packages are kept between runs.
        private static let place = Checkout.path + "/.build/interop"
        private static let isPrepared: Bool = {
            let prepared = try? Ended(
                "/bin/sh",
                [Checkout.path + "/Tests/interop/prepare", place],
                seconds: 180
            )
            return prepared?.status == 0
        }()
        private static let packagesAreAbsent: Comment =
            "python3 with venv and pip cannot provide cloudevents and pyzmq on this machine"

        @Test(
            "the lines of barid subscribe --json are CloudEvents to the package of that name",
            .enabled(if: isPrepared, packagesAreAbsent)
        )
        func cloudEvents() async throws {
            let daemon = try DaemonProcess()
            let listener = try ChildProcess(
                "barid",
                ["subscribe", ">", "--json", "--agency", "city", "--data", daemon.data]
            )
            let isListening = listener.listen(seconds: 30) { _, errors in
                errors.contains("Listening")
            }
            #expect(isListening, "\(listener.errors)")
            let bus = try await daemon.connect()
            let bodies: [(String, [UInt8])] = [
                ("", []), ("application/json", Array("{\"a\": [1, 2]}".utf8)),
                ("text/plain; charset=utf-8", Array("رسالة\n".utf8)), ("image/png", [0, 255, 128]),
            ]
            for (contentType, body) in bodies {
                for isDurable in [true, false] {
                    var publication = BaridClient.Publication(topic: "city.news", body: body)
                    publication.contentType = contentType
                    publication.type = "sa.gov.city.news"
                    publication.subject = "مدينة"
                    publication.correlation = "c-1"
                    try await bus.publish(publication, durable: isDurable)
                }
            }
            await bus.close()
            let replay = try daemon.barid("replay", Checkout.path + "/Deploy/samples/permits.xes")
            #expect(replay.status == 0, "\(replay.errors)")
            let lineCount = 8 + 12 + 102 + 76
            _ = listener.listen(seconds: 30) { output, _ in
                output.utf8.count { $0 == UInt8(ascii: "\n") } >= lineCount
            }
            listener.signal(SIGTERM)
            #expect(listener.ending() == .exited(0), "\(listener.errors)")
            let directory = TemporaryDirectory()
            let path = directory.path + "/lines"
            try Data(listener.output.utf8).write(to: URL(filePath: path))
            let checked = try Self.check("lines", path)
            #expect(checked.status == 0, "\(checked)")
            #expect(try checked.json["events"] as? Int == lineCount)
            #expect(try checked.json["gaps"] as? Int == 0)
        }

        @Test(
            "a stock SUB socket is told the ledger's head",
            .enabled(if: isPrepared, packagesAreAbsent)
        )
        func bulletin() throws {
            let place = TemporaryDirectory()
            let endpoint = "ipc://\(place.path)/bulletin.sock"
            let daemon = try DaemonProcess(["--bulletin", endpoint])
            let checking = try Self.start("bulletin", endpoint)
            // Heads are told as the ledger grows.
            let replay = try daemon.barid("replay", Checkout.path + "/Deploy/samples/permits.xes")
            #expect(replay.status == 0, "\(replay.errors)")
            #expect(checking.ending(seconds: 60) == .exited(0), "\(checking.errors)")
            #expect(checking.output.contains("position"))
        }

        private static func start(_ words: String...) throws -> ChildProcess {
            try ChildProcess(
                place + "/bin/python3",
                [Checkout.path + "/Tests/interop/check.py"] + words
            )
        }

        private static func check(_ words: String...) throws -> Ended {
            try Ended(
                place + "/bin/python3",
                [Checkout.path + "/Tests/interop/check.py"] + words
            )
        }
    }
}
