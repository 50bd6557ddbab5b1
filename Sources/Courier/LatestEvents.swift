// SPDX-License-Identifier: Apache-2.0

internal import Wire

/// An event that waits for slow readers; one copy serves all of them.
///
/// Its tally counts it for as long as somebody holds it; confined to the bus thread.
final class KeptEvent {
    /// Bytes of all kept events.
    final class Tally {
        fileprivate(set) var byteCount = 0
    }

    let topic: String
    /// Bytes of envelope and body, the cost in credit.
    let cost: Int
    let sequence: UInt64
    /// Header, envelope and body with their padding, as a packet carries them.
    let operation: [UInt8]
    private let tally: Tally

    init(
        topic: String,
        cost: Int,
        sequence: UInt64,
        operation: UnsafeRawBufferPointer,
        tally: Tally
    ) {
        self.topic = topic
        self.cost = cost
        self.sequence = sequence
        self.operation = [UInt8](operation)
        self.tally = tally
        tally.byteCount += self.operation.count
    }

    deinit { tally.byteCount -= operation.count }

    /// What it counts for towards the limits.
    var byteCount: Int { operation.count }
}

/// The last event of each topic, in the order of the events.
struct LatestEvents {
    private var order: [KeptEvent?] = []
    private var head = 0
    private var places: [String: Int] = [:]

    /// Topics of which an event is kept.
    var count: Int { places.count }

    func hasTopic(_ topic: String) -> Bool { places[topic] != nil }

    /// Keeps an event as the last of its topic; removes the one before it.
    mutating func keep(_ event: KeptEvent) {
        remove(topic: event.topic)
        places[event.topic] = order.count
        order.append(event)
    }

    /// Removes the event of a topic and returns what it counted for.
    @discardableResult
    mutating func remove(topic: String) -> Int {
        guard let place = places.removeValue(forKey: topic), let event = order[place] else {
            return 0
        }
        order[place] = nil
        if order.count >= 64, places.count * 2 < order.count { compact() }
        return event.byteCount
    }

    /// The oldest event.
    var first: KeptEvent? {
        mutating get {
            while head < order.count, order[head] == nil { head += 1 }
            return head < order.count ? order[head] : nil
        }
    }

    private mutating func compact() {
        order.removeAll { $0 == nil }
        head = 0
        for (place, event) in order.enumerated() {
            if let event { places[event.topic] = place }
        }
    }
}
