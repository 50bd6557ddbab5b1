// SPDX-License-Identifier: Apache-2.0

internal import Rules
internal import SQLite
internal import Wire

/// What the sessions of an asker are told once a question is settled.
struct QuestionReply {
    var question: UInt64
    var key: Identifier
    /// The record that settled it.
    var record: UInt64
    var sessions: [UInt32]
}

/// Durable questions: `ask` with the flag durable, `reply` to it, deadlines.
extension LedgerWriter {
    /// How long a settled question is kept beyond its deadline, in milliseconds: 7 days.
    static let questionKeptMilliseconds: Int64 = 7 * 86_400_000
    /// Sessions told of one question at most; one above is the last that asked.
    private static let askersMax = 64
    /// Deadlines looked after in one transaction.
    private static let deadlinesPerTurn = 256

    func ask(_ request: Request, into effects: inout Effects) throws(SQLiteFault) {
        let header = request.header
        guard header.flags & Header.durableFlag != 0, header.id != .none else {
            return effects.refuse(.malformed, request)
        }
        let question: Envelope.Question
        do throws(RefusalCode) {
            question = try admit(question: request)
        } catch {
            let verdict = try refuseUnlessRepeated(error, request, as: .asked, into: &effects)
            return try noteRepeated(verdict, request)
        }
        let verdict = try keepKey(of: request, as: .asked, into: &effects)
        guard verdict == .new else { return try noteRepeated(verdict, request) }
        var record = record(.asked, request)
        record.key = header.id
        record.digest = Journal.digest(envelope: request.envelope, body: request.body)
        let receipt = try append(record, occurredAt: now)
        try tables.insertEventContent(
            receipt.position,
            envelope: request.envelope,
            body: request.body
        )
        try events.questionTables.insert(
            QuestionRow(
                position: receipt.position,
                agency: request.session.agency,
                key: header.id,
                service: question.service,
                deadline: header.instant
            )
        )
        events.nextDeadline = min(events.nextDeadline ?? header.instant, header.instant)
        events.openQuestions[request.session.agency] =
            (events.openQuestions[request.session.agency] ?? 0) + 1
        events.services.change(question.service) {
            $0.add(receipt.position, deadline: header.instant)
        }
        events.busyServices.insert(question.service)
        addAsker(request.number, of: receipt.position)
        effects.answer(request, receipt, commits: commits)
    }

    private func admit(question request: Request) throws(RefusalCode) -> Envelope.Question {
        guard !isStorageLow else { throw .storageFull }
        let question = try Envelope.read(Envelope.Question.self, from: request.envelope)
        guard Name.isLegalOffice(question.service) else { throw .nameInvalid }
        guard directory.agencyNumber(Name.agency(ofOffice: question.service)) != nil else {
            throw .notOffered
        }
        try demand(.ask, on: question.service, of: request)
        let asker = directory.agency(request.session.agency)?.name ?? ""
        guard policy.mayAsk(question.service, by: asker) else { throw .mayNotUse }
        guard request.header.instant > now else { throw .deadlinePassed }
        guard
            request.header.instant
                <= now + Limits.durableDeadlineMilliseconds + Admission.clockSkewMilliseconds
        else { throw .malformed }
        guard events.openQuestions[request.session.agency] ?? 0 < Limits.openQuestionsMax else {
            throw .busy
        }
        return question
    }

    /// A repeated question is told its answer: now if there is one, else when there is.
    private func noteRepeated(
        _ verdict: KeyVerdict,
        _ request: Request
    ) throws(SQLiteFault) {
        guard case .repeated(let position) = verdict,
            let row = try events.questionTables.question(position)
        else { return }
        guard row.settled != 0 else { return addAsker(request.number, of: position) }
        events.replies.append(
            QuestionReply(
                question: position,
                key: row.key,
                record: row.settled,
                sessions: [request.number]
            )
        )
    }

    private func addAsker(_ session: UInt32, of question: UInt64) {
        var sessions = events.askers[question] ?? []
        sessions.removeAll { $0 == session || self.sessions[$0] == nil }
        if sessions.count >= Self.askersMax { sessions.removeFirst() }
        events.askers[question] = sessions + [session]
    }

