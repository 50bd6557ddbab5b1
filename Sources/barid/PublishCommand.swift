// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BaridClient

struct PublishCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish",
        abstract: "Publish an event on a topic of your agency.",
        discussion: """
            The first word of the topic is the agency. With --durable the event is kept, and its \
            receipt printed once it is on disk; without, live subscriptions hear it and nobody else.

            Examples:
              barid publish city.permits.granted --agency city --body permit.json --durable
              date | barid publish city.clock --agency city --content-type text/plain --body -
            """
    )

    @OptionGroup var connection: ConnectionOptions
    @Argument(help: "Words joined by dots, such as city.permits.granted.")
    var topic: String
    @Flag(help: "Keep the event in the ledger.")
    var durable = false
    @Option(help: "CloudEvents type. Default: the topic.")
    var type = ""
    @Option(help: "CloudEvents source; it begins with the agency. Default: the agency.")
    var source = ""
    @Option(help: "CloudEvents subject.")
    var subject = ""
    @Option(help: ArgumentHelp("Media type of the body.", valueName: "type"))
    var contentType = ""
    @Option(help: ArgumentHelp("Schema of the body.", valueName: "uri"))
    var schema = ""
    @Option(help: "CloudEvents correlationid.")
    var correlation = ""
    @Option(help: ArgumentHelp("When it happened, if earlier than now.", valueName: "instant"))
    var occurredAt: String?
    @Option(
        help: ArgumentHelp(
            "Id of the event; with --durable the same id is recorded once.",
            valueName: "uuid"
        )
    )
    var key: String?
    @Option(help: ArgumentHelp("Content; - reads standard input.", valueName: "file"))
    var body: String?

    func validate() throws {
        if let key, SubmissionKey(text: key) == nil {
            throw ValidationError("--key \(key) is not a UUID.")
        }
        _ = try instant(occurredAt, of: "--occurred-at")
    }

    func run() async throws {
        var publication = Publication(topic: topic)
        publication.type = type
        publication.source = source
        publication.subject = subject
        publication.contentType = contentType
        publication.schema = schema
        publication.correlation = correlation
        publication.occurredAt = try instant(occurredAt, of: "--occurred-at")
        if let key = key.flatMap(SubmissionKey.init(text:)) { publication.key = key }
        if let body { publication.body = try readFile(body) }
        let bus = try await connection.connect(as: "publish", agencyOf: topic)
        let published: Published
        do { published = try await bus.publish(publication, durable: durable) } catch {
            await bus.close()
            throw leaving(error)
        }
        await bus.close()
        writeText(connection.json ? published.json.text + "\n" : published.table)
    }
}

extension Published {
    fileprivate var table: String {
        switch self {
        case .durable(let receipt):
            Table(
                heading: ["id", "sequence", "recorded", "hash", "repeated"],
                rows: [
                    [
                        receipt.id, String(receipt.sequence),
                        instantText(receipt.recordedAt) ?? "", receipt.hashPrefix,
                        receipt.wasRepeated ? "yes" : "no",
                    ]
                ]
            ).text
        case .live(let id, let subscriptions):
            Table(heading: ["id", "subscriptions"], rows: [[id, String(subscriptions)]]).text
        }
    }

    fileprivate var json: JSON {
        switch self {
        case .durable(let receipt): receipt.json
        case .live(let id, let subscriptions):
            .object([("id", .text(id)), ("subscriptions", .count(subscriptions))])
        }
    }
}

extension EventReceipt {
    var json: JSON {
        .object([
            ("id", .text(id)), ("sequence", .count(sequence)),
            ("recorded_at", .instant(recordedAt)), ("hash", .text(hashPrefix)),
            ("repeated", .flag(wasRepeated)),
        ])
    }
}
