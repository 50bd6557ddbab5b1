// SPDX-License-Identifier: Apache-2.0

internal import Crypto
package import Wire

/// A short name of a public key, made to be read aloud and compared over the telephone.
///
/// Six groups of five digits, so that it is the same in Latin and in Arabic script. About 99 bits of
/// SHA-256: nobody can find a second key with the fingerprint of a given one.
package struct Fingerprint: Hashable, Sendable, CustomStringConvertible {
    /// Digit groups, each 0 to 99 999.
    private let groups: [UInt64]

    private static let groupCount = 6
    private static let bytesPerGroup = 5
    private static let label = "barid key fingerprint 1"

    /// The fingerprint of a key.
    package init(of key: PublicKey) {
        var hasher = SHA256()
        hasher.update(data: Array(Self.label.utf8))
        hasher.update(data: key.bytes)
        let digest = Array(hasher.finalize())
        groups = (0..<Self.groupCount).map { group in
            let start = group * Self.bytesPerGroup
            let word = digest[start..<start + Self.bytesPerGroup].reduce(UInt64(0)) {
                $0 << 8 | UInt64($1)
            }
            return word % 100_000
        }
    }

    /// In the digits 0 to 9: `02817 33190 …`.
    package var description: String {
        groups.map { group in
            let digits = String(group)
            return String(repeating: "0", count: 5 - digits.count) + digits
        }.joined(separator: " ")
    }

    /// Whether a person told this fingerprint: in either script, grouped in any way.
    package func isTold(as text: String) -> Bool {
        var digits = ""
        for character in text {
            if let digit = character.wholeNumberValue, digit < 10 {
                digits += String(digit)
            } else if !character.isWhitespace && character != "-" {
                return false
            }
        }
        return digits == description.filter { $0 != " " }
    }

    /// In the digits ٠ to ٩.
    package var arabic: String {
        String(
            String.UnicodeScalarView(
                description.unicodeScalars.map { scalar in
                    guard let digit = Character(scalar).wholeNumberValue,
                        let arabic = Unicode.Scalar(0x0660 + UInt32(digit))
                    else { return scalar }
                    return arabic
                }
            )
        )
    }
}
