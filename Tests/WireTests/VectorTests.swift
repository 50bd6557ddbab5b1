// SPDX-License-Identifier: Apache-2.0

import Testing
import Wire

/// Goal: the codec and the committed bytes agree.
///
/// Method: every vector both ways, cut at every place, and with every bit turned over.
@Suite("Vectors")
struct VectorTests {
    @Test("a vector is accepted or refused as its second line says", arguments: try Vector.all())
    func expectation(vector: Vector) {
        let decoded = Decoded(vector.bytes)
        switch vector.expectation {
        case .accept:
            #expect(decoded.operations != nil)
        case .refuse(let fault):
            #expect(decoded == .fault(fault))
        case .operationRefused(let code):
            guard case .items(let items) = decoded, case .refused(_, let first) = items.first else {
                Issue.record("the packet was not taken, or its operation was understood")
                return
            }
            #expect(first == code)
        }
    }

    @Test("an accepted vector encodes back to these very bytes", arguments: try Vector.accepted())
    func exactBytes(vector: Vector) {
        let isSame = Decoded(vector.bytes).encoded == vector.bytes
        #expect(isSame)
    }

    @Test(
        "every proper prefix of an accepted vector is refused as truncated",
        arguments: try Vector.accepted()
    )
    func prefixes(vector: Vector) {
        for length in places(in: vector.bytes.count) {
            let decoded = Decoded(vector.bytes.prefix(length))
            #expect(decoded == .fault(.truncated), "cut to \(length) bytes")
        }
    }

    @Test(
        "an accepted vector with any single bit turned over is refused or says otherwise",
        arguments: try Vector.accepted()
    )
    func flips(vector: Vector) {
        let original = Decoded(vector.bytes)
        var bytes = vector.bytes
        for place in places(in: bytes.count) {
            for bit in 0..<8 {
                bytes[place] ^= 1 << bit
                let isSame = Decoded(bytes) == original
                bytes[place] ^= 1 << bit
                #expect(!isSame, "bit \(bit) of byte \(place)")
            }
        }
    }

    @Test("the refused operation is named by its request number")
    func refusedNumber() throws {
        let vectors = try Vector.all()
        let vector = try #require(vectors.first { $0.name == "verb.unknown" })
        #expect(Decoded(vector.bytes) == .items([.refused(number: 61, .unknownVerb)]))
    }

    @Test("an operation that is not understood leaves its neighbours whole")
    func neighbours() throws {
        var writer = PacketWriter()
        writer.append(Header(.bye, number: 1), envelope: [])
        writer.append(Header(.attach, number: 2), envelope: [1, 2, 3], body: [])
        writer.append(Header(.bye, number: 3), envelope: [])
        var bytes = writer.finish { Array($0) }
        bytes[Limits.packetHeaderBytes + Limits.headerBytes] = 200
        #expect(
            Decoded(bytes)
                == .items([
                    .operation(Header(.bye, number: 1), envelope: [], body: []),
                    .refused(number: 2, .unknownVerb),
                    .operation(Header(.bye, number: 3), envelope: [], body: []),
                ])
        )
    }

    /// Every place of a small packet; of a large one the edges and a few in between.
    private func places(in count: Int) -> [Int] {
        guard count > 2_048 else { return Array(0..<count) }
        let middle = stride(from: 160, to: count - 16, by: count / 10)
        return Array(0..<160) + Array(middle) + Array(count - 16..<count)
    }
}
