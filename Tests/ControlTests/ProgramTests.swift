// SPDX-License-Identifier: Apache-2.0

import Control
import Foundation
import Testing
import XES
import TestKit

/// Runs the built program against a server with a stub behind it.
@Suite("baridctl")
struct ProgramTests {
    struct Ending {
        var status: Int32
        var output: String
        var message: String
    }

    static func run(
        _ arguments: [String],
        data: String? = nil,
        directory: String? = nil
    ) throws -> Ending {
        // The program stands beside the one that runs the tests.
        let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let process = Process()
        process.executableURL = URL(filePath: program).deletingLastPathComponent()
            .appending(path: "baridctl")
        process.arguments = arguments
        if let directory { process.currentDirectoryURL = URL(filePath: directory) }
        var environment = ProcessInfo.processInfo.environment
        environment["BARID_DATA"] = data
        process.environment = environment
        let output = Pipe()
        let message = Pipe()
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = message
        try process.run()
        let outputBytes = output.fileHandleForReading.readDataToEndOfFile()
        let messageBytes = message.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return Ending(
            status: process.terminationStatus,
            output: String(decoding: outputBytes, as: UTF8.self),
            message: String(decoding: messageBytes, as: UTF8.self)
        )
    }

    private static let endings: [([String], Int32)] = [
        (["status"], 0), (["office", "list"], 0), (["agency", "list"], 0), (["verify"], 0),
        (["procedure", "show", "building-permit"], 0), (["procedure", "show", "other"], 4),
        (["case", "show", StubCommands.number], 0), (["case", "show", "1"], 4),
        (["dead", "retry", "418", "--reason", "x"], 0),
        (["dead", "retry", StubCommands.number, "--reason", "x"], 1),
        (["dead", "retry", "--all", "--reason", "x"], 2),
        (["dead", "retry", "--all", "--office", "a/b", "--reason", "x"], 1),
        (["dead", "retry", "--all"], 64), (["dead", "retry", "--reason", "x"], 64),
        (["dead", "retry", "418", "--all", "--reason", "x"], 64),
        (["dead", "close", "abc", "--reason", "x"], 64),
        (["dead", "list", "--office", "city/broken"], 75),
        (["agency", "backdating", "city", "maybe", "--reason", "x"], 64),
        (["agency", "backdating", "city", "on", "--reason", "x"], 0), (["nonsense"], 64),
        (["agency", "all-cases", "audit", "on", "--reason", "x"], 0),
        (["agency", "all-cases", "audit", "on"], 64),
        (["topic", "list"], 0), (["topic", "list", "city.>"], 0), (["topic", "list", "NO"], 65),
        (["topic", "rules"], 0),
        (["topic", "retention", "city.>", "--age", "P30D", "--reason", "x"], 0),
        (["topic", "retention", "city.>", "--bytes", "many", "--reason", "x"], 64),
        (["topic", "retention", "city.>", "--age", "P30D"], 64),
        (["subscription", "list"], 0), (["subscription", "dead"], 0),
        (["subscription", "dead", "utilities", "moves"], 0),
        (["subscription", "forget", "utilities", "moves", "--reason", "x"], 0),
        (["subscription", "forget", "utilities", "none", "--reason", "x"], 4),
        (["subscription", "forget", "utilities", "moves"], 64),
        (["catalogue", "list"], 0), (["catalogue", "show", "city"], 0),
        (["catalogue", "show", "state"], 4),
        (["top"], 0), (["top", "--limit", "1"], 0), (["health"], 1),
        (["health", "--stage", "ready"], 0), (["events", "--after", "0", "--no-follow"], 0),
        (["office", "show", "city/fire"], 0), (["office", "show", "town/fire"], 4),
        (["office", "pause", "city/fire", "--reason", "x"], 0),
        (["office", "pause", "city/fire"], 64),
        (["office", "resume", "city/fire", "--reason", "x"], 0),
        (["office", "drain", "city/fire", "--reason", "x"], 0),
        (["queue", "list"], 0), (["queue", "show", "city/fire"], 0),
        (["queue", "peek", "city/fire", "--limit", "3"], 0),
        (["queue", "move", "city/fire", "--to", "city/night", "--reason", "x"], 5),
        (
            [
                "queue", "move", "city/fire", "--to", "city/night", "--reason", "x", "--approve",
                StubCommands.token,
            ], 0
        ),
        (["case", "trail", StubCommands.number], 0), (["case", "why", StubCommands.number], 0),
        (["case", "hold", StubCommands.number, "--reason", "x"], 0),
        (["case", "release", StubCommands.number, "--reason", "x"], 0),
        (["case", "reroute", StubCommands.number, "--to", "a/b", "--reason", "x"], 0),
        (["dead", "show", "418"], 0), (["dead", "show", "419"], 4),
        (["dead", "close", "418", "--reason", "x"], 5),
        (["dead", "close", "418", "--reason", "x", "--dry-run"], 0),
        (["dead", "close", "418", "--reason", "x", "--approve", StubCommands.token], 0),
        (["dead", "close", "418", "--reason", "x", "--approve", "1-0"], 5),
        (["dead", "redirect", "--all", "--to", "a/b", "--reason", "x", "--dry-run"], 0),
        (["session", "list"], 0), (["session", "cut", "5", "--reason", "x"], 0),
        (["session", "cut", "6", "--reason", "x"], 4),
        (["log", "head"], 0), (["log", "verify"], 0), (["log", "verify", "--hash", "00"], 1),
        (["drain", "--reason", "x", "--dry-run"], 0), (["drain", "--reason", "x"], 5),
        (["offce", "--help"], 64), (["office", "lst", "--help"], 64), (["office", "--help"], 0),
    ]