    // MARK: Answers

    func reply(_ request: Request, into effects: inout Effects) throws(SQLiteFault) {
        let header = request.header
        let isRefusal = header.code == RefusalCode.answerRefused.rawValue
        guard header.code == 0 || isRefusal else { return effects.refuse(.malformed, request) }
        do throws(RefusalCode) {
            let reply = try Envelope.read(Envelope.Reply.self, from: request.envelope)
            guard reply.text.utf8.count <= Limits.textBytesMax else { throw .envelopeInvalid }
        } catch {
            return effects.refuse(error, request)
        }
        guard let row = try events.questionTables.question(header.subject),
            directory.agencyNumber(Name.agency(ofOffice: row.service)) == request.session.agency
        else { return effects.refuse(.unknownQuestion, request) }
        let digest = Journal.digest(envelope: request.envelope, body: request.body)
        guard row.settled == 0 else {
            let settled = try journal.record(at: row.settled)
            guard let (record, receipt) = settled, record.act == .answered else {
                return effects.refuse(.deadlinePassed, request)
            }
            guard record.digest == digest, record.code == header.code,
                record.generation == header.generation
            else { return effects.refuse(.unknownQuestion, request) }
            return effects.answer(request, receipt, commits: commits, isRepeated: true)
        }
        guard row.deadline > now else { return effects.refuse(.deadlinePassed, request) }
        let desk = events.services[row.service]
        guard desk?.isOut(row.position, with: request.number, header.generation) == true else {
            return effects.refuse(.unknownQuestion, request)
        }
        var record = record(.answered, request)
        record.subject = row.position
        record.generation = header.generation
        record.code = header.code
        record.digest = digest
        let receipt = try append(record, occurredAt: now)
        try tables.insertEventContent(
            receipt.position,
            envelope: request.envelope,
            body: request.body
        )
        try settle(row, by: receipt.position)
        effects.answer(request, receipt, commits: commits)
    }

    /// Closes a question and notes whom to tell.
    private func settle(_ row: QuestionRow, by record: UInt64) throws(SQLiteFault) {
        try events.questionTables.settle(row.position, by: record)
        events.openQuestions[row.agency] = (events.openQuestions[row.agency] ?? 1) - 1
        events.services.change(row.service) { $0.remove(row.position) }
        dropIfIdle(row.service)
        events.busyServices.insert(row.service)
        events.replies.append(
            QuestionReply(
                question: row.position,
                key: row.key,
                record: record,
                sessions: events.askers[row.position] ?? []
            )
        )
    }

    /// Ends questions whose deadline has passed.
    func expireQuestions() throws(SQLiteFault) {
        guard let deadline = events.nextDeadline, deadline <= now else { return }
        for position in try events.questionTables.due(at: now, limit: Self.deadlinesPerTurn) {
            guard let row = try events.questionTables.question(position) else { continue }
            var record = JournalRecord(.expired)
            record.agency = row.agency
            record.subject = position
            let receipt = try append(record, occurredAt: now)
            try settle(row, by: receipt.position)
        }
        events.nextDeadline = try events.questionTables.firstDeadline()
    }

    /// Tells the answer to a durable question, or that there is none, once that is on disk.
    func tell(_ reply: QuestionReply, into effects: inout Effects) throws(SQLiteFault) {
        events.askers[reply.question] = nil
        guard !reply.sessions.isEmpty, let record = try events.reader.record(at: reply.record)
        else { return }
        var header = Header(.replied)
        header.subject = reply.question
        header.instant = record.recordedAt
        header.id = reply.key
        guard record.act == .answered else {
            header.code = RefusalCode.deadlinePassed.rawValue
            var refused = Envelope.Reply()
            refused.text = RefusalCode.deadlinePassed.text
            for session in reply.sessions {
                effects.append(header, session: session, envelope: Envelope.bytes(of: refused))
            }
            return
        }
        header.code = record.code
        _ = try events.reader.withContent(reply.record) { envelope, body in
            for session in reply.sessions {
                effects.append(header, session: session, envelope: envelope, body: body)
            }
        }
    }
}
