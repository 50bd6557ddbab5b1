// SPDX-License-Identifier: Apache-2.0

/// How far the content of a case may be known, in the words of the Saudi data classification policy
/// (NDMO).
///
/// A procedure declares it for all its cases, and a rule allows up to one of them.
package enum Classification: UInt8, CaseIterable, Comparable, Sendable {
    case `public` = 0
    /// What is meant where nothing is said.
    case restricted = 1
    case secret = 2
    case topSecret = 3

    /// The word in declarations, tables and JSON.
    package var word: String {
        switch self {
        case .public: "public"
        case .restricted: "restricted"
        case .secret: "secret"
        case .topSecret: "top-secret"
        }
    }

    /// The level of a word; nil if there is none.
    package init?(word: String) {
        guard let level = Self.allCases.first(where: { $0.word == word }) else { return nil }
        self = level
    }

    /// The higher one is known to fewer.
    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}
