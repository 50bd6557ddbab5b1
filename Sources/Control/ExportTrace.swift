// SPDX-License-Identifier: Apache-2.0

/// One case as an event log tells it.
package struct ExportTrace: Equatable, Codable, Sendable {
    /// A name and its value.
    package struct Attribute: Equatable, Codable, Sendable {
        /// Name, as the procedure declares it.
        package var name: String
        /// Value, as the envelope has it.
        package var value: String

        /// An attribute.
        package init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// Something that happened to the case.
    package struct Event: Equatable, Codable, Sendable {
        /// What was done.
        package var activity: String
        /// Title of the office; empty if it happened at none.
        package var group: String
        /// The officer; empty if none is named.
        package var resource: String
        /// When it happened.
        package var instant: Instant

        /// An event.
        package init(activity: String, group: String, resource: String, instant: Instant) {
            self.activity = activity
            self.group = group
            self.resource = resource
            self.instant = instant
        }
    }

    /// Case number with its check digits.
    package var number: String
    /// The originating agency's own file number; empty if it gave none.
    package var reference: String
    /// The attributes of the case, in the order of its envelope.
    package var attributes: [Attribute] = []
    /// When its term ends; nil if it has none.
    package var dueAt: Instant?
    /// When it was opened.
    package var openedAt: Instant
    /// When it was closed; nil while open.
    package var closedAt: Instant?
    /// When its reference, attributes, remarks and names were erased; nil while they are kept.
    package var erasedAt: Instant?
    /// What happened, in order.
    package var events: [Event] = []

    /// A case to which nothing has happened yet.
    package init(number: String, reference: String, openedAt: Instant) {
        self.number = number
        self.reference = reference
        self.openedAt = openedAt
    }
}
