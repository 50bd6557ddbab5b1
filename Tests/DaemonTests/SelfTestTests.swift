// SPDX-License-Identifier: Apache-2.0

import Daemon
import Foundation
import TestKit
import Testing

extension DaemonTests {
    /// Goal: an operator learns whether this disk can carry a ledger.
    ///
    /// Method: run the program on a temporary directory, and the words on figures of every kind.
    @Suite("self-test") struct SelfTestTests {
        @Test(
            "a writer that is killed again and again loses nothing it was told, and leaves nothing"
        )
        func kills() throws {
            let directory = TemporaryDirectory()
            let ended = try Ended(
                "baridd",
                ["selftest", "--dir", directory.path, "--kills", "4", "--json"],
                seconds: 120
            )
            let found = try JSONSerialization.jsonObject(with: Data(ended.output.utf8))
            let report = try #require(found as? [String: Any], "\(ended)")
            #expect(report["kills"] as? Int == 4)
            #expect(report["lost"] as? Int == 0 && report["findings"] as? Int == 0)
            #expect(try #require(report["acknowledged"] as? Int) > 0)
            #expect(ended.status == (report["plausible"] as? Bool == true ? 0 : 1))
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).isEmpty)
        }

        @Test("a directory that is not there is told, with the status that a restart may help")
        func missing() throws {
            let ended = try Ended("baridd", ["selftest", "--dir", "/nowhere/at/all"], seconds: 20)
            #expect(ended.status == 111 && ended.errors.contains("/nowhere/at/all"))
        }

        @Test("a sync faster than any disk, and a disk that is memory, are not plausible")
        func words() {
            #expect(!SyncLatency(median: 4, isInMemory: false).isPlausible)
            #expect(!SyncLatency(median: 900, isInMemory: true).isPlausible)
            #expect(SyncLatency(median: 60, isInMemory: false).isPlausible)
            #expect(SyncLatency(median: 3_000, isInMemory: false).isPlausible)
        }
    }
}
