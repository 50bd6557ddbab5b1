// SPDX-License-Identifier: Apache-2.0

/// Connections in the order in which they were accepted, by the address they come from.
///
/// Who has left, or has a session by now, is found out only when somebody must make room.
struct WaitingRoom {
    private struct Place {
        var descriptor: Int32
        var number: UInt64
    }

    private struct Line {
        var places: [Place] = []
        var head = 0
    }

    private var lines: [String: Line] = [:]
    private var count = 0

    /// A connection was accepted.
    mutating func enter(_ descriptor: Int32, acceptedAs number: UInt64, address: String) {
        lines[address, default: Line()].places.append(
            Place(descriptor: descriptor, number: number)
        )
        count += 1
    }

    /// Takes out the first connection from an address, or of the longest line if none is named, of
    /// which `isWaiting` says that it still waits; nil if there is none.
    mutating func leave(
        from address: String?,
        isWaiting: (Int32, UInt64) -> Bool
    ) -> Int32? {
        guard
            let address = address
                ?? lines.max(by: { $0.value.places.count < $1.value.places.count })?.key,
            var line = lines.removeValue(forKey: address)
        else { return nil }
        defer { if line.head < line.places.count { lines[address] = line } }
        while line.head < line.places.count {
            let place = line.places[line.head]
            line.head += 1
            count -= 1
            if line.head > 64, line.head * 2 > line.places.count {
                line.places.removeFirst(line.head)
                line.head = 0
            }
            if isWaiting(place.descriptor, place.number) { return place.descriptor }
        }
        return nil
    }

    /// Forgets all places once there are far more than connections: nearly all of them have left, and
    /// the few that wait are ended by their own time.
    mutating func tidy(openCount: Int) {
        guard count > 1_024, count > openCount * 4 else { return }
        lines.removeAll()
        count = 0
    }
}
