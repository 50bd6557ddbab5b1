// SPDX-License-Identifier: Apache-2.0

/// A priority lane: few, named, first come first served within, the lower number first.
package enum Lane: UInt8, CaseIterable, Sendable {
    case urgent = 0
    case normal = 1
    case bulk = 2

    /// The name people use.
    package var name: String {
        switch self {
        case .urgent: "urgent"
        case .normal: "normal"
        case .bulk: "bulk"
        }
    }

    /// The lane of this name, or nil.
    package init?(name: some StringProtocol) {
        guard let lane = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = lane
    }
}
