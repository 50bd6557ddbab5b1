// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BaridClient

struct AskCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ask",
        abstract: "Ask a service and print its answer.",
        discussion: """
            The answer's body goes to standard output as it is, or into a JSON object with --json. \
            Exit status 75 says that nobody offers the service now, 1 that no answer came in time or \
            the service does not answer and says why.

            With --durable the question is kept until it is answered or its deadline passes; run the \
            same command with the same --key to hear an answer that came meanwhile.

            Examples:
              barid ask civil-registry/lookup --body person.json --deadline 5
              barid ask tax/assess --body case.json --durable --deadline 86400 \\
                --key 0190d4c2-7a51-7c3e-9f0a-5b1f6f3f0001
            """
    )

    @OptionGroup var connection: ConnectionOptions
    @Argument(help: "The service, such as civil-registry/lookup.")
    var service: String
    @Option(help: ArgumentHelp("Content; - reads standard input.", valueName: "file"))
    var body: String?
    @Option(help: ArgumentHelp("Media type of the body.", valueName: "type"))
    var contentType = ""
    @Option(help: ArgumentHelp("How long the answer may take.", valueName: "seconds"))
    var deadline = 30.0
    @Flag(help: "Keep the question in the ledger.")
    var durable = false
    @Option(
        help: ArgumentHelp("Makes repetitions harmless: one question.", valueName: "uuid")
    )
    var key: String?

    func validate() throws {
        guard LegalNames.isLegalOffice(service) else {
            throw ValidationError(
                "\(service) is not the name of a service; write agency/service in a-z, 0-9 and . _ -"
            )
        }
        if let key, SubmissionKey(text: key) == nil {
            throw ValidationError("--key \(key) is not a UUID.")
        }
        let most = durable ? 2_592_000.0 : 300.0
        guard deadline > 0, deadline <= most else {
            throw ValidationError("--deadline must be above 0 and at most \(Int(most)) seconds.")
        }
    }

    func run() async throws {
        var inquiry = Inquiry(service: service)
        inquiry.contentType = contentType
        if let key = key.flatMap(SubmissionKey.init(text:)) { inquiry.key = key }
        if let body { inquiry.body = try readFile(body) }
        // Whoever asks speaks for an agency of its own, not for that of the service.
        let bus = try await connection.connect(as: "ask")
        let asked = inquiry
        let asking = Task { try await ask(asked, over: bus) }
        let signals = StopSignals { asking.cancel() }
        let result = await asking.result
        await bus.close()
        withExtendedLifetime(signals) {}
        switch result {
        case .success(let answer): print(answer)
        case .failure(let error as BaridError): throw leaving(error)
        case .failure(let error): throw leaving("\(error)", .failure)
        }
    }

    private func ask(_ inquiry: Inquiry, over bus: Bus) async throws(BaridError) -> Answer {
        let patience = Duration.milliseconds(Int64((deadline * 1_000).rounded(.up)))
        guard durable else { return try await bus.ask(inquiry, deadline: patience) }
        let asked = try await bus.askDurably(inquiry, deadline: patience)
        writeText(
            "barid: Question \(asked.receipt.id) is recorded at \(asked.receipt.sequence); "
                + "waiting for the answer.\n",
            to: .error
        )
        return try await asked.answer()
    }

    private func print(_ answer: Answer) {
        guard connection.json else {
            answer.body.withUnsafeBytes { _ = isWritten($0) }
            if Outlet.output.isTerminal, answer.body.last != UInt8(ascii: "\n") { writeText("\n") }
            return
        }
        let text = String(validating: answer.body)
        let line = JSON.object([
            ("service", .text(service)), ("content_type", .text(answer.contentType)),
            ("repeated", .flag(answer.wasRepeated)),
            text.map { ("body", .text($0)) }
                ?? ("body_base64", .text(Base64.text(of: answer.body))),
        ])
        writeText(line.text + "\n")
    }
}
