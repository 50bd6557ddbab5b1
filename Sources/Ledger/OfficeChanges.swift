// SPDX-License-Identifier: Apache-2.0

/// What a batch has changed of the counts of offices.
struct OfficeChanges {
    /// The offices that were touched, in the order they were first.
    private(set) var changes: [(office: UInt32, change: OfficeCounts)] = []
    /// Places in `changes`, from 1, by the number of the office; 0 for one that was not touched.
    private var places: [Int32] = []

    /// The change of an office.
    subscript(office: UInt32) -> OfficeCounts {
        mutating get { changes[place(of: office)].change }
        _modify {
            let place = place(of: office)
            yield &changes[place].change
        }
    }

    /// No changes.
    mutating func removeAll() {
        for (office, _) in changes { places[Int(office)] = 0 }
        changes.removeAll(keepingCapacity: true)
    }

    private mutating func place(of office: UInt32) -> Int {
        if Int(office) >= places.count {
            places += Array(repeating: 0, count: Int(office) + 1 - places.count)
        }
        if places[Int(office)] == 0 {
            changes.append((office, OfficeCounts()))
            places[Int(office)] = Int32(changes.count)
        }
        return Int(places[Int(office)]) - 1
    }
}