    @Test("the exit status says how it ended", arguments: endings)
    func exits(arguments: [String], status: Int32) throws {
        let bench = try ServerBench()
        let isKnown = arguments != ["nonsense"] && arguments.last != "--help"
        let ending = try Self.run(arguments + (isKnown ? ["--socket", bench.path] : []))
        #expect(ending.status == status, "\(ending)")
        // A report that is not good needs no message, it is the output.
        let isReport = ["health", "log"].contains(arguments[0])
        #expect(isReport || ending.message.isEmpty == (status == 0), "\(ending)")
    }

    @Test("a word that is no command is told with what was probably meant, as an object too")
    func unknownCommand() throws {
        let ending = try Self.run(["office", "lst", "--help", "--json"])
        #expect(ending.status == 64 && ending.message.contains("Did you mean 'list'?"))
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(ending.output.utf8)) as? [String: Any]
        )
        #expect(object["code"] as? String == "usage" && object["exit"] as? Int == 64)
        let wrong = try Self.run(["office", "pause", "city/fire", "--json"])
        #expect(wrong.status == 64 && wrong.output.contains(#""code":"usage""#), "\(wrong)")
    }

    @Test("with --ndjson rows are an object a line, and so are the parts of a stream")
    func rows() throws {
        let bench = try ServerBench()
        let connection = ["--ndjson", "--socket", bench.path]
        let list = try Self.run(["office", "list"] + connection)
        #expect(list.output.split(separator: "\n").count == 2)
        #expect(list.output.hasPrefix(#"{"agency":"city","custody":0,"#))
        let events = try Self.run(["events", "--after", "308", "--no-follow"] + connection)
        #expect(events.output.split(separator: "\n").count == 3, "\(events)")
        let shown = try Self.run(["office", "show", "city/fire"] + connection)
        #expect(shown.output.contains(#""paused":{"reason":"burst pipe""#))
    }

    @Test("piped, a case is told in lines of their own kind, with state and place")
    func caseLines() throws {
        let bench = try ServerBench()
        let shown = try Self.run(["case", "show", StubCommands.number, "--socket", bench.path])
        let lines = shown.output.split(separator: "\n").map { $0.split(separator: "\t") }
        #expect(lines.contains(["case", "state", "open"]))
        #expect(
            lines.contains { $0.first == "place" && $0[1] == "city/planning" && $0[3] == "custody" }
        )
        #expect(lines.contains { $0.first == "act" && $0[3] == "completed" })
    }

    @Test("without a daemon, status ends with 3 and everything else with 69")
    func unreachable() throws {
        let directory = TemporaryDirectory()
        let status = try Self.run(["status"], data: directory.path)
        #expect(status.status == 3)
        #expect(status.message.contains("No daemon answers at \(directory.path)/control.sock"))
        #expect(try Self.run(["office", "list", "--data", "\(directory.path)/"]).status == 69)
    }

    @Test("a server without room is busy, whatever the program has sent meanwhile")
    func busy() throws {
        let bench = try ServerBench { $0.connectionsMax = 0 }
        for _ in 0..<20 {
            let ending = try Self.run(["office", "list", "--socket", bench.path])
            #expect(ending.status == 75)
            #expect(ending.message.contains("which is the limit"))
        }
    }

    @Test("piped, a list is tab-separated lines; with --json, one object with its schema")
    func forms() throws {
        let bench = try ServerBench()
        let lines = try Self.run(["office", "list", "--socket", bench.path])
        #expect(
            lines.output == """
                city/intake\t4\t0\t0\t0\t0\t2026-03-01T08:00:00.000Z\t1\t\tمكتب الاستقبال
                city/planning\t0\t0\t0\t0\t0\t\t0\t\tPlanning

                """
        )
        let json = try Self.run(["agency", "list", "--json", "--socket", bench.path])
        #expect(
            json.output
                == #"{"rows":[{"hearsAllCases":false,"mayBackdate":false,"name":"city","offices":4,"sessions":2}],"#
                + #""schema":"barid.agency.list/1"}"# + "\n"
        )
        let fault = try Self.run(["case", "show", "1", "--json", "--socket", bench.path])
        #expect(
            fault.output
                == #"{"code":"noSuchCase","exit":4,"schema":"barid.fault/1","#
                + #""text":"No case has the number 1."}"# + "\n"
        )
    }

    @Test("nothing is published while one of the files has faults")
    func publish() throws {
        let bench = try ServerBench()
        let directory = TemporaryDirectory()
        let broken = "\(directory.path)/broken.yaml"
        try Data("procedure: a\n".utf8).write(to: URL(filePath: broken))
        let sound = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Deploy/procedures/itinerary.yaml").path
        let connection = ["--socket", bench.path, "--reason", "new law"]
        let refused = try Self.run(["procedure", "publish", sound, broken] + connection)
        #expect(refused.status == 65)
        #expect(refused.message.contains("Nothing was published. \(broken):1:"))
        #expect(bench.commands.acts.isEmpty)
        #expect(try Self.run(["procedure", "check", sound, broken]).status == 65)

        let done = try Self.run(["procedure", "publish", sound] + connection)
        #expect(done.status == 0, "\(done)")
        #expect(done.output == "building-permit\t2\tpublished\n")
        #expect(bench.commands.acts.map(\.reason) == ["new law"])
        #expect(try Self.run(["procedure", "check", sound]).status == 0)
    }

    @Test("a catalogue with faults is told with their places and not published")
    func catalogue() throws {
        let bench = try ServerBench()
        let directory = TemporaryDirectory()
        let broken = "\(directory.path)/broken.yaml"
        try Data("catalogue: city\noffices:\n  state/desk: {}\n".utf8)
            .write(to: URL(filePath: broken))
        let sound = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Deploy/catalogue/city.yaml").path
        let connection = ["--socket", bench.path, "--reason", "new service"]
        let refused = try Self.run(["catalogue", "publish", broken] + connection)
        #expect(refused.status == 65)
        #expect(refused.message.contains("Nothing was published. \(broken):3:3:"))
        #expect(bench.commands.acts.isEmpty)
        #expect(try Self.run(["catalogue", "check", sound, broken]).status == 65)
        #expect(try Self.run(["catalogue", "check", sound]).status == 0)
        let done = try Self.run(["catalogue", "publish", sound] + connection)
        #expect(done.output == "city\t2\tpublished\n", "\(done)")
        #expect(bench.commands.acts.map(\.reason) == ["new service"])
    }

    @Test("lists of events are tab-separated lines, and objects with --json")
    func eventForms() throws {
        let bench = try ServerBench()
        let lines = try Self.run(["subscription", "list", "--socket", bench.path])
        #expect(lines.output == "utilities\tmoves\t290\t21\t3\t1\t1\t2\tcivil-registry.moves.>\n")
        let topics = try Self.run(["topic", "list", "--json", "--socket", bench.path])
        #expect(topics.output.contains(#""schema":"barid.topic.list/1""#))
        #expect(topics.output.contains(#"{"bytes":0,"events":0,"name":"city.permits.withdrawn"}"#))
        let rule = try Self.run(
            [
                "topic", "retention", "city.>", "--bytes", "5000", "--reason", "full disk",
                "--json", "--socket", bench.path,
            ]
        )
        #expect(rule.output.contains(#""result":{"bytes":5000,"pattern":"city.>"}"#))
        #expect(bench.commands.acts.map(\.what) == ["retention city.> - 5000"])
    }

    @Test("an exported event log is read back with all its cases")
    func export() throws {
        let bench = try ServerBench(traceCount: 500)
        let directory = TemporaryDirectory()
        let path = "\(directory.path)/log.xes"
        let ending = try Self.run(["export", "xes", "-o", path, "--socket", bench.path])
        #expect(ending.status == 0, "\(ending)")
        #expect(ending.output == "500 cases\n")
        let piped = try Self.run(["export", "xes", "--socket", bench.path])
        #expect(
            piped.output
                == String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
        )

        var traces: [Trace] = []
        var reader = try EventLogReader(path: path)
        while let trace = try reader.nextTrace() { traces.append(trace) }
        #expect(traces.count == 500)
        let trace = try #require(traces.first)
        #expect(trace.name == "LM-2026-0042")
        #expect(trace.instant("deadline") == StubCommands.due.milliseconds)
        #expect(trace.instant("enddate") == StubCommands.later.milliseconds)
        #expect(trace.text("case-number") == StubCommands.number)
        #expect(trace.text("channel") == "desk")
        #expect(
            trace.events == [
                Event(
                    activity: "check completeness",
                    group: "Front Desk",
                    resource: "A. Winter",
                    instant: StubCommands.opened.milliseconds
                )
            ]
        )
    }

    @Test("an export that fails leaves no file behind")
    func failedExport() throws {
        let directory = TemporaryDirectory()
        let path = "\(directory.path)/log.xes"
        let bench = try ServerBench(traceCount: -1)
        #expect(try Self.run(["export", "xes", "-o", path, "--socket", bench.path]).status == 1)
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).isEmpty)
    }
}
