// SPDX-License-Identifier: Apache-2.0

import Rules

/// Reads the outcomes of a step: under each word a target, one transition or a guarded list.
struct OutcomeReading {
    /// Outcomes of one step.
    static let outcomesMax = 64
    /// Transitions of one outcome.
    static let transitionsMax = 64
    /// Branches of one fork.
    static let branchesMax = 64

    /// Words a target can be beside the name of a step, so no step is called so.
    static let reservedWords = ["asker", "closed", "next", "previous"]

    let attributes: Attributes
    /// Whether the route is an itinerary, which knows only `next` and `closed`.
    let isItinerary: Bool
    /// Whether everything could be read.
    private(set) var isComplete = true

    init(attributes: Attributes, isItinerary: Bool) {
        self.attributes = attributes
        self.isItinerary = isItinerary
    }

    /// The outcomes under the key `outcomes`.
    mutating func read(_ item: Item, _ findings: inout Findings) -> [OutcomeSketch] {
        if isItinerary, case .list(let items) = item.content { return words(items, &findings) }
        guard
            let entries = item.entries(
                of: "outcomes",
                countMax: Self.outcomesMax,
                &findings
            )
        else {
            isComplete = false
            return []
        }
        return entries.map { entry in
            _ = entry.key.isName(of: "an outcome", &findings)
            let transitions = transitions(entry, &findings)
            return OutcomeSketch(name: entry.key, transitions: transitions)
        }
    }

    /// The short form of an itinerary: words that all lead to the next office.
    private mutating func words(_ items: [Item], _ findings: inout Findings) -> [OutcomeSketch] {
        if items.count > Self.outcomesMax {
            findings.add(
                .tooMany,
                at: items[Self.outcomesMax].place,
                "outcomes may have \(Self.outcomesMax) entries; these are \(items.count)."
            )
        }
        var outcomes: [OutcomeSketch] = []
        for item in items.prefix(Self.outcomesMax) {
            guard let word = item.word(of: "An outcome", &findings),
                word.isName(of: "an outcome", &findings)
            else { continue }
            if outcomes.contains(where: { $0.name.text == word.text }) {
                findings.add(
                    .duplicateKey,
                    at: word.place,
                    "'\(word.text)' is already in the list."
                )
            }
            let transition = TransitionSketch(place: word.place, target: .next)
            outcomes.append(OutcomeSketch(name: word, transitions: [transition]))
        }
        return outcomes
    }

    private mutating func transitions(
        _ entry: Item.Entry,
        _ findings: inout Findings
    ) -> [TransitionSketch] {
        guard case .list(let items) = entry.value.content else {
            return collected([entry.value], of: entry.key, &findings)
        }
        if items.isEmpty {
            findings.add(
                .badValue,
                at: entry.value.place,
                "The outcome '\(entry.key.text)' needs at least one transition."
            )
            isComplete = false
        } else if items.count > Self.transitionsMax {
            findings.add(
                .tooMany,
                at: items[Self.transitionsMax].place,
                "An outcome may have \(Self.transitionsMax) transitions; these are "
                    + "\(items.count)."
            )
        }
        return collected(Array(items.prefix(Self.transitionsMax)), of: entry.key, &findings)
    }

    /// Reads transitions and checks that exactly the last is without a condition.
    private mutating func collected(
        _ items: [Item],
        of outcome: PlacedWord,
        _ findings: inout Findings
    ) -> [TransitionSketch] {
        var transitions: [TransitionSketch] = []
        for (index, item) in items.enumerated() {
            let isLast = index == items.count - 1
            guard let (transition, isGuarded) = transition(item, of: outcome, &findings) else {
                isComplete = false
                continue
            }
            if isLast, isGuarded {
                findings.add(
                    .missingDefault,
                    at: item.place,
                    "The last transition of '\(outcome.text)' has a condition, so a case could be "
                        + "left without a way. Add one without 'when' after it."
                )
            } else if !isLast, !isGuarded {
                findings.add(
                    .badGuard,
                    at: item.place,
                    "This transition of '\(outcome.text)' has no condition, so those after it are "
                        + "never taken. Give it a 'when' or put it last."
                )
            }
            transitions.append(transition)
        }
        return transitions
    }

