// SPDX-License-Identifier: Apache-2.0

/// How many measurements there were up to each power of two.
///
/// Fixed in size, so that recording neither allocates nor copies: one subtraction, one count of
/// leading zeros, three additions. One thread records; others are given copies.
package struct LogHistogram: Sendable {
    /// Bounds 1, 2, 4 … 2^46; what is larger counts beyond the last.
    package static let boundCount = 47

    private var counts = InlineArray<48, UInt64>(repeating: 0)
    /// How many were recorded.
    package private(set) var count: UInt64 = 0
    /// Of all measurements.
    package private(set) var sum: UInt64 = 0

    /// Nothing recorded.
    package init() {}

    /// Records a measurement, in whole units of the owner's choice.
    ///
    /// - Parameters:
    ///   - value: Below 0 counts as 0.
    ///   - times: How often.
    package mutating func record(_ value: Int64, times: UInt64 = 1) {
        let value = UInt64(max(value, 0))
        // The place of the least power of two that is no less.
        let place = value <= 1 ? 0 : UInt64.bitWidth - (value - 1).leadingZeroBitCount
        counts[min(place, Self.boundCount)] &+= times
        count &+= times
        sum &+= value &* times
    }

    /// How many were at most 2 to the power of `exponent`.
    package func count(upTo exponent: Int) -> UInt64 {
        (0...min(exponent, Self.boundCount)).reduce(0) { $0 &+ counts[$1] }
    }
}
