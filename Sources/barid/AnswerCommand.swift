// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BaridClient

struct AnswerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "answer",
        abstract: "Offer a service and answer the questions put to it, one line a question.",
        discussion: """
            With --exec the question is the command's standard input, and what it prints is the \
            answer: exit status 0 answers, any other refuses with the last line of the output, or \
            with the status, and makes the exit status of this program 2. With --echo the question \
            is the answer.

            Who offers a service staffs an office; it is opened with the service's name unless \
            --office names another. No referrals are taken.

            Examples:
              barid answer civil-registry/lookup --exec ./lookup.sh --at-once 4
              barid answer bench/echo --echo
            """
    )

    @OptionGroup var connection: ConnectionOptions
    @Argument(help: "The service, such as civil-registry/lookup.")
    var service: String
    @Option(help: ArgumentHelp("Run this for every question.", valueName: "command"))
    var exec: String?
    @Flag(help: "Answer with the question.")
    var echo = false
    @Option(help: ArgumentHelp("Media type of the answers.", valueName: "type"))
    var contentType = ""
    @Option(help: ArgumentHelp("Questions to work on at once, 1 to 1000.", valueName: "count"))
    var atOnce = 1
    @Option(
        help: ArgumentHelp("Office to staff. Default: the service's name.", valueName: "office")
    )
    var office: String?
    @Option(help: ArgumentHelp("End after this many questions.", valueName: "count"))
    var limit: Int?
    @Option(
        help: ArgumentHelp("End when nothing has come for so long.", valueName: "seconds")
    )
    var untilIdle: Double?

    func validate() throws {
        for name in [service, office ?? service] where !LegalNames.isLegalOffice(name) {
            throw ValidationError(
                "\(name) is not a name on the bus; write agency/name in a-z, 0-9 and . _ -"
            )
        }
        guard (exec != nil) != echo else { throw ValidationError("Give --exec or --echo.") }
        guard (1...1_000).contains(atOnce) else {
            throw ValidationError("--at-once must be 1 to 1000.")
        }
        if let limit, limit < 1 { throw ValidationError("--limit must be 1 or more.") }
        if let untilIdle, untilIdle < 0 || untilIdle > 1e6 {
            throw ValidationError("--until-idle must be 0 to 1000000 seconds.")
        }
    }

    func run() async throws {
        let bus = try await connection.connect(as: "answer", office: service)
        let watch = untilIdle.map { IdleWatch(limit: .seconds($0)) }
        let failureCount = try await untilStopped(over: bus, watch) {
            _ = try await bus.staff(office ?? service, credit: 0)
            let questions = try await bus.offer(service, atOnce: atOnce)
            writeText("barid: Answering for \(service).\n", to: .error)
            return try await answer(questions, watch)
        }
        if failureCount > 0 { throw ExitCode.partly }
    }

    /// Answers what comes until the limit or cancellation, and counts what failed.
    private func answer(_ questions: Questions, _ watch: IdleWatch?) async throws -> Int {
        let job = exec.map { Job(command: $0) }
        let report = AnswerReport(isJSON: connection.json)
        return try await withThrowingTaskGroup(of: Bool.self) { group in
            var iterator = questions.makeAsyncIterator()
            var takenCount = 0
            var runningCount = 0
            var failureCount = 0
            watch?.rest()
            while takenCount < limit ?? .max, !Task.isCancelled {
                // The bus puts no more than so many at once; this holds it to that.
                if runningCount >= atOnce {
                    if try await group.next() == false { failureCount += 1 }
                    runningCount -= 1
                }
                if runningCount == 0 { watch?.rest() }
                guard let question = try await iterator.next() else { break }
                watch?.work()
                takenCount += 1
                runningCount += 1
                group.addTask { try await answer(question, job, report) }
            }
            while let isAnswered = try await group.next() { if !isAnswered { failureCount += 1 } }
            return failureCount
        }
    }

    /// Answers one question and prints its line; false if it was not answered.
    private func answer(
        _ question: Question,
        _ job: Job?,
        _ report: AnswerReport
    ) async throws -> Bool {
        let verdict = try await verdict(on: question, job)
        // An answer that was begun is waited for, even if this task is cancelled.
        let sending = Task { () -> BaridError? in
            do throws(BaridError) {
                switch verdict {
                case .answer(let body): try await question.answer(body, contentType: contentType)
                case .refusal(let text): try await question.refuse(text)
                }
                return nil
            } catch { return error }
        }
        if let error = await sending.value {
            report.add(question, "failed", detail: "\(error)")
            return false
        }
        guard case .refusal(let text) = verdict else {
            report.add(question, "answered")
            return true
        }
        report.add(question, "refused", detail: text)
        return false
    }

    private enum Verdict: Sendable {
        case answer([UInt8])
        case refusal(String)
    }

    private func verdict(on question: Question, _ job: Job?) async throws -> Verdict {
        guard let job else { return .answer(question.body) }
        let ending: Job.Ending
        do {
            ending = try await job.run(
                input: question.body,
                particulars: [
                    ("BARID_SERVICE", question.service),
                    ("BARID_CONTENT_TYPE", question.contentType),
                    ("BARID_CORRELATION", question.correlation),
                    ("BARID_DEADLINE", instantText(question.deadline) ?? ""),
                    ("BARID_ATTEMPTS", String(question.attempts)),
                ]
            )
        } catch {
            try Task.checkCancellation()
            return .refusal("The command did not start: \(error)")
        }
        // Who was interrupted does not answer: the question is put to another.
        try Task.checkCancellation()
        guard ending.status == 0 else {
            let reason = ending.lastLine
            return .refusal(
                reason.isEmpty ? "The command ended with status \(ending.status)." : reason
            )
        }
        guard !ending.isCut else { return .refusal("The answer is larger than 1 MiB.") }
        return .answer(ending.output)
    }
}

/// One line a question: tabs, or JSON.
private struct AnswerReport: Sendable {
    let isJSON: Bool

    func add(_ question: Question, _ result: String, detail: String = "") {
        guard isJSON else {
            let cells = [question.service, "\(question.body.count) bytes", result, detail]
            writeText(cells.map(printable).joined(separator: "\t") + "\n")
            return
        }
        let line = JSON.object([
            ("service", .text(question.service)), ("bytes", .count(question.body.count)),
            ("attempts", .count(question.attempts)), ("result", .text(result)),
            ("detail", detail.isEmpty ? .null : .text(detail)),
        ])
        writeText(line.text + "\n")
    }
}
