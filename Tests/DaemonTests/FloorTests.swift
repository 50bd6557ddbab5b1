// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestKit
import Testing

extension DaemonTests {
    /// Goal: what a flow is measured against can be had, and leaves nothing.
    @Suite("measures the floor")
    struct FloorTests {
        @Test("the floor is measured without a daemon and leaves nothing behind")
        func floor() throws {
            let directory = TemporaryDirectory()
            let ended = try Ended(
                "barid",
                [
                    "bench", "floor", "--data", directory.path, "--seconds", "0.05", "--json",
                    "--window", "10", "1",
                ]
            )
            #expect(ended.status == 0, "\(ended.errors)")
            let windows = try #require(ended.json["windows"] as? [[String: Any]])
            #expect(windows.map { $0["window"] as? Int } == [10, 1])
            for window in windows {
                #expect(try #require(window["hops_per_s"] as? Double) > 0)
                #expect(try #require(window["echoes_per_s"] as? Double) > 0)
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == [])
        }

        @Test("a floor on a disk that is not there is refused in words")
        func nowhere() throws {
            let ended = try Ended("barid", ["bench", "floor", "--data", "/nowhere/at/all"])
            #expect(ended.status == 1)
            #expect(ended.errors.contains("/nowhere/at/all"))
        }
    }
}
