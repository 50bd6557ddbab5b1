// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Control

struct ProcedureCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "procedure",
        abstract: "Check, publish and list procedures.",
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
                let checks = checks(ofFiles: files)
                try output.show(checks, schema: "procedure.check") {
                    checks.flatMap(\.report).map(shown)
                }
                return checks.allSatisfy { $0.check.findings.isEmpty } ? .done : .badData
            }
        }
    }

    struct Publish: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "publish",
            abstract: "Publish declarations; each becomes the next version of its procedure.",
            discussion: """
                All files are checked first, and none is sent if one has faults. A declaration \
                that is in force already makes no new version.
                """
        )

        @Argument(help: "Declarations in YAML; - for standard input.")
        var files: [String]

        @Option(help: "Why; goes into the journal.")
        var reason: String?

        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            try connection.outputOptions.output.perform { () throws(OperatorFault) in
                let declarations = try Self.checked(files)
                var client = ControlClient(connection.place)
                return try publish(declarations, &client, connection.outputOptions.output)
            }
        }

        /// Reads all files before anything is sent.
        static func checked(_ paths: [String]) throws(OperatorFault) -> [DeclarationFile] {
            var declarations: [DeclarationFile] = []
            var faults: [String] = []
            for path in paths {
                let declaration = try DeclarationFile(path: path)
                faults += FileCheck(file: path, check: declaration.check).lines
                declarations.append(declaration)
            }
            guard faults.isEmpty else {
                throw OperatorFault(
                    code: "declarationInvalid",
                    exit: .badData,
                    text: "Nothing was published. " + faults.joined(separator: " ")
                )
            }
            return declarations
        }

        private func publish(
            _ declarations: [DeclarationFile],
            _ client: inout ControlClient,
            _ output: Output
        ) throws(OperatorFault) -> ExitStatus {
            var published: [Publication] = []
            var failure: OperatorFault?
            for declaration in declarations {
                do throws(OperatorFault) {
                    published.append(
                        try client.request(
                            .procedurePublish,
                            SourceArguments(source: declaration.source),
                            reason: reason
                        )
                    )
                } catch {
                    guard !published.isEmpty else { throw error }
                    failure = OperatorFault(
                        code: error.code,
                        exit: .partly,
                        text: "\(declaration.path) and what follows: not published. \(error.text)"
                    )
                    break
                }
            }
            try output.show(published, schema: "procedure.publish") {
                published.map(Self.line)
            }
            if let failure {
                output.message("baridctl: \(failure.text)")
                return .partly
            }
            return .done
        }

        private static func line(_ publication: Publication) -> String {
            let procedure = publication.procedure
            return tabbed([
                procedure.name, String(procedure.version),
                publication.isNew ? "published" : "unchanged",
            ])
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
                    .procedureList,
                    of: ProcedureRow.self,
                    to: output,
                    schema: "procedure.list"
                )
                return .done
            }
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "Print the declaration of a procedure as it was published."
        )

        @Argument(help: "Name of the procedure.")
        var name: String

        @Option(help: "Version (default: the newest).")
        var version: UInt32?

        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            try connection.perform { (client, output) throws(OperatorFault) in
                let source: ProcedureSource = try client.request(
                    .procedureShow,
                    ProcedureArguments(name: name, version: version)
                )
                try output.show(source, schema: "procedure.show") {
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
