// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// What the bus pushed to one desk, subscription or offer, between the loop thread and those who
/// iterate.
///
/// Every field is read and written under the mutex; continuations are resumed outside it. How much
/// may lie here is bounded by the credit the session grants.
final class Tray<Item: Sendable>: Sendable {
    typealias Arrival = Result<Item?, BaridError>

    private let state = Mutex(State())

    private struct State {
        var buffer: [Item] = []
        var head = 0
        var waiters: [(id: UInt64, continuation: CheckedContinuation<Arrival, Never>)] = []
        var nextWaiter: UInt64 = 0
        var cancelled: Set<UInt64> = []
        var ending: Arrival?

        mutating func popFirst() -> Item? {
            guard head < buffer.count else { return nil }
            let item = buffer[head]
            head += 1
            if head == buffer.count || head >= 1_024 {
                buffer.removeFirst(head)
                head = 0
            }
            return item
        }
    }

    /// Hands an item to the longest waiting iteration, or keeps it.
    func put(_ item: Item) {
        let waiter = state.withLock { state -> CheckedContinuation<Arrival, Never>? in
            guard state.ending == nil else { return nil }
            guard state.waiters.isEmpty else { return state.waiters.removeFirst().continuation }
            state.buffer.append(item)
            return nil
        }
        waiter?.resume(returning: .success(item))
    }

    /// Drops what was not handed out, because the bus gives it to others.
    func void() {
        state.withLock { state in
            state.buffer.removeAll(keepingCapacity: true)
            state.head = 0
        }
    }

    /// Ends all iterations, with nil in order and with an error otherwise; what was not handed out is
    /// dropped, or handed out before they end.
    func end(_ error: BaridError?, afterUnread: Bool = false) {
        let ending: Arrival = error.map { .failure($0) } ?? .success(nil)
        let waiters = state.withLock { state in
            if state.ending == nil { state.ending = ending }
            if !afterUnread {
                state.buffer.removeAll()
                state.head = 0
            }
            let waiters = state.waiters
            state.waiters.removeAll()
            return waiters
        }
        for waiter in waiters { waiter.continuation.resume(returning: ending) }
    }

    /// The next item; nil once ended in order or when the waiting task is cancelled.
    func next() async throws(BaridError) -> Item? {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        let arrival = await withTaskCancellationHandler {
            await withCheckedContinuation { wait(id, $0) }
        } onCancel: {
            cancel(id)
        }
        return try arrival.get()
    }

    private func wait(_ id: UInt64, _ continuation: CheckedContinuation<Arrival, Never>) {
        let arrival = state.withLock { state -> Arrival? in
            // The cancellation may come before the wait begins; it then left its number here.
            if state.cancelled.remove(id) != nil { return .success(nil) }
            if let item = state.popFirst() { return .success(item) }
            if let ending = state.ending { return ending }
            state.waiters.append((id, continuation))
            return nil
        }
        if let arrival { continuation.resume(returning: arrival) }
    }

    private func cancel(_ id: UInt64) {
        let waiter = state.withLock { state -> CheckedContinuation<Arrival, Never>? in
            guard let index = state.waiters.firstIndex(where: { $0.id == id }) else {
                state.cancelled.insert(id)
                return nil
            }
            return state.waiters.remove(at: index).continuation
        }
        waiter?.resume(returning: .success(nil))
    }
}
