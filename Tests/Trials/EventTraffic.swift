// SPDX-License-Identifier: Apache-2.0

import Platform
import ProofKit
import Wire

/// Durable events and questions of the clients, and what each was told of them.
///
/// Agency `a` asks `b/registry`; every agency publishes; `c` and `d` each have a durable subscription
/// that hears all, `b` one to the acts of its cases.
final class EventTraffic {
    private let workload: Workload
    private let seed: UInt64
    private var keys: UInt64 = 0
    /// Sequences acknowledged and told so, by the name of the subscription.
    private var settled: [String: Set<UInt64>] = [:]
    /// Acknowledgements under way: whose, and of what.
    private var acknowledging: [Pending: (name: String, sequence: UInt64)] = [:]
    /// Subscriptions of the running sessions by their number.
    private var names: [UInt64: String] = [:]
    /// Answers that were acknowledged to whoever gave them, by question.
    private var answers: [UInt64: String] = [:]
    /// Answers the asker was told, by question.
    private var replies: [UInt64: String] = [:]
    private var resumed: [ObjectIdentifier: UInt32] = [:]
    private var asked: [Int: Parcel] = [:]
    private var answering: [Int: (question: UInt64, text: String)] = [:]
    private var heard: [String: Set<UInt64>] = [:]
    private(set) var events = 0

    private struct Pending: Hashable {
        var client: ObjectIdentifier
        var number: UInt32
    }

    private static let subscriptions = [
        "c": ("all", ">"), "d": ("news", "*.news"), "b": ("acts", "case.>"),
    ]
    private static let service = "b/registry"

    init(_ workload: Workload, seed: UInt64) {
        self.workload = workload
        self.seed = seed
    }

    private func key() -> Identifier {
        keys += 1
        return Identifier(high: seed | 1, low: 1 << 63 | keys)
    }

    // MARK: Asking

    func publish(_ client: SimulatedClient, _ choice: Int) {
        var event = Envelope.Event()
        event.topic = client.agency + (choice % 4 == 0 ? ".other" : ".news")
        event.source = client.agency
        var header = Header(.publish)
        header.flags = Header.durableFlag
        header.id = key()
        let envelope = Envelope.bytes(of: event)
        let body = [UInt8](repeating: UInt8(choice % 251), count: choice % 300)
        var logged = LoggedAsk(verb: .publish, agency: client.agency)
        logged.key = header.id
        workload.ask(
            client,
            Parcel(header: header, session: 0, envelope: envelope, body: body),
            logged
        )
    }

    /// Asks the service durably; only `a` does.
    func ask(_ client: SimulatedClient) {
        guard client.agency == "a", client.session != nil else { return }
        var question = Envelope.Question()
        question.service = Self.service
        var header = Header(.ask)
        header.flags = Header.durableFlag
        header.id = key()
        header.instant = Clock.wallMilliseconds() + 3_600_000
        let parcel = Parcel(header: header, session: 0, envelope: Envelope.bytes(of: question))
        var logged = LoggedAsk(verb: .ask, agency: client.agency)
        logged.key = header.id
        asked[workload.log.asks.count] = parcel
        workload.ask(client, parcel, logged)
    }

    /// Takes up, after an office was staffed, what belongs to a session: subscription and offer.
    private func resume(_ client: SimulatedClient) {
        if let (name, pattern) = Self.subscriptions[client.agency] {
            var subscribe = Envelope.Subscribe()
            subscribe.pattern = pattern
            subscribe.name = name
            subscribe.from = .beginning
            client.send(
                Parcel(
                    header: Header(.subscribe),
                    session: 0,
                    envelope: Envelope.bytes(of: subscribe)
                )
            )
        }
        guard client.agency == "b" else { return }
        var offer = Envelope.Offer()
        offer.service = Self.service
        var header = Header(.offer)
        header.generation = 20
        client.send(Parcel(header: header, session: 0, envelope: Envelope.bytes(of: offer)))
    }

    /// Forgets what belonged to sessions; the daemon is another.
    func restart() {
        names.removeAll()
        acknowledging.removeAll()
    }

    // MARK: Hearing

