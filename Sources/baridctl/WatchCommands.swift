// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Control

struct HealthCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "health",
        abstract: "Say how far the daemon may be relied on, and why.",
        discussion: """
            Stages: live, its threads turn; ready, it takes work and commits reach the disk; healthy, \
            nothing needs an operator. Exit status 0 if the stage asked for is reached, 1 if not, 69 \
            if no daemon answers.
            """
    )

    /// The stages one can ask for.
    enum Wanted: String, ExpressibleByArgument, CaseIterable {
        case live
        case ready
        case healthy
    }

    @Option(help: "The stage that must be reached.")
    var stage = Wanted.healthy

    @OptionGroup var connection: ConnectionOptions

    func run() throws {
        try connection.perform { (client, output) throws(OperatorFault) in
            let health: Health = try client.request(.health)
            try output.show(health, schema: "health") {
                output.part("stage", [Column(name: "stage")], [[health.stage.rawValue]])
                    + output.part("check", Self.columns, health.checks.map(Self.cells))
            }
            let order = Health.Stage.allCases.map(\.rawValue)
            let reached = order.firstIndex(of: health.stage.rawValue) ?? 0
            return reached >= order.firstIndex(of: stage.rawValue) ?? 0 ? .done : .failed
        }
    }

    private static let columns = [
        Column(name: "stage"), Column(name: "check"), Column(name: "good"), Column(name: "found"),
    ]

    private static func cells(_ check: Health.Check) -> [String] {
        [check.stage.rawValue, check.name, check.isGood ? "yes" : "no", check.text]
    }
}

struct TopCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top",
        abstract: "Show what is going on, and the busiest offices.",
        discussion: """
            With --watch, rates are those since the look before; without, since the daemon started. \
            Piped, each line begins with what it tells of: total or office.
            """
    )

    @Option(help: ArgumentHelp("Offices at most.", valueName: "count"))
    var limit: UInt32 = 20

    @OptionGroup var watching: WatchOptions
    @OptionGroup var connection: ConnectionOptions

    func run() throws {
        try connection.perform { (client, output) throws(OperatorFault) in
            var last: TopView?
            try watching.look(output) { () throws(OperatorFault) in
                let view: TopView = try client.request(.top, TopArguments(limit: limit))
                try output.show(view, schema: "top") { view.lines(output, since: last) }
                last = view
            }
            return .done
        }
    }
}

struct EventsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events",
        abstract: "Tell the records of the journal as they come.",
        discussion: """
            A row is who did what, when and where; remarks and names of persons are not told. With \
            --json and --ndjson alike each row is an object on a line of its own.
            """
    )

    @Option(
        help: ArgumentHelp("Begin behind this position (default: the end).", valueName: "position")
    )
    var after: UInt64?

    @Option(help: ArgumentHelp("End after so many records.", valueName: "count"))
    var limit: UInt64?

    @Flag(name: .customLong("no-follow"), help: "End at the end of the journal.")
    var isEnding = false

    @OptionGroup var connection: ConnectionOptions

    func run() throws {
        try connection.perform { (client, output) throws(OperatorFault) in
            _ = try client.request(
                .events,
                EventsArguments(after: after, limit: limit, follow: !isEnding),
                seconds: nil,
                result: RowCount.self
            ) { (row: JournalRow) throws(OperatorFault) in
                try output.row(row)
            }
            return .done
        }
    }
}

struct DrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain",
        abstract: "Stop the daemon: what it has taken is answered, then it ends.",
        discussion: "The same as SIGTERM, with who and why in the journal.\n\n"
            + ApprovalOptions.discussion
    )

    @OptionGroup var approval: ApprovalOptions
    @OptionGroup var connection: ConnectionOptions

    func run() throws {
        try approval.perform(.drain, connection, done: "to be moved; the daemon stops") {
            TokenArguments(token: $0)
        }
    }
}

extension TopView {
    fileprivate func lines(_ output: Output, since last: TopView?) -> [String] {
        let totals = [
            ("at", at.text), ("started", startedAt.text), ("sessions", String(sessions)),
            ("offices", String(officeCount)), ("paused", String(paused)),
            ("waiting", String(referrals.waiting)), ("leased", String(referrals.leased)),
            ("delayed", String(referrals.delayed)), ("custody", String(referrals.custody)),
            ("dead", String(referrals.dead)), ("journal position", String(position)),
            ("hops/s", rate(\.hops, since: last)),
            ("deliveries/s", rate(\.deliveries, since: last)),
            ("commits/s", rate(\.commits, since: last)),
            ("refusals/s", rate(\.refusals, since: last)),
        ]
        let rows = output.part("office", OfficeRow.columns, offices.map(\.cells))
        guard case .table = output.form else {
            return totals.map { tabbed(["total", $0.0, $0.1]) } + rows
        }
        return output.pairs(totals) + [""] + rows
    }

    private func rate(_ counter: KeyPath<TopView, UInt64>, since last: TopView?) -> String {
        let from = last?.at ?? startedAt
        let milliseconds = at.milliseconds - from.milliseconds
        let before = last?[keyPath: counter] ?? 0
        guard milliseconds > 0, self[keyPath: counter] >= before else { return "0.0" }
        let tenths = (self[keyPath: counter] - before) * 10_000 / UInt64(milliseconds)
        return "\(tenths / 10).\(tenths % 10)"
    }
}

extension JournalRow: Listed {
    static let columns = [
        Column(name: "position", isNumber: true), Column(name: "recorded"), Column(name: "act"),
        Column(name: "case"), Column(name: "office"), Column(name: "step"),
        Column(name: "outcome"), Column(name: "to"), Column(name: "agency"), Column(name: "by"),
    ]

    var cells: [String] {
        [
            String(position), recordedAt.text, act, number ?? "", office ?? "", step ?? "",
            outcome ?? "", entered.joined(separator: " "), agency ?? "", actor,
        ]
    }

    private var actor: String {
        if let uid = by?.uid { return "uid \(uid)" }
        return by?.connection.map { "connection \($0)" } ?? ""
    }
}
