// SPDX-License-Identifier: Apache-2.0

package import Wire

/// One operation of a session on its way from the courier to the ledger.
package struct Operation: Sendable {
    /// What is asked.
    ///
    /// `header.envelopeLength` and `bodyLength` say how much of the batch's bytes from `start`
    /// belong to it, unpadded, envelope first.
    package var header: Header
    /// The session that asks; never reused while the daemon runs.
    package var session: UInt32
    /// Where its bytes begin in `Batch.bytes`.
    package var start: Int

    /// The places of the envelope in `Batch.bytes`.
    package var envelope: Range<Int> { start..<start + Int(header.envelopeLength) }
    /// The places of the body in `Batch.bytes`.
    package var body: Range<Int> {
        let bodyStart = start + Int(header.envelopeLength)
        return bodyStart..<bodyStart + Int(header.bodyLength)
    }
}

/// Something the courier tells the ledger about a session, in order with its operations.
package enum SessionEvent: Sendable {
    /// The session ended (silence, lost road); its credit is void, its leases run on.
    case ended(session: UInt32)
    /// The session said bye: its leases go back at once, and no attempt is counted.
    case departed(session: UInt32)
    /// So many bytes of deliveries and durable events told to the session have left for the network, or
    /// nearly so, since it began.
    case passed(session: UInt32, bytes: UInt64)
    /// A delivery could not be handed to the network: its lease goes back at once, and no attempt
    /// is counted.
    case undelivered(session: UInt32, referral: UInt64, generation: UInt64)
}

/// What the courier gathered in one turn: the unit of one transaction.
///
/// Operations are in order of arrival. Events about sessions come after all operations of the
/// batch, which is safe because a session that ended sends nothing more.
package struct Batch: Sendable {
    /// Operations a batch may hold.
    package static let operationsMax = 4_096
    /// Bytes of envelopes and bodies after which a batch is full.
    package static let bytesMax = 8 << 20

    package private(set) var operations: [Operation] = []
    package private(set) var bytes: [UInt8] = []
    package var events: [SessionEvent] = []
    /// Who the sessions opened in this batch are; those of open endpoints are not here.
    package var introductions: [Introduction] = []
    /// What was refused to whom since the last batch that had any, counted.
    package var denials: [DenialCount] = []

    /// An empty batch.
    package init() {}

    /// Whether there is nothing to do.
    package var isEmpty: Bool { operations.isEmpty && events.isEmpty && denials.isEmpty }

    /// Whether the courier must stop draining until the ledger has taken this batch.
    package var isFull: Bool {
        operations.count >= Self.operationsMax || bytes.count >= Self.bytesMax
    }

    /// Appends an operation, copying its envelope and body.
    package mutating func append(
        _ header: Header,
        session: UInt32,
        envelope: UnsafeRawBufferPointer,
        body: UnsafeRawBufferPointer
    ) {
        operations.append(Operation(header: header, session: session, start: bytes.count))
        if !envelope.isEmpty { bytes.append(contentsOf: envelope) }
        if !body.isEmpty { bytes.append(contentsOf: body) }
    }

    /// Empties the batch and keeps its memory.
    package mutating func removeAll() {
        operations.removeAll(keepingCapacity: true)
        bytes.removeAll(keepingCapacity: true)
        events.removeAll(keepingCapacity: true)
        introductions.removeAll(keepingCapacity: true)
        denials.removeAll(keepingCapacity: true)
    }
}
