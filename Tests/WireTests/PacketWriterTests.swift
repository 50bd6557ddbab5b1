// SPDX-License-Identifier: Apache-2.0

import Testing
import Wire
import TestKit

/// Goal: packets fill to the limit and no further.
///
/// Method: operations of seeded sizes are written and every packet is read back.
@Suite("Packet writer")
struct PacketWriterTests {
    @Test("1023 headers fill a packet, the next one finds no room")
    func headersOnly() {
        var writer = PacketWriter()
        while writer.hasRoom(envelopeLength: 0, bodyLength: 0) {
            writer.append(Header(.bye, number: writer.count + 1))
        }
        let count = Int(writer.count)
        #expect(count == Limits.packetOperationsMax)
        #expect(count == 1_023)
        let bytes = writer.finish { Array($0) }
        #expect(bytes.count <= Limits.packetBytesMax)
        #expect(bytes.count + Limits.headerBytes > Limits.packetBytesMax)
        #expect(Decoded(bytes).operations?.last?.header.number == 1_023)
        let isEmpty = writer.isEmpty
        #expect(isEmpty)
    }

    @Test("a copy of an operation differs from it by its subject alone, and needs the same room")
    func copies() {
        var original = PacketWriter()
        var header = Header(.event)
        header.subject = 5
        header.instant = 7
        original.append(header, envelope: [1, 2, 3], body: [4])
        let bytes = original.finish { Array($0) }
        let operation = Array(bytes[Limits.packetHeaderBytes...])
        var writer = PacketWriter()
        writer.append(Header(.heartbeat))
        operation.withUnsafeBytes { operation in
            while writer.hasRoom(operationBytes: operation.count) {
                writer.append(operation: operation, subject: 9)
            }
        }
        let fits = hasRoom(writer, envelopeLength: 3, bodyLength: 1)
        #expect(!fits)
        let operations = Decoded(writer.finish { Array($0) }).operations ?? []
        let most = Limits.packetBytesMax - Limits.packetHeaderBytes - Limits.headerBytes
        #expect(operations.count == 1 + most / operation.count)
        header.subject = 9
        header.envelopeLength = 3
        header.bodyLength = 1
        for copy in operations.dropFirst() {
            #expect(copy.header == header && copy.envelope == [1, 2, 3] && copy.body == [4])
        }
    }

    @Test("the last byte of a packet can be used, one more cannot")
    func exactFit() {
        var writer = PacketWriter()
        writer.append(Header(.bye, number: 1))
        let rest = Limits.packetBytesMax - Limits.packetHeaderBytes - 2 * Limits.headerBytes
        #expect(hasRoom(writer, envelopeLength: 0, bodyLength: rest) == true)
        #expect(hasRoom(writer, envelopeLength: 0, bodyLength: rest + 1) == false)
        writer.append(
            Header(.note, number: 2),
            envelope: [],
            body: [UInt8](repeating: 1, count: rest)
        )
        let bytes = writer.finish { Array($0) }
        #expect(bytes.count == Limits.packetBytesMax)
        #expect(Decoded(bytes).operations?.count == 2)
    }

    @Test("a body larger than a packet travels alone")
    func largeBody() {
        let body = [UInt8](repeating: 0xA5, count: Limits.packetBytesMax * 3 + 1)
        var writer = PacketWriter()
        writer.append(Header(.bye, number: 1))
        #expect(hasRoom(writer, envelopeLength: 0, bodyLength: body.count) == false)
        _ = writer.finish { $0.count }
        #expect(hasRoom(writer, envelopeLength: 0, bodyLength: body.count) == true)
        writer.append(Header(.submit, number: 2), envelope: [], body: body)
        #expect(hasRoom(writer, envelopeLength: 0, bodyLength: 0) == false)
        let bytes = writer.finish { Array($0) }
        #expect(Decoded(bytes).operations?.first?.body == body)
    }

    @Test("the largest operation fits the largest message exactly")
    func largestMessage() {
        var writer = PacketWriter()
        writer.append(
            Header(.submit, number: 1),
            envelope: [UInt8](repeating: 1, count: Limits.envelopeBytesMax),
            body: [UInt8](repeating: 2, count: Limits.bodyBytesMaxDefault)
        )
        let bytes = writer.finish { Array($0) }
        #expect(bytes.count == Limits.messageBytesMax(bodyBytesMax: Limits.bodyBytesMaxDefault))
        #expect(Decoded(bytes).operations?.count == 1)
    }

    @Test("the body limit is the one of this bus, not the default")
    func bodyLimit() {
        var writer = PacketWriter()
        writer.append(
            Header(.submit, number: 1),
            envelope: [],
            body: [UInt8](repeating: 2, count: 9)
        )
        let bytes = writer.finish { Array($0) }
        #expect(Decoded(bytes, bodyBytesMax: 8) == .fault(.bodyTooLarge))
        #expect(Decoded(bytes, bodyBytesMax: 9).operations?.count == 1)
    }

    @Test("operations of any size come out as they went in, seed 7")
    func anySize() throws {
        var random = SeededGenerator(seed: 7)
        var writer = PacketWriter()
        var written: [Decoded.Item] = []
        var read: [Decoded.Item] = []
        var packets = 0
        func take(_ bytes: UnsafeRawBufferPointer) {
            packets += 1
            guard case .items(let items) = Decoded(bytes) else { return }
            #expect(items.count == 1 || bytes.count <= Limits.packetBytesMax)
            read += items
        }
        for number in 1...3_000 {
            let isLarge = Int.random(in: 0..<100, using: &random) == 0
            let envelope = bytes(Int.random(in: 0...200, using: &random), &random)
            let body = bytes(Int.random(in: 0...(isLarge ? 100_000 : 600), using: &random), &random)
            var header = Header(.submit, number: UInt32(number))
            header.id = Identifier(high: random.next(), low: random.next())
            if !writer.hasRoom(envelopeLength: envelope.count, bodyLength: body.count) {
                writer.finish(take)
            }
            writer.append(header, envelope: envelope, body: body)
            header.envelopeLength = UInt32(envelope.count)
            header.bodyLength = UInt32(body.count)
            written.append(.operation(header, envelope: envelope, body: body))
        }
        writer.finish(take)
        #expect(packets > 10)
        #expect(read == written)
    }

    @Test("a packet that could not be sent is still there")
    func unsent() {
        struct NotSent: Error {}
        var writer = PacketWriter()
        writer.append(Header(.bye, number: 1))
        do throws(NotSent) {
            try writer.finish { _ throws(NotSent) in throw NotSent() }
            Issue.record("the fault of the body is lost")
        } catch {
            let bytes = writer.finish { Array($0) }
            #expect(Decoded(bytes).operations?.map(\.header.number) == [1])
        }
    }

    /// The macro cannot look into a value that is not copyable.
    private func hasRoom(
        _ writer: borrowing PacketWriter,
        envelopeLength: Int,
        bodyLength: Int
    ) -> Bool {
        writer.hasRoom(envelopeLength: envelopeLength, bodyLength: bodyLength)
    }

    private func bytes(_ count: Int, _ random: inout SeededGenerator) -> [UInt8] {
        (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    }
}
