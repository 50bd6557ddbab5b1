// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Control

struct QueueCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "queue",
        abstract: "Look into the queues of offices, and move what waits there.",
        subcommands: [List.self, Show.self, Peek.self, Move.self]
    )

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "List the queues: those of all offices, with what is in them."
        )

        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            try connection.perform { (client, output) throws(OperatorFault) in
                try client.list(.queueList, of: OfficeRow.self, to: output, schema: "queue.list")
                return .done
            }
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "Show a queue lane by lane."
        )

        @Argument(help: "The office, as agency/office.")
        var office: String

        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            try connection.perform { (client, output) throws(OperatorFault) in
                let queue: QueueView = try client.request(
                    .queueShow,
                    OfficeArguments(office: office)
                )
                try output.show(queue, schema: "queue.show") { queue.lines(output) }
                return .done
            }
        }
    }

    struct Peek: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "peek",
            abstract: "List the referrals at the head of a queue, never what is in them."
        )

        @Argument(help: "The office, as agency/office.")
        var office: String

        @Option(help: "Only this lane: urgent, normal or bulk.")
        var lane: String?

        @Option(help: ArgumentHelp("Referrals at most.", valueName: "count"))
        var limit: UInt32?

        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            try connection.perform { (client, output) throws(OperatorFault) in
                try client.list(
                    .queuePeek,
                    PeekArguments(office: office, lane: lane, limit: limit),
                    of: QueueRow.self,
                    to: output,
                    schema: "queue.peek"
                )
                return .done
            }
        }
    }

    struct Move: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "move",
            abstract: "Move waiting referrals to the end of another office's queue.",
            discussion: """
                Each keeps its step; the office must be one the procedure declares, or one of the \
                same agency. What is out under a lease, delayed or accepted stays.

                """ + ApprovalOptions.discussion
        )

        @Argument(help: "The office whose queue it is.")
        var office: String

        @Option(help: "The office they go to.")
        var to: String

        @Option(help: "Only this lane: urgent, normal or bulk.")
        var lane: String?

        @Option(help: ArgumentHelp("Referrals at most, from the head.", valueName: "count"))
        var limit: UInt32?

        @OptionGroup var approval: ApprovalOptions
        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            try approval.perform(.queueMove, connection, done: "moved") { token in
                MoveArguments(office: office, to: to, lane: lane, limit: limit, token: token)
            }
        }
    }
}

extension QueueView {
    fileprivate func lines(_ output: Output) -> [String] {
        let columns = [
            Column(name: "lane"), Column(name: "referrals", isNumber: true),
            Column(name: "first", isNumber: true), Column(name: "entered"),
        ]
        let rows = lanes.map { lane in
            [
                lane.lane, String(lane.referrals), lane.first.map { String($0) } ?? "",
                lane.firstEnteredAt?.text ?? "",
            ]
        }
        var names = OfficeRow.columns.map(\.name)
        var cells = office.cells
        if let nextDelayedAt {
            names.append("next delayed")
            cells.append(nextDelayedAt.text)
        }
        guard case .table = output.form else {
            return zip(names, cells).map { tabbed(["queue", $0, $1]) }
                + output.part("lane", columns, rows)
        }
        return output.pairs(names, cells) + [""] + output.part("lane", columns, rows)
    }
}

extension QueueRow: Listed {
    static let columns = [
        Column(name: "referral", isNumber: true), Column(name: "case"), Column(name: "step"),
        Column(name: "lane"), Column(name: "state"), Column(name: "entered"),
        Column(name: "until"), Column(name: "due"), Column(name: "attempts", isNumber: true),
    ]

    var cells: [String] {
        [
            String(referral), number, step, lane, state, enteredAt.text, until?.text ?? "",
            dueAt?.text ?? "", String(attempts),
        ]
    }
}
