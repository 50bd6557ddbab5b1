// SPDX-License-Identifier: Apache-2.0

/// The rule for names on the bus.
///
/// 1 to 100 bytes of `a-z 0-9 . _ -`, beginning with a letter or digit. An office is
/// `agency/office`.
package enum Name {
    /// Whether this is a legal name of an agency, procedure, step, outcome or attribute.
    ///
    /// Inlinable, because unspecialised it cost a submission 5 000 instructions.
    @inlinable
    package static func isLegal(_ text: some StringProtocol) -> Bool {
        let bytes = text.utf8
        guard let first = bytes.first, bytes.count <= Limits.nameBytesMax else { return false }
        return isAlphanumeric(first) && bytes.allSatisfy { isAlphanumeric($0) || isJoiner($0) }
    }

    /// Whether this is a legal office name, `agency/office`, at most 100 bytes in all.
    package static func isLegalOffice(_ text: some StringProtocol) -> Bool {
        guard text.utf8.count <= Limits.nameBytesMax else { return false }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        return parts.count == 2 && parts.allSatisfy { isLegal($0) }
    }

    /// The agency of an office name.
    package static func agency(ofOffice office: some StringProtocol) -> String {
        String(office.prefix { $0 != "/" })
    }

    @inlinable
    static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
            || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    @inlinable
    static func isJoiner(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
    }
}
