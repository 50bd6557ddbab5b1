// SPDX-License-Identifier: Apache-2.0

/// A value of the text and where it stands.
///
/// Every scalar is text: what `no` or `0x10` means is
/// for the key it stands under to say.
struct Item {
    /// The shapes a value can have.
    indirect enum Content {
        case scalar(String)
        case list([Item])
        case mapping([Entry])
    }

    /// A key of a mapping with its value.
    struct Entry {
        var key: PlacedWord
        var value: Item
    }

    var place: Place
    var content: Content

    /// What a person calls its shape.
    var kindText: String {
        switch content {
        case .scalar(let text): text.isEmpty ? "nothing" : "the word \(Suggestion.quoted(text))"
        case .list: "a list"
        case .mapping: "a mapping"
        }
    }

    /// Whether nothing stands here.
    var isBlank: Bool {
        if case .scalar("") = content { return true }
        return false
    }
}

extension Item {
    /// The one word standing here; notes a fault if it is something else or nothing.
    func word(of what: String, _ findings: inout Findings) -> PlacedWord? {
        guard case .scalar(let text) = content, !text.isEmpty else {
            findings.add(.wrongKind, at: place, "\(what) must be one word, not \(kindText).")
            return nil
        }
        return PlacedWord(text: text, place: place)
    }

    /// The values of the list standing here.
    func list(of what: String, _ findings: inout Findings) -> [Item]? {
        guard case .list(let items) = content else {
            findings.add(.wrongKind, at: place, "\(what) must be a list, not \(kindText).")
            return nil
        }
        return items
    }

    /// The entries of the mapping standing here; notes a fault if they are more than `countMax`.
    func entries(
        of what: String,
        countMax: Int,
        _ findings: inout Findings
    ) -> [Entry]? {
        guard case .mapping(let entries) = content else {
            findings.add(
                .wrongKind,
                at: place,
                "\(what) must be a mapping (key: value), not \(kindText)."
            )
            return nil
        }
        if entries.count > countMax {
            findings.add(
                .tooMany,
                at: entries[countMax].key.place,
                "\(what) may have \(countMax) entries; these are \(entries.count)."
            )
        }
        return entries
    }
}

/// A mapping whose keys are all known beforehand.
struct Section {
    /// Where a missing key is reported: the key the section stands under.
    let place: Place
    private let what: String
    private let entries: [Item.Entry]

    /// Checks the keys of a mapping; nil (and a fault noted) if the item is none.
    init?(
        _ item: Item,
        of what: String,
        at place: Place,
        keys: [String],
        _ findings: inout Findings
    ) {
        guard let entries = item.entries(of: what, countMax: .max, &findings) else { return nil }
        for entry in entries where !keys.contains(entry.key.text) {
            let hint = Suggestion.nearest(to: entry.key.text, among: keys)
                .map { " Did you mean '\($0)'?" }
            findings.add(
                .unknownKey,
                at: entry.key.place,
                "\(what) has no key \(Suggestion.quoted(entry.key.text))."
                    + (hint ?? " It takes \(Suggestion.choice(keys)).")
            )
        }
        self.place = place
        self.what = what
        self.entries = entries
    }

    /// The entry of this key, if it is there.
    func entry(_ key: String) -> Item.Entry? { entries.first { $0.key.text == key } }

    /// The value of this key, if it is there.
    subscript(key: String) -> Item? { entry(key)?.value }

    /// The value of this key; notes a fault if it is not there.
    func required(_ key: String, _ findings: inout Findings) -> Item? {
        if let item = self[key] { return item }
        findings.add(.missingKey, at: place, "\(what) needs the key '\(key)'.")
        return nil
    }
}
