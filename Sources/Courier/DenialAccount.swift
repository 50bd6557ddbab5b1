// SPDX-License-Identifier: Apache-2.0

internal import Rules

/// What was refused to whom, counted for the journal, which is told of each peer and kind at most
/// once a minute however often it tries.
struct DenialAccount {
    private struct Place: Hashable {
        var denial: Denial
        var agency: String
        var peer: String
    }

    private struct Count {
        var count: UInt64 = 0
        var toldAt: Int64 = .min
    }

    private var counts: [Place: Count] = [:]
    /// All refusals since the start.
    private(set) var total: UInt64 = 0

    /// Peers and kinds kept apart; an attacker can take as many addresses as it likes.
    static let placesMax = 256
    /// Pause between two accounts of one peer and kind, in milliseconds.
    static let pauseMilliseconds: Int64 = 60_000

    /// Counts one refusal.
    mutating func count(_ denial: Denial, agency: String, peer: String) {
        total += 1
        var place = Place(denial: denial, agency: agency, peer: String(peer.prefix(128)))
        if counts[place] == nil, counts.count >= Self.placesMax {
            place.agency = ""
            place.peer = "others"
        }
        counts[place, default: Count()].count += 1
    }

    /// The counts that are due, and forgets them.
    mutating func take(now: Int64) -> [DenialCount] {
        var taken: [DenialCount] = []
        for (place, count) in counts {
            guard count.toldAt == .min || now - count.toldAt >= Self.pauseMilliseconds else {
                continue
            }
            guard count.count > 0 else {
                counts[place] = nil
                continue
            }
            taken.append(
                DenialCount(
                    denial: place.denial,
                    agency: place.agency,
                    peer: place.peer,
                    count: count.count
                )
            )
            counts[place] = Count(count: 0, toldAt: now)
        }
        return taken
    }
}
