// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestKit
import Testing

extension DaemonTests {
    /// Goal: the packages are what Debian expects of a package.
    ///
    /// Method: make them of this build's programs, and have them read by Debian's own tools. What
    /// they do on a machine is shown by `ServiceTests`.
    @Suite(
        "is packaged",
        .enabled(
            if: FileManager.default.isExecutableFile(atPath: "/usr/bin/dh")
                && FileManager.default.isExecutableFile(atPath: "/usr/bin/lintian"),
            "debhelper and lintian are not installed"
        )
    ) struct PackageTests {
        @Test("the same programs make the same packages, and lintian finds no error in them")
        func packages() throws {
            let folders = [TemporaryDirectory(), TemporaryDirectory()]
            for folder in folders {
                let made = try Ended(
                    Checkout.path + "/Deploy/package",
                    [
                        "--products", try ChildProcess.products(), "--version", "1.2.3",
                        "--out", folder.path,
                    ],
                    seconds: 240
                )
                #expect(made.status == 0, "\(made)")
            }
            let names = try FileManager.default.contentsOfDirectory(atPath: folders[0].path)
            #expect(names.count == 2)
            for name in names {
                let bytes = try folders.map {
                    try Data(contentsOf: URL(filePath: $0.path + "/" + name))
                }
                #expect(bytes[0] == bytes[1], "\(name) differs from one making to the next")
            }

            let packages = names.map { folders[0].path + "/" + $0 }
            // Programs of a debug build look for the Swift runtime where it was built.
            let found = try Ended(
                "/usr/bin/lintian",
                ["--fail-on", "error", "--suppress-tags", "custom-library-search-path"] + packages,
                seconds: 240
            )
            #expect(found.status == 0, "\(found)")
            #expect(!found.output.contains("W: "), "\(found)")

            let daemon = try #require(packages.first { $0.contains("/barid_") })
            let needs = try Ended("/usr/bin/dpkg-deb", ["-f", daemon, "Depends"]).output
            for library in ["libc6", "libsqlite3-0", "libzmq5", "systemd-sysusers"] {
                #expect(needs.contains(library), "\(needs)")
            }
            let content = try Ended("/usr/bin/dpkg-deb", ["-c", daemon]).output
            for path in [
                "bin/baridd", "bin/baridctl", "system/barid.service", "sysusers.d/barid.conf",
                "man8/baridd.8.gz", "man8/baridctl.8.gz", "man5/barid-procedure.5.gz",
                "bash-completion/completions/baridctl", "zsh/vendor-completions/_baridctl",
                "fish/vendor_completions.d/baridctl.fish", "procedures/building-permit.yaml",
            ] {
                #expect(content.contains(path + "\n"), "\(path) is missing")
            }
            // Keys are made by people.
            #expect(!content.contains(".key"))
        }
    }
}
