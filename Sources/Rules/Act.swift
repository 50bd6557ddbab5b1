// SPDX-License-Identifier: Apache-2.0

package import Wire

/// What the journal can record.
///
/// Numbers are part of the canonical bytes and never reused.
package enum Act: UInt8, CaseIterable, Sendable {
    case submitted = 1
    case accepted = 2
    case completed = 3
    case returned = 4
    case referred = 5
    case released = 6
    case refused = 7
    case lapsed = 8
    case noted = 9
    case withdrawn = 10
    case acted = 11
    case retried = 12
    case dismissed = 13
    case published = 14
    case asked = 15
    case answered = 16
    case expired = 17
    case officeOpened = 32
    case agencyOpened = 33
    case procedurePublished = 34
    case agencyChanged = 35
    case started = 36
    case subscribed = 37
    case forgotten = 38
    case retentionSet = 39
    case cataloguePublished = 40
    case erased = 41
    case noticed = 42
    case configured = 48
    case backedUp = 49
    case connected = 64
    case denied = 65
    case keyEnrolled = 66
    case keyRevoked = 67
    case keyEnded = 68
    case agencySuspended = 69
    case agencyResumed = 70
    case ruleGranted = 71
    case ruleWithdrawn = 72
    case roleGiven = 73
    case roleTaken = 74
    case quotaSet = 75
    case officePaused = 96
    case officeResumed = 97
    case held = 98
    case holdReleased = 99
    case rerouted = 100
    case redirected = 101
    case sessionCut = 102
    case drained = 103
    case caseErased = 104

    /// The word in trails and exports.
    package var word: String {
        switch self {
        case .submitted: "submitted"
        case .accepted: "accepted"
        case .completed: "completed"
        case .returned: "returned"
        case .referred: "referred"
        case .released: "released"
        case .refused: "refused"
        case .lapsed: "lapsed"
        case .noted: "noted"
        case .withdrawn: "withdrawn"
        case .acted: "acted"
        case .retried: "retried"
        case .dismissed: "dismissed"
        case .published: "published"
        case .asked: "asked"
        case .answered: "answered"
        case .expired: "expired"
        case .officeOpened: "office-opened"
        case .agencyOpened: "agency-opened"
        case .procedurePublished: "procedure-published"
        case .agencyChanged: "agency-changed"
        case .started: "started"
        case .subscribed: "subscribed"
        case .forgotten: "forgotten"
        case .retentionSet: "retention-set"
        case .cataloguePublished: "catalogue-published"
        case .erased: "erased"
        case .noticed: "noticed"
        case .configured: "configured"
        case .backedUp: "backed-up"
        case .connected: "connected"
        case .denied: "denied"
        case .keyEnrolled: "key-enrolled"
        case .keyRevoked: "key-revoked"
        case .keyEnded: "key-ended"
        case .agencySuspended: "agency-suspended"
        case .agencyResumed: "agency-resumed"
        case .ruleGranted: "rule-granted"
        case .ruleWithdrawn: "rule-withdrawn"
        case .roleGiven: "role-given"
        case .roleTaken: "role-taken"
        case .quotaSet: "quota-set"
        case .officePaused: "office-paused"
        case .officeResumed: "office-resumed"
        case .held: "held"
        case .holdReleased: "hold-released"
        case .rerouted: "rerouted"
        case .redirected: "redirected"
        case .sessionCut: "session-cut"
        case .drained: "drained"
        case .caseErased: "case-erased"
        }
    }

    /// The act a settle verb is recorded as; nil for other verbs.
    package init?(settling verb: Verb) {
        switch verb {
        case .complete: self = .completed
        case .return: self = .returned
        case .refer: self = .referred
        case .release: self = .released
        case .refuse: self = .refused
        case .accept: self = .accepted
        default: return nil
        }
    }
}

/// Why a referral became a dead letter.
package enum DeadReason: UInt16, CaseIterable, Sendable {
    /// Every delivery the step allows has failed.
    case attempts = 1
    /// The office refused custody and there is no office to give the case back to.
    case refused = 2
    /// The hop budget of the procedure is spent.
    case loop = 3

    /// The word in tables and JSON.
    package var word: String {
        switch self {
        case .attempts: "attempts"
        case .refused: "refused"
        case .loop: "loop"
        }
    }

    /// What happened, for people.
    package var text: String {
        switch self {
        case .attempts: "Every delivery the step allows has failed."
        case .refused: "The office refused custody and no office had handed the case over."
        case .loop: "The case used up the hop budget of its procedure."
        }
    }
}
