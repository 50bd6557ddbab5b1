// SPDX-License-Identifier: Apache-2.0

/// Counts of durations in log-linear bins: 64 to each power of two.
///
/// A percentile is at most 1.6 % above the true one. Values below 64 are exact.
struct Histogram {
    private static let binsPerOctaveBits = 6
    private static let binsPerOctave = 1 << binsPerOctaveBits
    private var bins = [UInt64](repeating: 0, count: (65 - binsPerOctaveBits) << binsPerOctaveBits)
    private(set) var count: UInt64 = 0
    /// The largest value, exact; 0 while empty.
    private(set) var max: UInt64 = 0

    /// Counts a value.
    mutating func add(_ value: UInt64) {
        bins[Self.bin(of: value)] += 1
        count += 1
        if value > max { max = value }
    }

    /// Counts what another histogram counted.
    mutating func add(_ other: Histogram) {
        for (bin, number) in other.bins.enumerated() where number > 0 { bins[bin] += number }
        count += other.count
        max = Swift.max(max, other.max)
    }

    /// The value that `fraction` of all values do not exceed: the top of its bin, never above the
    /// maximum; 0 while empty.
    ///
    /// `fraction` is 0...1.
    func percentile(_ fraction: Double) -> UInt64 {
        let rank = Swift.max(1, UInt64((Double(count) * fraction).rounded(.up)))
        var seen: UInt64 = 0
        for (bin, number) in bins.enumerated() where number > 0 {
            seen += number
            if seen >= rank { return min(Self.top(of: bin), max) }
        }
        return max
    }

    private static func bin(of value: UInt64) -> Int {
        guard value >= UInt64(binsPerOctave) else { return Int(value) }
        let octave = 63 - value.leadingZeroBitCount - binsPerOctaveBits
        return (octave << binsPerOctaveBits) + Int(value >> UInt64(octave))
    }

    private static func top(of bin: Int) -> UInt64 {
        guard bin >= 2 * binsPerOctave else { return UInt64(bin) }
        let octave = (bin >> binsPerOctaveBits) - 1
        let place = UInt64(bin - (octave << binsPerOctaveBits))
        return (place << UInt64(octave)) + ((1 << UInt64(octave)) - 1)
    }
}

extension Histogram {
    /// Median, further percentiles and maximum.
    var json: JSON {
        .object([
            ("p50", .count(percentile(0.5))), ("p90", .count(percentile(0.9))),
            ("p99", .count(percentile(0.99))), ("p99_9", .count(percentile(0.999))),
            ("max", .count(max)),
        ])
    }
}
