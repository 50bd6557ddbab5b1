// SPDX-License-Identifier: Apache-2.0

import Yams

/// The one YAML document of a text, as items.
///
/// Aliases never reach the parser: it would follow them silently, and a few nested ones expand
/// beyond any memory. Each `*` is replaced by a private-use character before parsing; a plain
/// scalar that begins with it was an alias, and everywhere else the `*` is put back. The parser
/// also stops at the first duplicate key, so that key is masked in the same way, noted, and the
/// text parsed again. Both replacements are one character for one, so all places stay true.
struct Document {
    /// Largest text, in bytes.
    static let textBytesMax = 1 << 20
    /// Deepest nesting of lists and mappings; a procedure needs eight.
    static let depthMax = 32
    /// Duplicate keys found before giving up, because each costs another parse.
    private static let masksMax = 64
    /// Characters parsed again for duplicate keys in all: about a second's work.
    private static let charactersAgainMax = 4 << 20

    static let star: Unicode.Scalar = "\u{F8FF}"
    /// The block of characters we replace others by; a text that holds one is refused.
    static let privateUse = UInt32(0xE000)...0xF8FF

    /// Original words of the masked keys; mask `n` is U+E000 + n.
    private(set) var masked: [String] = []

    private init() {}

    /// The document's root, or nil where faults leave nothing worth reading.
    static func read(_ text: String, _ findings: inout Findings) -> Item? {
        guard text.utf8.count <= textBytesMax else {
            findings.add(.tooMany, at: .top, "The text is larger than \(textBytesMax) bytes.")
            return nil
        }
        var scalars = Array(text.unicodeScalars)
        if scalars.first == "\u{FEFF}" { scalars.removeFirst() }
        guard checkCharacters(scalars, &findings) else { return nil }
        scalars = scalars.map { $0 == "*" ? star : $0 }
        var document = Document()
        while true {
            do {
                return try document.parse(scalars, &findings)
            } catch YamlError.duplicatedKeysInMapping(let keys, let context) {
                let place = Place(line: context.mark.line, column: context.mark.column)
                let key = keys.first ?? ""
                guard document.mask(key, at: place, in: &scalars) else {
                    findings.add(
                        .duplicateKey,
                        at: place,
                        "The key \(Suggestion.quoted(key)) is repeated. The rest was not read."
                    )
                    return nil
                }
            } catch {
                let (place, problem) = describe(error)
                let end = Self.place(of: scalars.count, in: scalars)
                findings.add(
                    .invalidYAML,
                    at: min(place, end),
                    "This is not valid YAML: \(problem)."
                )
                return nil
            }
        }
    }

    /// Notes the first character that no text should have, or that stands for ours.
    private static func checkCharacters(
        _ scalars: [Unicode.Scalar],
        _ findings: inout Findings
    ) -> Bool {
        guard let index = scalars.firstIndex(where: isForbidden) else { return true }
        let code = String(scalars[index].value, radix: 16, uppercase: true)
        findings.add(
            .invalidYAML,
            at: place(of: index, in: scalars),
            "The character U+\(code) cannot be used here. Remove it."
        )
        return false
    }

    private static func isForbidden(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x0A, 0x0D, 0x85: false
        case ..<0x20, 0x7F..<0xA0, 0xFEFF, 0xFFFE, 0xFFFF, privateUse: true
        default: false
        }
    }

    private func parse(_ scalars: [Unicode.Scalar], _ findings: inout Findings) throws -> Item? {
        var text = String()
        text.unicodeScalars.append(contentsOf: scalars)
        // The parser keeps a pointer into the text, which a short string would not outlive.
        while text.utf8.count < 16 { text += "\n" }
        let parser = try Parser(yaml: text, resolver: .basic, encoding: .utf8)
        guard let root = try parser.nextRoot() else {
            findings.add(.invalidYAML, at: .top, "The text is empty. A declaration belongs here.")
            return nil
        }
        if let second = try parser.nextRoot() {
            findings.add(
                .invalidYAML,
                at: place(of: second),
                "A second document begins here. Write one declaration in each text."
            )
        }
        // Nodes hold their anchors weakly; only the parser keeps them.
        return withExtendedLifetime(parser) { item(root, depth: 1, &findings) }
    }

    /// Makes a duplicate key differ from its twin, if it begins with a plain letter or digit.
    private mutating func mask(
        _ key: String,
        at place: Place,
        in scalars: inout [Unicode.Scalar]
    ) -> Bool {
        guard masked.count < Self.masksMax,
            masked.count * scalars.count < Self.charactersAgainMax,
            var index = Self.index(of: place, in: scalars)
        else {
            return false
        }
        if scalars[index] == "\"" || scalars[index] == "'" { index += 1 }
        guard index < scalars.count, scalars[index] == key.unicodeScalars.first,
            scalars[index].properties.isAlphabetic || ("0"..."9").contains(scalars[index]),
            let mask = Unicode.Scalar(Self.privateUse.lowerBound + UInt32(masked.count))
        else { return false }
        scalars[index] = mask
        masked.append(key)
        return true
    }
}
