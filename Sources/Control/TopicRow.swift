// SPDX-License-Identifier: Apache-2.0

/// A topic and what is kept of it.
package struct TopicRow: Equatable, Codable, Sendable {
    /// Name of the topic.
    package var name: String
    /// Events whose content is kept.
    package var events: UInt64
    /// Bytes of their envelopes and bodies.
    package var bytes: UInt64
    /// Sequence of the oldest that is kept; nil if none is.
    package var firstSequence: UInt64?
    /// When it was recorded.
    package var firstAt: Instant?
    /// Sequence of the newest that is kept.
    package var lastSequence: UInt64?
    /// When it was recorded.
    package var lastAt: Instant?

    /// A topic of which nothing is kept.
    package init(name: String, events: UInt64 = 0, bytes: UInt64 = 0) {
        self.name = name
        self.events = events
        self.bytes = bytes
    }
}

/// How long and how much is kept of the topics of a pattern.
package struct RetentionRow: Equatable, Codable, Sendable {
    /// The topics.
    package var pattern: String
    /// Content older than this is erased, ISO 8601 such as `P30D`; nil for no limit.
    package var age: String?
    /// Bytes kept of each topic; nil for no limit.
    package var bytes: UInt64?

    /// A rule; without age and bytes there is none for the pattern.
    package init(pattern: String, age: String? = nil, bytes: UInt64? = nil) {
        self.pattern = pattern
        self.age = age
        self.bytes = bytes
    }
}

/// Of `topic.list`.
package struct TopicListArguments: CommandArguments {
    package static let names: Set<String> = ["pattern"]
    /// Only topics of this pattern; all if nil.
    package var pattern: String?

    /// These arguments.
    package init(pattern: String? = nil) { self.pattern = pattern }
}

/// Of `topic.retention`.
package struct RetentionArguments: CommandArguments {
    package static let names: Set<String> = ["pattern", "age", "bytes"]
    /// The topics.
    package var pattern: String
    /// Age of content to erase, ISO 8601; nil for no limit.
    package var age: String?
    /// Bytes to keep of each topic, from 1; nil for no limit.
    package var bytes: UInt64?

    /// These arguments.
    package init(pattern: String, age: String? = nil, bytes: UInt64? = nil) {
        self.pattern = pattern
        self.age = age
        self.bytes = bytes
    }
}