    /// Takes in what a client was told; `request` is what it had asked under that number.
    func hear(_ client: SimulatedClient, _ parcel: Parcel, answering request: Parcel?) throws {
        let header = parcel.header
        switch header.verb {
        case .answer:
            let pending = Pending(client: ObjectIdentifier(client), number: header.number)
            switch request?.header.verb {
            case .attach:
                if resumed.updateValue(client.session ?? 0, forKey: ObjectIdentifier(client))
                    != client.session
                {
                    resume(client)
                }
            case .subscribe: subscribed(client, header)
            case .ack:
                guard let (name, sequence) = acknowledging.removeValue(forKey: pending) else {
                    break
                }
                settled[name, default: []].insert(sequence)
            case .reply:
                guard let ask = request?.ask, let (question, text) = answering[ask] else { break }
                answers[question] = text
                try compare(question)
            default: break
            }
        case .event: try heard(client, header)
        case .question: answer(client, header)
        case .replied:
            let reply = parcel.envelope.withUnsafeBytes {
                try? Envelope.read(Envelope.Reply.self, from: $0)
            }
            let text = header.code == 0 ? reply?.contentType ?? "" : "refused \(header.code)"
            guard replies.updateValue(text, forKey: header.subject) ?? text == text else {
                throw Violation(.twice, "question \(header.subject) was answered in two ways")
            }
            try compare(header.subject)
        default: break
        }
    }

    private func subscribed(_ client: SimulatedClient, _ answer: Header) {
        guard let (name, _) = Self.subscriptions[client.agency] else { return }
        names[answer.subject] = name
        grant(client, answer.subject, 64)
    }

    private func grant(_ client: SimulatedClient, _ subscription: UInt64, _ count: UInt64) {
        var credit = Header(.credit)
        credit.subject = subscription
        credit.generation = count
        credit.serial = count * 4_096
        client.send(Parcel(header: credit, session: 0))
    }

    private func heard(_ client: SimulatedClient, _ header: Header) throws {
        guard let name = names[header.subject] else { return }
        events += 1
        heard[name, default: []].insert(header.serial)
        guard settled[name]?.contains(header.serial) != true else {
            throw Violation(.twice, "\(name) was told \(header.serial), which it had acknowledged")
        }
        var ack = Header(.ack)
        ack.subject = header.subject
        ack.generation = header.generation
        ack.serial = header.serial
        let parcel = Parcel(header: ack, session: 0)
        client.send(parcel)
        grant(client, header.subject, 1)
        // The credit went last; the acknowledgement bears the number before it.
        guard let sent = client.up.dropLast().last, sent.header.verb == .ack else { return }
        let pending = Pending(client: ObjectIdentifier(client), number: sent.header.number)
        acknowledging[pending] = (name, header.serial)
    }

    private func answer(_ client: SimulatedClient, _ header: Header) {
        keys += 1
        let text = "text/answer-\(header.subject)-\(keys)"
        var reply = Envelope.Reply()
        reply.contentType = text
        var answer = Header(.reply)
        answer.subject = header.subject
        answer.generation = header.generation
        var logged = LoggedAsk(verb: .reply, agency: client.agency)
        logged.key = Identifier(high: 0, low: header.subject)
        answering[workload.log.asks.count] = (header.subject, text)
        workload.ask(
            client,
            Parcel(header: answer, session: 0, envelope: Envelope.bytes(of: reply)),
            logged
        )
    }

    private func compare(_ question: UInt64) throws {
        guard let given = answers[question], let told = replies[question], given != told else {
            return
        }
        throw Violation(.trail, "question \(question): \(given) was acknowledged, \(told) told")
    }

    // MARK: In the end

    /// Asks again for every answer that was not heard.
    func askAgain(_ client: SimulatedClient) {
        guard client.agency == "a" else { return }
        for (ask, parcel) in asked {
            guard let receipt = workload.log.asks[ask].receipt, replies[receipt.position] == nil
            else { continue }
            var parcel = parcel
            parcel.ask = ask
            client.send(parcel)
        }
    }

    /// Questions whose answer was heard.
    var answered: Int { replies.count }

    /// What is still missing in the end, in words; nil if nothing is.
    func missing() -> String? {
        let receipts = workload.log.asks.indices.compactMap { ask in
            asked[ask] == nil ? nil : workload.log.asks[ask].receipt?.position
        }
        let open = receipts.filter { replies[$0] == nil }
        if !open.isEmpty { return "\(open.count) questions were not answered" }
        let published = workload.log.asks.filter { $0.verb == .publish }.compactMap(\.receipt)
        let unheard = published.filter { heard["all"]?.contains($0.position) != true }
        if !unheard.isEmpty { return "\(unheard.count) events did not reach a subscription" }
        return nil
    }
}
