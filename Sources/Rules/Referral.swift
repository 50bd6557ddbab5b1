// SPDX-License-Identifier: Apache-2.0

internal import Wire

/// One case waiting at or held by one office: the entry in that office's queue.
///
/// Attempts, due instant and lane belong to this hop, never to the whole journey.
package struct Referral: Equatable, Sendable {
    /// Rising over the whole ledger; the order of arrival within a lane.
    package var number: UInt64
    /// The case.
    package var serial: UInt64
    /// The office.
    package var office: UInt32
    /// The priority lane.
    package var lane: UInt8
    /// The step to do.
    package var step: StepNumber
    /// The fork whose branch this is, by the journal position of the forking act; 0 on the trunk.
    package var fork: UInt64 = 0
    /// Place in the itinerary, from 0.
    package var slot: UInt32 = 0
    /// Deliveries of this referral that failed.
    package var attempts: UInt32 = 0
    /// Hops of the case so far, for the hop budget.
    package var hops: UInt32 = 0
    /// When the case came here, as claimed, ms since 1970.
    package var entered: Int64
    /// When the step's term ends, ms since 1970; 0 if it has none.
    package var due: Int64 = 0
    /// The step that returned the case here and waits for it; none otherwise.
    package var asker: StepNumber = .none
    /// The step the case came from; none at the first.
    package var previous: StepNumber = .none
    /// The office the case came from; 0 at the first.
    package var previousOffice: UInt32 = 0

    /// A referral with the fields every one has.
    package init(
        number: UInt64,
        serial: UInt64,
        office: UInt32,
        lane: UInt8,
        step: StepNumber,
        entered: Int64
    ) {
        self.number = number
        self.serial = serial
        self.office = office
        self.lane = lane
        self.step = step
        self.entered = entered
    }
}

/// The routing state of a referral as one blob of its queue row: 52 bytes, big-endian.
extension Referral {
    /// Bytes of a slip.
    package static let slipBytes = 52

    /// Writes the slip into a buffer of at least `slipBytes`.
    package func writeSlip(to bytes: UnsafeMutableRawBufferPointer) {
        bytes.storeBigEndian(step.rawValue, at: 0)
        bytes.storeBigEndian(fork, at: 4)
        bytes.storeBigEndian(slot, at: 12)
        bytes.storeBigEndian(attempts, at: 16)
        bytes.storeBigEndian(hops, at: 20)
        bytes.storeBigEndian(UInt64(bitPattern: entered), at: 24)
        bytes.storeBigEndian(UInt64(bitPattern: due), at: 32)
        bytes.storeBigEndian(asker.rawValue, at: 40)
        bytes.storeBigEndian(previous.rawValue, at: 44)
        bytes.storeBigEndian(previousOffice, at: 48)
    }

    /// Reads a queue row; nil if the slip has another length.
    package init?(
        number: UInt64,
        serial: UInt64,
        office: UInt32,
        lane: UInt8,
        slip bytes: UnsafeRawBufferPointer
    ) {
        guard bytes.count == Self.slipBytes else { return nil }
        self.init(
            number: number,
            serial: serial,
            office: office,
            lane: lane,
            step: StepNumber(rawValue: bytes.bigEndian(at: 0)),
            entered: Int64(bitPattern: bytes.bigEndian(at: 24))
        )
        fork = bytes.bigEndian(at: 4)
        slot = bytes.bigEndian(at: 12)
        attempts = bytes.bigEndian(at: 16)
        hops = bytes.bigEndian(at: 20)
        due = Int64(bitPattern: bytes.bigEndian(at: 32))
        asker = StepNumber(rawValue: bytes.bigEndian(at: 40))
        previous = StepNumber(rawValue: bytes.bigEndian(at: 44))
        previousOffice = bytes.bigEndian(at: 48)
    }
}
