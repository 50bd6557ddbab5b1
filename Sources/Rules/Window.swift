// SPDX-License-Identifier: Apache-2.0

/// The head of one lane of an office's queue in memory; the rest is on disk.
///
/// Invariants: `items` are in order of number; every ready, unleased referral of the lane whose
/// number is at most `horizon` is in it. A horizon of `UInt64.max` means nothing more is on disk.
package struct Window: Sendable {
    /// Referrals a window holds at most.
    package static let itemsMax = 512
    /// Referrals the windows of one lane of all offices hold at most together, while there are fewer
    /// than 32 768 offices.
    private static let itemsOfAllMax = 1 << 19
    /// Referrals a window may hold however many offices there are: fewer would ask the disk too often.
    private static let itemsMin = 16

    /// Referrals a window holds at most where there are so many offices.
    package static func itemsMax(offices: Int) -> Int {
        min(itemsMax, max(itemsMin, itemsOfAllMax / max(1, offices)))
    }

    private var items: [Referral] = []
    private var head = 0
    /// Up to which number the window is complete.
    package private(set) var horizon: UInt64 = 0

    /// A window of which nothing is known yet.
    package init() {}

    /// Whether nothing is left in memory.
    package var isEmpty: Bool { head == items.count }

    /// Whether the disk must be asked before the lane counts as empty.
    package var needsLoading: Bool { isEmpty && horizon != .max }

    /// Takes in a referral that became ready, if the window covers its place; of more than `limit` the
    /// last is forgotten.
    package mutating func insert(_ referral: Referral, atMost limit: Int = itemsMax) {
        guard referral.number <= horizon else { return }
        if let last = items.last, head < items.count, last.number > referral.number {
            var place = items.count
            while place > head, items[place - 1].number > referral.number { place -= 1 }
            items.insert(referral, at: place)
        } else {
            items.append(referral)
        }
        guard items.count - head > limit else { return }
        items.removeLast()
        horizon = items[items.count - 1].number
    }

    /// Takes in what the disk holds beyond the horizon.
    ///
    /// - Parameters:
    ///   - loaded: Referrals above the horizon in order of number, leased ones left out.
    ///   - end: The new horizon.
    package mutating func load(_ loaded: [Referral], upTo end: UInt64) {
        items.removeFirst(head)
        head = 0
        items.append(contentsOf: loaded)
        horizon = end
    }

    /// Takes the first referral.
    package mutating func popFirst() -> Referral? {
        guard head < items.count else { return nil }
        let first = items[head]
        head += 1
        if head == items.count {
            items.removeAll(keepingCapacity: true)
            head = 0
        } else if head >= 256, head * 2 >= items.count {
            items.removeFirst(head)
            head = 0
        }
        return first
    }

    /// Takes out a referral that is no longer ready.
    package mutating func remove(_ number: UInt64) {
        guard number <= horizon else { return }
        guard let place = items[head...].firstIndex(where: { $0.number == number }) else { return }
        items.remove(at: place)
    }

    /// Forgets everything, to be loaded anew.
    package mutating func reset() {
        items = []
        head = 0
        horizon = 0
    }
}
