// SPDX-License-Identifier: Apache-2.0

/// A durable subscription and how far it is.
package struct SubscriptionRow: Equatable, Codable, Sendable {
    /// The agency it belongs to.
    package var agency: String
    /// Name within the agency.
    package var name: String
    /// The topics it hears.
    package var pattern: String
    /// Number on the bus.
    package var number: UInt64
    /// Sequence up to which everything is settled.
    package var settledUpTo: UInt64 = 0
    /// Records of the journal after it; not all of them are events of the subscription.
    package var behind: UInt64 = 0
    /// Events that failed and will be delivered again.
    package var failed: UInt64 = 0
    /// Events that are dead letters.
    package var dead: UInt64 = 0
    /// Events delivered and not yet settled.
    package var out: UInt64 = 0
    /// Service connections that take part.
    package var sessions: UInt64 = 0
    /// Time to acknowledge, in milliseconds.
    package var ackMilliseconds: Int64 = 0
    /// Deliveries of an event at most.
    package var attemptsMax: UInt32 = 0

    /// A subscription of which nothing else is known.
    package init(agency: String, name: String, pattern: String, number: UInt64) {
        self.agency = agency
        self.name = name
        self.pattern = pattern
        self.number = number
    }
}

/// An event that a durable subscription will not be given again.
package struct DeadEvent: Equatable, Codable, Sendable {
    /// The agency of the subscription.
    package var agency: String
    /// Name of the subscription.
    package var subscription: String
    /// Sequence of the event.
    package var sequence: UInt64
    /// Topic of the event.
    package var topic: String
    /// Why; stable, for programs.
    package var reason: String
    /// What happened, for people.
    package var cause: String
    /// Since when it has been a dead letter.
    package var at: Instant
    /// Deliveries that failed.
    package var attempts: UInt32

    /// A dead letter.
    package init(
        agency: String,
        subscription: String,
        sequence: UInt64,
        topic: String,
        reason: String,
        cause: String,
        at: Instant,
        attempts: UInt32
    ) {
        self.agency = agency
        self.subscription = subscription
        self.sequence = sequence
        self.topic = topic
        self.reason = reason
        self.cause = cause
        self.at = at
        self.attempts = attempts
    }
}

/// Of `subscription.dead`: all, those of an agency, or those of one subscription.
package struct DeadEventArguments: CommandArguments {
    package static let names: Set<String> = ["agency", "name"]
    /// Only those of this agency; all if nil.
    package var agency: String?
    /// With `agency` only: those of this subscription.
    package var name: String?

    /// These arguments.
    package init(agency: String? = nil, name: String? = nil) {
        self.agency = agency
        self.name = name
    }
}

/// Of `subscription.forget`.
package struct SubscriptionArguments: CommandArguments {
    package static let names: Set<String> = ["agency", "name"]
    /// The agency it belongs to.
    package var agency: String
    /// Name within the agency.
    package var name: String

    /// These arguments.
    package init(agency: String, name: String) {
        self.agency = agency
        self.name = name
    }
}

/// A subscription that was forgotten.
package struct SubscriptionForgotten: Equatable, Codable, Sendable {
    /// Position of the record in the journal.
    package var position: UInt64

    /// Forgotten with this record.
    package init(position: UInt64) { self.position = position }
}
