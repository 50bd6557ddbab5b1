// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// A bounded queue by which threads hand values to one thread that waits for them.
///
/// Values leave in the order in which `put` took them; each leaves once. Any number of threads
/// may put and take.
///
/// Why there is no race: every field is read and written under `mutex`, whose unlock in `put`
/// happens before the lock in `take` that finds the value, so all that the producer wrote to the
/// value is visible to the consumer. The value itself moves: no copy stays behind, and buffers
/// inside it remain uniquely referenced. A waiting `take` gives up the mutex and begins to wait in
/// one step (`pthread_cond_timedwait`), so a `put` or `close` cannot fall between its look at the
/// queue and its sleep; it looks again after each wake-up, so spurious ones are harmless.
/// Waiting is measured by `CLOCK_MONOTONIC`: setting the system's time neither prolongs nor
/// shortens it.
package final class Mailbox<Value: ~Copyable & Sendable>: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let arrival: UnsafeMutablePointer<pthread_cond_t>
    private let ring: UnsafeMutablePointer<Value>
    private let capacity: Int
    private var head = 0
    private var count = 0
    private var hasClosed = false

    /// An empty mailbox.
    ///
    /// - Parameter capacity: Values it holds at most, 1 or more.
    package init(capacity: Int) {
        precondition(capacity > 0, "a mailbox needs room for one value")
        self.capacity = capacity
        ring = .allocate(capacity: capacity)
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        pthread_mutex_init(mutex, nil)
        arrival = .allocate(capacity: 1)
        arrival.initialize(to: pthread_cond_t())
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(arrival, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        while count > 0 { _ = removeFirst() }
        pthread_cond_destroy(arrival)
        pthread_mutex_destroy(mutex)
        arrival.deallocate()
        mutex.deallocate()
        ring.deallocate()
    }

    /// True after `close`; values put before may still wait.
    package var isClosed: Bool {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return hasClosed
    }

    /// Whether nothing waits to be taken.
    package var isEmpty: Bool {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return count == 0
    }

    /// Hands a value over, or returns it if the mailbox is full or closed; never waits.
    package func put(_ value: consuming Value) -> Value? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        guard !hasClosed && count < capacity else { return value }
        (ring + (head + count) % capacity).initialize(to: value)
        count += 1
        pthread_cond_signal(arrival)
        return nil
    }

    /// The oldest value, or nil if there is none; never waits.
    package func tryTake() -> Value? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return count > 0 ? removeFirst() : nil
    }

    /// The oldest value, waiting for one if there is none.
    ///
    /// - Parameter deadline: Instant of `Clock.monotonicMilliseconds` to wait until; nil waits
    ///   without end.
    /// - Returns: nil at the deadline, or at once if the mailbox is empty and closed.
    package func take(until deadline: Int64? = nil) -> Value? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while count == 0 && !hasClosed {
            guard waitForArrival(until: deadline) else { break }
        }
        return count > 0 ? removeFirst() : nil
    }

    /// Refuses further values and wakes all who wait; what was put before can still be taken.
    package func close() {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        hasClosed = true
        pthread_cond_broadcast(arrival)
    }

    /// Waits for a wake-up with the mutex held; false once the deadline has passed.
    @inline(never)
    private func waitForArrival(until deadline: Int64?) -> Bool {
        guard let deadline else { return pthread_cond_wait(arrival, mutex) == 0 }
        let instant = max(0, deadline)
        var limit = timespec(
            tv_sec: Int(instant / 1000),
            tv_nsec: Int(instant % 1000) * 1_000_000
        )
        return pthread_cond_timedwait(arrival, mutex, &limit) == 0
    }

    private func removeFirst() -> Value {
        let value = (ring + head).move()
        head = (head + 1) % capacity
        count -= 1
        return value
    }
}
