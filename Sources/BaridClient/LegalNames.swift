// SPDX-License-Identifier: Apache-2.0

internal import Wire

/// The rule for names on the bus, for programs that make names from other people's words.
public enum LegalNames {
    /// Bytes a name, or an office `agency/office` as a whole, may have.
    public static let bytesMax = Limits.nameBytesMax

    /// Offices one itinerary may have.
    public static let itineraryOfficesMax = Limits.itineraryOfficesMax

    /// Attributes one case may have.
    public static let attributesMax = Limits.attributesMax

    /// Whether this is a legal name of an agency, procedure, step, outcome or attribute.
    public static func isLegal(_ text: String) -> Bool { Name.isLegal(text) }

    /// Whether this is a legal office name, `agency/office`.
    public static func isLegalOffice(_ text: String) -> Bool { Name.isLegalOffice(text) }

    /// The text as a legal name: lower case, everything else turned into single hyphens.
    ///
    /// Letters outside a-z keep nothing but their place, so different texts may give one name; a
    /// text with no letter or digit of a-z 0-9 gives `fallback`.
    ///
    /// - Parameters:
    ///   - text: Anything.
    ///   - fallback: A legal name.
    ///   - bytesMax: Bytes the name may have, 1 to 100.
    /// - Returns: A legal name.
    public static func slug(
        of text: String,
        fallback: String = "other",
        bytesMax: Int = LegalNames.bytesMax
    ) -> String {
        var slug: [UInt8] = []
        for byte in text.lowercased().utf8 {
            guard slug.count < bytesMax else { break }
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                slug.append(byte)
            case UInt8(ascii: "."), UInt8(ascii: "_"):
                if !slug.isEmpty { slug.append(byte) }
            default:
                if let last = slug.last, last != UInt8(ascii: "-") {
                    slug.append(UInt8(ascii: "-"))
                }
            }
        }
        while slug.last == UInt8(ascii: "-") { slug.removeLast() }
        return slug.isEmpty ? fallback : String(decoding: slug, as: UTF8.self)
    }
}
