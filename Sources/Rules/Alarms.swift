// SPDX-License-Identifier: Apache-2.0

/// Instants at which numbered things want to be looked at, the earliest first: a binary heap.
///
/// An alarm is not taken back; whoever is woken looks whether it still matters. `keep(_:)` sweeps
/// those out that no longer do.
struct Alarms: Sendable {
    struct Alarm: Sendable {
        let at: Int64
        let number: UInt64
    }

    private var heap: [Alarm] = []

    var count: Int { heap.count }

    /// When the next alarm is due, or nil if there is none.
    var next: Int64? { heap.first?.at }

    mutating func set(_ number: UInt64, at instant: Int64) {
        heap.append(Alarm(at: instant, number: number))
        rise(heap.count - 1)
    }

    /// Takes the earliest alarm that is due at `now`.
    mutating func popDue(at now: Int64) -> Alarm? {
        guard let first = heap.first, first.at <= now else { return nil }
        heap[0] = heap[heap.count - 1]
        heap.removeLast()
        sink(0)
        return first
    }

    /// Drops every alarm for which `matters` is false.
    mutating func keep(where matters: (Alarm) -> Bool) {
        heap.removeAll { !matters($0) }
        for place in stride(from: heap.count / 2 - 1, through: 0, by: -1) { sink(place) }
    }

    private mutating func rise(_ start: Int) {
        var place = start
        while place > 0 {
            let parent = (place - 1) / 2
            guard heap[place].at < heap[parent].at else { return }
            heap.swapAt(place, parent)
            place = parent
        }
    }

    private mutating func sink(_ start: Int) {
        var place = start
        while true {
            var least = place
            for child in [2 * place + 1, 2 * place + 2]
            where child < heap.count && heap[child].at < heap[least].at {
                least = child
            }
            guard least != place else { return }
            heap.swapAt(place, least)
            place = least
        }
    }
}
