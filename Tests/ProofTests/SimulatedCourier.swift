// SPDX-License-Identifier: Apache-2.0

import ProofKit
import Rules
import Wire

/// What the courier does for the ledger, without sockets: sessions, their silence, batches.
struct SimulatedCourier {
    /// Which client a session number was given to.
    var owners: [UInt32: SimulatedClient] = [:]
    /// What happened to sessions since the last batch.
    var events: [SessionEvent] = []
    private var heard: [UInt32: Int64] = [:]
    /// Bytes delivered to each session.
    private var passed: [UInt32: UInt64] = [:]
    private var ended: Set<UInt32> = []
    private var batch = Batch()
    private var parcels: [Parcel] = []

    func isOpen(_ session: UInt32) -> Bool { heard[session] != nil && !ended.contains(session) }

    /// Takes in an operation; a second `hello` of a session is the courier's to refuse.
    mutating func take(_ parcel: Parcel, at instant: Int64) {
        if parcel.header.verb == .hello, heard[parcel.session] != nil { return }
        heard[parcel.session] = instant
        guard !batch.isFull else { return }
        parcels.append(parcel)
        parcel.envelope.withUnsafeBytes { envelope in
            parcel.body.withUnsafeBytes { body in
                batch.append(
                    parcel.header,
                    session: parcel.session,
                    envelope: envelope,
                    body: body
                )
            }
        }
    }

    /// Ends the sessions that were silent for too long; clients on a sound road send heartbeats.
    mutating func expire(at instant: Int64) {
        for (session, last) in heard.sorted(by: { $0.key < $1.key }) where !ended.contains(session)
        {
            if owners[session]?.session == session, owners[session]?.isReachable == true {
                heard[session] = instant
            } else if instant - last >= Int64(Limits.expiryMilliseconds) {
                end(session, .ended(session: session))
            }
        }
    }

    mutating func end(_ session: UInt32, _ event: SessionEvent) {
        ended.insert(session)
        events.append(event)
    }

    /// The batch gathered so far.
    mutating func handOver() -> (Batch, [Parcel]) {
        batch.events = events
        for (session, bytes) in passed.sorted(by: { $0.key < $1.key }) where isOpen(session) {
            batch.events.append(.passed(session: session, bytes: bytes))
        }
        let handed = (batch, parcels)
        batch = Batch()
        parcels.removeAll()
        events.removeAll()
        return handed
    }

    /// Sends an effect to its client.
    ///
    /// - Returns: False for a delivery whose session has ended: it is reported back.
    mutating func send(_ parcel: Parcel) -> Bool {
        guard !ended.contains(parcel.session) else {
            guard parcel.header.verb == .delivery else { return true }
            events.append(
                .undelivered(
                    session: parcel.session,
                    referral: parcel.header.subject,
                    generation: parcel.header.generation
                )
            )
            return false
        }
        if parcel.header.verb == .delivery {
            passed[parcel.session, default: 0] += UInt64(parcel.envelope.count + parcel.body.count)
        }
        guard let client = owners[parcel.session], client.session == parcel.session,
            client.isReachable
        else { return true }
        client.down.append(parcel)
        return true
    }

    /// Forgets everything: another process serves now.
    mutating func restart() {
        heard.removeAll()
        ended.removeAll()
        events.removeAll()
        passed.removeAll()
        batch = Batch()
        parcels.removeAll()
    }
}

/// Watches what the ledger tells: every request answered once, no referral at two desks, first
/// come first served, no more than was granted.
struct DeliveryWatch {
    private struct Key: Hashable {
        var session: UInt32
        var number: UInt32
    }

    /// Until when a referral is out, and with which session and generation.
    private var out: [UInt64: (until: Int64, session: UInt32, generation: UInt64)] = [:]
    private var lastGeneration: UInt64 = 0
    private var granted: [UInt32: UInt64] = [:]
    private var delivered: [UInt32: UInt64] = [:]
    private var lastFresh: [String: UInt64] = [:]
    private var seen: Set<UInt64> = []
    private var steps: [Key: Envelope.Step] = [:]
    /// Referrals an operator sent on again: they keep their old numbers and are no first comers.
    var retried: Set<UInt64> = []
    private(set) var refusals: [RefusalCode: Int] = [:]

