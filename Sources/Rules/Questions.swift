// SPDX-License-Identifier: Apache-2.0

package import Wire

/// The questions that are not durable: who offers what, what is open, and what was answered.
///
/// ```
///        ask                 reply, the first one            repeated within a minute
///  ─────────────► [ OPEN ] ──────────────────► [ ANSWERED ] ─────────────────► the same answer
///   │ nobody offers  │  ▲ put to another, once: the session ended, or half the time is over
///   ▼                │  └──
///  notOffered        └──► deadlinePassed
/// ```
/// Events in, decisions out. `now` is in milliseconds of a clock that never goes back; a decision
/// about a session that is gone is the caller's to drop.
package struct Questions: Sendable {
    /// Questions open at once.
    package static let openMax = 100_000
    /// Bytes of open questions.
    package static let bytesMax = 128 << 20
    /// Questions one agency may have open.
    package static let openOfAgencyMax = 20_000
    /// Bytes of the open questions of one agency.
    package static let bytesOfAgencyMax = 32 << 20
    /// Questions that passed their deadline and are still known by number.
    static let passedMax = 10_000
    /// How often one question is put.
    private static let putMax: UInt16 = 2

    private struct Waiter {
        let session: UInt32
        let number: UInt32
        let isRepeated: Bool
    }

    private struct Open {
        let asked: Asked
        let fingerprint: Int
        var waiters: [Waiter]
        /// Sessions whose answer is taken; empty while nobody is there to answer.
        var answerers: [UInt32] = []
        var putCount: UInt16 = 0
        /// The alarm that counts: half the time, then the deadline.
        var alarm: Int64
    }

    private struct Load {
        var count = 0
        var bytes = 0
    }

    private var book = OfferBook()
    private var open: [UInt64: Open] = [:]
    private var openByKey: [QuestionKey: UInt64] = [:]
    private var memory = AnswerMemory()
    /// Questions that were put to a session and wait for its answer.
    private var given: [UInt32: Set<UInt64>] = [:]
    /// Questions of which a session waits for the answer.
    private var awaited: [UInt32: Set<UInt64>] = [:]
    /// Open questions of a service that nobody is there to answer, and that may still be put.
    private var orphans: [String: Set<UInt64>] = [:]
    private var loads: [String: Load] = [:]
    private var bytes = 0
    /// Who might have answered questions whose deadline passed, with the oldest first in `passing`.
    private var passed: [UInt64: [UInt32]] = [:]
    private var passing: [UInt64] = []
    private var passingHead = 0
    private var alarms = Alarms()
    private var nextNumber = Numbering.transientQuestions

    /// No offers and no questions.
    package init() {}

    /// Questions open now.
    package var openCount: Int { open.count }

    /// Bytes of envelopes and bodies kept for open questions and remembered answers.
    package var byteCount: Int { bytes + memory.byteCount }

    /// When `wake` wants to be called, or nil; may be early, never late.
    package var nextAlarm: Int64? { alarms.next }

    /// Services a session offers.
    package func offerCount(of session: UInt32) -> Int { book.count(of: session) }

    // MARK: Offers

    /// Adds an offer, or changes how many questions one takes, and gives it what nobody answers.
    package mutating func offer(
        _ service: String,
        by session: UInt32,
        number: UInt64,
        questionsMax: UInt64,
        into decisions: inout [QuestionDecision]
    ) {
        book.offer(service, by: session, number: number, questionsMax: questionsMax)
        putOrphans(of: service, into: &decisions)
    }

    /// Removes an offer; the session may still answer what it was given.
    package mutating func withdraw(number: UInt64, by session: UInt32) {
        book.withdraw(number: number, by: session)
    }

    // MARK: Asking

    /// Takes a question in: puts it to somebody, answers it from memory, joins it to the one that
    /// is open under its key, or refuses it.
    package mutating func ask(
        _ asked: Asked,
        at now: Int64,
        into decisions: inout [QuestionDecision]
    ) {
        let key = QuestionKey(agency: asked.agency, key: asked.key)
        let fingerprint = asked.key == .none ? 0 : Self.fingerprint(of: asked)
        do throws(RefusalCode) {
            if asked.key != .none,
                try repeated(asked, key, fingerprint, at: now, into: &decisions)
            {
                return
            }
            guard now < asked.deadline else { throw .deadlinePassed }
            guard hasRoom(for: asked) else { throw .busy }
            let number = nextNumber
            let answerer = try answerer(of: asked.service)
            nextNumber += 1
            begin(asked, number, fingerprint, at: now)
            put(number, to: answerer, into: &decisions)
        } catch {
            decisions.append(.refuse(error, session: asked.session, number: asked.number))
            decisions.append(.closed(Self.exchange(asked, question: 0, code: error.rawValue)))
        }
    }

    /// Takes an answer in.
    ///
    /// - Throws: `unknownQuestion` if the question was not put to this session or has its answer,
    ///   `deadlinePassed` if it lapsed.
    package mutating func reply(
        to number: UInt64,
        from session: UInt32,
        _ answer: Answer,
        at now: Int64,
        into decisions: inout [QuestionDecision]
    ) throws(RefusalCode) {
        guard let question = open[number] else {
            throw passed[number]?.contains(session) == true ? .deadlinePassed : .unknownQuestion
        }
        guard question.answerers.contains(session) else { throw .unknownQuestion }
        guard now < question.asked.deadline else {
            pass(number, into: &decisions)
            throw .deadlinePassed
        }
        close(number)
        for waiter in question.waiters {
            decisions.append(
                .answer(
                    answer,
                    to: number,
                    session: waiter.session,
                    number: waiter.number,
                    isRepeated: waiter.isRepeated
                )
            )
        }
        if question.asked.key != .none {
            memory.remember(
                answer,
                to: number,
                fingerprint: question.fingerprint,
                under: QuestionKey(agency: question.asked.agency, key: question.asked.key),
                at: now
            )
        }
        decisions.append(.closed(Self.exchange(question, number, answer)))
        putOrphans(of: question.asked.service, into: &decisions)
    }

    // MARK: Time and departures

    /// Puts what was not answered in half its time to another, and ends what reached its deadline.
    package mutating func wake(at now: Int64, into decisions: inout [QuestionDecision]) {
        while let alarm = alarms.popDue(at: now) {
            guard let question = open[alarm.number], question.alarm == alarm.at else { continue }
            guard now < question.asked.deadline else {
                pass(alarm.number, into: &decisions)
                continue
            }
            setAlarm(alarm.number, at: question.asked.deadline)
            putAgain(alarm.number, into: &decisions)
        }
    }

    /// Forgets a session: its offers, what it asked without a key, and what only it was to answer,
    /// which is put to another.
    package mutating func sessionEnded(_ session: UInt32, into decisions: inout [QuestionDecision])
    {
        book.removeAll(of: session)
        for number in (awaited.removeValue(forKey: session) ?? []).sorted() {
            open[number]?.waiters.removeAll { $0.session == session }
            // Nobody can ever be told the answer, unless the question is repeated with its key.
            guard let question = open[number], question.waiters.isEmpty,
                question.asked.key == .none
            else { continue }
            close(number)
        }
        for number in (given.removeValue(forKey: session) ?? []).sorted() {
            open[number]?.answerers.removeAll { $0 == session }
            guard let question = open[number], question.answerers.isEmpty,
                question.putCount < Self.putMax
            else { continue }
            orphans[question.asked.service, default: []].insert(number)
            putAgain(number, into: &decisions)
        }
    }

    /// Refuses everything that is open.
    package mutating func refuseAll(
        _ code: RefusalCode,
        into decisions: inout [QuestionDecision]
    ) {
        for number in open.keys.sorted() { end(number, code, into: &decisions) }
    }
}

