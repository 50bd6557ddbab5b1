// SPDX-License-Identifier: Apache-2.0

/// A referral that cannot go on, with reason, cause and owner.
package struct DeadLetter: Equatable, Codable, Sendable {
    /// Number of the referral.
    package var referral: UInt64
    /// Number of its case.
    package var number: String
    /// The office it was meant for, `agency/office`.
    package var office: String
    /// The step of the procedure.
    package var step: String
    /// Why it cannot go on; stable, for programs.
    package var reason: String
    /// What happened, for people.
    package var cause: String
    /// Since when it has been a dead letter.
    package var at: Instant
    /// Deliveries that failed.
    package var attempts: UInt32
    /// The agency that must see to it.
    package var owner: String

    /// A dead letter.
    package init(
        referral: UInt64,
        number: String,
        office: String,
        step: String,
        reason: String,
        cause: String,
        at: Instant,
        attempts: UInt32,
        owner: String
    ) {
        self.referral = referral
        self.number = number
        self.office = office
        self.step = step
        self.reason = reason
        self.cause = cause
        self.at = at
        self.attempts = attempts
        self.owner = owner
    }
}

/// Which dead letters an operator's act is about.
package enum DeadSelection: Equatable, Sendable {
    /// The one with this referral number.
    case referral(UInt64)
    /// Those of the case with this number, as a person writes it.
    case caseNumber(String)
    /// All of them, or all of one office.
    case all(office: String?)
}

/// What an operator's act on dead letters did.
package struct DeadLettersSettled: Equatable, Codable, Sendable {
    /// How many were settled.
    package var settled: UInt64
    /// How many were selected but could not be settled; they are as they were.
    package var refused: UInt64
    /// Why, for the first of those; empty if there is none.
    package var text: String

    /// These counts.
    package init(settled: UInt64, refused: UInt64 = 0, text: String = "") {
        self.settled = settled
        self.refused = refused
        self.text = text
    }
}
