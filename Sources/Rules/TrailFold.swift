// SPDX-License-Identifier: Apache-2.0

/// Where one open branch of a case is, as its trail tells.
package struct TrailPlace: Equatable, Sendable {
    /// The states a place can be in.
    package enum State: String, Sendable {
        /// In the office's queue, or out under a lease, or waiting for a retry.
        case waiting
        /// In the office's custody.
        case custody
        /// A dead letter.
        case dead
    }

    package var referral: UInt64
    package var office: UInt32
    package var step: StepNumber
    package var fork: UInt64
    package var lane: UInt8
    package var slot: UInt32
    package var due: Int64
    package var since: Int64
    package var state: State
    package var attempts: UInt32
}

extension TrailPlace {
    /// The place of a referral that is where its row says.
    package init(of referral: Referral, _ state: State) {
        self.init(
            referral: referral.number,
            office: referral.office,
            step: referral.step,
            fork: referral.fork,
            lane: referral.lane,
            slot: referral.slot,
            due: referral.due,
            since: referral.entered,
            state: state,
            attempts: referral.attempts
        )
    }
}

/// The state of a case told from its trail alone: read the acts in order, and it knows every open
/// branch.
///
/// The queues on disk must always agree with it (promise: exactly one holder).
package struct TrailFold: Sendable {
    /// Open branches by referral, in order of entry.
    package private(set) var places: [TrailPlace] = []
    /// Whether the case is closed.
    package private(set) var isClosed = false

    /// A case of which nothing is known.
    package init() {}

    /// Takes in the next act.
    package mutating func read(_ record: JournalRecord) {
        switch record.act {
        case .submitted, .acted:
            if !record.entries.isEmpty { isClosed = false }
            enter(record)
        case .completed, .returned, .referred, .refused, .dismissed, .rerouted, .redirected:
            leave(record.referral)
            enter(record)
        case .accepted:
            update(record.referral) { $0.state = .custody }
        case .released, .lapsed:
            let isDead = record.flags.contains(.dead)
            update(record.referral) { place in
                place.attempts += 1
                place.state = isDead ? .dead : .waiting
            }
        case .retried:
            update(record.referral) { place in
                place.attempts = 0
                place.state = .waiting
            }
        case .withdrawn:
            leave(record.referral)
        case .noted, .officeOpened, .agencyOpened, .procedurePublished, .agencyChanged, .started,
            .published, .asked, .answered, .expired, .subscribed, .forgotten, .retentionSet,
            .cataloguePublished, .erased, .noticed, .configured, .backedUp, .connected, .denied,
            .keyEnrolled,
            .keyRevoked,
            .keyEnded, .agencySuspended, .agencyResumed, .ruleGranted, .ruleWithdrawn, .roleGiven,
            .roleTaken, .quotaSet, .officePaused, .officeResumed, .held, .holdReleased, .sessionCut,
            .drained:
            break
        }
        if record.flags.contains(.closes) {
            isClosed = true
            places.removeAll()
        }
    }

    private mutating func enter(_ record: JournalRecord) {
        for entry in record.entries {
            places.append(
                TrailPlace(
                    referral: entry.referral,
                    office: entry.office,
                    step: entry.step,
                    fork: entry.fork,
                    lane: entry.lane,
                    slot: entry.slot,
                    due: entry.due,
                    since: record.occurredAt,
                    state: record.flags.contains(.dead) ? .dead : .waiting,
                    attempts: 0
                )
            )
        }
    }

    private mutating func leave(_ referral: UInt64) {
        places.removeAll { $0.referral == referral }
    }

    private mutating func update(_ referral: UInt64, _ change: (inout TrailPlace) -> Void) {
        guard let place = places.firstIndex(where: { $0.referral == referral }) else { return }
        change(&places[place])
    }
}
