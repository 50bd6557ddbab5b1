// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Control

struct TopicCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "topic",
        abstract: "Look at the topics of agencies and say how long their events are kept.",
        subcommands: [List.self, Rules.self, Retention.self]
    )

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "List topics with what is kept of each."
        )

        @Argument(help: "Only topics of this pattern, such as 'city.permits.>'.")
        var pattern: String?

        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            try connection.perform { (client, output) throws(OperatorFault) in
                let topics = try client.rows(
                    .topicList,
                    TopicListArguments(pattern: pattern),
                    of: TopicRow.self
                )
                try output.list(topics, schema: "topic.list")
                return .done
            }
        }
    }

    struct Rules: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rules",
            abstract: "List how long and how much is kept, by pattern."
        )

        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            try connection.perform { (client, output) throws(OperatorFault) in
                let rules = try client.rows(.topicRules, of: RetentionRow.self)
                try output.list(rules, schema: "topic.rules")
                return .done
            }
        }
    }

    struct Retention: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "retention",
            abstract: "Say how long and how much is kept of the topics of a pattern.",
            discussion: """
                Content beyond it is erased; that an event was published stays in the journal. \
                Without --age and --bytes, everything is kept from now on.
                """
        )

        @Argument(help: "The topics, such as 'city.permits.>'.")
        var pattern: String

        @Option(help: "Erase content older than this, such as P30D.")
        var age: String?

        @Option(help: "Keep at most this many bytes of each topic, the newest.")
        var bytes: UInt64?

        @Option(help: "Why; goes into the journal.")
        var reason: String

        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            try connection.perform { (client, output) throws(OperatorFault) in
                let rule: RetentionRow = try client.request(
                    .topicRetention,
                    RetentionArguments(pattern: pattern, age: age, bytes: bytes),
                    reason: reason
                )
                try output.show(rule, schema: "topic.retention") { [tabbed(rule.cells)] }
                return .done
            }
        }
    }
}
