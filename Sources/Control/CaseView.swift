// SPDX-License-Identifier: Apache-2.0

/// One case: what it is, where it is, and its trail.
///
/// The same fields as `Trail` in `Protocols/envelopes.proto`, under the same names.
package struct CaseView: Equatable, Codable, Sendable {
    /// Where one open branch of the case is.
    package struct Place: Equatable, Codable, Sendable {
        /// Number of the referral.
        package var referral: UInt64
        /// The office, `agency/office`.
        package var office: String
        /// The step of the procedure.
        package var step: String
        /// `waiting`, `delayed`, `custody` or `dead`.
        package var state: String
        /// Since when it has been so.
        package var since: Instant
        /// When the term of the step ends; nil if it has none.
        package var dueAt: Instant?
        /// Priority lane.
        package var lane: UInt32
        /// Deliveries that failed.
        package var attempts: UInt32
        /// Not before this instant, where it is delayed.
        package var until: Instant?

        /// A place.
        package init(
            referral: UInt64,
            office: String,
            step: String,
            state: String,
            since: Instant,
            dueAt: Instant? = nil,
            lane: UInt32 = 0,
            attempts: UInt32 = 0
        ) {
            self.referral = referral
            self.office = office
            self.step = step
            self.state = state
            self.since = since
            self.dueAt = dueAt
            self.lane = lane
            self.attempts = attempts
        }
    }

    /// One record of the trail.
    ///
    /// Texts are empty where the act has none.
    package struct Act: Equatable, Codable, Sendable {
        /// Position in the journal.
        package var position: UInt64
        /// What was done, such as `submitted`, `completed` or `returned`.
        package var act: String
        /// The office that did it, `agency/office`.
        package var office = ""
        /// The step of the procedure.
        package var step = ""
        /// The outcome the step was closed with.
        package var outcome = ""
        /// The agency that did it.
        package var agency = ""
        /// When it happened, as the office says.
        package var occurredAt: Instant
        /// When the bus recorded it.
        package var recordedAt: Instant
        /// Reason or remark.
        package var text = ""
        /// The officer, as the agency names them.
        package var person = ""
        /// What the officer did, in the agency's words.
        package var activity = ""
        /// Offices whose queues the case entered by this act.
        package var entered: [String] = []
        /// Chained SHA-256 of the record, hexadecimal.
        package var hash = ""
        /// Who did it; nil for the bus itself.
        package var by: Actor?

        /// An act with no particulars yet.
        package init(
            position: UInt64,
            act: String,
            occurredAt: Instant,
            recordedAt: Instant
        ) {
            self.position = position
            self.act = act
            self.occurredAt = occurredAt
            self.recordedAt = recordedAt
        }
    }

    /// Who did an act: a connection, with the key it proved, or an operator.
    package struct Actor: Equatable, Codable, Sendable {
        /// The connection, as the journal counts them.
        package var connection: UInt64?
        /// Number of its key.
        package var key: UInt32?
        /// Fingerprint of the key.
        package var fingerprint: String?
        /// Where it came from.
        package var address: String?
        /// An operator's user.
        package var uid: UInt32?
        /// An operator's process.
        package var pid: UInt32?

        /// Nobody yet.
        package init() {}
    }

    /// Case number with its check digits.
    package var number: String
    /// UUIDv7 as text.
    package var id: String
    /// Name of the procedure.
    package var procedure: String
    /// The version the case began with.
    package var version: UInt32
    /// `open` or `closed`.
    package var state: String
    /// Outcome it closed with; empty while open.
    package var result = ""
    /// The agency that submitted it.
    package var submittedBy: String
    /// When it was opened, as the agency says.
    package var openedAt: Instant
    /// When its term ends; nil if it has none.
    package var dueAt: Instant?
    /// When it was closed; nil while open.
    package var closedAt: Instant?
    /// When its texts, names and content were erased; nil while they are kept.
    package var erasedAt: Instant?
    /// Who holds the case from being delivered; nil if nobody does.
    package var held: StandMark?
    /// Where each open branch is.
    package var places: [Place] = []
    /// The trail, newest last.
    package var acts: [Act] = []
    /// Whether older acts were left out to keep within the limits.
    package var isTruncated = false

    /// A case with no trail yet.
    package init(
        number: String,
        id: String,
        procedure: String,
        version: UInt32,
        state: String,
        submittedBy: String,
        openedAt: Instant
    ) {
        self.number = number
        self.id = id
        self.procedure = procedure
        self.version = version
        self.state = state
        self.submittedBy = submittedBy
        self.openedAt = openedAt
    }
}
