// SPDX-License-Identifier: Apache-2.0

internal import Wire

/// The things a right is granted on.
///
/// Offices, services and procedures are named by name, where one `*` at the end stands for any
/// rest: `city/counter`, `city/*`, `building-*`, `*`. Topics are named as subscriptions name them:
/// `city.permits.*`, `city.>`, `>`.
package struct RightPattern: Hashable, Sendable {
    /// As it was written.
    package let text: String
    private let form: Form

    private enum Form: Hashable {
        case name
        case prefix(String)
        case topics(TopicPattern)
    }

    /// Reads the pattern of a right; nil if it is none.
    package init?(_ text: String, for right: Right) {
        self.text = text
        switch right.object {
        case .topic:
            guard let topics = try? TopicPattern(text) else { return nil }
            form = .topics(topics)
        case .bus:
            guard text == "*" else { return nil }
            form = .prefix("")
        case .office, .service, .procedure:
            guard text.utf8.count <= Limits.nameBytesMax, !text.isEmpty else { return nil }
            if text.utf8.last == UInt8(ascii: "*") {
                let rest = text.dropLast()
                let isPart = rest.utf8.allSatisfy { Self.isPart($0) }
                guard isPart else { return nil }
                form = .prefix(String(rest))
            } else {
                let isLegal =
                    right.object == .procedure ? Name.isLegal(text) : Name.isLegalOffice(text)
                guard isLegal else { return nil }
                form = .name
            }
        }
    }

    /// Whether all of what is asked for lies within the pattern: a name, a topic, or all topics of
    /// a pattern.
    package func covers(_ object: String) -> Bool {
        switch form {
        case .name: object == text
        case .prefix(let prefix): object.hasPrefix(prefix)
        case .topics(let topics): (try? TopicPattern(object)).map { topics.covers($0) } ?? false
        }
    }

    /// Whether any of what is asked for lies within the pattern.
    package func touches(_ object: String) -> Bool {
        guard case .topics(let topics) = form else { return covers(object) }
        return (try? TopicPattern(object)).map { topics.overlaps($0) } ?? false
    }

    private static func isPart(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "/"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
