// SPDX-License-Identifier: Apache-2.0

internal import Rules

/// A setting of the daemon, named by its place in the configuration file.
package enum ConfigurationKey: String, CaseIterable, Sendable {
    case data
    case listen = "bus.listen"
    case keyedSocket = "bus.keyed-socket"
    case bulletin = "bus.bulletin"
    case connectionsMax = "bus.connections-max"
    case sessionsMax = "bus.sessions-max"
    case bodyMax = "bus.body-max"
    case sockets = "operators.sockets"
    case controlGroup = "operators.control-group"
    case observeGroup = "operators.observe-group"
    case diskWarn = "disk.warn"
    case diskReserve = "disk.reserve"
    case diskStop = "disk.stop"
    case clockJump = "clock.jump"
    case memoryWarn = "memory.warn"
    case logLevel = "log.level"
    case metricsFile = "metrics.file"
    case metricsEvery = "metrics.every"

    /// What a value must be.
    package enum Shape: Equatable, Sendable {
        /// An absolute path.
        case path
        /// An absolute path, or nothing.
        case pathOrNothing
        /// Endpoints of ZeroMQ; the courier knows their forms.
        case endpoints
        /// One endpoint, or nothing.
        case endpointOrNothing
        /// A group of the system by name or number, or nothing.
        case groupOrNothing
        case flag
        /// One of these words.
        case word([String])
        case count(ClosedRange<Int64>)
        case bytes(ClosedRange<Int64>)
        /// A duration of ISO 8601; bounds and values in milliseconds.
        case duration(ClosedRange<Int64>)
    }

    /// The largest body that may be configured, in bytes.
    private static let bodyBytesMax: Int64 = 64 << 20

    /// What its value must be.
    package var shape: Shape {
        switch self {
        case .data: .path
        case .listen: .endpoints
        case .keyedSocket: .flag
        case .bulletin: .endpointOrNothing
        case .connectionsMax, .sessionsMax: .count(1...1_000_000)
        case .bodyMax: .bytes(0...Self.bodyBytesMax)
        case .diskWarn, .diskReserve, .diskStop, .memoryWarn: .bytes(0...Int64.max)
        case .clockJump: .duration(100...3_600_000)
        case .sockets, .metricsFile: .pathOrNothing
        case .controlGroup, .observeGroup: .groupOrNothing
        case .metricsEvery: .duration(1_000...3_600_000)
        case .logLevel:
            .word(["trace", "debug", "info", "notice", "warning", "error", "critical"])
        }
    }

    /// The value where nothing says otherwise.
    package var standard: ConfigurationValue {
        switch self {
        case .data: .text("/var/lib/barid")
        case .listen: .list([])
        case .keyedSocket: .flag(false)
        case .bulletin, .sockets, .controlGroup, .observeGroup: .text("")
        case .connectionsMax: .number(8_192)
        case .sessionsMax: .number(4_096)
        case .bodyMax: .number(1 << 20)
        case .diskWarn: .number(1 << 30)
        case .diskReserve: .number(64 << 20)
        case .diskStop: .number(16 << 20)
        case .clockJump: .number(2_000)
        case .memoryWarn: .number(512 << 20)
        case .logLevel: .text("info")
        case .metricsFile: .text("")
        case .metricsEvery: .number(15_000)
        }
    }

    /// Whether a reload puts a new value in force; the others wait for the next start.
    package var isReloadable: Bool {
        switch self {
        case .data, .listen, .keyedSocket, .bulletin, .connectionsMax, .sessionsMax, .bodyMax,
            .sockets, .controlGroup, .observeGroup:
            false
        case .diskWarn, .diskReserve, .diskStop, .clockJump, .memoryWarn, .logLevel, .metricsFile,
            .metricsEvery:
            true
        }
    }

    /// The section it stands in; empty at the top of the file.
    var section: String {
        rawValue.firstIndex(of: ".").map { String(rawValue[..<$0]) } ?? ""
    }

    /// Its name within the section.
    var name: String {
        rawValue.firstIndex(of: ".").map { String(rawValue[rawValue.index(after: $0)...]) }
            ?? rawValue
    }

    /// A value as a person writes it in the file.
    package func text(of value: ConfigurationValue) -> String {
        switch value {
        case .text(let text): text
        case .list(let items): "[" + items.joined(separator: ", ") + "]"
        case .flag(let flag): flag ? "true" : "false"
        case .number(let number):
            switch shape {
            case .bytes: ByteCount.text(of: number)
            case .duration: Term(milliseconds: number)?.text ?? String(number)
            default: String(number)
            }
        }
    }

    /// What is wrong with a number for this key; nil if nothing.
    package func fault(of number: Int64) -> String? {
        switch shape {
        case .count(let range) where !range.contains(number):
            "must be a whole number from \(range.lowerBound) to \(range.upperBound)"
        case .bytes(let range) where !range.contains(number):
            "must be from \(ByteCount.text(of: range.lowerBound)) to "
                + ByteCount.text(of: range.upperBound)
        default: nil
        }
    }
}

/// The value of a setting.
package enum ConfigurationValue: Equatable, Sendable {
    /// A word; empty for nothing, where that is allowed.
    case text(String)
    case list([String])
    case flag(Bool)
    /// A count, a number of bytes, or of milliseconds.
    case number(Int64)
}

/// Numbers of bytes as people write them: `1048576`, `1MiB`.
enum ByteCount {
    private static let units: [(name: String, bytes: Int64)] = [
        ("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1),
    ]

    /// The shortest exact way to write a number of bytes.
    static func text(of bytes: Int64) -> String {
        for unit in units.dropLast() where bytes != 0 && bytes.isMultiple(of: unit.bytes) {
            return "\(bytes / unit.bytes)\(unit.name)"
        }
        return String(bytes)
    }

    /// The number a text says, with or without a unit; nil if it says none.
    static func number(in text: String) -> Int64? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let unit = text.dropFirst(digits.count).drop { $0 == " " }
        guard let number = Int64(digits) else { return nil }
        guard !unit.isEmpty else { return number }
        guard let factor = units.first(where: { $0.name == unit })?.bytes else { return nil }
        let (bytes, isOver) = number.multipliedReportingOverflow(by: factor)
        return isOver ? nil : bytes
    }
}
