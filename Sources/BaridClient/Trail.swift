// SPDX-License-Identifier: Apache-2.0

internal import Wire

/// A case's part of the journal: what happened to it and where it is now.
///
/// Instants are in milliseconds since 1970.
public struct Trail: Hashable, Sendable {
    /// Where one open branch of a case is.
    public struct Place: Hashable, Sendable {
        /// Number of the referral, for settling one held in custody.
        public let referral: UInt64
        /// The office that has it.
        public let office: String
        /// The step it is at.
        public let step: String
        /// `waiting`, `delayed`, `custody` or `dead`.
        public let state: String
        /// Since when it is there.
        public let since: Int64
        /// When it is due; nil if no term runs.
        public let dueAt: Int64?
        /// Its lane; nil if unknown to this version.
        public let lane: Lane?
        /// Attempts that failed.
        public let attempts: UInt32
        /// The outcomes the step may close with, in order.
        public let outcomes: [String]
        /// When it can be delivered again; nil unless `state` is `delayed`.
        public let until: Int64?
    }

    /// One record of the trail.
    public struct Act: Hashable, Sendable {
        /// Position in the journal.
        public let position: UInt64
        /// What was done, such as `submitted`.
        public let act: String
        /// The office concerned.
        public let office: String
        /// The step concerned.
        public let step: String
        /// The outcome the step closed with.
        public let outcome: String
        /// Who did it.
        public let agency: String
        /// When, as the office claims.
        public let occurredAt: Int64
        /// When the bus recorded it.
        public let recordedAt: Int64
        /// Reason or remark.
        public let text: String
        /// The officer, as the agency names them.
        public let person: String
        /// The activity of a note.
        public let activity: String
        /// Offices whose queues the case entered by this act.
        public let entered: [String]
        /// Chained SHA-256 of the record, hexadecimal.
        public let hash: String
    }

    /// The number of the case.
    public let caseNumber: String
    /// The id of the case, a UUID as text.
    public let caseID: String
    /// The procedure it follows.
    public let procedure: String
    /// The version it is pinned to.
    public let version: UInt32
    /// `open` or `closed`.
    public let state: String
    /// The outcome it closed with.
    public let result: String
    /// The agency that submitted it.
    public let submittedBy: String
    /// When it was opened, as claimed.
    public let openedAt: Int64
    /// When it is due; nil if no term runs.
    public let dueAt: Int64?
    /// When it closed; nil while open.
    public let closedAt: Int64?
    /// When texts, names and content were erased by law; nil while they are kept.
    public let erasedAt: Int64?
    /// Where each open branch is.
    public let places: [Place]
    /// The acts, newest last.
    public let acts: [Act]
    /// True if older acts were left out to keep within the limits.
    public let isTruncated: Bool

    /// Whether the case has reached its end.
    public var isClosed: Bool { state == "closed" }

    init(_ trail: Envelope.Trail) {
        caseNumber = trail.number
        caseID = trail.id
        procedure = trail.procedure
        version = trail.version
        state = trail.state
        result = trail.result
        submittedBy = trail.submittedBy
        openedAt = trail.openedAt
        dueAt = trail.dueAt == 0 ? nil : trail.dueAt
        closedAt = trail.closedAt == 0 ? nil : trail.closedAt
        erasedAt = trail.erasedAt == 0 ? nil : trail.erasedAt
        places = trail.places.map(Place.init)
        acts = trail.acts.map(Act.init)
        isTruncated = trail.truncated
    }
}

extension Trail.Place {
    init(_ place: Envelope.Place) {
        self.init(
            referral: place.referral,
            office: place.office,
            step: place.step,
            state: place.state,
            since: place.since,
            dueAt: place.dueAt == 0 ? nil : place.dueAt,
            lane: UInt8(exactly: place.lane).flatMap(Lane.init(rawValue:)),
            attempts: place.attempts,
            outcomes: place.outcomes,
            until: place.until == 0 ? nil : place.until
        )
    }
}

extension Trail.Act {
    init(_ act: Envelope.Act) {
        self.init(
            position: act.position,
            act: act.act,
            office: act.office,
            step: act.step,
            outcome: act.outcome,
            agency: act.agency,
            occurredAt: act.occurredAt,
            recordedAt: act.recordedAt,
            text: act.text,
            person: act.person,
            activity: act.activity,
            entered: act.entered,
            hash: act.hash
        )
    }
}
