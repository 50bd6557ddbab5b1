// SPDX-License-Identifier: Apache-2.0

package import Wire

/// Where a case goes when an office settles: decided from the declaration alone.
package enum Movement: Equatable, Sendable {
    /// To one step at its own office.
    case step(Int)
    /// Back to a step that asks for completion; it may answer with `asker`.
    case back(Int)
    /// To several steps at once, meeting at `join`.
    case fork([Int], join: Int)
    /// To this place of the itinerary.
    case slot(UInt32)
    /// Back to this place of the itinerary.
    case backSlot(UInt32)
    /// To another office under the same step.
    case office(UInt32)
    /// The case ends.
    case closed
}

extension PublishedProcedure {
    /// The movement of completing a step.
    ///
    /// - Parameters:
    ///   - place: The outcome, by its place among the step's outcomes.
    ///   - referral: What is completed.
    ///   - itineraryCount: Offices in the case's itinerary.
    ///   - attribute: The value of an attribute of the case, asked only by guards.
    /// - Returns: Where the case goes.
    /// - Throws: `unknownOutcome`, or `noPath` if no guard holds.
    package func movement(
        completing place: Int,
        of referral: Referral,
        itineraryCount: Int,
        attribute: (String) -> String?
    ) throws(RefusalCode) -> Movement {
        guard let transitions = transitions(completing: place, of: referral.step) else {
            throw .unknownOutcome
        }
        let taken = transitions.first { transition in
            guard let condition = transition.guarded else { return true }
            return condition.holds(for: attribute(condition.attribute))
        }
        guard let taken else { throw .noPath }
        switch taken.target {
        case .step(let target): return .step(target)
        case .fork(let branches, let join): return .fork(branches, join: join)
        case .closed: return .closed
        case .asker:
            return .step(referral.asker == .none ? 0 : referral.asker.place)
        case .next:
            let next = referral.slot + 1
            return next < itineraryCount ? .slot(next) : .closed
        }
    }

    /// The movement of returning a case.
    ///
    /// - Throws: `returnNotAllowed` if the step cannot, or there is nowhere to return to.
    package func movement(returning referral: Referral) throws(RefusalCode) -> Movement {
        guard let step = step(referral.step) else { throw .returnNotAllowed }
        switch step.returns {
        case .notAllowed: throw .returnNotAllowed
        case .step(let target): return .back(target)
        case .previous: return try movementToPrevious(of: referral)
        }
    }

    /// The movement to where the case came from, for a return and for a refusal of custody.
    ///
    /// - Throws: `returnNotAllowed` at the first step or office.
    package func movementToPrevious(of referral: Referral) throws(RefusalCode) -> Movement {
        if procedure.takesItinerary {
            guard referral.slot > 0 else { throw .returnNotAllowed }
            return .backSlot(referral.slot - 1)
        }
        guard referral.previous != .none else { throw .returnNotAllowed }
        return .back(referral.previous.place)
    }

    /// The referral that a movement to one step makes of the one that was settled.
    ///
    /// Number and lane are carried over by the caller's choice of `number`; the fork stays.
    package func referral(
        number: UInt64,
        entering place: Int,
        office: UInt32,
        from settled: Referral,
        at instant: Int64
    ) -> Referral {
        var next = Referral(
            number: number,
            serial: settled.serial,
            office: office,
            lane: settled.lane,
            step: self.number(ofStep: place),
            entered: instant
        )
        next.fork = settled.fork
        next.slot = settled.slot
        next.hops = settled.hops + 1
        next.due = procedure.steps[place].term?.end(from: instant) ?? 0
        next.previous = settled.step
        next.previousOffice = settled.office
        return next
    }

    /// Whether the case has used up its hop budget.
    package func isLoop(_ referral: Referral) -> Bool { referral.hops > procedure.hopsMax }

    /// Whether any transition of an outcome asks for an attribute.
    package func isGuarded(outcome place: Int, of number: StepNumber) -> Bool {
        transitions(completing: place, of: number)?.contains { $0.guarded != nil } == true
    }

    /// The ways out of a step by an outcome; nil if there is no such outcome.
    private func transitions(completing place: Int, of number: StepNumber) -> [Transition]? {
        guard procedure.steps.indices.contains(number.place),
            procedure.steps[number.place].outcomes.indices.contains(place)
        else { return nil }
        return procedure.steps[number.place].outcomes[place].transitions
    }
}
