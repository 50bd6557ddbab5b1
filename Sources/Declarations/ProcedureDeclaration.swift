// SPDX-License-Identifier: Apache-2.0

package import Rules
import Wire

/// A procedure written in YAML.
///
/// Every scalar is taken as text, so `no` is a word and `0x10` is not a number. Aliases, anchors,
/// tags, duplicate keys and unknown keys are refused.
/// ```yaml
/// procedure: NAME
/// classification: restricted         # or public, secret, top-secret: of all its cases
/// title: TITLE                       # {en: …, ar: …}, or one text taken to be English
/// term: P60D                         # of the whole case, optional
/// retention: P10Y                    # content is erased so long after closing; default: never
/// due: procedure                     # or submitter: who sets the due instant
/// hops: 64                           # 1...10000
/// attributes:                        # or the word: any
///   NAME: {kind: KIND, required: true}   # text | integer | boolean | [word, …]
/// offices:
///   AGENCY/OFFICE: TITLE
/// start: STEP                        # default: the first one
/// steps:
///   NAME:
///     title: TITLE
///     office: AGENCY/OFFICE
///     term: P5D
///     lease: PT30S                   # PT1S...PT1H
///     retries: {attempts: 5, backoff: PT1S, longest: PT5M}
///     return: previous               # or a STEP; without it the step cannot return a case
///     refer: true
///     join: all                      # any | a number: branches of a fork meet here
///     outcomes:
///       NAME: TARGET                 # STEP | closed | asker
///       NAME:                        # the first whose condition holds; the last has none
///         - {when: ATTRIBUTE == CONSTANT, to: TARGET}
///         - {to: TARGET}
///       NAME: {fork: [STEP, STEP], join: STEP}
/// itinerary:                         # instead of start and steps: a routing slip
///   outcomes: [NAME, …]              # each leads to the next office; or a mapping to
///                                    # next | closed. Also: title, term, lease, retries,
///                                    # refer, return: previous
/// after-closing:
///   NAME: {to: STEP, within: P30D}   # both optional
/// ```
package struct ProcedureDeclaration {
    /// Offices of one procedure.
    package static let officesMax = 500
    /// Actions after closing of one procedure.
    package static let actionsMax = 64
    /// Hops of one case.
    package static let hopsRange = 1...10_000
    /// Name of the one step of an itinerary.
    package static let itineraryStep = "itinerary"

    private static let keys = [
        "procedure", "classification", "title", "term", "retention", "due", "hops", "attributes",
        "offices", "start", "steps", "itinerary", "after-closing",
    ]

    /// Reads a declaration.
    ///
    /// The YAML parser recurses up to 1000 levels before it refuses, so call this on a thread with at
    /// least 4 MiB of stack.
    ///
    /// - Parameter text: YAML, at most 1 MiB.
    /// - Returns: A procedure whose first step is the start.
    /// - Throws: Everything wrong with it, found in one pass; only where the text is not YAML
    ///   does the first fault end the reading.
    package static func read(_ text: String) throws(DeclarationFaults) -> Procedure {
        var findings = Findings()
        let procedure = Document.read(text, &findings).flatMap { Self.procedure($0, &findings) }
        guard let procedure, findings.isEmpty else { throw findings.sorted }
        return procedure
    }

    private static func procedure(_ root: Item, _ findings: inout Findings) -> Procedure? {
        guard
            let section = Section(
                root,
                of: "A procedure",
                at: root.place,
                keys: keys,
                &findings
            )
        else { return nil }
        let name = section.required("procedure", &findings)?
            .word(of: "The name of the procedure", &findings)
        _ = name?.isName(of: "a procedure", &findings)
        var procedure = Procedure(name: name?.text ?? "")
        let level = section["classification"]?.oneOf(
            Classification.allCases.map(\.word),
            of: "classification",
            &findings
        )
        procedure.classification = level.flatMap { Classification(word: $0) } ?? .restricted
        procedure.title = section["title"]?.title(of: "title", &findings) ?? [:]
        procedure.term = section["term"]?.term(of: "term", &findings)
        procedure.retention = section["retention"]?.retention(&findings)
        let due = section["due"]?.oneOf(["procedure", "submitter"], of: "due", &findings)
        procedure.takesDue = due == "submitter"
        if let hops = section["hops"]?.integer(of: "hops", in: hopsRange, &findings) {
            procedure.hopsMax = UInt32(hops)
        }
        let attributes =
            section["attributes"].map { Attributes($0, &findings) } ?? Attributes()
        procedure.attributes = attributes.declared
        procedure.takesOtherAttributes = attributes.takesOthers
        let offices = offices(section, &findings)
        procedure.offices = offices ?? []

        let reading = StepReading(offices: offices?.map(\.name), attributes: attributes)
        var sketch = route(section, reading, &findings)
        procedure.takesItinerary = section["itinerary"] != nil
        if procedure.takesItinerary, procedure.classification > .restricted,
            offices?.isEmpty == true
        {
            findings.add(
                .missingKey,
                at: section["classification"]?.place ?? section.place,
                "An itinerary above restricted must declare the offices that it may visit."
            )
        }
        if let entry = section.entry("after-closing") {
            sketch.actions = actions(entry.value, ofItinerary: procedure.takesItinerary, &findings)
        }
        let route = RouteResolution.resolve(sketch, &findings)
        RouteCheck.check(route, &findings)
        procedure.steps = route.steps
        procedure.actions = route.actions
        return procedure
    }

    /// The steps, or the one step of an itinerary.
    private static func route(
        _ section: Section,
        _ reading: StepReading,
        _ findings: inout Findings
    ) -> RouteSketch {
        if let itinerary = section.entry("itinerary") {
            for key in ["start", "steps"] {
                guard let entry = section.entry(key) else { continue }
                findings.add(
                    .itineraryConflict,
                    at: entry.key.place,
                    "'\(key)' and 'itinerary' exclude each other: a route is declared, or given by "
                        + "the submitter."
                )
            }
            return reading.itinerary(itinerary, named: itineraryStep, &findings)
        }
        guard let steps = section.entry("steps") else {
            findings.add(
                .missingKey,
                at: section.place,
                "A procedure needs the key 'steps' (or 'itinerary')."
            )
            return RouteSketch(isComplete: false)
        }
        var route = reading.steps(steps, &findings)
        if let start = section["start"] {
            route.start = start.word(of: "start", &findings)
            if route.start == nil { route.isComplete = false }
        }
        return route
    }

    /// The offices declared; nil if they could not be read, so that none can be called unknown.
    private static func offices(
        _ section: Section,
        _ findings: inout Findings
    ) -> [OfficeDeclaration]? {
        guard let item = section.required("offices", &findings),
            let entries = item.entries(of: "offices", countMax: officesMax, &findings)
        else { return nil }
        return entries.map { entry in
            let name = entry.key.text
            if !Name.isLegalOffice(name) {
                findings.add(
                    .illegalName,
                    at: entry.key.place,
                    "\(Suggestion.quoted(name)) cannot name an office. Write agency/office, both "
                        + "of the characters a-z 0-9 . _ -, at most \(Limits.nameBytesMax) bytes."
                )
            }
            let title =
                entry.value.isBlank
                ? [:] : entry.value.title(of: "The title of an office", &findings)
            return OfficeDeclaration(name: name, title: title)
        }
    }

    private static func actions(
        _ item: Item,
        ofItinerary isItinerary: Bool,
        _ findings: inout Findings
    ) -> [ActionSketch] {
        guard let entries = item.entries(of: "after-closing", countMax: actionsMax, &findings)
        else { return [] }
        return entries.map { entry in
            _ = entry.key.isName(of: "an action", &findings)
            var action = ActionSketch(name: entry.key.text)
            guard !entry.value.isBlank,
                let section = Section(
                    entry.value,
                    of: "The action \(Suggestion.quoted(entry.key.text))",
                    at: entry.key.place,
                    keys: ["to", "within"],
                    &findings
                )
            else { return action }
            action.within = section["within"]?.term(of: "within", &findings)
            guard let item = section["to"] else { return action }
            action.step = item.word(of: "to", &findings)
            if isItinerary, action.step != nil {
                findings.add(
                    .itineraryConflict,
                    at: item.place,
                    "An itinerary has no steps to go on at. Leave 'to' out."
                )
                action.step = nil
            }
            return action
        }
    }
}
