// SPDX-License-Identifier: Apache-2.0

/// The daemon's configuration, written in YAML.
///
/// Read as strictly as a procedure: every scalar is text that must fit its key, and aliases, anchors,
/// tags, duplicate keys and unknown keys are refused. Every key may be left out.
/// ```yaml
/// data: PATH
/// bus:
///   listen: [ENDPOINT, …]
///   body-max: 1MiB
/// ```
package struct ConfigurationReading {
    /// Endpoints of one list.
    static let endpointsMax = 64

    /// A setting and where it stands.
    package struct Setting: Equatable, Sendable {
        package var key: ConfigurationKey
        package var value: ConfigurationValue
        /// Line of the value, from 1.
        package var line: Int
        /// Column of the value, from 1.
        package var column: Int
    }

    /// Reads one file.
    ///
    /// - Parameter text: YAML, at most 1 MiB; a text of comments alone sets nothing.
    /// - Returns: What it sets, each key at most once.
    /// - Throws: Everything wrong with it, found in one pass.
    package static func read(_ text: String) throws(DeclarationFaults) -> [Setting] {
        guard !isBlank(text) else { return [] }
        var findings = Findings()
        var settings: [Setting] = []
        if let root = Document.read(text, &findings) { settings = self.settings(root, &findings) }
        guard findings.isEmpty else { throw findings.sorted }
        return settings
    }

    /// Whether nothing but comments and blank lines stands here.
    private static func isBlank(_ text: String) -> Bool {
        text.split(whereSeparator: \.isNewline).allSatisfy { line in
            line.first { $0 != " " }.map { $0 == "#" } ?? true
        }
    }

    private static func settings(_ root: Item, _ findings: inout Findings) -> [Setting] {
        var names: [String] = []
        for key in ConfigurationKey.allCases {
            let name = key.section.isEmpty ? key.name : key.section
            if !names.contains(name) { names.append(name) }
        }
        guard
            let top = Section(
                root,
                of: "The configuration",
                at: root.place,
                keys: names,
                &findings
            )
        else { return [] }
        var settings = take(top, keys(of: ""), &findings)
        for name in names where !keys(of: name).isEmpty {
            // A section whose every line is a comment is none.
            guard let entry = top.entry(name), !entry.value.isBlank else { continue }
            guard
                let section = Section(
                    entry.value,
                    of: "'\(name)'",
                    at: entry.key.place,
                    keys: keys(of: name).map(\.name),
                    &findings
                )
            else { continue }
            settings += take(section, keys(of: name), &findings)
        }
        return settings
    }

    private static func keys(of section: String) -> [ConfigurationKey] {
        ConfigurationKey.allCases.filter { $0.section == section }
    }

    private static func take(
        _ section: Section,
        _ keys: [ConfigurationKey],
        _ findings: inout Findings
    ) -> [Setting] {
        keys.compactMap { key in
            guard let item = section[key.name], let value = value(item, of: key, &findings) else {
                return nil
            }
            return Setting(
                key: key,
                value: value,
                line: item.place.line,
                column: item.place.column
            )
        }
    }

    private static func value(
        _ item: Item,
        of key: ConfigurationKey,
        _ findings: inout Findings
    ) -> ConfigurationValue? {
        let what = "'\(key.rawValue)'"
        switch key.shape {
        case .pathOrNothing where item.isBlank: return .text("")
        case .path, .pathOrNothing:
            guard let word = item.word(of: what, &findings) else { return nil }
            guard word.text.hasPrefix("/") else {
                findings.add(
                    .badValue,
                    at: item.place,
                    "\(what) must be an absolute path, not \(Suggestion.quoted(word.text))."
                )
                return nil
            }
            return .text(word.text)
        case .endpoints: return endpoints(item, what, &findings)
        case .endpointOrNothing, .groupOrNothing:
            guard !item.isBlank else { return .text("") }
            return item.word(of: what, &findings).map { .text($0.text) }
        case .flag: return item.flag(of: what, &findings).map { .flag($0) }
        case .word(let words): return item.oneOf(words, of: what, &findings).map { .text($0) }
        case .duration(let range):
            return item.milliseconds(of: what, in: range, &findings).map { .number($0) }
        case .count, .bytes: return number(item, of: key, what, &findings)
        }
    }

    private static func endpoints(
        _ item: Item,
        _ what: String,
        _ findings: inout Findings
    ) -> ConfigurationValue? {
        guard let items = item.list(of: what, &findings) else { return nil }
        guard items.count <= endpointsMax else {
            findings.add(
                .tooMany,
                at: item.place,
                "\(what) has at most \(endpointsMax) endpoints, not \(items.count)."
            )
            return nil
        }
        return .list(items.compactMap { $0.word(of: "An endpoint", &findings)?.text })
    }

    private static func number(
        _ item: Item,
        of key: ConfigurationKey,
        _ what: String,
        _ findings: inout Findings
    ) -> ConfigurationValue? {
        guard let word = item.word(of: what, &findings) else { return nil }
        let isBytes = if case .bytes = key.shape { true } else { false }
        guard let number = isBytes ? ByteCount.number(in: word.text) : Int64(word.text) else {
            findings.add(
                .badValue,
                at: item.place,
                isBytes
                    ? "\(what) is no number of bytes: \(Suggestion.quoted(word.text)). Write a whole "
                        + "number, or one with B, KiB, MiB, GiB or TiB, such as 64MiB."
                    : "\(what) must be a whole number, not \(Suggestion.quoted(word.text))."
            )
            return nil
        }
        if let fault = key.fault(of: number) {
            findings.add(
                .badValue,
                at: item.place,
                "\(what) \(fault), not \(Suggestion.quoted(word.text))."
            )
            return nil
        }
        return .number(number)
    }
}
