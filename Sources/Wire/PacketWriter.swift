// SPDX-License-Identifier: Apache-2.0

/// Gathers operations for one peer into packets, in a buffer that is reused.
///
/// A packet is full when the next operation would take it past `Limits.packetBytesMax`; a larger
/// operation travels alone. Every operation starts at a multiple of 8 bytes.
package struct PacketWriter: ~Copyable {
    private var storage: UnsafeMutableRawBufferPointer
    private var used = Limits.packetHeaderBytes
    /// Operations in the packet so far.
    package private(set) var count: UInt32 = 0

    /// An empty packet.
    package init() {
        storage = .allocate(byteCount: 4_096, alignment: 16)
    }

    deinit { storage.deallocate() }

    /// Whether there is nothing to send.
    package var isEmpty: Bool { count == 0 }

    /// Whether an operation of these lengths still fits beside what is there.
    package func hasRoom(envelopeLength: Int, bodyLength: Int) -> Bool {
        count == 0
            || used + Limits.headerBytes + Limits.padded(envelopeLength)
                + Limits.padded(bodyLength) <= Limits.packetBytesMax
                && count < Limits.packetOperationsMax
    }

    /// Appends one operation; the caller asked `hasRoom` and sets no lengths in the header.
    ///
    /// - Parameters:
    ///   - header: All fields but the two lengths.
    ///   - envelope: At most `Limits.envelopeBytesMax` bytes.
    ///   - body: At most the bus's largest body.
    package mutating func append(
        _ header: Header,
        envelope: UnsafeRawBufferPointer = .empty,
        body: UnsafeRawBufferPointer = .empty
    ) {
        var header = header
        header.envelopeLength = UInt32(envelope.count)
        header.bodyLength = UInt32(body.count)
        let start = used
        let end = start + header.operationBytes
        reserve(end)
        header.write(to: storage, at: start)
        let envelopeStart = start + Limits.headerBytes
        let bodyStart = envelopeStart + Limits.padded(envelope.count)
        place(envelope, from: envelopeStart, to: bodyStart)
        place(body, from: bodyStart, to: end)
        used = end
        count += 1
    }

    /// Appends one operation with an envelope and body in arrays.
    package mutating func append(_ header: Header, envelope: [UInt8], body: [UInt8] = []) {
        envelope.withUnsafeBytes { envelope in
            body.withUnsafeBytes { body in append(header, envelope: envelope, body: body) }
        }
    }

    /// Whether an operation of this many bytes, padding included, still fits beside what is there.
    package func hasRoom(operationBytes: Int) -> Bool {
        count == 0
            || used + operationBytes <= Limits.packetBytesMax && count < Limits.packetOperationsMax
    }

    /// Appends a copy of an operation that was written before, about another subject.
    ///
    /// - Parameters:
    ///   - operation: Header, envelope and body with their padding, as a writer wrote them.
    ///   - subject: What stands in the copy's header.
    package mutating func append(operation: UnsafeRawBufferPointer, subject: UInt64) {
        let end = used + operation.count
        reserve(end)
        place(operation, from: used, to: end)
        storage.storeBigEndian(subject, at: used + 16)
        used = end
        count += 1
    }

    /// Hands out the finished packet and starts a new one in the same buffer.
    ///
    /// If `body` throws, the packet stays as it is and may be handed out again.
    package mutating func finish<Result, Fault>(
        _ body: (UnsafeRawBufferPointer) throws(Fault) -> Result
    ) throws(Fault) -> Result {
        storage[0] = UInt8(ascii: "B")
        storage[1] = UInt8(ascii: "R")
        storage[2] = Limits.level
        storage[3] = 0
        storage.storeBigEndian(count, at: 4)
        let result = try body(UnsafeRawBufferPointer(rebasing: storage[..<used]))
        used = Limits.packetHeaderBytes
        count = 0
        return result
    }

    private func place(_ bytes: UnsafeRawBufferPointer, from start: Int, to end: Int) {
        if let source = bytes.baseAddress, bytes.count > 0 {
            storage.baseAddress?.advanced(by: start).copyMemory(
                from: source,
                byteCount: bytes.count
            )
        }
        for pad in (start + bytes.count)..<end { storage[pad] = 0 }
    }

    private mutating func reserve(_ size: Int) {
        guard size > storage.count else { return }
        let larger = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(size, storage.count * 2),
            alignment: 16
        )
        larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: storage[..<used]))
        storage.deallocate()
        storage = larger
    }
}

extension UnsafeRawBufferPointer {
    /// No bytes.
    package static var empty: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: nil, count: 0)
    }
}