extension Questions {
    /// Whether a question is a repetition, which then needs nothing more.
    private mutating func repeated(
        _ asked: Asked,
        _ key: QuestionKey,
        _ fingerprint: Int,
        at now: Int64,
        into decisions: inout [QuestionDecision]
    ) throws(RefusalCode) -> Bool {
        if let entry = memory.entry(key, at: now) {
            guard entry.fingerprint == fingerprint else { throw .keyConflict }
            decisions.append(
                .answer(
                    entry.answer,
                    to: entry.question,
                    session: asked.session,
                    number: asked.number,
                    isRepeated: true
                )
            )
            return true
        }
        guard let number = openByKey[key], let question = open[number] else { return false }
        guard question.fingerprint == fingerprint else { throw .keyConflict }
        guard now < question.asked.deadline else { return false }
        open[number]?.waiters.append(
            Waiter(session: asked.session, number: asked.number, isRepeated: true)
        )
        awaited[asked.session, default: []].insert(number)
        return true
    }

    private func hasRoom(for asked: Asked) -> Bool {
        let load = loads[asked.agency] ?? Load()
        return open.count < Self.openMax && bytes + asked.byteCount <= Self.bytesMax
            && load.count < Self.openOfAgencyMax
            && load.bytes + asked.byteCount <= Self.bytesOfAgencyMax
    }

    private mutating func choose(
        _ service: String,
        except others: [UInt32] = []
    ) -> OfferBook.Choice {
        let given = given
        return book.choose(service, except: others) { given[$0]?.count ?? 0 }
    }

    private mutating func answerer(of service: String) throws(RefusalCode) -> UInt32 {
        switch choose(service) {
        case .session(let session): return session
        case .allBusy: throw .busy
        case .nobody: throw .notOffered
        }
    }

    private mutating func begin(
        _ asked: Asked,
        _ number: UInt64,
        _ fingerprint: Int,
        at now: Int64
    ) {
        let halfTime = now + (asked.deadline - now) / 2
        let waiter = Waiter(session: asked.session, number: asked.number, isRepeated: false)
        open[number] = Open(
            asked: asked,
            fingerprint: fingerprint,
            waiters: [waiter],
            alarm: halfTime
        )
        alarms.set(number, at: halfTime)
        if asked.key != .none {
            openByKey[QuestionKey(agency: asked.agency, key: asked.key)] = number
        }
        awaited[asked.session, default: []].insert(number)
        loads[asked.agency, default: Load()].count += 1
        loads[asked.agency]?.bytes += asked.byteCount
        bytes += asked.byteCount
    }

