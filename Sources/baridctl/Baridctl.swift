// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

@main
struct Baridctl: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "baridctl",
        abstract:
            "Look after the bus daemon: its offices, procedures, cases, topics and dead letters.",
        discussion: """
            On a terminal, lists are tables. Piped, they are lines of tab-separated columns, \
            without a heading and never cut; --json gives one object with a versioned "schema".

            Exit status: 0 done · 1 failed · 2 partly done · 3 not running (status only) · \
            4 no such object · 64 usage · 65 bad data · 69 daemon unreachable · 75 busy, try \
            again · 77 not permitted
            """,
        subcommands: [
            StatusCommand.self, ProcedureCommand.self, OfficeCommand.self, CaseCommand.self,
            DeadCommand.self, AgencyCommand.self, PolicyCommand.self, TopicCommand.self,
            SubscriptionCommand.self, CatalogueCommand.self, ServiceCommand.self,
            NoticeCommand.self, VerifyCommand.self, ExportCommand.self, InitCommand.self,
            ConfigCommand.self, MetricsCommand.self, BackupCommand.self,
        ]
    )
}
