// SPDX-License-Identifier: Apache-2.0

/// The human reference of a case: twelve digits and two check digits, `0000-0012-3456-76`.
///
/// The check digits are ISO 7064 MOD 97-10: the number read as one integer leaves 1 when divided by
/// 97, so every single wrong digit and every swap of neighbours is found before it is looked up.
package struct CaseNumber: Hashable, Sendable {
    /// The place of the case in the ledger, from 1.
    package let serial: UInt64

    /// Largest serial that has a number: twelve digits.
    package static let serialMax: UInt64 = 999_999_999_999

    /// The number of a serial, or nil outside 1...`serialMax`.
    package init?(serial: UInt64) {
        guard (1...Self.serialMax).contains(serial) else { return nil }
        self.serial = serial
    }

    /// Reads a number as a person writes it: digits, with hyphens or spaces anywhere.
    ///
    /// Arabic-Indic digits are read too. Nil if it is not fourteen digits or the check fails.
    package init?(text: some StringProtocol) {
        var value: UInt64 = 0
        var count = 0
        for scalar in text.unicodeScalars where scalar != "-" && scalar != " " {
            let digit: UInt32
            switch scalar.value {
            case 0x30...0x39: digit = scalar.value - 0x30
            case 0x660...0x669: digit = scalar.value - 0x660
            default: return nil
            }
            count += 1
            guard count <= 14 else { return nil }
            value = value * 10 + UInt64(digit)
        }
        guard count == 14 else { return nil }
        self.init(serial: value / 100)
        // Compared with the digits we print: 01 also leaves 1 where 98 is meant, and a case has one
        // number only.
        guard checkDigits == value % 100 else { return nil }
    }

    /// The number as printed on a receipt, in groups of four digits.
    package var text: String {
        let digits = String(serial * 100 + UInt64(checkDigits))
        let padded = String(repeating: "0", count: 14 - digits.count) + digits
        var text = ""
        for (index, digit) in padded.enumerated() {
            if index > 0, index.isMultiple(of: 4) { text.append("-") }
            text.append(digit)
        }
        return text
    }

    private var checkDigits: UInt64 { 98 - (serial * 100) % 97 }
}
