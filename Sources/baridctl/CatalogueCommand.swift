// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Control

struct CatalogueCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "catalogue",
        abstract: "Check, publish and list what agencies say about what they offer.",
        subcommands: [Check.self, Publish.self, List.self, Show.self]
    )

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "check",
            abstract: "Check declarations without a daemon.",
            discussion: "Prints FILE:LINE:COLUMN: text for every fault; exit status 65 if any."
        )

        @Argument(help: "Declarations in YAML; - for standard input.")
        var files: [String]

        @OptionGroup var outputOptions: OutputOptions

        func run() throws {
            let output = outputOptions.output
            try output.perform { () throws(OperatorFault) in
                let checks = checks(ofFiles: files, \.catalogueCheck)
                try output.show(checks, schema: "catalogue.check") {
                    checks.flatMap(\.lines).map(shown)
                }
                return checks.allSatisfy { $0.check.findings.isEmpty } ? .done : .badData
            }
        }
    }

    struct Publish: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "publish",
            abstract:
                "Publish a declaration; it becomes the next version of its agency's catalogue.",
            discussion: "One that says what is in force already makes no new version."
        )

        @Argument(help: "A declaration in YAML; - for standard input.")
        var file: String

        @Option(help: "Why; goes into the journal.")
        var reason: String

        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            try connection.outputOptions.output.perform { () throws(OperatorFault) in
                let declaration = try DeclarationFile(path: file)
                let check = declaration.catalogueCheck
                guard check.findings.isEmpty else {
                    throw OperatorFault(
                        code: "declarationInvalid",
                        exit: .badData,
                        text: "Nothing was published. "
                            + FileCheck(file: file, check: check).lines.joined(separator: " ")
                    )
                }
                var client = ControlClient(connection.place)
                let publication: CataloguePublication = try client.request(
                    .cataloguePublish,
                    SourceArguments(source: declaration.source),
                    reason: reason
                )
                let catalogue = publication.catalogue
                try connection.outputOptions.output.show(
                    publication,
                    schema: "catalogue.publish"
                ) {
                    [
                        tabbed([
                            catalogue.agency, String(catalogue.version),
                            publication.isNew ? "published" : "unchanged",
                        ])
                    ]
                }
                return .done
            }
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "List all published versions."
        )

        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            try connection.perform { (client, output) throws(OperatorFault) in
                try client.list(
                    .catalogueList,
                    of: CatalogueRow.self,
                    to: output,
                    schema: "catalogue.list"
                )
                return .done
            }
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "Print the declaration of an agency as it was published."
        )

        @Argument(help: "Name of the agency.")
        var agency: String

        @Option(help: "Version (default: the newest).")
        var version: UInt32?

        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            try connection.perform { (client, output) throws(OperatorFault) in
                let source: CatalogueSource = try client.request(
                    .catalogueShow,
                    CatalogueArguments(agency: agency, version: version)
                )
                try output.show(source, schema: "catalogue.show") {
                    var lines = source.source.split(
                        separator: "\n",
                        omittingEmptySubsequences: false
                    )
                    if lines.last == "" { lines.removeLast() }
                    return lines.map { shown(String($0)) }
                }
                return .done
            }
        }
    }
}
