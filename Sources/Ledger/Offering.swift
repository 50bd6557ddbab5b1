// SPDX-License-Identifier: Apache-2.0

internal import Rules
internal import SQLite
internal import Wire

/// `offer` and `withdraw`, and putting durable questions to those who offer.
extension LedgerWriter {
    func offer(_ request: Request, into effects: inout Effects) {
        let service: String
        sessions[request.number]?.services.removeAll { service in
            events.services[service]?.involves(request.number) != true
        }
        do throws(RefusalCode) {
            service = try Envelope.read(Envelope.Offer.self, from: request.envelope).service
            guard Name.isLegalOffice(service) else { throw .nameInvalid }
            guard (1...Limits.questionsMax).contains(request.header.generation) else {
                throw .malformed
            }
            let agency = directory.agencyNumber(Name.agency(ofOffice: service))
            guard agency == request.session.agency, !request.session.offices.isEmpty else {
                throw .unknownService
            }
            try demand(.offer, on: service, of: request)
            let known = sessions[request.number]?.services ?? []
            guard known.contains(service) || known.count < Limits.offersMax else {
                throw .tooManyOffers
            }
        } catch {
            return effects.refuse(error, request)
        }
        var desk = events.services[service] ?? ServiceDesk()
        let number = desk.offer(of: request.number) ?? events.takeOfferNumber()
        desk.offer(number, by: request.number, capacity: request.header.generation)
        events.services[service] = desk
        events.busyServices.insert(service)
        if sessions[request.number]?.services.contains(service) == false {
            sessions[request.number]?.services.append(service)
        }
        var answer = Header(.answer, number: request.header.number)
        answer.subject = number
        effects.append(answer, session: request.number)
    }

    func withdraw(_ request: Request, into effects: inout Effects) {
        let service = request.session.services.first { service in
            events.services[service]?.offer(of: request.number) == request.header.subject
        }
        guard let service else { return effects.refuse(.unknownService, request) }
        events.services.change(service) { $0.withdraw(request.number) }
        dropIfIdle(service)
        // What the session was given stays its own until it answers, so it keeps the service in mind.
        effects.append(
            Header(.answer, number: request.header.number),
            session: request.number
        )
    }

    /// Takes the offers of a session that is gone back; what it was given goes to others.
    func leaveServices(_ services: [String], _ session: UInt32) {
        for service in services {
            events.services.change(service) { $0.leave(session) }
            dropIfIdle(service)
            events.busyServices.insert(service)
        }
    }

    /// Takes back an event or a question that could not be handed to the network.
    ///
    /// Generations are of one counter, so what was out under one is found by it.
    func takeBack(_ generation: UInt64, of subject: UInt64, from session: UInt32) {
        let wasEvent = events.subscriptions.change(subject) { $0.queue.takeBack(generation) }
        guard wasEvent != true else { return events.wake(subject) }
        for service in sessions[session]?.services ?? [] {
            events.services.change(service) { $0.takeBack(generation) }
            events.busyServices.insert(service)
        }
    }

    func dropIfIdle(_ service: String) {
        if events.services[service]?.isIdle == true { events.services[service] = nil }
    }

    // MARK: Putting

    /// Bytes of one turn, above which it ends.
    private static let questionBytesPerTurn = 4 << 20

    func putQuestions(_ limit: inout Int, into effects: inout Effects) throws(SQLiteFault) {
        for (service, desk) in events.services.values {
            guard let lapse = desk.nextLapse, lapse <= monotonic else { continue }
            events.services.change(service) { _ = $0.lapse(at: monotonic) }
            dropIfIdle(service)
            events.busyServices.insert(service)
        }
        let start = effects.byteCount
        for service in events.busyServices.sorted() {
            while let putting = try nextQuestion(of: service) {
                guard limit > 0, effects.byteCount - start < Self.questionBytesPerTurn else {
                    events.services.change(service) { $0.takeBack(putting.generation) }
                    return
                }
                limit -= 1
                var header = Header(.question)
                header.code = UInt16(clamping: putting.puts)
                header.subject = putting.position
                header.generation = putting.generation
                header.instant = putting.deadline
                _ = try events.reader.withContent(putting.position) { envelope, body in
                    effects.append(
                        header,
                        session: putting.session,
                        envelope: envelope,
                        body: body
                    )
                }
            }
            events.busyServices.remove(service)
        }
    }

    private func nextQuestion(of service: String) throws(SQLiteFault) -> ServiceDesk.Putting? {
        guard let desk = events.services[service] else { return nil }
        if let position = desk.loadAfter {
            let rows = try events.questionTables.open(
                service,
                after: position,
                limit: ServiceDesk.itemsMax
            )
            events.services.change(service) { $0.load(rows, limit: ServiceDesk.itemsMax) }
        }
        return events.services.change(service) { desk in
            desk.put(wall: now, monotonic: monotonic) { leases.takeGeneration() }
        } ?? nil
    }
}