    private mutating func setAlarm(_ number: UInt64, at instant: Int64) {
        open[number]?.alarm = instant
        alarms.set(number, at: instant)
    }

    private mutating func put(
        _ number: UInt64,
        to session: UInt32,
        into decisions: inout [QuestionDecision]
    ) {
        guard let question = open[number] else { return }
        decisions.append(.put(number, to: session, before: question.putCount, question.asked))
        open[number]?.putCount += 1
        open[number]?.answerers.append(session)
        given[session, default: []].insert(number)
        removeOrphan(number, of: question.asked.service)
    }

    /// Puts a question to somebody else if it was put once only and somebody else is there.
    private mutating func putAgain(_ number: UInt64, into decisions: inout [QuestionDecision]) {
        guard let question = open[number], question.putCount < Self.putMax else { return }
        let choice = choose(question.asked.service, except: question.answerers)
        if case .session(let session) = choice { put(number, to: session, into: &decisions) }
    }

    private mutating func putOrphans(
        of service: String,
        into decisions: inout [QuestionDecision]
    ) {
        guard let waiting = orphans[service] else { return }
        for number in waiting.sorted() {
            putAgain(number, into: &decisions)
            // Whoever is there has as many questions as it takes.
            guard open[number]?.answerers.isEmpty == false else { return }
        }
    }

    private mutating func removeOrphan(_ number: UInt64, of service: String) {
        guard orphans[service]?.remove(number) != nil, orphans[service]?.isEmpty == true else {
            return
        }
        orphans[service] = nil
    }

    /// Ends a question at its deadline, and remembers who might still answer it.
    private mutating func pass(_ number: UInt64, into decisions: inout [QuestionDecision]) {
        if let answerers = open[number]?.answerers, !answerers.isEmpty {
            passed[number] = answerers
            passing.append(number)
            if passing.count - passingHead > Self.passedMax {
                passed[passing[passingHead]] = nil
                passingHead += 1
            }
            if passingHead > Self.passedMax {
                passing.removeFirst(passingHead)
                passingHead = 0
            }
        }
        end(number, .deadlinePassed, into: &decisions)
    }

    private mutating func end(
        _ number: UInt64,
        _ code: RefusalCode,
        into decisions: inout [QuestionDecision]
    ) {
        guard let question = open[number] else { return }
        close(number)
        for waiter in question.waiters {
            decisions.append(.refuse(code, session: waiter.session, number: waiter.number))
        }
        var exchange = Self.exchange(question.asked, question: number, code: code.rawValue)
        exchange.putCount = question.putCount
        decisions.append(.closed(exchange))
    }

    /// Takes a question out of every table.
    private mutating func close(_ number: UInt64) {
        guard let question = open.removeValue(forKey: number) else { return }
        let asked = question.asked
        if asked.key != .none {
            openByKey[QuestionKey(agency: asked.agency, key: asked.key)] = nil
        }
        for session in question.answerers {
            Self.remove(number, of: session, from: &given)
            book.release(asked.service, of: session)
        }
        for waiter in question.waiters { Self.remove(number, of: waiter.session, from: &awaited) }
        removeOrphan(number, of: asked.service)
        bytes -= asked.byteCount
        loads[asked.agency]?.count -= 1
        loads[asked.agency]?.bytes -= asked.byteCount
        if loads[asked.agency]?.count == 0 { loads[asked.agency] = nil }
        // Alarms of answered questions stay until they are due; not too many of them.
        if alarms.count > 2 * open.count + 64 {
            let open = self.open
            alarms.keep { open[$0.number]?.alarm == $0.at }
        }
    }

    private static func remove(
        _ number: UInt64,
        of session: UInt32,
        from table: inout [UInt32: Set<UInt64>]
    ) {
        guard table[session]?.remove(number) != nil, table[session]?.isEmpty == true else { return }
        table[session] = nil
    }

    /// Tells questions under one key apart; not against an attacker, who could only hurt itself.
    private static func fingerprint(of asked: Asked) -> Int {
        var hasher = Hasher()
        hasher.combine(asked.envelope)
        hasher.combine(asked.body)
        return hasher.finalize()
    }

    private static func exchange(_ asked: Asked, question: UInt64, code: UInt16) -> Exchange {
        Exchange(
            question: question,
            service: asked.service,
            agency: asked.agency,
            key: asked.key,
            requestBytes: asked.byteCount,
            answerBytes: 0,
            code: code,
            putCount: 0,
            stamp: asked.stamp
        )
    }

    private static func exchange(_ question: Open, _ number: UInt64, _ answer: Answer) -> Exchange {
        var exchange = exchange(question.asked, question: number, code: answer.code)
        exchange.answerBytes = answer.byteCount
        exchange.putCount = question.putCount
        return exchange
    }
}