    private func transition(
        _ item: Item,
        of outcome: PlacedWord,
        _ findings: inout Findings
    ) -> (TransitionSketch, isGuarded: Bool)? {
        let what = "A transition of '\(outcome.text)'"
        guard case .mapping = item.content else {
            guard let target = target(item, &findings) else { return nil }
            return (TransitionSketch(place: item.place, target: target), false)
        }
        guard
            let section = Section(
                item,
                of: what,
                at: item.place,
                keys: ["when", "to", "fork", "join"],
                &findings
            )
        else { return nil }
        let guarded = section["when"].flatMap { GuardReading.read($0, attributes, &findings) }
        let target: TransitionSketch.Target?
        if let forkEntry = section.entry("fork") {
            if let to = section.entry("to") {
                findings.add(
                    .badValue,
                    at: to.key.place,
                    "A transition leads 'to' one step or is a 'fork', "
                        + "not both."
                )
            }
            target = fork(forkEntry, join: section.required("join", &findings), &findings)
        } else {
            if let join = section.entry("join") {
                findings.add(
                    .missingKey,
                    at: join.key.place,
                    "'join' belongs to a 'fork', and none is here."
                )
            }
            target = section.required("to", &findings).flatMap { self.target($0, &findings) }
        }
        guard let target else { return nil }
        let transition = TransitionSketch(place: item.place, guarded: guarded, target: target)
        return (transition, section["when"] != nil)
    }

    private func target(_ item: Item, _ findings: inout Findings) -> TransitionSketch.Target? {
        guard let word = item.word(of: "A target", &findings) else { return nil }
        switch word.text {
        case "closed":
            return .closed
        case "next" where isItinerary:
            return .next
        case "next":
            findings.add(
                .itineraryConflict,
                at: word.place,
                "'next' belongs to an itinerary. Name the step, or 'closed'."
            )
            return nil
        case _ where isItinerary:
            findings.add(
                .itineraryConflict,
                at: word.place,
                "An outcome of an itinerary leads to next or closed, not to "
                    + "\(Suggestion.quoted(word.text))."
            )
            return nil
        case "asker":
            return .asker
        case "previous":
            findings.add(
                .badValue,
                at: word.place,
                "'previous' belongs under 'return'. Name the step here, or 'asker'."
            )
            return nil
        default:
            return .step(word)
        }
    }

    private func fork(
        _ entry: Item.Entry,
        join: Item?,
        _ findings: inout Findings
    ) -> TransitionSketch.Target? {
        guard !isItinerary else {
            findings.add(
                .itineraryConflict,
                at: entry.key.place,
                "An itinerary visits one office after the other and cannot fork."
            )
            return nil
        }
        let joinWord = join.flatMap { $0.word(of: "join", &findings) }
        guard let items = entry.value.list(of: "fork", &findings) else { return nil }
        var branches: [PlacedWord] = []
        for item in items.prefix(Self.branchesMax) {
            guard let word = item.word(of: "A branch", &findings) else { return nil }
            if branches.contains(where: { $0.text == word.text }) {
                findings.add(
                    .badValue,
                    at: word.place,
                    "'\(word.text)' is already a branch of this fork."
                )
            } else {
                branches.append(word)
            }
        }
        if items.count > Self.branchesMax {
            findings.add(
                .tooMany,
                at: items[Self.branchesMax].place,
                "A fork may have \(Self.branchesMax) branches; these are \(items.count)."
            )
        } else if branches.count < 2 {
            findings.add(
                .forkWithoutJoin,
                at: entry.value.place,
                "A fork needs at least two different branches."
            )
        }
        guard let joinWord else { return nil }
        return .fork(branches, join: joinWord)
    }
}
