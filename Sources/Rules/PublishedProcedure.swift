// SPDX-License-Identifier: Apache-2.0

package import Wire

/// A procedure version in the ledger: its declaration with the numbers of its offices.
///
/// A class, because it never changes and every hop looks one up.
package final class PublishedProcedure: Sendable {
    /// Number of this version in the ledger, from 1, below 2²⁴.
    package let number: UInt32
    /// Version of this name, from 1.
    package let version: UInt32
    /// What was declared.
    package let procedure: Procedure
    /// The office of each step, by its number; 0 for the step of an itinerary.
    package let offices: [UInt32]
    /// Every office the procedure declares.
    package let declaredOffices: [UInt32]

    /// A version whose offices are known.
    package init(
        number: UInt32,
        version: UInt32,
        procedure: Procedure,
        officeNumber: (String) -> UInt32?
    ) {
        self.number = number
        self.version = version
        self.procedure = procedure
        offices = procedure.steps.map { officeNumber($0.office) ?? 0 }
        declaredOffices = procedure.offices.compactMap { officeNumber($0.name) }
    }

    /// The declaration of a step of this version.
    package func step(_ number: StepNumber) -> StepDeclaration? {
        procedure.steps.indices.contains(number.place) ? procedure.steps[number.place] : nil
    }

    /// How long a delivery of a step may stay unsettled, in milliseconds; nil if there is no such step.
    package func leaseMilliseconds(of number: StepNumber) -> Int64? {
        procedure.steps.indices.contains(number.place)
            ? procedure.steps[number.place].leaseMilliseconds : nil
    }

    /// The number of the step at a place.
    package func number(ofStep place: Int) -> StepNumber {
        StepNumber(procedure: number, place: place)
    }

    /// The announcement of a step, for the sessions that get deliveries of it.
    package func announcement(of number: StepNumber, office: String) -> Envelope.Step {
        var envelope = Envelope.Step()
        envelope.procedure = procedure.name
        envelope.version = version
        envelope.office = office
        guard let step = step(number) else { return envelope }
        envelope.step = step.name
        envelope.outcomes = step.outcomes.map(\.name)
        envelope.mayReturn = step.returns != .notAllowed
        envelope.mayRefer = step.mayRefer
        envelope.leaseMs = UInt32(step.leaseMilliseconds)
        return envelope
    }
}
