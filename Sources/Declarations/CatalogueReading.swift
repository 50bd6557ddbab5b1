// SPDX-License-Identifier: Apache-2.0

package import Rules
import Wire

/// What an agency says about what it offers, written in YAML.
///
/// Read as strictly as a procedure: every scalar is text, and aliases, anchors, tags, duplicate keys
/// and unknown keys are refused.
/// ```yaml
/// catalogue: AGENCY
/// offices:                           # each of the three is optional
///   AGENCY/OFFICE: ENTRY
/// services:
///   AGENCY/SERVICE: ENTRY            # with answer-schema
/// topics:
///   AGENCY.WORD.*: ENTRY             # a pattern of topics of the agency
/// ```
/// where an ENTRY is
/// ```yaml
/// title: TITLE                       # {en: …, ar: …}, or one text taken to be English
/// description: TITLE
/// schema: URI                        # of an event or a question
/// answer-schema: URI
/// users: [AGENCY, …]                 # who may use it besides the agency itself; all if missing
/// ```
package struct CatalogueReading {
    /// Things of one kind.
    package static let entriesMax = 1_000
    /// Agencies that are named as users of one thing.
    package static let usersMax = 100
    /// Bytes of a URI.
    package static let uriBytesMax = 500

    private static let parts: [(key: String, kind: CatalogueDeclaration.Kind)] = [
        ("offices", .office), ("services", .service), ("topics", .topic),
    ]

    /// Reads a declaration; on a thread with at least 4 MiB of stack, as a procedure.
    ///
    /// - Parameter text: YAML, at most 1 MiB.
    /// - Returns: The entries in order of kind and name.
    /// - Throws: Everything wrong with it, found in one pass.
    package static func read(_ text: String) throws(DeclarationFaults) -> CatalogueDeclaration {
        var findings = Findings()
        let catalogue = Document.read(text, &findings).flatMap { Self.catalogue($0, &findings) }
        guard let catalogue, findings.isEmpty else { throw findings.sorted }
        return catalogue
    }

    private static func catalogue(
        _ root: Item,
        _ findings: inout Findings
    ) -> CatalogueDeclaration? {
        guard
            let section = Section(
                root,
                of: "A catalogue",
                at: root.place,
                keys: ["catalogue"] + parts.map(\.key),
                &findings
            )
        else { return nil }
        guard
            let agency = section.required("catalogue", &findings)?
                .word(of: "The name of the agency", &findings),
            agency.isName(of: "an agency", &findings)
        else { return nil }
        var catalogue = CatalogueDeclaration(agency: agency.text)
        for (key, kind) in parts {
            guard let item = section[key],
                let entries = item.entries(of: key, countMax: entriesMax, &findings)
            else { continue }
            for entry in entries {
                check(entry.key, kind, of: agency.text, &findings)
                catalogue.entries.append(self.entry(entry, kind, &findings))
            }
        }
        catalogue.entries.sort { ($0.kind, $0.name) < ($1.kind, $1.name) }
        return catalogue
    }

    /// Whether a name is one of its kind, and the agency's own.
    private static func check(
        _ name: PlacedWord,
        _ kind: CatalogueDeclaration.Kind,
        of agency: String,
        _ findings: inout Findings
    ) {
        let isLegal: Bool
        let isOwn: Bool
        let form: String
        switch kind {
        case .topic:
            let first = name.text.prefix { $0 != "." }
            isLegal = Topic.isLegalPattern(name.text)
            isOwn = isLegal && first != ">" && first != "*" && Topic.owner(of: name.text) == agency
            form = "a topic or pattern such as \(Topic.word(of: agency)).permits.>"
        case .office, .service, .procedure:
            isLegal = Name.isLegalOffice(name.text)
            isOwn = Name.agency(ofOffice: name.text) == agency
            form = "\(agency)/name, of the characters a-z 0-9 . _ -"
        }
        guard !isLegal || !isOwn else { return }
        findings.add(
            .illegalName,
            at: name.place,
            isLegal
                ? "\(Suggestion.quoted(name.text)) is not of \(agency). An agency declares what is "
                    + "its own."
                : "\(Suggestion.quoted(name.text)) cannot name a thing of this kind. Write \(form)."
        )
    }

    private static func entry(
        _ entry: Item.Entry,
        _ kind: CatalogueDeclaration.Kind,
        _ findings: inout Findings
    ) -> CatalogueDeclaration.Entry {
        var declared = CatalogueDeclaration.Entry(kind, entry.key.text)
        var keys = ["title", "description", "users"]
        if kind != .office { keys.append("schema") }
        if kind == .service { keys.append("answer-schema") }
        guard !entry.value.isBlank,
            let section = Section(
                entry.value,
                of: Suggestion.quoted(entry.key.text),
                at: entry.key.place,
                keys: keys,
                &findings
            )
        else { return declared }
        declared.title = section["title"]?.title(of: "title", &findings) ?? [:]
        declared.description = section["description"]?.title(of: "description", &findings) ?? [:]
        declared.schema = section["schema"].flatMap { uri($0, "schema", &findings) } ?? ""
        declared.answerSchema =
            section["answer-schema"].flatMap { uri($0, "answer-schema", &findings) } ?? ""
        declared.users = section["users"].map { users($0, &findings) } ?? []
        return declared
    }

    private static func uri(
        _ item: Item,
        _ what: String,
        _ findings: inout Findings
    ) -> String? {
        guard let word = item.word(of: what, &findings) else { return nil }
        let isURI =
            word.text.utf8.count <= uriBytesMax && word.text.contains(":")
            && word.text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
        if isURI { return word.text }
        findings.add(
            .badValue,
            at: item.place,
            "\(what) must be a URI of at most \(uriBytesMax) characters, such as "
                + "https://example.org/schemas/permit.json, not \(Suggestion.quoted(word.text))."
        )
        return nil
    }

    private static func users(_ item: Item, _ findings: inout Findings) -> [String] {
        guard let items = item.list(of: "users", &findings) else { return [] }
        guard (1...usersMax).contains(items.count) else {
            findings.add(
                .tooMany,
                at: item.place,
                "A list of users has 1 to \(usersMax) of them, not \(items.count). Leave 'users' out "
                    + "where all may."
            )
            return []
        }
        var users: [String] = []
        for item in items {
            guard let word = item.word(of: "A user", &findings),
                word.isName(of: "an agency", &findings)
            else { continue }
            if users.contains(word.text) {
                findings.add(.badValue, at: word.place, "'\(word.text)' is already in the list.")
            }
            users.append(word.text)
        }
        return users
    }
}
