// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestKit
import Testing

extension DaemonTests {
    /// Goal: the unit keeps its promises under a real service manager.
    ///
    /// Method: `Tests/systemd` boots one in a container and installs the packages, made of this
    /// build's programs; each of its lines is a promise.
    @Suite("is a service") struct ServiceTests {
        private static let canBoot =
            getuid() == 0
            && (try? String(contentsOfFile: "/proc/filesystems", encoding: .utf8))?
                .contains("overlay") == true

        @Test(
            "systemd installs, starts, watches, restarts, stops and replaces it",
            .enabled(if: canBoot, "booting a container needs root and overlayfs")
        )
        func unit() throws {
            let bin = try ChildProcess.products()
            let trial = try Ended(Checkout.path + "/Tests/systemd", [bin], seconds: 480)
            // It says itself what it lacks on a machine where a container cannot be booted.
            guard trial.status != 77 else { return print(trial.errors) }
            #expect(trial.status == 0, "\(trial)")
            #expect(trial.output.contains("passed: nothing acknowledged is lost"))
            #expect(trial.output.contains("passed: a package that cannot open the ledger"))
            #expect(!trial.output.contains("FAILED"), "\(trial)")
        }

        private static let analyzer = "/usr/bin/systemd-analyze"

        @Test(
            "the unit is exposed no more than systemd's own services are",
            .enabled(
                if: FileManager.default.isExecutableFile(atPath: analyzer),
                "systemd-analyze is not installed"
            )
        )
        func exposure() throws {
            let unit = Checkout.path + "/Deploy/systemd/barid.service"
            let found = try Ended(
                Self.analyzer,
                ["security", "--offline=true", "--threshold=15", "--no-pager", unit],
                seconds: 20
            )
            #expect(found.status == 0, "\(found)")
        }
    }
}
