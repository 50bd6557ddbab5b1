// SPDX-License-Identifier: Apache-2.0

internal import Rules
internal import Wire

/// One live subscription.
struct LiveSubscription {
    let number: UInt64
    let session: Session
    let pattern: TopicPattern
    var reader: LiveReader
    /// What waits for a reader whose policy is to keep the latest.
    var kept = LatestEvents()
}

/// The live subscriptions of all sessions, found by topic, by number and by session.
///
/// A *slot* is where one stands; it is used again once the subscription has gone.
struct LiveTable {
    /// Bytes of events kept for one slow session.
    static let keptBytesOfSessionMax = 4 << 20
    /// Bytes of events kept for all slow sessions, an event kept for several counted once.
    static let keptBytesMax = 64 << 20

    private(set) var slots: [LiveSubscription?] = []
    private var freeSlots: [UInt32] = []
    private var trie = TopicTrie()
    private var slotByNumber: [UInt64: UInt32] = [:]
    private var slotsBySession: [UInt32: [UInt32]] = [:]
    private var nextNumber = Numbering.liveSubscriptions
    private(set) var policy = UsePolicy()
    let tally = KeptEvent.Tally()

    var count: Int { slotByNumber.count }

    /// The subscriptions of a session, in no order.
    func slots(of session: UInt32) -> [UInt32] { slotsBySession[session] ?? [] }

    /// The slot of a subscription, if the session has one of this number.
    func slot(of number: UInt64, session: UInt32) -> UInt32? {
        guard let slot = slotByNumber[number], slots[Int(slot)]?.session.number == session else {
            return nil
        }
        return slot
    }

    mutating func setPolicy(_ policy: UsePolicy) {
        self.policy = policy
        trie.forgetMatches()
    }

    /// Adds a subscription and returns its number.
    mutating func insert(
        _ pattern: TopicPattern,
        slow: LiveReader.Slow,
        of session: Session
    ) -> UInt64 {
        let number = nextNumber
        nextNumber += 1
        let subscription = LiveSubscription(
            number: number,
            session: session,
            pattern: pattern,
            reader: LiveReader(slow: slow)
        )
        let slot: UInt32
        if let free = freeSlots.popLast() {
            slot = free
            slots[Int(slot)] = subscription
        } else {
            slot = UInt32(slots.count)
            slots.append(subscription)
        }
        trie.insert(slot, pattern: pattern)
        slotByNumber[number] = slot
        slotsBySession[session.number, default: []].append(slot)
        return number
    }

    /// Removes a subscription with all that is kept for it.
    mutating func remove(_ slot: UInt32) {
        guard var subscription = slots[Int(slot)] else { return }
        slots[Int(slot)] = nil
        freeSlots.append(slot)
        trie.remove(slot, pattern: subscription.pattern)
        slotByNumber[subscription.number] = nil
        let session = subscription.session
        while let event = subscription.kept.first {
            session.keptBytes -= subscription.kept.remove(topic: event.topic)
        }
        slotsBySession[session.number]?.removeAll { $0 == slot }
        if slotsBySession[session.number]?.isEmpty == true {
            slotsBySession[session.number] = nil
        }
    }

    /// Appends the slots whose patterns match a topic and whose agencies may hear of it.
    mutating func match(_ topic: String, isOfCases: Bool, into found: inout [UInt32]) {
        let slots = slots
        let policy = policy
        trie.match(topic, into: &found) { slot in
            // Who hears of a case depends on the act, so it is judged act by act.
            isOfCases
                || slots[Int(slot)].map { policy.mayHear(topic, by: $0.session.agency) } == true
        }
    }

    /// Decides on an event for a subscription; see `LiveReader.judge`.
    mutating func judge(_ slot: UInt32, cost: Int, sequence: UInt64) -> LiveReader.Verdict {
        let index = Int(slot)
        guard let session = slots[index]?.session else { return .leaveOut }
        let isRoadFree = session.outbox.isEmpty && !session.isGone
        let isKeeping = slots[index]?.kept.count != 0
        return slots[index]?.reader.judge(
            cost: cost,
            sequence: sequence,
            isRoadFree: isRoadFree,
            isKeeping: isKeeping
        ) ?? .leaveOut
    }

    mutating func grant(
        _ slot: UInt32,
        messages: UInt64,
        bytes: UInt64
    ) throws(RefusalCode) {
        try slots[Int(slot)]?.reader.grant(messages: messages, bytes: bytes)
    }

    /// Keeps an event as the last of its topic, or counts it as left out where that is too much.
    ///
    /// - Returns: Whether it is kept.
    mutating func keep(_ event: KeptEvent, for slot: UInt32) -> Bool {
        let index = Int(slot)
        guard var subscription = slots[index] else { return false }
        slots[index] = nil
        defer { slots[index] = subscription }
        let session = subscription.session
        // An older event of the topic would pass for the last, so it goes in any case.
        session.keptBytes -= subscription.kept.remove(topic: event.topic)
        guard subscription.kept.count < Limits.latestTopicsMax,
            session.keptBytes + event.byteCount <= Self.keptBytesOfSessionMax,
            tally.byteCount <= Self.keptBytesMax
        else {
            subscription.reader.leaveOut(sequence: event.sequence)
            return false
        }
        subscription.kept.keep(event)
        session.keptBytes += event.byteCount
        return true
    }

    /// Takes the oldest kept event and charges it, if there is credit.
    mutating func takeKept(_ slot: UInt32) -> KeptEvent? {
        let index = Int(slot)
        guard slots[index]?.reader.hasCredit == true, let event = slots[index]?.kept.first else {
            return nil
        }
        let byteCount = slots[index]?.kept.remove(topic: event.topic) ?? 0
        slots[index]?.session.keptBytes -= byteCount
        slots[index]?.reader.charge(event.cost)
        return event
    }

    /// Whether an event that came now would be told at once.
    func canBeTold(_ slot: UInt32) -> Bool {
        guard let subscription = slots[Int(slot)] else { return false }
        let session = subscription.session
        return subscription.reader.hasCredit && subscription.kept.count == 0
            && session.outbox.isEmpty && !session.isGone
    }

    /// What the subscription must be told it missed before its next event.
    mutating func takeGap(_ slot: UInt32) -> LiveReader.Gap? {
        slots[Int(slot)]?.reader.takeGap()
    }
}
