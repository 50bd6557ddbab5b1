// SPDX-License-Identifier: Apache-2.0

import Rules

/// Reads a guard, `ATTRIBUTE COMPARISON CONSTANT`: `area > 500`, `category == high`,
/// `district != "Old Town"`.
enum GuardReading {
    /// The guard of the value of a key `when`; nil and a fault noted if it is not one.
    static func read(
        _ item: Item,
        _ attributes: Attributes,
        _ findings: inout Findings
    ) -> Guard? {
        guard let word = item.word(of: "when", &findings) else { return nil }
        guard let parts = split(word.text) else {
            findings.add(
                .badGuard,
                at: word.place,
                "\(Suggestion.quoted(word.text)) is no condition. Write an attribute, one of "
                    + "== != < <= > >=, and a constant, such as: area > 500."
            )
            return nil
        }
        guard let attribute = attributes.named(parts.attribute) else {
            if attributes.isComplete {
                let known = attributes.declared.map(\.name)
                findings.add(
                    .unknownAttribute,
                    at: word.place,
                    "The attribute \(Suggestion.quoted(parts.attribute)) is not declared under "
                        + "'attributes'." + Suggestion.text(for: parts.attribute, among: known)
                )
            }
            return nil
        }
        guard let constant = constant(parts.constant, for: attribute, at: word.place, &findings),
            checkOrder(parts.comparison, for: attribute, at: word.place, &findings)
        else { return nil }
        return Guard(
            attribute: attribute.name,
            comparison: parts.comparison,
            constant: constant
        )
    }

    private struct Parts {
        var attribute: String
        var comparison: Guard.Comparison
        var constant: String
    }

    private static func split(_ text: String) -> Parts? {
        let signs = Set<Unicode.Scalar>(["=", "!", "<", ">"])
        let scalars = text.unicodeScalars
        let attribute = scalars.prefix { !signs.contains($0) && $0 != " " }
        let rest = scalars[attribute.endIndex...].drop { $0 == " " }
        let sign = rest.prefix { signs.contains($0) }
        var constant = rest[sign.endIndex...].drop { $0 == " " }
        while constant.last == " " { constant.removeLast() }
        guard !attribute.isEmpty, let comparison = Guard.Comparison(rawValue: String(sign)) else {
            return nil
        }
        if let quote = constant.first, quote == "\"" || quote == "'" {
            guard constant.count >= 2, constant.last == quote else { return nil }
            constant = constant.dropFirst().dropLast()
            guard !constant.contains(quote) else { return nil }
        } else if constant.isEmpty {
            return nil
        }
        return Parts(
            attribute: String(attribute),
            comparison: comparison,
            constant: String(constant)
        )
    }

    /// The constant as envelopes write it, if it is of the attribute's kind.
    private static func constant(
        _ text: String,
        for attribute: AttributeDeclaration,
        at place: Place,
        _ findings: inout Findings
    ) -> String? {
        let name = attribute.name
        switch attribute.kind {
        case .text:
            return text
        case .integer:
            if let number = Int64(text) { return String(number) }
            findings.add(
                .badGuard,
                at: place,
                "'\(name)' is a whole number; \(Suggestion.quoted(text)) is none."
            )
        case .boolean:
            if text == "true" || text == "false" { return text }
            findings.add(
                .badGuard,
                at: place,
                "'\(name)' is true or false, never \(Suggestion.quoted(text))."
            )
        case .word(let words):
            if words.contains(text) { return text }
            findings.add(
                .badGuard,
                at: place,
                "'\(name)' is never \(Suggestion.quoted(text)): that is not in its list of words."
                    + Suggestion.text(for: text, among: words)
            )
        }
        return nil
    }

    private static func checkOrder(
        _ comparison: Guard.Comparison,
        for attribute: AttributeDeclaration,
        at place: Place,
        _ findings: inout Findings
    ) -> Bool {
        if attribute.kind == .integer || comparison == .equal || comparison == .notEqual {
            return true
        }
        findings.add(
            .badGuard,
            at: place,
            "'\(attribute.name)' has no order: only == and != can compare it."
        )
        return false
    }
}