    mutating func restart() {
        out.removeAll()
        granted.removeAll()
        delivered.removeAll()
        lastFresh.removeAll()
        seen.removeAll()
        steps.removeAll()
    }

    mutating func forget(session: UInt32) {
        out = out.filter { $0.value.session != session }
    }

    mutating func giveBack(_ parcel: Parcel) {
        guard out[parcel.header.subject]?.generation == parcel.header.generation else { return }
        out[parcel.header.subject] = nil
        delivered[parcel.session, default: 0] -= 1
    }

    mutating func check(
        _ effects: Effects,
        answering parcels: [Parcel],
        at instant: Int64
    ) throws {
        var unanswered: [Key: Int] = [:]
        var asked: [Key: Parcel] = [:]
        for parcel in parcels where parcel.header.verb != .credit {
            let key = Key(session: parcel.session, number: parcel.header.number)
            unanswered[key, default: 0] += 1
            asked[key] = parcel
        }
        for parcel in parcels where parcel.header.verb == .credit {
            granted[parcel.session, default: 0] += parcel.header.generation
        }
        for effect in effects.items {
            let key = Key(session: effect.session, number: effect.header.number)
            switch effect.header.verb {
            case .answer:
                unanswered[key, default: 0] -= 1
                if let parcel = asked[key] { end(parcel.header, effect.header, at: instant) }
            case .refusal:
                // A credit that is refused is told so, though it is never answered.
                if asked[key] != nil { unanswered[key, default: 0] -= 1 }
                guard let code = RefusalCode(rawValue: effect.header.code) else {
                    throw Violation(.answered, "refused with the unknown \(effect.header.code)")
                }
                refusals[code, default: 0] += 1
            case .step:
                let bytes = effects.bytes[effect.envelope]
                steps[key] = Array(bytes).withUnsafeBytes {
                    try? Envelope.read(Envelope.Step.self, from: $0)
                }
            case .delivery: try deliver(effect, steps[key], at: instant)
            default: throw Violation(.answered, "the ledger told \(effect.header.verb)")
            }
        }
        guard unanswered.values.allSatisfy({ $0 == 0 }) else {
            throw Violation(.answered, "requests left out or answered twice: \(unanswered)")
        }
        guard effects.items.count <= 3 * 4_096 + 2 * parcels.count else {
            throw Violation(.bounded, "a turn told \(effects.items.count) things")
        }
    }

    private mutating func end(_ asked: Header, _ answer: Header, at instant: Int64) {
        switch asked.verb {
        case .complete, .return, .refer, .release, .refuse, .accept:
            if out[asked.subject]?.generation == asked.generation { out[asked.subject] = nil }
        case .renew: out[asked.subject]?.until = instant + 30_000
        default: break
        }
    }

    private mutating func deliver(
        _ effect: Effect,
        _ step: Envelope.Step?,
        at instant: Int64
    ) throws {
        let header = effect.header
        guard let step else {
            throw Violation(.order, "referral \(header.subject) came before its step")
        }
        if let earlier = out[header.subject], earlier.until > instant {
            throw Violation(.twice, "referral \(header.subject) is at two desks")
        }
        guard header.generation > lastGeneration else {
            throw Violation(.twice, "generation \(header.generation) was used before")
        }
        lastGeneration = header.generation
        out[header.subject] = (
            instant + Int64(step.leaseMs), effect.session, header.generation
        )
        delivered[effect.session, default: 0] += 1
        guard delivered[effect.session, default: 0] <= granted[effect.session, default: 0] else {
            throw Violation(.bounded, "session \(effect.session) got more than it granted")
        }
        guard seen.insert(header.subject).inserted, header.code == 0,
            !retried.contains(header.subject)
        else { return }
        let queue = "\(step.office) lane \(header.flags)"
        guard header.subject > lastFresh[queue, default: 0] else {
            throw Violation(.order, "\(queue): \(header.subject) after \(lastFresh[queue] ?? 0)")
        }
        lastFresh[queue] = header.subject
    }
}
