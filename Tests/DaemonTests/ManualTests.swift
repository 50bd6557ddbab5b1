// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestKit
import Testing

extension DaemonTests {
    /// Goal: what the manual and the shells say is what the programs take.
    ///
    /// Method: make pages and scripts as the packages do, and hold them against the programs' help.
    @Suite("is told by its manual") struct ManualTests {
        /// A folder with the pages of this build.
        private static func pages() throws -> TemporaryDirectory {
            let folder = TemporaryDirectory()
            let made = try Ended(
                Checkout.path + "/Deploy/manual/build",
                [try ChildProcess.products(), folder.path, "2026-11-24"]
            )
            #expect(made.status == 0, "\(made)")
            return folder
        }

        private static let programs = ["baridd": 8, "baridctl": 8, "barid": 1]

        @Test(
            "every command and option of a program is on its page",
            arguments: programs.sorted { $0.key < $1.key }.map(\.key)
        )
        func commands(program: String) throws {
            let folder = try Self.pages()
            let section = try #require(Self.programs[program])
            let page = try String(
                contentsOfFile: "\(folder.path)/\(program).\(section)",
                encoding: .utf8
            )
            let help = try Ended(program, ["--experimental-dump-help"]).json
            let leaves = Self.leaves(of: try #require(help["command"] as? [String: Any]))
            #expect(leaves.count > 2)
            for (words, options) in leaves where words != ["serve"] {
                #expect(
                    page.contains(
                        "\n.Ss \(words.joined(separator: " ").replacing("-", with: "\\-"))\n"
                    )
                )
                for option in options {
                    let name = option.replacing("-", with: "\\-")
                    #expect(page.contains("\n.It Fl \\-\(name)"), "\(words) --\(option)")
                }
            }
            #expect(page.contains(".Sh EXIT STATUS\n") && page.contains(".Sh SEE ALSO\n"))
            #expect(!page.contains("Exit status: 0 done"), "the list stayed in the text")
        }

        @Test("the manual has no fault that mandoc knows", .enabled(if: Self.has("mandoc")))
        func lint() throws {
            let folder = try Self.pages()
            let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            #expect(names.contains("barid-procedure.5") && names.count >= 4)
            let found = try Ended(
                "/usr/bin/mandoc",
                ["-T", "lint", "-W", "warning"] + names.map { folder.path + "/" + $0 }
            )
            #expect(found.output.isEmpty && found.status == 0, "\(found)")
        }

        @Test("a settings file becomes a page of its keys, values and comments")
        func settings() throws {
            let folder = TemporaryDirectory()
            let file = folder.path + "/sample.yaml"
            try Data(
                """
                # SPDX-License-Identifier: Apache-2.0
                # Read at start.

                # Where everything is.
                data: /var/lib/barid
                # The bus.
                bus:
                  # Endpoints with keys: none to begin with.
                  # listen: [tcp://*:7420]
                  body-max: 1048576   # In bytes.
                """.utf8
            ).write(to: URL(filePath: file))
            let page = try Ended(
                "manual",
                [
                    "guide", file, "--name", "sample", "--section", "5", "--date", "2026-11-04",
                    "--summary", "settings",
                ]
            )
            #expect(
                page.output == """
                    .\\" SPDX-License-Identifier: Apache-2.0
                    .Dd November 4, 2026
                    .Dt SAMPLE 5
                    .Os Barid
                    .Sh NAME
                    .Nm sample
                    .Nd settings
                    .Sh DESCRIPTION
                    Read at start.
                    .Bl -tag -width Ds
                    .It \\fBdata: /var/lib/barid\\fP
                    Where everything is.
                    .El
                    .Sh BUS
                    The bus.
                    .Bl -tag -width Ds
                    .It \\fBbus.listen: [tcp://*:7420]\\fP
                    Endpoints with keys: none to begin with.
                    .It \\fBbus.body\\-max: 1048576\\fP
                    In bytes.
                    .El

                    """
            )
        }

        @Test(
            "every shell reads the script that completes a program",
            arguments: ["bash", "zsh", "fish"],
            ["baridd", "baridctl", "barid"]
        )
        func scripts(shell: String, program: String) throws {
            let script = try Ended(program, ["completion", shell])
            #expect(script.status == 0 && script.output.contains(program), "\(script)")
            guard Self.has(shell) else { return print("\(shell) is not installed") }
            let folder = TemporaryDirectory()
            try Data(script.output.utf8).write(to: URL(filePath: folder.path + "/script"))
            let read = try Ended("/usr/bin/" + shell, ["-n", folder.path + "/script"])
            #expect(read.status == 0 && read.errors.isEmpty, "\(read)")
        }

        @Test("bash completes commands and options", .enabled(if: Self.has("bash")))
        func completion() throws {
            let products = try ChildProcess.products()
            let expected = [
                "baridctl|proc": "procedure", "baridctl|procedure|pub": "publish",
                "barid|submit|--proc": "--procedure", "baridd|serve|--keyed": "--keyed-socket",
            ]
            for (line, word) in expected {
                let words = line.split(separator: "|").map(String.init)
                let text = words.joined(separator: " ")
                let ended = try Ended(
                    "/usr/bin/bash",
                    [
                        "-c",
                        """
                        PATH="\(products):$PATH"
                        eval "$(\(words[0]) completion bash)"
                        COMP_WORDS=(\(text)) COMP_CWORD=\(words.count - 1)
                        COMP_LINE="\(text)" COMP_POINT=\(text.count)
                        _\(words[0]) \(words[0]) "\(words[words.count - 1])" x
                        echo "${COMPREPLY[*]}"
                        """,
                    ]
                )
                #expect(ended.output == word + "\n", "\(line): \(ended)")
            }
        }

        private static func has(_ program: String) -> Bool {
            FileManager.default.isExecutableFile(atPath: "/usr/bin/" + program)
        }

        /// The shown commands at the ends of a program's tree, with their long options.
        private static func leaves(
            of command: [String: Any]
        ) -> [(words: [String], options: [String])] {
            let inner = (command["subcommands"] as? [[String: Any]] ?? [])
                .filter { $0["shouldDisplay"] as? Bool != false }
                .filter { $0["commandName"] as? String != "help" }
            guard inner.isEmpty else { return inner.flatMap { leaves(of: $0) } }
            let words = (command["superCommands"] as? [String] ?? []).dropFirst()
            let options = (command["arguments"] as? [[String: Any]] ?? [])
                .filter { $0["shouldDisplay"] as? Bool != false }
                .compactMap { ($0["preferredName"] as? [String: Any])?["name"] as? String }
                .filter { $0 != "help" && $0 != "version" }
            return [(words + [command["commandName"] as? String ?? ""], options)]
        }
    }
}
