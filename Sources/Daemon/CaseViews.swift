// SPDX-License-Identifier: Apache-2.0

internal import Control
internal import Ledger
internal import Wire

extension CaseView {
    /// A trail as operators see it.
    init(_ trail: CaseTrail) {
        self.init(
            number: CaseNumber(serial: trail.serial)?.text ?? "",
            id: trail.id,
            procedure: trail.procedure,
            version: trail.version,
            state: trail.isOpen ? "open" : "closed",
            submittedBy: trail.submittedBy,
            openedAt: Instant(milliseconds: trail.openedAt)
        )
        result = trail.result
        dueAt = Instant.unlessZero(trail.dueAt)
        closedAt = Instant.unlessZero(trail.closedAt)
        erasedAt = Instant.unlessZero(trail.erasedAt)
        places = trail.places.map { place in
            var made = Place(
                referral: place.referral,
                office: place.office,
                step: place.step,
                state: place.state,
                since: Instant(milliseconds: place.since),
                dueAt: Instant.unlessZero(place.due),
                lane: UInt32(place.lane),
                attempts: place.attempts
            )
            made.until = Instant.unlessZero(place.until)
            return made
        }
        acts = trail.acts.map { act in
            var made = Act(
                position: act.position,
                act: act.act,
                occurredAt: Instant(milliseconds: act.occurredAt),
                recordedAt: Instant(milliseconds: act.recordedAt)
            )
            made.office = act.office
            made.step = act.step
            made.outcome = act.outcome
            made.agency = act.agency
            made.text = act.text
            made.person = act.person
            made.activity = act.activity
            made.entered = act.entered
            made.hash = act.hash
            made.by = act.actor.map { CaseView.Actor($0) }
            return made
        }
    }
}

extension CaseView.Actor {
    /// Who did an act, as operators see it.
    init(_ actor: CaseTrail.Actor) {
        self.init()
        switch actor {
        case .connection(let number): connection = number
        case .keyed(let number, let key, let fingerprint, let address):
            connection = number
            self.key = key
            self.fingerprint = fingerprint
            self.address = address
        case .person(let uid, let pid):
            self.uid = uid
            self.pid = pid
        }
    }
}

extension ExportTrace {
    /// A trail as process-mining tools see it.
    ///
    /// The events are the offices' remarks that name an activity. A visit that left none is told by
    /// how it was settled, so that every visit is in the log.
    init(_ trail: CaseTrail) {
        self.init(
            number: CaseNumber(serial: trail.serial)?.text ?? "",
            reference: trail.reference,
            openedAt: Instant(milliseconds: trail.openedAt)
        )
        attributes = trail.attributes.map { Attribute(name: $0.name, value: $0.value) }
        dueAt = Instant.unlessZero(trail.dueAt)
        closedAt = Instant.unlessZero(trail.closedAt)
        erasedAt = Instant.unlessZero(trail.erasedAt)
        let noted = Set(trail.acts.filter { !$0.activity.isEmpty }.map(\.referral))
        events = trail.acts.compactMap { act in
            let group = act.officeTitle.isEmpty ? act.office : act.officeTitle
            let activity: String
            switch act.act {
            case "noted" where !act.activity.isEmpty: activity = act.activity
            case "completed" where !noted.contains(act.referral):
                activity = act.step + ": " + act.outcome
            case "returned" where !noted.contains(act.referral),
                "referred" where !noted.contains(act.referral),
                "refused" where !noted.contains(act.referral):
                activity = act.step + ": " + act.act
            default: return nil
            }
            return Event(
                activity: activity,
                group: group,
                resource: act.person,
                instant: Instant(milliseconds: act.occurredAt)
            )
        }
    }
}
