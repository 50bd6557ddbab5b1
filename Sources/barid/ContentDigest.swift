// SPDX-License-Identifier: Apache-2.0

internal import BaridClient
internal import XES

/// A fingerprint of a log's content, from which the keys of its submissions and notes are made.
///
/// Two lanes of FNV-1a (64 bits) over texts and numbers, each text preceded by its length. It tells
/// logs apart; it does not resist somebody who wants two logs to look alike, and need not: keys
/// only have to be the same for the same log.
struct ContentDigest {
    private var lanes: (UInt64, UInt64) = (0xCBF2_9CE4_8422_2325, 0x6C62_272E_07BB_0142)
    private static let prime: UInt64 = 0x0000_0100_0000_01B3

    mutating func add(_ text: String) {
        add(UInt64(text.utf8.count))
        for byte in text.utf8 { add(byte) }
    }

    mutating func add(_ number: UInt64) {
        for shift in stride(from: 0, to: 64, by: 8) {
            add(UInt8(truncatingIfNeeded: number >> UInt64(shift)))
        }
    }

    mutating func add(_ trace: Trace) {
        add(trace.name)
        add(trace.attributes)
        add(UInt64(trace.events.count))
        for event in trace.events {
            add(event.activity)
            add(event.group)
            add(event.resource)
            add(UInt64(bitPattern: event.instant))
            add(event.attributes)
        }
    }

    /// The fingerprint of what stands at this place.
    func part(_ index: Int) -> ContentDigest {
        var part = self
        part.add(UInt64(index))
        return part
    }

    /// The key of what the fingerprint is of.
    var key: SubmissionKey {
        let high = Self.scrambled(lanes.0)
        let low = Self.scrambled(lanes.1 ^ high)
        return SubmissionKey(high: high, low: low | 1) ?? SubmissionKey()
    }

    private mutating func add(_ attributes: [Attribute]) {
        add(UInt64(attributes.count))
        for attribute in attributes {
            add(attribute.key)
            add(attribute.value)
        }
    }

    private mutating func add(_ byte: UInt8) {
        lanes.0 = (lanes.0 ^ UInt64(byte)) &* Self.prime
        lanes.1 = (lanes.1 &* Self.prime) ^ UInt64(byte)
    }

    /// The finisher of splitmix64 (Steele, Lea, Flood 2014): spreads every bit over all.
    private static func scrambled(_ word: UInt64) -> UInt64 {
        var word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}
