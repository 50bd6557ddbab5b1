// SPDX-License-Identifier: Apache-2.0

import Rules
import Wire

/// Reads steps: those under `steps`, or the one that an `itinerary` stands for.
struct StepReading {
    /// Steps of one procedure.
    static let stepsMax = 200
    /// Lease, in milliseconds.
    static let leaseRange: ClosedRange<Int64> = 1_000...3_600_000
    /// Pauses between deliveries, in milliseconds: a longer one would rather be a term.
    static let pauseRange: ClosedRange<Int64> = 1_000...86_400_000
    /// Deliveries before a referral becomes a dead letter.
    static let attemptsRange = 1...1_000

    private static let sharedKeys = [
        "title", "term", "lease", "retries", "return", "refer", "outcomes",
    ]

    /// Names of the offices declared; nil if they could not be read.
    let offices: [String]?
    let attributes: Attributes

    /// The steps under the key `steps`.
    func steps(_ entry: Item.Entry, _ findings: inout Findings) -> RouteSketch {
        var route = RouteSketch()
        guard
            let entries = entry.value.entries(
                of: "steps",
                countMax: Self.stepsMax,
                &findings
            )
        else {
            route.isComplete = false
            return route
        }
        guard entries.count <= Self.stepsMax else {
            route.isComplete = false
            return route
        }
        if entries.isEmpty {
            findings.add(
                .missingKey,
                at: entry.key.place,
                "A procedure needs at least one step."
            )
            route.isComplete = false
        }
        for entry in entries { route.steps.append(step(entry, &route.isComplete, &findings)) }
        return route
    }

    /// The one step that stands for each stop of an itinerary.
    func itinerary(_ entry: Item.Entry, named name: String, _ findings: inout Findings)
        -> RouteSketch
    {
        var route = RouteSketch()
        let word = PlacedWord(text: name, place: entry.key.place)
        var sketch = StepSketch(
            name: word,
            declaration: StepDeclaration(name: name, office: "")
        )
        if let section = Section(
            entry.value,
            of: "itinerary",
            at: entry.key.place,
            keys: Self.sharedKeys,
            &findings
        ) {
            route.isComplete = read(section, into: &sketch, isItinerary: true, &findings)
        } else {
            route.isComplete = false
        }
        if let step = sketch.returnsTo {
            findings.add(
                .itineraryConflict,
                at: step.place,
                "An itinerary has no steps to return to; only 'previous' can stand here."
            )
            sketch.returnsTo = nil
        }
        route.steps = [sketch]
        return route
    }

    private func step(
        _ entry: Item.Entry,
        _ isComplete: inout Bool,
        _ findings: inout Findings
    ) -> StepSketch {
        let name = entry.key
        if OutcomeReading.reservedWords.contains(name.text) {
            findings.add(
                .illegalName,
                at: name.place,
                "'\(name.text)' has a meaning of its own and cannot name a step."
            )
        } else {
            _ = name.isName(of: "a step", &findings)
        }
        var sketch = StepSketch(
            name: name,
            declaration: StepDeclaration(name: name.text, office: "")
        )
        guard
            let section = Section(
                entry.value,
                of: "The step \(Suggestion.quoted(name.text))",
                at: name.place,
                keys: Self.sharedKeys + ["office", "join"],
                &findings
            )
        else {
            isComplete = false
            return sketch
        }
        sketch.declaration.office = office(section, &findings) ?? ""
        if section["term"] == nil {
            findings.add(
                .missingTerm,
                at: name.place,
                "The step \(Suggestion.quoted(name.text)) needs a term: the time allowed for it, "
                    + "such as 'term: P5D'."
            )
        }
        if let item = section["join"] {
            sketch.joinPlace = item.place
            sketch.declaration.join = join(item, &findings)
        }
        if !read(section, into: &sketch, isItinerary: false, &findings) { isComplete = false }
        return sketch
    }

    /// Reads what steps and itineraries have in common; false if outcomes or returns are missing
    /// from the result.
    private func read(
        _ section: Section,
        into sketch: inout StepSketch,
        isItinerary: Bool,
        _ findings: inout Findings
    ) -> Bool {
        sketch.declaration.title = section["title"]?.title(of: "title", &findings) ?? [:]
        sketch.declaration.term = section["term"]?.term(of: "term", &findings)
        if let item = section["lease"],
            let lease = item.milliseconds(of: "lease", in: Self.leaseRange, &findings)
        {
            sketch.declaration.leaseMilliseconds = lease
        }
        if let entry = section.entry("retries") {
            sketch.declaration.retries = retries(entry, &findings)
        }
        sketch.declaration.mayRefer = section["refer"]?.flag(of: "refer", &findings) ?? false
        var isComplete = true
        if let item = section["return"] {
            let word = item.word(of: "return", &findings)
            isComplete = word != nil
            switch word?.text {
            case nil: break
            case "previous": sketch.declaration.returns = .previous
            default: sketch.returnsTo = word
            }
        }
        guard let item = section.required("outcomes", &findings) else { return false }
        var reading = OutcomeReading(attributes: attributes, isItinerary: isItinerary)
        sketch.outcomes = reading.read(item, &findings)
        if isItinerary, sketch.outcomes.isEmpty, reading.isComplete {
            findings.add(.deadEnd, at: item.place, "An itinerary needs at least one outcome.")
            return false
        }
        return isComplete && reading.isComplete
    }

    private func office(_ section: Section, _ findings: inout Findings) -> String? {
        guard let item = section.required("office", &findings),
            let word = item.word(of: "office", &findings)
        else { return nil }
        guard let offices, !offices.contains(word.text) else { return word.text }
        findings.add(
            .unknownOffice,
            at: word.place,
            "The office \(Suggestion.quoted(word.text)) is not declared under 'offices'."
                + Suggestion.text(for: word.text, among: offices)
        )
        return nil
    }

    private func join(_ item: Item, _ findings: inout Findings) -> JoinRule? {
        guard let word = item.word(of: "join", &findings) else { return nil }
        if word.text == "all" { return .all }
        if word.text == "any" { return .any }
        if let need = Int(word.text), (1...OutcomeReading.branchesMax).contains(need) {
            return .atLeast(need)
        }
        findings.add(
            .badValue,
            at: word.place,
            "join must be all, any or a number of branches from 1 to "
                + "\(OutcomeReading.branchesMax), not \(Suggestion.quoted(word.text))."
        )
        return nil
    }

    private func retries(_ entry: Item.Entry, _ findings: inout Findings) -> RetryRule {
        var rule = RetryRule()
        guard
            let section = Section(
                entry.value,
                of: "retries",
                at: entry.key.place,
                keys: ["attempts", "backoff", "longest"],
                &findings
            )
        else { return rule }
        if let item = section["attempts"],
            let count = item.integer(of: "attempts", in: Self.attemptsRange, &findings)
        {
            rule.attemptsMax = UInt32(count)
        }
        let backoff = section["backoff"]?
            .milliseconds(of: "backoff", in: Self.pauseRange, &findings)
        let longest = section["longest"]?
            .milliseconds(of: "longest", in: Self.pauseRange, &findings)
        rule.backoffMilliseconds = backoff ?? rule.backoffMilliseconds
        rule.backoffMillisecondsMax =
            longest ?? max(rule.backoffMillisecondsMax, rule.backoffMilliseconds)
        if let longest, let item = section["longest"], longest < rule.backoffMilliseconds {
            findings.add(
                .badValue,
                at: item.place,
                "longest must not be shorter than the first pause, "
                    + "which is \(rule.backoffMilliseconds / 1_000) s."
            )
        }
        return rule
    }
}
