// SPDX-License-Identifier: Apache-2.0

/// The fixed part of every operation: 64 bytes, big-endian, drawn in `Protocols/bus.md` § Header.
///
/// ```
///  0 verb │ 1 flags │ 2 code     │ 4 number           what, and which request it is or answers
///  8 envelopeLength │ 12 bodyLength                   what follows, each padded to 8 bytes
/// 16 subject                                          referral, office, subscription, position
/// 24 generation                                       fencing of a lease, or a count of credit
/// 32 instant                                          ms since 1970
/// 40 serial                                           the case, a sequence, or bytes of credit
/// 48 id (16 bytes)                                    key, case id, session or hash
/// ```
/// Fields a verb does not use are zero; `isCanonical` says so.
package struct Header: Equatable, Sendable {
    package var verb: Verb
    package var flags: UInt8 = 0
    package var code: UInt16 = 0
    package var number: UInt32 = 0
    package var envelopeLength: UInt32 = 0
    package var bodyLength: UInt32 = 0
    package var subject: UInt64 = 0
    package var generation: UInt64 = 0
    package var instant: Int64 = 0
    package var serial: UInt64 = 0
    package var id: Identifier = .none

    /// A header of this verb and request number, all other fields zero.
    package init(_ verb: Verb, number: UInt32 = 0) {
        self.verb = verb
        self.number = number
    }

    /// Flag bits 0 and 1 of `submit` and `delivery`: the lane.
    package static let laneMask: UInt8 = 0b0000_0011
    /// Flag bit 2 of `answer`: the request was a repetition, this is the first answer again.
    package static let repeatedFlag: UInt8 = 0b0000_0100
    /// Flag bit 3 of `publish`, `ask` and `event`: kept in the ledger.
    package static let durableFlag: UInt8 = 0b0000_1000
    /// Flag bit 4 of `unsubscribe`: the durable subscription ends for all its members.
    package static let forgetFlag: UInt8 = 0b0001_0000
    /// Flag bit 5 of `ack`: every event delivered to this session up to this one.
    package static let cumulativeFlag: UInt8 = 0b0010_0000
    /// Flag bit 6 of a `delivery` whose body the session may not read, so that it is left out.
    package static let withheldFlag: UInt8 = 0b0100_0000

    /// Bytes of the whole operation on the wire, padding included.
    package var operationBytes: Int {
        Limits.headerBytes + Limits.padded(Int(envelopeLength)) + Limits.padded(Int(bodyLength))
    }

    /// Reads the 64 bytes at `offset`; the caller has checked that they are there.
    ///
    /// Nil if the verb is unknown.
    package init?(reading bytes: UnsafeRawBufferPointer, at offset: Int) {
        guard let verb = Verb(rawValue: bytes[offset]) else { return nil }
        self.verb = verb
        flags = bytes[offset + 1]
        code = bytes.bigEndian(at: offset + 2)
        number = bytes.bigEndian(at: offset + 4)
        envelopeLength = bytes.bigEndian(at: offset + 8)
        bodyLength = bytes.bigEndian(at: offset + 12)
        subject = bytes.bigEndian(at: offset + 16)
        generation = bytes.bigEndian(at: offset + 24)
        instant = Int64(bitPattern: bytes.bigEndian(at: offset + 32))
        serial = bytes.bigEndian(at: offset + 40)
        id = Identifier(
            high: bytes.bigEndian(at: offset + 48),
            low: bytes.bigEndian(at: offset + 56)
        )
    }

    /// Writes the 64 bytes at `offset`; the caller has made room for them.
    package func write(to bytes: UnsafeMutableRawBufferPointer, at offset: Int) {
        bytes[offset] = verb.rawValue
        bytes[offset + 1] = flags
        bytes.storeBigEndian(code, at: offset + 2)
        bytes.storeBigEndian(number, at: offset + 4)
        bytes.storeBigEndian(envelopeLength, at: offset + 8)
        bytes.storeBigEndian(bodyLength, at: offset + 12)
        bytes.storeBigEndian(subject, at: offset + 16)
        bytes.storeBigEndian(generation, at: offset + 24)
        bytes.storeBigEndian(UInt64(bitPattern: instant), at: offset + 32)
        bytes.storeBigEndian(serial, at: offset + 40)
        bytes.storeBigEndian(id.high, at: offset + 48)
        bytes.storeBigEndian(id.low, at: offset + 56)
    }
}

// Inlinable, because a generic function of another module is otherwise called unspecialised: some
// 600 instructions a number instead of two.
extension UnsafeRawBufferPointer {
    /// The big-endian integer at `offset`; the caller has checked the length.
    @inlinable
    package func bigEndian<Word: FixedWidthInteger>(at offset: Int) -> Word {
        Word(bigEndian: loadUnaligned(fromByteOffset: offset, as: Word.self))
    }
}

extension UnsafeMutableRawBufferPointer {
    /// Stores an integer big-endian at `offset`; the caller has made room.
    @inlinable
    package func storeBigEndian(_ word: some FixedWidthInteger, at offset: Int) {
        storeBytes(of: word.bigEndian, toByteOffset: offset, as: type(of: word))
    }
}
