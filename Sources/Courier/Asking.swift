// SPDX-License-Identifier: Apache-2.0

internal import Platform
internal import Rules
internal import Wire
internal import ZeroMQ

/// A request about an offer that the ledger has not judged yet.
enum PendingOffer {
    case offer(service: String, questionsMax: UInt64)
    case withdraw(number: UInt64)
}

extension Switchboard {
    /// Takes a question that is not durable.
    mutating func ask(
        _ header: Header,
        envelope: UnsafeRawBufferPointer,
        body: UnsafeRawBufferPointer,
        of session: Session
    ) throws(ZeroMQFault) {
        try settleDepartures()
        let wall = wallClock()
        let service: String
        do throws(RefusalCode) {
            service = try serviceAsked(header, envelope, by: session.agency, wall: wall)
            try demand(.ask, on: service, of: session)
            guard session.meter?.hasRoomForQuestion != false else { throw .busy }
        } catch {
            return try refuse(error, number: header.number, to: session)
        }
        session.unansweredCount += 1
        session.questionCount += 1
        session.meter?.questions += 1
        var decisions: [QuestionDecision] = []
        questions.ask(
            Asked(
                session: session.number,
                number: header.number,
                agency: session.agency,
                service: service,
                key: header.id,
                deadline: now + (header.instant - wall),
                instant: header.instant,
                envelope: [UInt8](envelope),
                body: [UInt8](body),
                stamp: Self.stamp()
            ),
            at: now,
            into: &decisions
        )
        try carryOut(decisions)
    }

    /// Takes the answer to a question that is not durable.
    mutating func reply(
        _ header: Header,
        envelope: UnsafeRawBufferPointer,
        body: UnsafeRawBufferPointer,
        of session: Session
    ) throws(ZeroMQFault) {
        try settleDepartures()
        var decisions: [QuestionDecision] = []
        do throws(RefusalCode) {
            let answer = try self.answer(header, envelope: envelope, body: body)
            try questions.reply(
                to: header.subject,
                from: session.number,
                answer,
                at: now,
                into: &decisions
            )
        } catch {
            try carryOut(decisions)
            return try refuse(error, number: header.number, to: session)
        }
        if header.number != 0 {
            var answer = Header(.answer, number: header.number)
            answer.subject = header.subject
            try tell(session, answer)
        }
        try carryOut(decisions)
    }

    /// Forwards an offer, and remembers what it is about until the ledger has judged it.
    mutating func offer(
        _ header: Header,
        envelope: UnsafeRawBufferPointer,
        of session: Session
    ) throws(ZeroMQFault) {
        do throws(RefusalCode) {
            let offer = try Envelope.read(Envelope.Offer.self, from: envelope)
            try remember(
                .offer(service: offer.service, questionsMax: header.generation),
                header,
                of: session,
                // Only what the ledger might allow; it says why not.
                isPossible: Name.agency(ofOffice: offer.service) == session.agency
                    && (1...Limits.questionsMax).contains(header.generation)
            )
        } catch {
            return try refuse(error, number: header.number, to: session)
        }
        forward(header, envelope: envelope, body: .empty, of: session)
    }

    /// Forwards a withdrawal, and remembers what it is about until the ledger has judged it.
    mutating func withdraw(_ header: Header, of session: Session) throws(ZeroMQFault) {
        do throws(RefusalCode) {
            try remember(.withdraw(number: header.subject), header, of: session, isPossible: true)
        } catch {
            return try refuse(error, number: header.number, to: session)
        }
        forward(header, envelope: .empty, body: .empty, of: session)
    }

    /// Acts on what the ledger answered to a request about an offer.
    mutating func settleOffer(_ header: Header, of session: Session) throws(ZeroMQFault) {
        guard header.verb == .answer || header.verb == .refusal,
            let pending = session.pendingOffers.removeValue(forKey: header.number),
            header.verb == .answer, session.phase == .open
        else { return }
        var decisions: [QuestionDecision] = []
        switch pending {
        case .offer(let service, let questionsMax):
            guard questions.offerCount(of: session.number) <= Limits.offersMax else { return }
            report.note(service)
            questions.offer(
                service,
                by: session.number,
                number: header.subject,
                questionsMax: questionsMax,
                into: &decisions
            )
        case .withdraw(let number): questions.withdraw(number: number, by: session.number)
        }
        try carryOut(decisions)
    }

