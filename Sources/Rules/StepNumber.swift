// SPDX-License-Identifier: Apache-2.0

/// A step of one version of a procedure, as one number for queues, leases and the wire.
///
/// The low eight bits are the place of the step, the rest the number of the procedure version in
/// the ledger; zero names no step.
package struct StepNumber: Hashable, Sendable {
    /// The number, as stored and sent.
    package let rawValue: UInt32

    /// No step.
    package static let none = StepNumber(rawValue: 0)

    /// Steps a procedure may have.
    package static let placesMax = 256

    /// A stored number.
    package init(rawValue: UInt32) { self.rawValue = rawValue }

    /// The step at `place` (0...255) of a procedure version.
    package init(procedure: UInt32, place: Int) {
        rawValue = procedure << 8 | UInt32(place & 0xFF)
    }

    /// The number of the procedure version.
    package var procedure: UInt32 { rawValue >> 8 }
    /// The place of the step in the procedure.
    package var place: Int { Int(rawValue & 0xFF) }
}
