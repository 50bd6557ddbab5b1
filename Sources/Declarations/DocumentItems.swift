// SPDX-License-Identifier: Apache-2.0

import Yams

extension Document {
    /// A node as an item, with its faults noted.
    func item(_ node: Node, depth: Int, _ findings: inout Findings) -> Item {
        let place = place(of: node)
        check(node, at: place, &findings)
        guard depth <= Self.depthMax else {
            findings.add(
                .tooMany,
                at: place,
                "Lists and mappings are nested too deeply; at most "
                    + "\(Self.depthMax) levels are taken."
            )
            return Item(place: place, content: .scalar(""))
        }
        switch node {
        case .scalar(let scalar):
            return Item(place: place, content: .scalar(restored(scalar.string)))
        case .sequence(let nodes):
            let items = nodes.map { item($0, depth: depth + 1, &findings) }
            return Item(place: place, content: .list(items))
        case .mapping(let pairs):
            return Item(place: place, content: .mapping(entries(pairs, depth: depth, &findings)))
        case .alias:
            return Item(place: place, content: .scalar(""))
        }
    }

    /// The entries of a mapping; of a repeated key the first counts.
    private func entries(
        _ pairs: Node.Mapping,
        depth: Int,
        _ findings: inout Findings
    ) -> [Item.Entry] {
        var entries: [Item.Entry] = []
        var seen: [String: Place] = [:]
        for (keyNode, valueNode) in pairs {
            let keyPlace = place(of: keyNode)
            guard case .scalar(let scalar) = keyNode else {
                findings.add(.wrongKind, at: keyPlace, "A key must be one word.")
                continue
            }
            check(keyNode, at: keyPlace, &findings)
            let value = item(valueNode, depth: depth + 1, &findings)
            let key = restored(scalar.string)
            if let first = seen[key] {
                findings.add(
                    .duplicateKey,
                    at: keyPlace,
                    "The key \(Suggestion.quoted(key)) already stands in line \(first.line)."
                )
                continue
            }
            seen[key] = keyPlace
            entries.append(
                Item.Entry(key: PlacedWord(text: key, place: keyPlace), value: value)
            )
        }
        return entries
    }

    /// Notes anchors, aliases and tags.
    private func check(_ node: Node, at place: Place, _ findings: inout Findings) {
        if let anchor = node.anchor {
            findings.add(
                .aliasNotTaken,
                at: place,
                "Anchors are not taken (\(Suggestion.quoted("&" + anchor.rawValue))). Write the "
                    + "value out at each place."
            )
        }
        if case .scalar(let scalar) = node, scalar.style == .plain,
            scalar.string.unicodeScalars.first == Self.star
        {
            findings.add(
                .aliasNotTaken,
                at: place,
                "Aliases are not taken (\(Suggestion.quoted(restored(scalar.string)))). Write the "
                    + "value out at each place."
            )
        }
        let tags: [Tag.Name] = [.str, .map, .seq]
        if !tags.contains(where: { $0.rawValue == node.tag.rawValue }) {
            findings.add(
                .aliasNotTaken,
                at: place,
                "Tags are not taken (\(Suggestion.quoted(node.tag.rawValue))). Leave it out."
            )
        }
    }

    /// The text as it was written, without our replacements.
    func restored(_ text: String) -> String {
        if let first = text.unicodeScalars.first, Self.privateUse.contains(first.value),
            masked.indices.contains(Int(first.value - Self.privateUse.lowerBound))
        {
            return restored(masked[Int(first.value - Self.privateUse.lowerBound)])
        }
        guard text.unicodeScalars.contains(Self.star) else { return text }
        var restored = String.UnicodeScalarView()
        restored.append(contentsOf: text.unicodeScalars.lazy.map { $0 == Self.star ? "*" : $0 })
        return String(restored)
    }
}
