// SPDX-License-Identifier: Apache-2.0

import Rules

/// A route whose steps refer to each other by place in the list, with what the checks need to
/// point at the text.
struct ResolvedRoute {
    /// A fork as it was written, for the checks.
    struct Fork {
        var branches: [(step: Int, place: Place)]
        var join: (step: Int, place: Place)
    }

    /// The steps, the first is where a case begins.
    var steps: [StepDeclaration] = []
    /// Where the name of each step stands.
    var places: [Place] = []
    /// Where the `join` rule of each step stands.
    var joinPlaces: [Place?] = []
    var forks: [Fork] = []
    /// Where a target `asker` stands, and in which step.
    var askers: [(step: Int, place: Place)] = []
    var actions: [ActionDeclaration] = []
    /// Whether every reference was found; if not, what seems unreachable may not be.
    var isComplete = true
}

/// Turns names of steps into their places in the list.
struct RouteResolution {
    private let sketch: RouteSketch
    private let indexes: [String: Int]
    private let names: [String]
    private var route = ResolvedRoute()

    /// Resolves a route; a reference to an unknown step is noted and left out.
    static func resolve(_ sketch: RouteSketch, _ findings: inout Findings) -> ResolvedRoute {
        var resolution = RouteResolution(startingFirst(sketch, &findings))
        resolution.resolve(&findings)
        return resolution.route
    }

    private init(_ sketch: RouteSketch) {
        self.sketch = sketch
        names = sketch.steps.map(\.name.text)
        indexes = Dictionary(
            zip(names, names.indices),
            uniquingKeysWith: { first, _ in first }
        )
    }

    /// The route with its start step moved to the front; the others keep their order.
    private static func startingFirst(
        _ sketch: RouteSketch,
        _ findings: inout Findings
    ) -> RouteSketch {
        guard let start = sketch.start, !sketch.steps.isEmpty else { return sketch }
        var route = sketch
        guard let index = route.steps.firstIndex(where: { $0.name.text == start.text }) else {
            findings.add(
                .unknownStep,
                at: start.place,
                unknownText(start.text, among: route.steps.map(\.name.text))
            )
            route.isComplete = false
            return route
        }
        route.steps.insert(route.steps.remove(at: index), at: 0)
        return route
    }

    private mutating func resolve(_ findings: inout Findings) {
        route.isComplete = sketch.isComplete
        route.places = sketch.steps.map(\.name.place)
        route.joinPlaces = sketch.steps.map(\.joinPlace)
        for (index, step) in sketch.steps.enumerated() {
            var declaration = step.declaration
            if let word = step.returnsTo, let target = find(word, &findings) {
                declaration.returns = .step(target)
            }
            for outcome in step.outcomes {
                var transitions: [Transition] = []
                for transition in outcome.transitions {
                    guard let target = target(of: transition, in: index, &findings) else {
                        route.isComplete = false
                        continue
                    }
                    transitions.append(Transition(guarded: transition.guarded, target: target))
                }
                declaration.outcomes.append(
                    OutcomeDeclaration(name: outcome.name.text, transitions: transitions)
                )
            }
            route.steps.append(declaration)
        }
        for action in sketch.actions {
            let step = action.step.flatMap { find($0, &findings) }
            route.actions.append(
                ActionDeclaration(name: action.name, step: step, within: action.within)
            )
        }
    }

    private mutating func target(
        of transition: TransitionSketch,
        in step: Int,
        _ findings: inout Findings
    ) -> Transition.Target? {
        switch transition.target {
        case .closed:
            return .closed
        case .next:
            return .next
        case .asker:
            route.askers.append((step, transition.place))
            return .asker
        case .step(let word):
            return find(word, &findings).map { .step($0) }
        case .fork(let words, let joinWord):
            var branches: [(step: Int, place: Place)] = []
            for word in words {
                guard let branch = find(word, &findings) else { continue }
                branches.append((branch, word.place))
            }
            guard let join = find(joinWord, &findings), branches.count == words.count else {
                return nil
            }
            route.forks.append(
                ResolvedRoute.Fork(branches: branches, join: (join, joinWord.place))
            )
            return .fork(branches.map(\.step), join: join)
        }
    }

    private mutating func find(_ word: PlacedWord, _ findings: inout Findings) -> Int? {
        if let index = indexes[word.text] { return index }
        route.isComplete = false
        // Where no steps could be read, that alone is the fault.
        guard !names.isEmpty else { return nil }
        findings.add(.unknownStep, at: word.place, Self.unknownText(word.text, among: names))
        return nil
    }

    private static func unknownText(_ name: String, among names: [String]) -> String {
        "There is no step \(Suggestion.quoted(name))."
            + Suggestion.text(for: name, among: names + ["closed", "asker"])
    }
}
