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
    /// How many places it has passed since the last operator sent it on.
    package var hops: UInt32 = 0
    /// Who asked for it to come here, and where it was before; `none` if nobody, nowhere.
    package var asker = StepNumber.none
    package var previous = StepNumber.none
    package var previousOffice: UInt32 = 0
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
    /// When the act that closed it last was done, as the office says.
    package private(set) var closedAt: Int64 = 0
    /// When its content was erased, as the bus recorded it; 0 while it is kept.
    package private(set) var erasedAt: Int64 = 0

    /// A case of which nothing is known.
    package init() {}

    /// Takes in the next act.
    package mutating func read(_ record: JournalRecord) {
        switch record.act {
        case .submitted, .acted:
            if !record.entries.isEmpty { isClosed = false }
            enter(record, from: nil)
        case .completed, .returned, .referred, .refused, .dismissed, .rerouted, .redirected:
            let settled = places.first { $0.referral == record.referral }
            leave(record.referral)
            enter(record, from: settled)
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
                place.hops = 0
                place.state = .waiting
            }
        case .withdrawn:
            leave(record.referral)
        case .caseErased:
            erasedAt = record.recordedAt
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
            closedAt = record.occurredAt
            places.removeAll()
        }
    }

    private mutating func enter(_ record: JournalRecord, from settled: TrailPlace?) {
        for entry in record.entries {
            var place = TrailPlace(
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
            if let settled { place.come(from: settled, by: record) }
            places.append(place)
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

extension TrailPlace {
    /// Takes over what a place has from the one the branch came from.
    fileprivate mutating func come(from settled: TrailPlace, by record: JournalRecord) {
        let isSamePlace =
            office == settled.office && step == settled.step && slot == settled.slot
        hops = settled.hops + 1
        previous = settled.step
        previousOffice = settled.office
        switch record.act {
        // Refused where it began: nobody has it before, so it goes nowhere.
        case .refused where isSamePlace && state == .dead:
            (hops, attempts) = (settled.hops, settled.attempts)
            (asker, previous) = (settled.asker, settled.previous)
            previousOffice = settled.previousOffice
        // Sent to another office at the same step, without a new itinerary.
        case .referred where !record.flags.contains(.amendsItinerary):
            (asker, previous) = (settled.asker, settled.previous)
            previousOffice = settled.previousOffice
        // Back along an itinerary nobody is owed an answer.
        case .returned, .refused:
            if step != settled.step || slot == settled.slot { asker = settled.step }
        case .dismissed: hops = 1
        // An operator's: what came before stays as it was.
        case .rerouted, .redirected:
            hops = record.act == .rerouted ? settled.hops : 0
            (asker, previous) = (settled.asker, settled.previous)
            previousOffice = settled.previousOffice
        default: break
        }
    }
}
