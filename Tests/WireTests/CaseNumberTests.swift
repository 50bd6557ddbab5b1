// SPDX-License-Identifier: Apache-2.0

import Testing
import Wire
import TestKit

/// Goal: a number mistyped at a counter is found before it is looked up.
///
/// Method: every single wrong digit and every swap of neighbours, over seeded serials.
@Suite("Case numbers")
struct CaseNumberTests {
    @Test("the number of a known serial is printed in groups of four")
    func printed() throws {
        // 98 - 12 345 600 mod 97 = 98 - 22 = 76.
        #expect(try #require(CaseNumber(serial: 123_456)).text == "0000-0012-3456-76")
        #expect(try #require(CaseNumber(serial: 1)).text == "0000-0000-0001-95")
        let last = try #require(CaseNumber(serial: CaseNumber.serialMax))
        #expect(last.text.hasPrefix("9999-9999-9999-"))
        #expect(CaseNumber(text: last.text) == last)
    }

    @Test("serials without a number have none", arguments: [0, 1_000_000_000_000, UInt64.max])
    func outside(serial: UInt64) {
        #expect(CaseNumber(serial: serial) == nil)
    }

    @Test("a number reads back to its serial, and its check leaves 1, seed 11")
    func roundTrip() throws {
        for number in try numbers(seed: 11, count: 2_000) {
            let digits = number.text.filter { $0 != "-" }
            #expect(try #require(UInt64(digits)) % 97 == 1)
            #expect(CaseNumber(text: number.text) == number)
        }
    }

    @Test("every single wrong digit is found, seed 12")
    func wrongDigits() throws {
        for number in try numbers(seed: 12, count: 200) {
            let digits = Array(number.text.filter { $0 != "-" })
            for place in digits.indices {
                for digit in "0123456789" where digit != digits[place] {
                    var wrong = digits
                    wrong[place] = digit
                    #expect(CaseNumber(text: String(wrong)) == nil, "\(String(wrong))")
                }
            }
        }
    }

    @Test("every swap of neighbours is found, seed 13")
    func swaps() throws {
        for number in try numbers(seed: 13, count: 1_000) {
            let digits = Array(number.text.filter { $0 != "-" })
            for place in 1..<digits.count where digits[place] != digits[place - 1] {
                var wrong = digits
                wrong.swapAt(place, place - 1)
                #expect(CaseNumber(text: String(wrong)) == nil, "\(String(wrong))")
            }
        }
    }

    @Test("a case has one number: check digits 97 off are refused, seed 14")
    func oneNumber() throws {
        for number in try numbers(seed: 14, count: 2_000) {
            let digits = number.text.filter { $0 != "-" }
            let check = try #require(Int(digits.suffix(2)))
            for other in [check + 97, check - 97] where (0...99).contains(other) {
                let text = digits.prefix(12) + (other < 10 ? "0" : "") + String(other)
                #expect(CaseNumber(text: text) == nil, "\(text)")
            }
        }
    }

    @Test(
        "a number is read as people write it",
        arguments: [
            "0000-0012-3456-76", "00000012345676", "0000 0012 3456 76", " 0000-0012-3456-76 ",
            "٠٠٠٠-٠٠١٢-٣٤٥٦-٧٦", "٠٠٠٠٠٠١٢٣٤٥٦76",
        ]
    )
    func written(text: String) {
        #expect(CaseNumber(text: text)?.serial == 123_456)
    }

    @Test(
        "what is not fourteen digits is no number",
        arguments: [
            "", "-", "123456", "0000-0012-3456-7", "00000-0012-3456-76", "0000-0012-3456-76x",
            "0000-0012-3456-+6", "0000_0012_3456_76", "0000-0000-0000-98", "0000-0000-0000-01",
            "999999999999999999999999999999999999",
        ]
    )
    func unreadable(text: String) {
        #expect(CaseNumber(text: text) == nil)
    }

    private func numbers(seed: UInt64, count: Int) throws -> [CaseNumber] {
        var random = SeededGenerator(seed: seed)
        return try (0..<count).map { _ in
            let serial = UInt64.random(in: 1...CaseNumber.serialMax, using: &random)
            return try #require(CaseNumber(serial: serial))
        }
    }
}
