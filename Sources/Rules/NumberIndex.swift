// SPDX-License-Identifier: Apache-2.0

/// Where things lie that are known by number: a hash table from 64-bit numbers to places.
///
/// For numbers of the ledger's own making (referrals, cases): nobody outside can choose them so that
/// they collide, which spares the keyed hashing of `Dictionary`, half the cost of its look-ups. Any
/// number may be looked up. Not generic, since other rooms would call it unspecialised.
///
/// Open addressing, at most half full; a removal moves back what follows, so there are no marks.
package struct NumberIndex: Sendable {
    /// Stands where nothing is; no number of the ledger reaches it.
    private static let none = UInt64.max

    private var numbers = [none, none]
    private var places: [Int32] = [0, 0]
    private var bits: UInt64 = 1
    /// Numbers kept.
    package private(set) var count = 0

    /// Nothing kept.
    package init() {}

    /// The place of a number, or nil if it is not kept.
    package func place(of number: UInt64) -> Int? {
        let slot = slot(of: number)
        return number != Self.none && numbers[slot] == number ? Int(places[slot]) : nil
    }

    /// Keeps a number with its place, or a new place of one that is kept.
    ///
    /// - Parameters:
    ///   - number: Below `UInt64.max`.
    ///   - place: From 0, below 2³¹.
    package mutating func set(_ number: UInt64, to place: Int) {
        precondition(number != Self.none, "the largest number cannot be kept")
        var slot = slot(of: number)
        if numbers[slot] == Self.none {
            if (count + 1) * 2 > numbers.count {
                grow()
                slot = self.slot(of: number)
            }
            numbers[slot] = number
            count += 1
        }
        places[slot] = Int32(place)
    }

    /// Forgets a number; returns the place it had.
    package mutating func remove(_ number: UInt64) -> Int? {
        var hole = slot(of: number)
        guard number != Self.none, numbers[hole] == number else { return nil }
        let place = Int(places[hole])
        let mask = numbers.count - 1
        var slot = (hole + 1) & mask
        while numbers[slot] != Self.none {
            // What may lie in the hole: whatever would not come before its home there.
            if (slot - home(of: numbers[slot])) & mask >= (slot - hole) & mask {
                numbers[hole] = numbers[slot]
                places[hole] = places[slot]
                hole = slot
            }
            slot = (slot + 1) & mask
        }
        numbers[hole] = Self.none
        count -= 1
        return place
    }

    /// Where a number is, or where it would be put.
    private func slot(of number: UInt64) -> Int {
        var slot = home(of: number)
        while numbers[slot] != number, numbers[slot] != Self.none {
            slot = (slot + 1) & (numbers.count - 1)
        }
        return slot
    }

    private func home(of number: UInt64) -> Int {
        Int(truncatingIfNeeded: (number &* 0x9E37_79B9_7F4A_7C15) >> (64 - bits))
    }

    private mutating func grow() {
        let old = (numbers, places)
        bits += 1
        numbers = Array(repeating: Self.none, count: 1 << Int(bits))
        places = Array(repeating: 0, count: 1 << Int(bits))
        for (index, number) in old.0.enumerated() where number != Self.none {
            let slot = slot(of: number)
            numbers[slot] = number
            places[slot] = old.1[index]
        }
    }
}
