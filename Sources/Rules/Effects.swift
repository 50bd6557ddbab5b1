// SPDX-License-Identifier: Apache-2.0

package import Wire

/// One operation for a session on its way from the ledger to the courier.
package struct Effect: Sendable {
    /// What is told; the lengths are set, the bytes lie in `Effects.bytes` from `start`.
    package var header: Header
    /// Whom it is told.
    package var session: UInt32
    /// Where its bytes begin in `Effects.bytes`, envelope first, unpadded.
    package var start: Int

    /// The places of the envelope in `Effects.bytes`.
    package var envelope: Range<Int> { start..<start + Int(header.envelopeLength) }
    /// The places of the body in `Effects.bytes`.
    package var body: Range<Int> {
        let bodyStart = start + Int(header.envelopeLength)
        return bodyStart..<bodyStart + Int(header.bodyLength)
    }
}

/// What one turn of the ledger tells the sessions, all of it durable once the courier has it.
///
/// The courier sends it in this order. An effect for a session that is gone is dropped, except that
/// a delivery is reported back as `SessionEvent.undelivered`.
package struct Effects: Sendable {
    package private(set) var items: [Effect] = []
    package private(set) var bytes: [UInt8] = []
    /// Batches whose work these effects end, in the order they were handed over.
    package var batchesCompleted = 0
    /// The policy from now on, if it changed; it stands before all items.
    package var policy: UsePolicy?
    /// Who may come in and do what from now on, if it changed; it stands before all items.
    package var access: Access?

    /// No effects.
    package init() {}

    /// Whether there is nothing to tell.
    package var isEmpty: Bool {
        items.isEmpty && batchesCompleted == 0 && policy == nil && access == nil
    }

    /// Appends an effect, copying its envelope and body and setting the lengths.
    package mutating func append(
        _ header: Header,
        session: UInt32,
        envelope: UnsafeRawBufferPointer = .empty,
        body: UnsafeRawBufferPointer = .empty
    ) {
        var header = header
        header.envelopeLength = UInt32(envelope.count)
        header.bodyLength = UInt32(body.count)
        items.append(Effect(header: header, session: session, start: bytes.count))
        if !envelope.isEmpty { bytes.append(contentsOf: envelope) }
        if !body.isEmpty { bytes.append(contentsOf: body) }
    }

    /// Appends an effect with its envelope in an array.
    package mutating func append(_ header: Header, session: UInt32, envelope: [UInt8]) {
        envelope.withUnsafeBytes { append(header, session: session, envelope: $0) }
    }

    /// Appends a refusal of the request with this number.
    package mutating func refuse(
        _ code: RefusalCode,
        number: UInt32,
        session: UInt32,
        text: String? = nil,
        retryAt: Int64 = 0
    ) {
        var header = Header(.refusal, number: number)
        header.code = code.rawValue
        header.instant = retryAt
        var refused = Envelope.Refused()
        refused.text = text ?? code.text
        append(header, session: session, envelope: Envelope.bytes(of: refused))
    }

    /// Bytes of envelopes and bodies so far.
    package var byteCount: Int { bytes.count }

    /// How many effects there are, to go back to.
    package var mark: Int { items.count }

    /// Forgets everything after the first `count` effects, for a transaction that was rolled back.
    package mutating func truncate(to count: Int) {
        guard count < items.count else { return }
        bytes.removeSubrange(items[count].start...)
        items.removeSubrange(count...)
    }

    /// Empties the effects and keeps their memory.
    package mutating func removeAll() {
        items.removeAll(keepingCapacity: true)
        bytes.removeAll(keepingCapacity: true)
        batchesCompleted = 0
        policy = nil
        access = nil
    }
}
