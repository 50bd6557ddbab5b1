// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BaridClient
internal import Platform

struct SubmitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "submit",
        abstract: "Send a case on its way and print its receipt."
    )

    @OptionGroup var connection: ConnectionOptions

    @Option(help: ArgumentHelp("Published procedure the case follows.", valueName: "name"))
    var procedure: String
    @Option(help: "Pseudonymous identifier of the applicant.")
    var applicant = ""
    @Option(help: "One line for people.")
    var subject = ""
    @Option(help: "Your own file number.")
    var reference = ""
    @Option(
        name: .customLong("attribute"),
        help: ArgumentHelp("An attribute of the case; repeat for more.", valueName: "name=value")
    )
    var attributes: [String] = []
    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "Offices in order, for procedures that take them; several may follow.",
            valueName: "office"
        )
    )
    var itinerary: [String] = []
    @Option(help: ArgumentHelp("urgent, normal or bulk.", valueName: "lane"))
    var lane = "normal"
    @Option(help: ArgumentHelp("Due instant, such as 2030-01-31T16:00:00Z.", valueName: "instant"))
    var due: String?
    @Option(help: ArgumentHelp("When it happened, if earlier than now.", valueName: "instant"))
    var occurredAt: String?
    @Option(
        help: ArgumentHelp(
            "Makes repetitions harmless: the same key opens one case only.",
            valueName: "uuid"
        )
    )
    var key: String?
    @Option(help: ArgumentHelp("Content of the case; - reads standard input.", valueName: "file"))
    var body: String?
    @Option(help: ArgumentHelp("Media type of the body.", valueName: "type"))
    var contentType = ""

    func validate() throws {
        guard Lane(name: lane) != nil else {
            throw ValidationError("There is no lane \(lane); use urgent, normal or bulk.")
        }
        if let key, SubmissionKey(text: key) == nil {
            throw ValidationError("--key \(key) is not a UUID.")
        }
        for attribute in attributes where !attribute.contains("=") {
            throw ValidationError("--attribute \(attribute) has no =; write name=value.")
        }
        for office in itinerary where !LegalNames.isLegalOffice(office) {
            throw ValidationError(
                "--itinerary \(office) is not the name of an office; write agency/office in a-z, "
                    + "0-9 and . _ -"
            )
        }
        _ = try instant(due, of: "--due")
        _ = try instant(occurredAt, of: "--occurred-at")
    }

    func run() async throws {
        let submission = try submission()
        let bus = try await connection.connect(as: "submit")
        let receipt: Receipt
        do { receipt = try await bus.submit(submission) } catch {
            await bus.close()
            guard error.code == .unknownOffice else { throw leaving(error) }
            throw leaving(
                "\(error) An office is opened by whoever staffs it first, as barid work does.",
                .noSuchObject
            )
        }
        await bus.close()
        writeText(connection.json ? receipt.json.text + "\n" : receipt.table)
    }

    private func submission() throws -> Submission {
        var submission = Submission(procedure: procedure)
        submission.applicant = applicant
        submission.subject = subject
        submission.reference = reference
        submission.itinerary = itinerary
        submission.contentType = contentType
        submission.lane = Lane(name: lane) ?? .normal
        submission.dueAt = try instant(due, of: "--due")
        submission.occurredAt = try instant(occurredAt, of: "--occurred-at")
        if let key = key.flatMap(SubmissionKey.init(text:)) { submission.key = key }
        submission.attributes = attributes.map { text in
            let name = text.prefix { $0 != "=" }
            return CaseAttribute(
                name: String(name),
                value: String(text.dropFirst(name.count + 1))
            )
        }
        if let body { submission.body = try readFile(body) }
        return submission
    }
}

extension Receipt {
    var table: String {
        Table(
            heading: ["number", "position", "recorded", "hash", "repeated"],
            rows: [
                [
                    caseNumber, String(position), instantText(recordedAt) ?? "", hashPrefix,
                    wasRepeated ? "yes" : "no",
                ]
            ]
        ).text
    }

    var json: JSON {
        .object([
            ("number", .text(caseNumber)), ("position", .count(position)),
            ("recorded_at", .instant(recordedAt)), ("hash", .text(hashPrefix)),
            ("repeated", .flag(wasRepeated)),
        ])
    }
}

/// An instant given on the command line; nil where none was given.
func instant(_ text: String?, of option: String) throws -> Int64? {
    guard let text else { return nil }
    guard let instant = Instants.parse(text) else {
        throw ValidationError(
            "\(option) \(text) is not an instant; write it like 2030-01-31T16:00:00Z."
        )
    }
    return instant
}
