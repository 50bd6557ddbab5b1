// SPDX-License-Identifier: Apache-2.0

package import Wire

/// What clients of a history ask, and what they make of what they hear; roads and bus are another's.
package final class Workload {
    package let procedures: [ModelProcedure]
    package let clients: [SimulatedClient]
    package private(set) var log = ClientLog()
    private let seed: UInt64
    private var keys: UInt64 = 0
    /// Leases that ended in custody: referral and generation.
    private var accepted: Set<[UInt64]> = []

    /// Four agencies with what they staff, two programs of them for the same office.
    package init(seed: UInt64) {
        self.seed = seed
        procedures = ModelProcedure.all(seed: seed)
        clients = [
            ("a", ["a/desk", "a/one"]), ("b", ["b/one", "b/two"]), ("b", ["b/two", "b/three"]),
            ("c", ["c/two"]), ("d", ["d/three"]),
        ].map { SimulatedClient(agency: $0.0, offices: $0.1) }
    }

    private static let offices = [
        "a/desk", "b/one", "c/two", "d/three", "a/one", "b/two", "b/three",
    ]

    // MARK: Asking

    package func ask(_ client: SimulatedClient, _ parcel: Parcel, _ logged: LoggedAsk) {
        guard client.session != nil else { return }
        var parcel = parcel
        parcel.ask = log.asks.count
        var logged = logged
        logged.receiptsBefore = log.receipts.count
        log.asks.append(logged)
        client.send(parcel)
    }

    private func key() -> Identifier {
        keys += 1
        return Identifier(high: seed | 1, low: keys)
    }

    package func submit(_ client: SimulatedClient, _ choice: Int) {
        let procedure = procedures[choice % procedures.count]
        var envelope = Envelope.Case()
        envelope.procedure = procedure.name
        if procedure.takesItinerary {
            let count = choice / 3 % 4 + 1
            envelope.itinerary = (0..<count).map { Self.offices[(choice / 7 + $0 * 3) % 7] }
        }
        let lane = UInt8(choice / 11 % 3)
        let key = key()
        var header = Header(.submit)
        header.flags = lane
        header.id = key
        var logged = LoggedAsk(verb: .submit, agency: client.agency)
        logged.key = key
        logged.offices = envelope.itinerary
        logged.procedure = procedure.name
        logged.lane = lane
        let size = choice % 29 == 0 ? 9_000 : choice % 200
        ask(
            client,
            Parcel(
                header: header,
                session: 0,
                envelope: Envelope.bytes(of: envelope),
                body: Array(repeating: UInt8(truncatingIfNeeded: choice), count: size)
            ),
            logged
        )
    }

    package func work(_ client: SimulatedClient, _ choice: Int) {
        guard let held = client.held.randomItem(choice) else { return }
        settle(client, held, choice / 17)
        client.leave(held)
        client.grant(4, below: 3)
    }

    package func late(_ client: SimulatedClient, _ choice: Int) {
        guard let held = client.past.randomItem(choice) else { return }
        let first = log.asks.count
        settle(client, held, choice / 17)
        // It may repeat what was asked before, and is then given the first answer.
        for ask in log.asks.indices[first...] { log.asks[ask].receiptsBefore = 0 }
    }

    package func settleCustody(_ client: SimulatedClient, _ choice: Int) {
        guard let held = client.custody.randomItem(choice) else { return }
        settle(client, held, choice / 17)
        client.custody.removeAll { $0.referral == held.referral }
    }

    private func settle(_ client: SimulatedClient, _ held: HeldReferral, _ choice: Int) {
        let verb: Verb =
            switch choice % 20 {
            case 0, 1: .return
            case 2: .refuse
            case 3: .release
            case 4, 5: .accept
            case 6: .note
            case 7, 8: .refer
            case 9: .renew
            default: .complete
            }
        send(verb, client, held, choice / 20)
    }

    /// Settles a referral; `choice` decides what is not decided by the verb.
    package func send(_ verb: Verb, _ client: SimulatedClient, _ held: HeldReferral, _ choice: Int)
    {
        var header = Header(verb)
        header.subject = held.referral
        header.generation = held.generation
        header.serial = verb == .renew ? 0 : held.serial
        var logged = LoggedAsk(verb: verb, agency: client.agency)
        logged.referral = held.referral
        logged.generation = held.generation
        logged.serial = held.serial
        var envelope: [UInt8] = []
        switch verb {
        case .complete:
            header.code = UInt16(choice % max(held.step.outcomes.count, 1))
            logged.code = header.code
        case .note:
            var note = Envelope.Note()
            note.text = "remark \(choice)"
            envelope = Envelope.bytes(of: note)
            header.id = key()
            logged.key = header.id
        case .accept, .renew: break
        default:
            var reason = Envelope.Reason()
            reason.text = "because \(choice % 1_000)"
            if verb == .release { header.id.low = UInt64(choice % 20_000) }
            if verb == .refer {
                let isSlip = held.step.procedure == ModelProcedure.itinerary.name
                let names = isSlip ? Self.offices : ModelProcedure.line.offices
                reason.offices = (0..<(isSlip ? choice % 3 + 1 : 1)).map {
                    names[(choice / 3 + $0 * 2) % names.count]
                }
                logged.offices = reason.offices
            }
            envelope = Envelope.bytes(of: reason)
        }
        if verb == .renew {
            // A renewal is void after a restart, so it is not asked for twice.
            client.send(Parcel(header: header, session: 0))
        } else {
            ask(client, Parcel(header: header, session: 0, envelope: envelope), logged)
        }
    }

    /// An action on some case, allowed only where the case is closed.
    package func act(_ client: SimulatedClient, _ choice: Int) {
        let serials = log.asks.compactMap { $0.procedure == "line" ? $0.receipt?.serial : nil }
        guard let serial = serials.randomItem(choice) else { return }
        var envelope = Envelope.Case()
        envelope.procedure = "line"
        envelope.action = choice / 5 % 2 == 0 ? "reopen" : "rate"
        let key = key()
        var header = Header(.submit)
        header.id = key
        header.serial = serial
        var logged = LoggedAsk(verb: .submit, agency: client.agency)
        logged.key = key
        logged.action = envelope.action
        ask(
            client,
            Parcel(header: header, session: 0, envelope: Envelope.bytes(of: envelope)),
            logged
        )
    }

    // MARK: Hearing

    package func hear(_ client: SimulatedClient, _ parcel: Parcel) throws {
        let header = parcel.header
        switch header.verb {
        case .step:
            client.steps[header.number] = parcel.envelope.withUnsafeBytes {
                try? Envelope.read(Envelope.Step.self, from: $0)
            }
        case .delivery:
            guard let step = client.steps[header.number] else { return }
            client.credit[step.office, default: 0] -= 1
            client.held.append(
                HeldReferral(
                    referral: header.subject,
                    generation: header.generation,
                    serial: header.serial,
                    step: step
                )
            )
        case .answer: try hearAnswer(client, parcel)
        case .refusal: hearRefusal(client, parcel)
        default: break
        }
    }

    private func hearAnswer(_ client: SimulatedClient, _ parcel: Parcel) throws {
        guard let asked = client.open.removeValue(forKey: parcel.header.number) else { return }
        if asked.header.verb == .attach {
            let attach = asked.envelope.withUnsafeBytes {
                try? Envelope.read(Envelope.Attach.self, from: $0)
            }
            client.officeNumbers[attach?.office ?? ""] = parcel.header.subject
            client.grant(6, below: 3)
        }
        guard let ask = asked.ask else { return }
        if log.asks[ask].verb == .accept, log.asks[ask].receipt == nil {
            let past = client.past.last { $0.referral == asked.header.subject }
            // An acceptance that was repeated later gives custody once.
            let isNew = accepted.insert([asked.header.subject, asked.header.generation]).inserted
            if isNew, var held = past {
                held.generation = 0
                client.custody.append(held)
            }
        }
        try log.told(Self.receipt(parcel.header), of: ask)
    }

    private static func receipt(_ header: Header) -> ToldReceipt {
        ToldReceipt(
            position: header.subject,
            hash: header.id,
            serial: header.serial,
            recordedAt: header.instant
        )
    }

    private func hearRefusal(_ client: SimulatedClient, _ parcel: Parcel) {
        guard let asked = client.open[parcel.header.number] else { return }
        switch RefusalCode(rawValue: parcel.header.code) {
        case .noSession: client.session = nil
        case .notAttached, .busy, .unavailable, .storageFull, .draining: break
        default:
            client.open[parcel.header.number] = nil
            if let ask = asked.ask { log.asks[ask].isResolved = true }
        }
    }

    // MARK: Ending

    package func finishCustody(_ cases: [UInt64: ModelCase]) {
        for serial in cases.keys.sorted() {
            for token in cases[serial]?.tokens ?? [] where token.state == .custody {
                guard let client = clients.first(where: { $0.offices.contains(token.office) })
                else {
                    continue
                }
                var step = Envelope.Step()
                step.outcomes =
                    cases[serial]?.procedure.step(token.step)?.outcomes.map(\.word) ?? []
                let held = HeldReferral(
                    referral: token.referral,
                    generation: 0,
                    serial: serial,
                    step: step
                )
                send(.complete, client, held, 0)
            }
        }
    }
}

extension Array {
    /// The item a number picks; nil if there is none.
    package func randomItem(_ choice: Int) -> Element? { isEmpty ? nil : self[choice % count] }
}
