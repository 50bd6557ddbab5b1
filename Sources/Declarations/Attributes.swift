// SPDX-License-Identifier: Apache-2.0

import Rules
import Wire

/// The attributes a procedure declares: `attributes: any`, or a mapping by name.
struct Attributes {
    /// Words of one attribute.
    static let wordsMax = 200
    private static let kinds = ["text", "integer", "boolean"]

    var declared: [AttributeDeclaration] = []
    var takesOthers = false
    /// Whether some could not be read, so that a guard may name one of those.
    private(set) var isComplete = true

    /// None declared, none taken.
    init() {}

    /// Reads the value of the key `attributes`.
    init(_ item: Item, _ findings: inout Findings) {
        if case .scalar("any") = item.content {
            takesOthers = true
            return
        }
        guard
            let entries = item.entries(
                of: "attributes",
                countMax: Limits.attributesMax,
                &findings
            )
        else {
            isComplete = false
            return
        }
        for entry in entries {
            guard entry.key.isName(of: "an attribute", &findings),
                let attribute = Self.attribute(entry, &findings)
            else {
                isComplete = false
                continue
            }
            declared.append(attribute)
        }
    }

    /// The declared attribute of this name.
    func named(_ name: String) -> AttributeDeclaration? { declared.first { $0.name == name } }

    private static func attribute(
        _ entry: Item.Entry,
        _ findings: inout Findings
    ) -> AttributeDeclaration? {
        let name = entry.key.text
        let what = "The attribute '\(name)'"
        guard
            let section = Section(
                entry.value,
                of: what,
                at: entry.key.place,
                keys: ["kind", "required"],
                &findings
            )
        else { return nil }
        let isRequired = section["required"].map { $0.flag(of: "required", &findings) } ?? false
        guard let item = section.required("kind", &findings),
            let kind = kind(item, &findings), let isRequired
        else { return nil }
        return AttributeDeclaration(name: name, kind: kind, isRequired: isRequired)
    }

    private static func kind(
        _ item: Item,
        _ findings: inout Findings
    ) -> AttributeDeclaration.Kind? {
        guard case .list(let items) = item.content else {
            return switch item.oneOf(kinds, of: "kind", &findings) {
            case "text": .text
            case "integer": .integer
            case "boolean": .boolean
            default: nil
            }
        }
        guard (1...wordsMax).contains(items.count) else {
            findings.add(
                .tooMany,
                at: item.place,
                "A list of words has 1 to \(wordsMax) of them, not "
                    + "\(items.count)."
            )
            return nil
        }
        var words: [String] = []
        for item in items {
            guard let word = item.word(of: "A word of the list", &findings),
                word.isName(of: "a word of the list", &findings)
            else { continue }
            if words.contains(word.text) {
                findings.add(.badValue, at: word.place, "'\(word.text)' is already in the list.")
            }
            words.append(word.text)
        }
        return .word(words)
    }
}
