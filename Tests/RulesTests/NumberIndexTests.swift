// SPDX-License-Identifier: Apache-2.0

import Rules
import TestKit
import Testing

/// Goal: what goes by number is found where it lies, whatever came and went before.
///
/// Method: random keeping and forgetting beside a `Dictionary`, with numbers spread as those of
/// referrals and cases are; the seed is printed.
@Suite("The index of numbers")
struct NumberIndexTests {
    @Test(
        "an index finds what a dictionary finds",
        arguments: [UInt64(1), 256, 0x1_0000_0000_0001]
    )
    func likeADictionary(step: UInt64) {
        let seed = UInt64.random(in: 0 ... .max)
        print("seed \(seed)")
        var random = SeededGenerator(seed: seed)
        var index = NumberIndex()
        var expected: [UInt64: Int] = [:]
        for round in 0..<30_000 {
            // The table fills and empties in turns.
            let growing = round / 5_000 % 2 == 0
            let number = UInt64.random(in: 0..<4_000, using: &random) &* step
            if Int.random(in: 0..<10, using: &random) < (growing ? 7 : 3) {
                index.set(number, to: round)
                expected[number] = round
            } else {
                #expect(index.remove(number) == expected.removeValue(forKey: number))
            }
            let asked = UInt64.random(in: 0..<4_000, using: &random) &* step
            #expect(index.place(of: asked) == expected[asked])
            #expect(index.count == expected.count)
        }
        for (number, place) in expected { #expect(index.place(of: number) == place) }
    }

    @Test("any number may be looked up and forgotten, the largest too")
    func anyNumber() {
        var index = NumberIndex()
        #expect(index.place(of: .max) == nil && index.remove(.max) == nil)
        index.set(0, to: 7)
        #expect(index.place(of: 0) == 7 && index.place(of: .max) == nil)
        #expect(index.remove(.max) == nil && index.remove(0) == 7 && index.count == 0)
    }
}
