// SPDX-License-Identifier: Apache-2.0

internal import Rules

/// Figures as text in the exposition format of Prometheus, version 0.0.4.
///
/// Each metric has one `# HELP`, one `# TYPE` and then its samples, as the format wants it.
struct Exposition {
    private(set) var text = ""

    /// The labels of a sample, in order.
    typealias Labels = KeyValuePairs<String, String>

    /// Begins a metric.
    private mutating func begin(_ name: String, _ kind: String, _ help: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind)\n"
    }

    private mutating func sample(_ name: String, _ labels: Labels, _ value: String) {
        text += name
        if !labels.isEmpty {
            text += "{"
            for (place, label) in labels.enumerated() {
                text += (place > 0 ? "," : "") + "\(label.key)=\"\(Self.escaped(label.value))\""
            }
            text += "}"
        }
        text += " \(value)\n"
    }

    /// A number that only rises until the daemon starts again.
    mutating func counter(_ name: String, _ help: String, _ value: some BinaryInteger) {
        begin(name, "counter", help)
        sample(name, [:], "\(value)")
    }

    /// A number that rises and falls.
    mutating func gauge(_ name: String, _ help: String, _ value: some BinaryInteger) {
        begin(name, "gauge", help)
        sample(name, [:], "\(value)")
    }

    /// A number with labels; none if there are no values.
    mutating func gauges(
        _ name: String,
        _ help: String,
        _ values: [(labels: Labels, value: Double)]
    ) {
        guard !values.isEmpty else { return }
        begin(name, "gauge", help)
        for (labels, value) in values { sample(name, labels, Self.number(value)) }
    }

    /// A histogram with a bucket for each of these powers of two.
    ///
    /// - Parameters:
    ///   - name: Ends with its unit.
    ///   - help: What was measured.
    ///   - histogram: In the unit it was recorded in.
    ///   - perUnit: How many of that unit are one of the name's.
    ///   - exponents: The buckets told.
    mutating func histogram(
        _ name: String,
        _ help: String,
        _ histogram: LogHistogram,
        perUnit: Double,
        exponents: ClosedRange<Int>
    ) {
        begin(name, "histogram", help)
        for exponent in exponents {
            let bound = Self.number(Double(UInt64(1) << exponent) / perUnit)
            sample("\(name)_bucket", ["le": bound], "\(histogram.count(upTo: exponent))")
        }
        sample("\(name)_bucket", ["le": "+Inf"], "\(histogram.count)")
        sample("\(name)_sum", [:], Self.number(Double(histogram.sum) / perUnit))
        sample("\(name)_count", [:], "\(histogram.count)")
    }

    private static func number(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : "\(value)"
    }

    private static func escaped(_ value: String) -> String {
        value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
            .replacing("\n", with: "\\n")
    }
}
