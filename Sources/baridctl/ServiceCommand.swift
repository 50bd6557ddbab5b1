// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Control

struct ServiceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "service",
        abstract: "Look at what became of the questions to services.",
        subcommands: [List.self]
    )

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "List services with counts, sizes and times since the daemon started."
        )

        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            try connection.perform { (client, output) throws(OperatorFault) in
                try client.list(
                    .serviceList,
                    of: ServiceRow.self,
                    to: output,
                    schema: "service.list"
                )
                return .done
            }
        }
    }
}

struct NoticeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "notice",
        abstract: "Tell the public something at the bulletin, best effort.",
        discussion: """
            Whoever subscribes to the bulletin with a stock ZeroMQ SUB socket gets the topic and a \
            JSON object. Nothing that concerns a person belongs there.
            """
    )

    @Argument(help: "The topic, such as service.maintenance.")
    var topic: String

    @Argument(help: "What to tell.")
    var text: String

    @Option(help: "Why; goes into the journal.")
    var reason: String

    @OptionGroup var connection: ConnectionOptions

    func run() throws {
        try connection.perform { (client, output) throws(OperatorFault) in
            let told: NoticeTold = try client.request(
                .notice,
                NoticeArguments(topic: topic, text: text),
                reason: reason
            )
            try output.show(told, schema: "notice") { ["Told, with record \(told.position)."] }
            return .done
        }
    }
}

extension ServiceRow: Listed {
    static let columns = [
        Column(name: "service"), Column(name: "asked", isNumber: true),
        Column(name: "answered", isNumber: true), Column(name: "refused", isNumber: true),
        Column(name: "bytes in", isNumber: true), Column(name: "bytes out", isNumber: true),
        Column(name: "p50 µs", isNumber: true), Column(name: "p99 µs", isNumber: true),
        Column(name: "max µs", isNumber: true), Column(name: "last answer"),
    ]

    var cells: [String] {
        [
            service.isEmpty ? "(not offered)" : service, String(asked), String(answered),
            String(refused.values.reduce(0, +)), String(requestBytes), String(answerBytes),
            String(microseconds.p50), String(microseconds.p99), String(microseconds.max),
            lastAnsweredAt?.text ?? "",
        ]
    }
}
