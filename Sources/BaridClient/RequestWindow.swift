// SPDX-License-Identifier: Apache-2.0

internal import Wire

/// What was asked and is not answered: on the wire, waiting its turn, or paused by a refusal that
/// will pass.
///
/// At most `onWireMax` requests are on the wire; the rest wait in the order of asking.
struct RequestWindow {
    struct Item {
        let ticket: UInt64
        let request: Request
        /// When its caller gives up, in monotonic milliseconds.
        let deadline: Int64
        fileprivate(set) var isOnWire = false
        /// When to send again after a refusal that will pass; nil if not paused.
        fileprivate(set) var pausedUntil: Int64?

        init(_ request: Request, ticket: UInt64, deadline: Int64) {
            self.ticket = ticket
            self.request = request
            self.deadline = deadline
        }
    }

    /// How many requests the bus takes before it has answered the first.
    var onWireMax = Limits.requestsMax
    private(set) var onWireCount = 0
    private(set) var pausedCount = 0
    private var items: [UInt32: Item] = [:]
    private var queue = NumberQueue()
    private var lastNumber: UInt32 = 0

    /// A request number that no unanswered request bears, never 0.
    mutating func takeNumber() -> UInt32 {
        repeat { lastNumber = lastNumber &+ 1 } while lastNumber == 0 || items[lastNumber] != nil
        return lastNumber
    }

    mutating func append(_ item: Item) {
        let number = takeNumber()
        items[number] = item
        queue.append(number)
    }

    func item(_ number: UInt32) -> Item? { items[number] }

    func number(ofTicket ticket: UInt64) -> UInt32? {
        items.first { $0.value.ticket == ticket }?.key
    }

    /// The next request to send, counted as sent; nil if none waits or the wire is full.
    mutating func next() -> (number: UInt32, request: Request)? {
        while onWireCount < onWireMax, let number = queue.popFirst() {
            guard let item = items[number], !item.isOnWire, item.pausedUntil == nil else {
                continue
            }
            items[number]?.isOnWire = true
            onWireCount += 1
            return (number, item.request)
        }
        return nil
    }

    /// Takes a request out, answered or given up.
    @discardableResult
    mutating func take(_ number: UInt32) -> Item? {
        guard let item = items.removeValue(forKey: number) else { return nil }
        if item.isOnWire { onWireCount -= 1 }
        if item.pausedUntil != nil { pausedCount -= 1 }
        return item
    }

    /// Keeps a refused request back until the instant.
    mutating func pause(_ number: UInt32, until instant: Int64) {
        guard let item = items[number] else { return }
        if item.isOnWire { onWireCount -= 1 }
        if item.pausedUntil == nil { pausedCount += 1 }
        items[number]?.isOnWire = false
        items[number]?.pausedUntil = instant
    }

    /// Queues again what was paused until now.
    mutating func resume(now: Int64) {
        guard pausedCount > 0 else { return }
        let ready = items.filter { $0.value.pausedUntil.map { now >= $0 } ?? false }
            .sorted { $0.value.ticket < $1.value.ticket }
        for (number, _) in ready {
            items[number]?.pausedUntil = nil
            pausedCount -= 1
            queue.append(number)
        }
    }

    /// Takes out what has waited too long.
    mutating func takeLate(now: Int64) -> [Item] {
        items.filter { now >= $0.value.deadline }.map(\.key).sorted().compactMap { take($0) }
    }

    /// Takes out what makes sense in the session that is lost and in no other.
    mutating func takeBound() -> [Item] {
        items.filter { $0.value.request.session != nil }.map(\.key).sorted().compactMap { take($0) }
    }

    /// Queues everything again, in the order of asking, under new numbers.
    mutating func restart() {
        let again = items.values.sorted { $0.ticket < $1.ticket }
        items.removeAll(keepingCapacity: true)
        onWireCount = 0
        pausedCount = 0
        queue.removeAll()
        for item in again {
            append(Item(item.request, ticket: item.ticket, deadline: item.deadline))
        }
    }

    /// Takes everything out, in the order of asking.
    mutating func takeAll() -> [Item] {
        let all = items.values.sorted { $0.ticket < $1.ticket }
        items.removeAll()
        queue.removeAll()
        onWireCount = 0
        pausedCount = 0
        return all
    }
}

/// First in, first out, without moving what stays.
private struct NumberQueue {
    private var numbers: [UInt32] = []
    private var head = 0

    mutating func append(_ number: UInt32) { numbers.append(number) }

    mutating func popFirst() -> UInt32? {
        guard head < numbers.count else { return nil }
        let number = numbers[head]
        head += 1
        if head == numbers.count || head >= 4_096 {
            numbers.removeFirst(head)
            head = 0
        }
        return number
    }

    mutating func removeAll() {
        numbers.removeAll(keepingCapacity: true)
        head = 0
    }
}
