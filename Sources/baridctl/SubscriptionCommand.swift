// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Control

struct SubscriptionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "subscription",
        abstract: "Look at durable subscriptions and their dead letters, or end one.",
        subcommands: [List.self, Dead.self, Forget.self]
    )

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "List durable subscriptions with how far each is."
        )

        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            try connection.perform { (client, output) throws(OperatorFault) in
                try client.list(
                    .subscriptionList,
                    of: SubscriptionRow.self,
                    to: output,
                    schema: "subscription.list"
                )
                return .done
            }
        }
    }

    struct Dead: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "dead",
            abstract: "List events that are dead letters of a subscription."
        )

        @Argument(help: "Only those of this agency.")
        var agency: String?

        @Argument(help: "Only those of its subscription of this name.")
        var name: String?

        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            try connection.perform { (client, output) throws(OperatorFault) in
                let events = try client.rows(
                    .subscriptionDead,
                    DeadEventArguments(agency: agency, name: name),
                    of: DeadEvent.self
                )
                try output.list(events, schema: "subscription.dead")
                return .done
            }
        }
    }

    struct Forget: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "forget",
            abstract: "End a durable subscription for all its members; nothing of it is kept."
        )

        @Argument(help: "The agency it belongs to.")
        var agency: String

        @Argument(help: "Its name.")
        var name: String

        @Option(help: "Why; goes into the journal.")
        var reason: String

        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            try connection.perform { (client, output) throws(OperatorFault) in
                let forgotten: SubscriptionForgotten = try client.request(
                    .subscriptionForget,
                    SubscriptionArguments(agency: agency, name: name),
                    reason: reason
                )
                try output.show(forgotten, schema: "subscription.forget") {
                    [tabbed([agency, name, "forgotten"])]
                }
                return .done
            }
        }
    }
}
