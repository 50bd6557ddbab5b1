// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Bench

struct FloorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "floor",
        abstract: "Measure what the parts can do without the bus: SQLite, ZeroMQ and the disk.",
        discussion: """
            Needs no daemon. For each window: hops a second of the ledger's own rows in bare SQLite, \
            that many cases to a commit, and round trips a second of a bare DEALER and ROUTER. Then \
            writes of 4 KiB made durable a second.
            """
    )

    @Option(help: ArgumentHelp("A directory on the disk to be measured.", valueName: "dir"))
    var data: String
    @Option(help: "Offices every case visits.")
    var offices = 5
    @Option(parsing: .upToNextOption, help: "Cases to a commit.")
    var window = [1_000, 100, 10, 1]
    @Option(help: "Bytes of content of each case.")
    var size = 256
    @Option(help: "How long to measure each.")
    var seconds = 3.0
    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        guard (1...200).contains(offices) else {
            throw ValidationError("--offices must be 1 to 200.")
        }
        guard window.allSatisfy((1...5_000).contains) else {
            throw ValidationError("--window must be 1 to 5000.")
        }
        guard (0...1_048_576).contains(size) else {
            throw ValidationError("--size must be 0 to 1048576 bytes.")
        }
        guard seconds > 0, seconds <= 3_600 else {
            throw ValidationError("--seconds must be above 0 and at most 3600.")
        }
    }

    func run() throws {
        do {
            let floor = try Floor(
                in: data,
                offices: offices,
                envelopeBytes: FlowBench.envelope(
                    procedure: "itinerary",
                    officeCount: offices
                ).count,
                bodyBytes: size
            )
            defer { floor.remove() }
            var rows: [(window: Int, hops: Double, echoes: Double)] = []
            for window in window {
                rows.append(
                    (
                        window, try floor.hopsPerSecond(window: window, seconds: seconds),
                        try floor.echoesPerSecond(window: min(window, 100), seconds: seconds)
                    )
                )
            }
            print(rows, syncs: try floor.syncsPerSecond(seconds: seconds))
        } catch {
            throw leaving("The floor cannot be measured in \(data): \(error).", .failure)
        }
    }

    private func print(_ rows: [(window: Int, hops: Double, echoes: Double)], syncs: Double) {
        guard !json, Outlet.output.isTerminal else {
            let windows = rows.map { row in
                JSON.object([
                    ("window", .count(row.window)), ("hops_per_s", .real(row.hops)),
                    ("echoes_per_s", .real(row.echoes)),
                ])
            }
            let members: [(String, JSON)] = [
                ("offices", .count(offices)), ("size", .count(size)),
                ("windows", .list(windows)), ("syncs_per_s", .real(syncs)),
            ]
            return writeText(JSON.object(members).text + "\n")
        }
        var table = Table(heading: ["window", "hops/s in SQLite", "echoes/s"])
        table.rows = rows.map {
            ["\($0.window)", "\(Int($0.hops))", "\(Int($0.echoes))"]
        }
        writeText(table.text + "fdatasync of 4 KiB: \(Int(syncs)) a second\n")
    }
}
