// SPDX-License-Identifier: Apache-2.0

package import Wire

/// One act, as the journal keeps it for ever.
///
/// The canonical bytes are what the hash chain covers; content (reasons, remarks, names, bodies)
/// enters only as its digest, so that lawful erasure of content never breaks the chain.
///
/// ```
///  0 format 1 │ 1 act │ 2 code │ 4 flags │ 5 entries │ 6 hasDigest │ 7 zero
///  8 position │ 16 recordedAt │ 24 occurredAt │ 32 actor │ 40 serial │ 48 referral
/// 56 generation │ 64 agency │ 68 office │ 72 step │ 76 zero
/// 80 entries × 40: referral │ fork │ due │ office │ step │ slot │ lane, 3 zero; then digest (32)
/// ```
/// Acts that are not about a case use the same places for what they are about; `key`, `topic` and
/// `subject` name them.
///
/// To change it: a new format number, the old reader kept, a migration test.
package struct JournalRecord: Equatable, Sendable {
    /// A queue the case entered by the act.
    package struct Entry: Equatable, Sendable {
        package var referral: UInt64
        package var fork: UInt64
        package var due: Int64
        package var office: UInt32
        package var step: StepNumber
        package var lane: UInt8
        package var slot: UInt32
    }

    /// What else the act did.
    package struct Flags: OptionSet, Equatable, Sendable {
        package let rawValue: UInt8
        /// The flags of these bits.
        package init(rawValue: UInt8) { self.rawValue = rawValue }
        /// The case closed.
        package static let closes = Flags(rawValue: 1)
        /// The branch arrived at a join and waits there for the others.
        package static let waitsAtJoin = Flags(rawValue: 2)
        /// The referral was settled from custody.
        package static let fromCustody = Flags(rawValue: 4)
        /// The rest of the itinerary was replaced.
        package static let amendsItinerary = Flags(rawValue: 8)
        /// What the case entered is a dead letter; the code is a `DeadReason`.
        package static let dead = Flags(rawValue: 16)
        /// An operator did it: `actor` is uid and pid, not a connection.
        package static let byOperator = Flags(rawValue: 32)
        /// The act opened the case again.
        package static let reopens = Flags(rawValue: 64)
    }

    package var act: Act
    /// Outcome place, dead reason, action place or the new setting, as the act says.
    package var code: UInt16 = 0
    package var flags: Flags = []
    package var position: UInt64 = 0
    package var recordedAt: Int64 = 0
    package var occurredAt: Int64 = 0
    /// The connection, or uid in the high half and pid in the low half.
    package var actor: UInt64 = 0
    package var serial: UInt64 = 0
    /// The referral acted on; 0 if none.
    package var referral: UInt64 = 0
    /// The lease it was settled under; 0 from custody or by the bus.
    package var generation: UInt64 = 0
    package var agency: UInt32 = 0
    package var office: UInt32 = 0
    package var step: StepNumber = .none
    package var entries: [Entry] = []
    /// SHA-256 of the content kept beside the record.
    package var digest: [UInt8] = []

    /// A record of an act, all else empty.
    package init(_ act: Act) { self.act = act }

    private static let fixedBytes = 80
    private static let entryBytes = 40

    /// Bytes a record has at most: an entry for each step a procedure may have, and a digest.
    package static let bytesMax = fixedBytes + StepNumber.placesMax * entryBytes + 32

    /// Bytes this record has.
    package var byteCount: Int {
        Self.fixedBytes + entries.count * Self.entryBytes + digest.count
    }

    /// Writes the canonical bytes, filling a buffer of exactly `byteCount`.
    package func write(to buffer: UnsafeMutableRawBufferPointer) {
        buffer[0] = 1
        buffer[1] = act.rawValue
        buffer.storeBigEndian(code, at: 2)
        buffer[4] = flags.rawValue
        buffer[5] = UInt8(truncatingIfNeeded: entries.count)
        buffer[6] = digest.isEmpty ? 0 : 1
        buffer[7] = 0
        buffer.storeBigEndian(position, at: 8)
        buffer.storeBigEndian(recordedAt, at: 16)
        buffer.storeBigEndian(occurredAt, at: 24)
        buffer.storeBigEndian(actor, at: 32)
        buffer.storeBigEndian(serial, at: 40)
        buffer.storeBigEndian(referral, at: 48)
        buffer.storeBigEndian(generation, at: 56)
        buffer.storeBigEndian(agency, at: 64)
        buffer.storeBigEndian(office, at: 68)
        buffer.storeBigEndian(step.rawValue, at: 72)
        buffer.storeBigEndian(UInt32(0), at: 76)
        var offset = Self.fixedBytes
        for entry in entries {
            buffer.storeBigEndian(entry.referral, at: offset)
            buffer.storeBigEndian(entry.fork, at: offset + 8)
            buffer.storeBigEndian(entry.due, at: offset + 16)
            buffer.storeBigEndian(entry.office, at: offset + 24)
            buffer.storeBigEndian(entry.step.rawValue, at: offset + 28)
            buffer.storeBigEndian(entry.slot, at: offset + 32)
            buffer.storeBigEndian(UInt32(entry.lane) << 24, at: offset + 36)
            offset += Self.entryBytes
        }
        UnsafeMutableRawBufferPointer(rebasing: buffer[offset...]).copyBytes(from: digest)
    }

    /// Replaces `bytes` with the canonical bytes.
    package func write(to bytes: inout [UInt8]) {
        bytes = [UInt8](repeating: 0, count: byteCount)
        bytes.withUnsafeMutableBytes { write(to: $0) }
    }

    /// Reads canonical bytes; nil if they are not a record of a known format.
    package init?(reading bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= Self.fixedBytes, bytes[0] == 1, let act = Act(rawValue: bytes[1])
        else { return nil }
        let count = Int(bytes[5])
        let hasDigest = bytes[6] == 1
        let entriesEnd = Self.fixedBytes + count * Self.entryBytes
        guard bytes.count == entriesEnd + (hasDigest ? 32 : 0) else { return nil }
        self.act = act
        code = bytes.bigEndian(at: 2)
        flags = Flags(rawValue: bytes[4])
        position = bytes.bigEndian(at: 8)
        recordedAt = bytes.bigEndian(at: 16)
        occurredAt = bytes.bigEndian(at: 24)
        actor = bytes.bigEndian(at: 32)
        serial = bytes.bigEndian(at: 40)
        referral = bytes.bigEndian(at: 48)
        generation = bytes.bigEndian(at: 56)
        agency = bytes.bigEndian(at: 64)
        office = bytes.bigEndian(at: 68)
        step = StepNumber(rawValue: bytes.bigEndian(at: 72))
        entries.reserveCapacity(count)
        for offset in stride(from: Self.fixedBytes, to: entriesEnd, by: Self.entryBytes) {
            entries.append(
                Entry(
                    referral: bytes.bigEndian(at: offset),
                    fork: bytes.bigEndian(at: offset + 8),
                    due: bytes.bigEndian(at: offset + 16),
                    office: bytes.bigEndian(at: offset + 24),
                    step: StepNumber(rawValue: bytes.bigEndian(at: offset + 28)),
                    lane: bytes[offset + 36],
                    slot: bytes.bigEndian(at: offset + 32)
                )
            )
        }
        if hasDigest { digest = [UInt8](bytes[entriesEnd...]) }
    }

    /// Of `published` and `asked`: the key the sender chose, in the places of referral and
    /// generation.
    package var key: Identifier {
        get { Identifier(high: referral, low: generation) }
        set {
            referral = newValue.high
            generation = newValue.low
        }
    }

    /// Of `published` and `erased`: the number of the topic, in the place of office.
    package var topic: UInt32 {
        get { office }
        set { office = newValue }
    }

    /// Of `answered` and `expired` the position of the question, of `subscribed` and `forgotten` the
    /// subscription, of `erased` the last position whose content went; in the place of referral.
    package var subject: UInt64 {
        get { referral }
        set { referral = newValue }
    }

    /// The entry of a referral in this record.
    package static func entry(of referral: Referral) -> Entry {
        Entry(
            referral: referral.number,
            fork: referral.fork,
            due: referral.due,
            office: referral.office,
            step: referral.step,
            lane: referral.lane,
            slot: referral.slot
        )
    }
}
