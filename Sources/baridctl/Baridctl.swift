// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// The program's commands.
///
/// Each is told its name: one that is derived from its type costs a search through all that is
/// linked, half of the time a command takes.
@main
struct Baridctl: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "baridctl",
        abstract:
            "Look after the bus daemon: its offices, procedures, cases, topics and dead letters.",
        discussion: """
            On a terminal, lists are tables. Piped, they are lines of tab-separated columns, \
            without a heading and never cut; --json gives one object with a versioned "schema", \
            --ndjson an object a line. Faults are told on standard error, and with --json as an \
            object too.

            What cannot be taken back is done by plan: the daemon says what it would do, and does \
            it only with the token of that plan, and only if nothing about it has changed.

            Exit status: 0 done · 1 failed · 2 partly done · 3 not running (status only) · \
            4 no such object · 5 not approved, or the plan is stale · 64 usage · 65 bad data · 69 daemon unreachable · 75 busy, try \
            again · 77 not permitted
            """,
        subcommands: [
            StatusCommand.self, HealthCommand.self, TopCommand.self, EventsCommand.self,
            OfficeCommand.self, QueueCommand.self, CaseCommand.self, DeadCommand.self,
            SessionCommand.self, LogCommand.self, DrainCommand.self, ProcedureCommand.self,
            AgencyCommand.self, PolicyCommand.self, TopicCommand.self,
            SubscriptionCommand.self, CatalogueCommand.self, ServiceCommand.self,
            NoticeCommand.self, VerifyCommand.self, ExportCommand.self, InitCommand.self,
            ConfigCommand.self, MetricsCommand.self, BackupCommand.self, RetentionCommand.self,
            EraseCommand.self, CompletionCommand.self,
        ]
    )
}
