// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
@testable import baridctl
import Foundation
import TestKit
import Testing

/// Goal: scripts can rely on the JSON of every command.
///
/// Method: each is run against a server with a stub behind it, whose values never change, and its
/// output is compared with `Tests/Golden/baridctl.txt` byte for byte. A change there is a change of
/// what was promised; `BARID_RECORD=1` writes the file anew.
@Suite("The JSON of every command")
struct GoldenTests {
    private static let page = Checkout.path + "/Tests/Golden/baridctl.txt"

    /// Commands whose result is no JSON, or is not the server's: one makes a random key, two write XML
    /// and scripts, two work on a copy of a ledger (`BackupTests`).
    private static let others = [
        "init", "export xes", "completion", "backup verify", "backup restore",
    ]

    private static let commands = [
        "status", "health", "top --limit 1", "events --after 310 --no-follow", "office list",
        "office show city/fire", "office pause city/fire --reason x",
        "office resume city/fire --reason x", "office drain city/fire --reason x", "queue list",
        "queue show city/fire", "queue peek city/fire --limit 1",
        "queue move city/fire --to city/night --reason x --dry-run",
        "queue move city/fire --to city/night --reason x",
        "queue move city/fire --to city/night --reason x --approve \(StubCommands.token)",
        "case show \(StubCommands.number)", "case show 1", "case trail \(StubCommands.number)",
        "case why \(StubCommands.number)", "case hold \(StubCommands.number) --reason x",
        "case release \(StubCommands.number) --reason x",
        "case reroute \(StubCommands.number) --to city/night --reason x", "dead list",
        "dead show 418", "dead retry 418 --reason x",
        "dead redirect 418 --to city/night --reason x --dry-run",
        "dead close 418 --reason x --approve \(StubCommands.token)", "session list",
        "session cut 5 --reason x", "log head", "log verify", "drain --reason x --dry-run",
        "procedure list", "procedure show building-permit",
        "procedure check Deploy/procedures/itinerary.yaml",
        "procedure publish Deploy/procedures/itinerary.yaml --reason x", "agency list",
        "agency add Deploy/setup --fingerprint 1 --reason x",
        "agency rotate Deploy/setup --fingerprint 1 --reason x", "agency show city",
        "agency suspend city --reason x", "agency resume city --reason x",
        "agency revoke city --key 7 --reason x --dry-run",
        "agency revoke city --all --reason x --approve \(StubCommands.token)",
        "agency limit city --sessions 9 --reason x",
        "agency backdating city on --reason x", "agency all-cases city on --reason x",
        "policy grant @permits submit building-* --reason x", "policy revoke 3 --reason x",
        "policy list", "policy explain city submit building-permit",
        "policy give city permits --reason x", "policy take city permits --reason x",
        "topic list", "topic rules", "topic retention city.> --age P30D --reason x",
        "subscription list", "subscription dead",
        "subscription forget utilities moves --reason x", "catalogue list",
        "catalogue show city", "catalogue check Deploy/catalogue/city.yaml",
        "catalogue publish Deploy/catalogue/city.yaml --reason x", "service list",
        "notice service.maintenance Closed --reason x", "verify", "metrics", "config check",
        "config show", "config diff", "config reload --reason x",
        "config reload --reason x --undo-after 300", "config confirm", "config undo --reason x",
        "backup create --to /var/lib/barid/backups/monday --reason x",
        "retention run --dry-run", "retention run --procedure building-permit --reason x",
        "erase \(StubCommands.number) --reason x --dry-run",
        "erase \(StubCommands.number) --reason x --approve \(StubCommands.token)",
    ]

    @Test("is as it was promised")
    func same() throws {
        let bench = try ServerBench()
        var lines: [String] = []
        for command in Self.commands {
            let isOffline = command.contains(" check ")
            let ending = try ProgramTests.run(
                command.split(separator: " ").map(String.init) + ["--json"]
                    + (isOffline ? [] : ["--socket", bench.path]),
                directory: Checkout.path
            )
            lines.append("$ \(command)")
            lines.append(
                ending.output.replacing("\n", with: "")
                    + (ending.status == 0 ? "" : " [\(ending.status)]")
            )
        }
        if ProcessInfo.processInfo.environment["BARID_RECORD"] == "1" {
            try Data((lines.joined(separator: "\n") + "\n").utf8)
                .write(to: URL(filePath: Self.page))
        }
        let golden = try String(contentsOfFile: Self.page, encoding: .utf8)
            .split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
        #expect(golden.count == lines.count)
        for (line, promised) in zip(lines, golden) { #expect(line == promised) }
    }

    @Test("has an example here for every command there is")
    func complete() {
        for path in Self.leaves(of: Baridctl.self, "") where !Self.others.contains(path) {
            #expect(
                Self.commands.contains { $0 == path || $0.hasPrefix(path + " ") },
                "\(path) has none"
            )
        }
    }

    private static func leaves(of command: any ParsableCommand.Type, _ path: String) -> [String] {
        let subcommands = command.configuration.subcommands
        guard !subcommands.isEmpty else { return [path] }
        return subcommands.flatMap { next in
            leaves(of: next, path.isEmpty ? next._commandName : path + " " + next._commandName)
        }
    }
}
