// SPDX-License-Identifier: Apache-2.0

internal import Wire

/// What an agency says about what it offers: checked, with its faults told before.
package struct CatalogueDeclaration: Equatable, Sendable {
    /// Kinds of things in the catalogue, in order.
    package enum Kind: String, CaseIterable, Comparable, Sendable {
        case office
        case procedure
        case service
        case topic

        package static func < (left: Kind, right: Kind) -> Bool {
            left.rawValue < right.rawValue
        }
    }

    /// One thing.
    package struct Entry: Equatable, Sendable {
        package var kind: Kind
        /// Name of the office or service, or the pattern of topics.
        package var name: String
        package var title: [String: String] = [:]
        package var description: [String: String] = [:]
        /// Of an event or a question; a URI, empty for none.
        package var schema = ""
        /// Of an answer.
        package var answerSchema = ""
        /// Agencies that may use it; empty for all.
        package var users: [String] = []

        /// An entry about which nothing else is said.
        package init(_ kind: Kind, _ name: String) {
            self.kind = kind
            self.name = name
        }
    }

    /// The agency whose things these are.
    package var agency: String
    /// In order of kind and name, each once.
    package var entries: [Entry]

    /// A declaration.
    package init(agency: String, entries: [Entry] = []) {
        self.agency = agency
        self.entries = entries
    }
}
