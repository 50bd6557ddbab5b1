// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BaridClient

struct CatalogueCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "catalogue",
        abstract: "Show what the bus offers: offices, procedures, services and topics."
    )

    @OptionGroup var connection: ConnectionOptions
    @Option(
        help: ArgumentHelp("office, procedure, service or topic. Default: all.", valueName: "kind"),
        transform: choice
    )
    var kind: CatalogueEntry.Kind?
    @Option(help: ArgumentHelp("Only names that begin so.", valueName: "text"))
    var prefix = ""
    @Option(help: ArgumentHelp("Language of titles, such as ar.", valueName: "language"))
    var language = "en"

    func run() async throws {
        let bus = try await connection.connect(as: "catalogue")
        let entries: [CatalogueEntry]
        do { entries = try await bus.catalogue(kind, prefix: prefix) } catch {
            await bus.close()
            throw leaving(error)
        }
        await bus.close()
        guard !connection.json else {
            return entries.forEach { writeText($0.json.text + "\n") }
        }
        let table = Table(
            heading: ["kind", "name", "agency", "open", "title"],
            rows: entries.map { entry in
                [
                    entry.kind, entry.name, entry.agency, entry.isOpen ? "yes" : "no",
                    entry.title[language] ?? entry.title.sorted { $0.key < $1.key }.first?.value
                        ?? "",
                ]
            }
        )
        writeText(table.text)
    }
}

extension CatalogueEntry {
    fileprivate var json: JSON {
        .object([
            ("kind", .text(kind)), ("name", .text(name)), ("agency", .text(agency)),
            ("title", .texts(title)), ("description", .texts(description)),
            ("schema", .text(schema)), ("answer_schema", .text(answerSchema)),
            ("users", .list(users.map { .text($0) })), ("version", .count(version)),
            ("open", .flag(isOpen)),
        ])
    }
}

extension JSON {
    /// Texts by language.
    fileprivate static func texts(_ texts: [String: String]) -> JSON {
        .object(texts.sorted { $0.key < $1.key }.map { ($0.key, .text($0.value)) })
    }
}
