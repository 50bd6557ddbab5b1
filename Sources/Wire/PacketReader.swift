// SPDX-License-Identifier: Apache-2.0

/// Why a packet as a whole is refused; nothing of it is done.
package enum PacketFault: UInt8, CaseIterable, Error, Sendable {
    /// Shorter than its header, or an operation reaches past the end.
    case truncated
    /// Does not begin with `BR`.
    case notBarid
    /// Another protocol level.
    case wrongLevel
    /// Reserved byte, padding, or bytes behind the last operation are not as specified.
    case notCanonical
    /// The count of operations is zero or above `Limits.packetOperationsMax`.
    case miscounted
    /// An envelope above `Limits.envelopeBytesMax`.
    case envelopeTooLarge
    /// A body above the limit of this bus.
    case bodyTooLarge
    /// More than `Limits.packetBytesMax` in several operations.
    case packetTooLarge

    /// The refusal a daemon answers with.
    package var refusal: RefusalCode {
        switch self {
        case .wrongLevel: .wrongLevel
        case .envelopeTooLarge: .envelopeTooLarge
        case .bodyTooLarge: .bodyTooLarge
        default: .malformed
        }
    }
}

/// Reads the operations of one packet in place.
///
/// ```
/// "BR" │ level │ 0 │ count (4)   then count × ( header (64) │ envelope │ pad │ body │ pad )
/// ```
/// The whole structure is checked before the first operation is handed out, so a packet is either
/// done or refused whole; what a single operation says is judged one by one.
package struct PacketReader {
    /// One operation, or the refusal of one.
    package enum Item {
        /// A header with its envelope and body, views into the packet.
        case operation(Header, envelope: UnsafeRawBufferPointer, body: UnsafeRawBufferPointer)
        /// An operation that cannot be understood; its request number and why.
        case refused(number: UInt32, RefusalCode)
    }

    private let bytes: UnsafeRawBufferPointer
    private var offset = Limits.packetHeaderBytes
    private var remaining: UInt32

    /// Checks the structure of a packet.
    ///
    /// - Parameters:
    ///   - bytes: The frame; it must outlive the reader.
    ///   - bodyBytesMax: Largest body taken, in bytes.
    /// - Throws: `PacketFault` for the first rule that is broken.
    package init(_ bytes: UnsafeRawBufferPointer, bodyBytesMax: Int) throws(PacketFault) {
        guard bytes.count >= Limits.packetHeaderBytes else { throw .truncated }
        guard bytes[0] == UInt8(ascii: "B"), bytes[1] == UInt8(ascii: "R") else {
            throw .notBarid
        }
        guard bytes[2] == Limits.level else { throw .wrongLevel }
        guard bytes[3] == 0 else { throw .notCanonical }
        let count: UInt32 = bytes.bigEndian(at: 4)
        guard count > 0, count <= Limits.packetOperationsMax else { throw .miscounted }
        guard count == 1 || bytes.count <= Limits.packetBytesMax else { throw .packetTooLarge }
        self.bytes = bytes
        remaining = count
        var position = Limits.packetHeaderBytes
        for _ in 0..<count {
            position = try Self.end(of: bytes, from: position, bodyBytesMax: bodyBytesMax)
        }
        guard position == bytes.count else { throw .notCanonical }
    }

    /// The next operation, or nil after the last.
    package mutating func next() -> Item? {
        guard remaining > 0 else { return nil }
        remaining -= 1
        let start = offset
        let envelopeLength = Int(bytes.bigEndian(at: start + 8) as UInt32)
        let bodyLength = Int(bytes.bigEndian(at: start + 12) as UInt32)
        let envelopeStart = start + Limits.headerBytes
        let bodyStart = envelopeStart + Limits.padded(envelopeLength)
        offset = bodyStart + Limits.padded(bodyLength)
        guard let header = Header(reading: bytes, at: start) else {
            return .refused(number: bytes.bigEndian(at: start + 4), .unknownVerb)
        }
        guard header.flags & ~Fields.flags(of: header.verb) == 0 else {
            return .refused(number: header.number, .unknownFlag)
        }
        guard header.isCanonical else { return .refused(number: header.number, .malformed) }
        return .operation(
            header,
            envelope: UnsafeRawBufferPointer(
                rebasing: bytes[envelopeStart..<envelopeStart + envelopeLength]
            ),
            body: UnsafeRawBufferPointer(rebasing: bytes[bodyStart..<bodyStart + bodyLength])
        )
    }

    private static func end(
        of bytes: UnsafeRawBufferPointer,
        from start: Int,
        bodyBytesMax: Int
    ) throws(PacketFault) -> Int {
        guard bytes.count - start >= Limits.headerBytes else { throw .truncated }
        let envelopeLength = Int(bytes.bigEndian(at: start + 8) as UInt32)
        let bodyLength = Int(bytes.bigEndian(at: start + 12) as UInt32)
        guard envelopeLength <= Limits.envelopeBytesMax else { throw .envelopeTooLarge }
        guard bodyLength <= bodyBytesMax else { throw .bodyTooLarge }
        let envelopeEnd = start + Limits.headerBytes + envelopeLength
        let bodyStart = start + Limits.headerBytes + Limits.padded(envelopeLength)
        let bodyEnd = bodyStart + bodyLength
        let end = bodyStart + Limits.padded(bodyLength)
        guard end <= bytes.count else { throw .truncated }
        for pad in envelopeEnd..<bodyStart where bytes[pad] != 0 { throw .notCanonical }
        for pad in bodyEnd..<end where bytes[pad] != 0 { throw .notCanonical }
        return end
    }
}
