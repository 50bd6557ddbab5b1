// SPDX-License-Identifier: Apache-2.0

internal import Platform

/// Where the ledger's random words come from: case ids and the spread of retry pauses.
///
/// The daemon takes them from the system; a replay takes them from a seed.
package struct Randomness: RandomNumberGenerator, Sendable {
    /// Words drawn from the system in one call, which costs as much as for a single one.
    private static let wordsAtOnce = 32
    private var state: UInt64?
    private var words: [UInt64] = []

    /// Words of the system.
    package static let system = Randomness(state: nil)

    private init(state: UInt64?) { self.state = state }

    /// The same words for the same seed (SplitMix64).
    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        guard var word = state else { return nextOfSystem() }
        word &+= 0x9E37_79B9_7F4A_7C15
        state = word
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }

    private mutating func nextOfSystem() -> UInt64 {
        if words.isEmpty {
            words = randomBytes(Self.wordsAtOnce * 8).withUnsafeBytes { bytes in
                stride(from: 0, to: bytes.count, by: 8).map {
                    bytes.loadUnaligned(fromByteOffset: $0, as: UInt64.self)
                }
            }
        }
        return words.removeLast()
    }
}