    /// Looks at the questions whose time has come.
    mutating func wakeQuestions() throws(ZeroMQFault) {
        guard let alarm = questions.nextAlarm, alarm <= now else { return }
        var decisions: [QuestionDecision] = []
        questions.wake(at: now, into: &decisions)
        try carryOut(decisions)
    }

    /// Puts to others what the sessions that left were to answer.
    ///
    /// Not done where a session ends, since telling one session may end another.
    mutating func settleDepartures() throws(ZeroMQFault) {
        while let session = departures.popLast() {
            var decisions: [QuestionDecision] = []
            questions.sessionEnded(session, into: &decisions)
            try carryOut(decisions)
        }
    }

    /// Refuses every question that is open, because the bus stops.
    mutating func refuseQuestions() throws(ZeroMQFault) {
        var decisions: [QuestionDecision] = []
        questions.refuseAll(.draining, into: &decisions)
        try carryOut(decisions)
    }

    private mutating func carryOut(_ decisions: [QuestionDecision]) throws(ZeroMQFault) {
        for decision in decisions {
            switch decision {
            case .put(let number, to: let session, let before, let asked):
                guard let session = sessions[session] else { continue }
                var header = Header(.question)
                header.code = before
                header.subject = number
                header.instant = asked.instant
                try tell(session, header, envelope: asked.envelope, body: asked.body)
            case .answer(let answer, to: let question, let session, let number, let isRepeated):
                guard let session = sessions[session] else { continue }
                settleQuestion(of: session)
                var header = Header(answer.code == 0 ? .answer : .refusal, number: number)
                header.code = answer.code
                if answer.code == 0 {
                    header.flags = isRepeated ? Header.repeatedFlag : 0
                    header.subject = question
                } else {
                    counters.refusals += 1
                }
                try tell(session, header, envelope: answer.envelope, body: answer.body)
            case .refuse(let code, let session, let number):
                guard let session = sessions[session] else { continue }
                settleQuestion(of: session)
                try refuse(code, number: number, to: session)
            case .closed(let exchange):
                counters.questionsClosed += 1
                report.record(
                    ClosedExchange(exchange, stamp: Self.stamp(), wall: wallClock())
                )
                hasNewFigures = true
            }
        }
    }

    private func settleQuestion(of session: Session) {
        session.unansweredCount -= 1
        session.questionCount -= 1
        session.meter?.questions -= 1
    }

    /// Checks all that can be checked before somebody to answer is looked for.
    private func serviceAsked(
        _ header: Header,
        _ envelope: UnsafeRawBufferPointer,
        by agency: String,
        wall: Int64
    ) throws(RefusalCode) -> String {
        let question = try Envelope.read(Envelope.Question.self, from: envelope)
        guard Name.isLegalOffice(question.service) else { throw .nameInvalid }
        guard header.instant > 0, header.instant - wall <= Limits.deadlineMilliseconds else {
            throw .malformed
        }
        guard live.policy.mayAsk(question.service, by: agency) else { throw .mayNotUse }
        return question.service
    }

    /// The answer as the asker is told it.
    private func answer(
        _ header: Header,
        envelope: UnsafeRawBufferPointer,
        body: UnsafeRawBufferPointer
    ) throws(RefusalCode) -> Answer {
        let reply = try Envelope.read(Envelope.Reply.self, from: envelope)
        guard header.generation == 0 else { throw .malformed }
        switch header.code {
        case 0: return Answer(envelope: [UInt8](envelope), body: [UInt8](body))
        case RefusalCode.answerRefused.rawValue:
            guard reply.text.utf8.count <= Limits.textBytesMax else { throw .envelopeInvalid }
            var refused = Envelope.Refused()
            refused.text = reply.text
            return Answer(code: header.code, envelope: Envelope.bytes(of: refused))
        default: throw .malformed
        }
    }

    /// - Throws: `malformed` if the number asks for no answer, which we wait for, or is that of
    ///   another such request; `busy` if too many wait.
    private func remember(
        _ pending: PendingOffer,
        _ header: Header,
        of session: Session,
        isPossible: Bool
    ) throws(RefusalCode) {
        guard header.number != 0, session.pendingOffers[header.number] == nil else {
            throw .malformed
        }
        guard session.pendingOffers.count < 2 * Limits.offersMax else { throw .busy }
        if isPossible { session.pendingOffers[header.number] = pending }
    }

    /// Microseconds for the figures.
    private static func stamp() -> Int64 { Clock.monotonicNanoseconds() / 1_000 }
}
