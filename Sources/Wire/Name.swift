// SPDX-License-Identifier: Apache-2.0

/// The rule for names on the bus.
///
/// 1 to 100 bytes of `a-z 0-9 . _ -`, beginning with a letter or digit. An office is
/// `agency/office`.
package enum Name {
    /// Whether this is a legal name of an agency, procedure, step, outcome or attribute.
    ///
    /// Not generic, because unspecialised it cost a submission 5 000 instructions.
    package static func isLegal(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { areLegal($0) }
    }

    /// Whether this part of a text is a legal name.
    package static func isLegal(_ text: Substring) -> Bool {
        var text = text
        return text.withUTF8 { areLegal($0) }
    }

    private static func areLegal(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let first = bytes.first, bytes.count <= Limits.nameBytesMax else { return false }
        return isAlphanumeric(first) && bytes.allSatisfy { isAlphanumeric($0) || isJoiner($0) }
    }

    /// Whether this is a legal office name, `agency/office`, at most 100 bytes in all.
    package static func isLegalOffice(_ text: some StringProtocol) -> Bool {
        guard text.utf8.count <= Limits.nameBytesMax else { return false }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        return parts.count == 2 && parts.allSatisfy { isLegal(String($0)) }
    }

    /// The agency of an office name.
    package static func agency(ofOffice office: some StringProtocol) -> String {
        String(office.prefix { $0 != "/" })
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
            || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private static func isJoiner(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
    }
}
