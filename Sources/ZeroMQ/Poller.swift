// SPDX-License-Identifier: Apache-2.0

internal import CZeroMQ

/// What a socket or descriptor is ready for, or what to wait for.
package struct Readiness: OptionSet, Sendable {
    package let rawValue: Int16

    package init(rawValue: Int16) {
        self.rawValue = rawValue
    }

    /// Something can be read, or a plain descriptor has ended.
    package static let readable = Readiness(rawValue: Int16(ZMQ_POLLIN))
    /// Something can be written.
    package static let writable = Readiness(rawValue: Int16(ZMQ_POLLOUT))
    /// A plain descriptor is broken or hung up; always reported.
    package static let failed = Readiness(rawValue: Int16(ZMQ_POLLERR))
}

/// A set of sockets and plain descriptors to wait for, kept from turn to turn.
///
/// Each entry has a slot number, given by `add` and free for reuse after `remove`. The set does
/// not own what it watches: remove an entry before its socket or descriptor is closed.
package struct Poller: ~Copyable {
    private var items: UnsafeMutablePointer<zmq_pollitem_t>
    private var capacity: Int
    private var slotCount = 0
    private var freeSlots: [Int] = []

    /// An empty set.
    ///
    /// - Parameter capacity: Entries expected; the set grows beyond it when it must.
    package init(capacity: Int = 16) {
        precondition(capacity > 0, "a poller needs room for one entry")
        self.capacity = capacity
        items = .allocate(capacity: capacity)
    }

    deinit {
        items.deallocate()
    }

    /// Watches a socket, and returns its slot.
    package mutating func add(
        _ socket: borrowing Socket,
        for interest: Readiness = .readable
    ) -> Int {
        insert(
            zmq_pollitem_t(
                socket: socket.handle,
                fd: -1,
                events: interest.rawValue,
                revents: 0
            )
        )
    }

    /// Watches a plain descriptor, level-triggered, and returns its slot.
    package mutating func add(
        fileDescriptor: Int32,
        for interest: Readiness = .readable
    ) -> Int {
        insert(
            zmq_pollitem_t(
                socket: nil,
                fd: fileDescriptor,
                events: interest.rawValue,
                revents: 0
            )
        )
    }

    /// Changes what the entry in `slot` waits for; an empty set pauses it.
    package mutating func setInterest(_ interest: Readiness, of slot: Int) {
        precondition(isTaken(slot), "no entry in this slot of the poller")
        items[slot].events = interest.rawValue
    }

    /// Stops watching the entry in `slot`.
    package mutating func remove(_ slot: Int) {
        precondition(isTaken(slot), "no entry in this slot of the poller")
        // poll(2) passes over negative descriptors, so the hole costs nothing until it is reused.
        items[slot] = zmq_pollitem_t(socket: nil, fd: -1, events: 0, revents: 0)
        freeSlots.append(slot)
    }

    /// What the last wait found the entry in `slot` ready for.
    package borrowing func readiness(of slot: Int) -> Readiness {
        precondition(isTaken(slot), "no entry in this slot of the poller")
        return Readiness(rawValue: items[slot].revents)
    }

    /// Waits until an entry is ready or the time is over.
    ///
    /// Kept out of line under this name so that a profile can tell waiting from work. An
    /// interrupting signal ends the wait with 0.
    ///
    /// - Parameter timeoutMilliseconds: 0 only looks, -1 waits without end.
    /// - Returns: How many entries are ready.
    /// - Throws: `ZeroMQFault` if the context of a watched socket is shut down.
    @inline(never)
    package mutating func waitForWork(
        timeoutMilliseconds: Int
    ) throws(ZeroMQFault) -> Int {
        let readyCount = zmq_poll(items, Int32(slotCount), timeoutMilliseconds)
        guard readyCount < 0 else { return Int(readyCount) }
        guard zmq_errno() == barid_eintr else { throw .latest("wait for work") }
        for slot in 0..<slotCount { items[slot].revents = 0 }
        return 0
    }

    private mutating func insert(_ item: zmq_pollitem_t) -> Int {
        if let slot = freeSlots.popLast() {
            items[slot] = item
            return slot
        }
        if slotCount == capacity { grow() }
        (items + slotCount).initialize(to: item)
        slotCount += 1
        return slotCount - 1
    }

    private mutating func grow() {
        let wider = UnsafeMutablePointer<zmq_pollitem_t>.allocate(capacity: capacity * 2)
        wider.moveInitialize(from: items, count: slotCount)
        items.deallocate()
        items = wider
        capacity *= 2
    }

    private borrowing func isTaken(_ slot: Int) -> Bool {
        slot >= 0 && slot < slotCount && (items[slot].socket != nil || items[slot].fd >= 0)
    }
}
