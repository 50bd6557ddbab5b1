// SPDX-License-Identifier: Apache-2.0

import Rules
import Wire

extension Item {
    /// Bytes of a title in one language.
    static let titleBytesMax = 400
    /// Languages of one title.
    static let languagesMax = 20

    /// A whole number within bounds.
    func integer(of what: String, in range: ClosedRange<Int>, _ findings: inout Findings) -> Int? {
        guard let word = word(of: what, &findings) else { return nil }
        if let number = Int(word.text), range.contains(number) { return number }
        findings.add(
            .badValue,
            at: place,
            "\(what) must be a whole number from \(range.lowerBound) to \(range.upperBound), "
                + "not \(Suggestion.quoted(word.text))."
        )
        return nil
    }

    /// `true` or `false`.
    func flag(of what: String, _ findings: inout Findings) -> Bool? {
        guard let word = oneOf(["true", "false"], of: what, &findings) else { return nil }
        return word == "true"
    }

    /// One of these words.
    func oneOf(_ choice: [String], of what: String, _ findings: inout Findings) -> String? {
        guard let word = word(of: what, &findings) else { return nil }
        if choice.contains(word.text) { return word.text }
        findings.add(
            .badValue,
            at: place,
            "\(what) must be \(Suggestion.choice(choice)), not \(Suggestion.quoted(word.text))."
                + Suggestion.text(for: word.text, among: choice)
        )
        return nil
    }

    /// A duration such as `P5D`.
    func term(of what: String, _ findings: inout Findings) -> Term? {
        guard let word = word(of: what, &findings) else { return nil }
        if let term = Term(text: word.text) { return term }
        let date = word.text.prefix { $0 != "T" }
        let reason =
            date.hasPrefix("P") && date.contains { $0 == "M" || $0 == "Y" }
            ? "Months and years differ in length: write days or weeks, such as P30D or P8W."
            : "Write weeks, days, hours, minutes or seconds, such as P5D, P8W or PT12H, at most "
                + "100 years."
        findings.add(
            .badTerm,
            at: place,
            "\(what) is no length of time: \(Suggestion.quoted(word.text)). "
                + reason
        )
        return nil
    }

    /// How long content is kept, such as `P10Y`.
    func retention(_ findings: inout Findings) -> RetentionPeriod? {
        guard let word = word(of: "retention", &findings) else { return nil }
        if let period = RetentionPeriod(text: word.text) { return period }
        findings.add(
            .badTerm,
            at: place,
            "retention is no period: \(Suggestion.quoted(word.text)). Write years, months, weeks or "
                + "days, such as P10Y or P6M, from a day up to 1000 years."
        )
        return nil
    }

    /// A duration within bounds, in milliseconds.
    func milliseconds(
        of what: String,
        in range: ClosedRange<Int64>,
        _ findings: inout Findings
    ) -> Int64? {
        guard let term = term(of: what, &findings) else { return nil }
        if range.contains(term.milliseconds) { return term.milliseconds }
        let bounds = [range.lowerBound, range.upperBound]
            .compactMap { Term(milliseconds: $0)?.text }
        findings.add(
            .badValue,
            at: place,
            "\(what) must last from \(bounds.joined(separator: " to ")), not \(term.text)."
        )
        return nil
    }

    /// What people call a thing: a mapping of languages, or one text taken to be English.
    func title(of what: String, _ findings: inout Findings) -> [String: String] {
        if case .scalar(let text) = content {
            return checkTitle(text, of: what, &findings) ? ["en": text] : [:]
        }
        guard let entries = entries(of: what, countMax: Self.languagesMax, &findings) else {
            return [:]
        }
        var title: [String: String] = [:]
        for entry in entries {
            let language = entry.key.text
            if !isLanguage(language) {
                findings.add(
                    .illegalName,
                    at: entry.key.place,
                    "\(Suggestion.quoted(language)) is no language. Write its code, such as en or "
                        + "ar."
                )
            }
            guard let word = entry.value.word(of: what, &findings),
                entry.value.checkTitle(word.text, of: what, &findings)
            else { continue }
            title[language] = word.text
        }
        return title
    }

    private func checkTitle(
        _ text: String,
        of what: String,
        _ findings: inout Findings
    ) -> Bool {
        let isOneLine = !text.unicodeScalars.contains { $0.properties.generalCategory == .control }
        if isOneLine, (1...Self.titleBytesMax).contains(text.utf8.count) { return true }
        findings.add(
            .badValue,
            at: place,
            "\(what) must be one line of 1 to \(Self.titleBytesMax) bytes."
        )
        return false
    }

    /// Whether this looks like a language tag (RFC 5646): `en`, `ar`, `ar-JO`.
    private func isLanguage(_ code: String) -> Bool {
        let parts = code.split(separator: "-", omittingEmptySubsequences: false)
        return (2...3).contains(parts.first?.count ?? 0)
            && parts.allSatisfy { (1...8).contains($0.count) && $0.utf8.allSatisfy(isLetter) }
    }

    private func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) }
}

extension PlacedWord {
    /// Whether this may name something; notes a fault if not.
    func isName(of what: String, _ findings: inout Findings) -> Bool {
        if Name.isLegal(text) { return true }
        let lowered = text.lowercased().replacing(" ", with: "-")
        let hint = Name.isLegal(lowered) ? " Did you mean '\(lowered)'?" : ""
        findings.add(
            .illegalName,
            at: place,
            "\(Suggestion.quoted(text)) cannot name \(what). A name is 1 to \(Limits.nameBytesMax) "
                + "of the characters a-z 0-9 . _ - and begins with a letter or digit." + hint
        )
        return false
    }
}
