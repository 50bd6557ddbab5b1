// SPDX-License-Identifier: Apache-2.0

import Testing
import Wire
import TestKit

/// Goal: a peer can never make the reader trap, and one meaning has one form.
///
/// Method: seeded random packets and mutations of the vectors; whatever is understood must encode
/// back.
@Suite("Random bytes")
struct RandomBytesTests {
    private static let seed: UInt64 = 0xBA21D
    private static let rounds = 120_000

    @Test("random bytes are refused or encode back to themselves, seed 0xBA21D")
    func randomBytes() {
        var random = SeededGenerator(seed: Self.seed)
        var understood = 0
        for round in 0..<Self.rounds {
            let bytes = packet(from: &random)
            understood += check(bytes, round: round)
        }
        #expect(understood > 1_000, "too few random packets reach the inner checks")
    }

    @Test(
        "mutated vectors are refused or encode back to themselves, seed 0xBA21D"
    )
    func mutations() throws {
        var random = SeededGenerator(seed: Self.seed)
        let vectors = try Vector.all().filter { (1...4_096).contains($0.bytes.count) }
        var understood = 0
        for round in 0..<Self.rounds {
            guard var bytes = vectors.randomElement(using: &random)?.bytes else { continue }
            for _ in 0..<Int.random(in: 1...4, using: &random) { mutate(&bytes, &random) }
            understood += check(bytes, round: round)
        }
        #expect(understood > 1_000, "too few mutations survive to the inner checks")
    }

    /// 1 if the packet was understood whole.
    private func check(_ bytes: [UInt8], round: Int) -> Int {
        let decoded = Decoded(bytes, bodyBytesMax: 4_096)
        guard decoded.operations != nil else { return 0 }
        #expect(decoded.encoded == bytes, "round \(round), seed \(Self.seed)")
        return 1
    }

    /// Random bytes under a header that is mostly sound, so that the inner checks are reached.
    private func packet(from random: inout SeededGenerator) -> [UInt8] {
        let operations = Int.random(in: 0...3, using: &random)
        var bytes: [UInt8] = [0x42, 0x52, Limits.level, 0, 0, 0, 0, UInt8(operations)]
        for _ in 0..<operations {
            let start = bytes.count
            let isSparse = Bool.random(using: &random)
            for _ in 0..<Limits.headerBytes {
                let isZero = isSparse && Int.random(in: 0..<32, using: &random) > 0
                bytes.append(isZero ? 0 : UInt8.random(in: 0...255, using: &random))
            }
            bytes[start] = (Verb.allCases.randomElement(using: &random) ?? .hello).rawValue
            let length = [0, 0, 1, 7, 8, 9].randomElement(using: &random) ?? 0
            bytes.replaceSubrange(start + 8..<start + 12, with: [0, 0, 0, UInt8(length)])
            if isSparse { bytes.replaceSubrange(start + 12..<start + 16, with: [0, 0, 0, 0]) }
            bytes.append(contentsOf: repeatElement(7, count: length))
            bytes.append(contentsOf: repeatElement(0, count: Limits.padded(length) - length))
        }
        if Int.random(in: 0..<8, using: &random) == 0 { mutate(&bytes, &random) }
        return bytes
    }

    private func mutate(_ bytes: inout [UInt8], _ random: inout SeededGenerator) {
        guard !bytes.isEmpty else { return }
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<6, using: &random) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 2: bytes.removeLast(bytes.count - place)
        case 3: bytes.insert(contentsOf: bytes[place...].prefix(64), at: place)
        case 4:
            bytes.replaceSubrange(place..<min(place + 4, bytes.count), with: [255, 255, 255, 255])
        default: bytes.append(contentsOf: repeatElement(0, count: 8))
        }
    }
}
