// SPDX-License-Identifier: Apache-2.0

import Rules

/// Checks the shape of a route: that every step can be reached and left, and that what forks
/// meets again.
struct RouteCheck {
    private let route: ResolvedRoute
    /// Steps the outcomes of each step lead to.
    private let ways: [[Int]]
    /// Steps a `return` leads to from each step.
    private let returns: [[Int]]

    /// Notes everything wrong with the shape of this route.
    static func check(_ route: ResolvedRoute, _ findings: inout Findings) {
        let check = RouteCheck(route)
        // A reference that could not be read may be the missing way, so both would be guesses.
        if route.isComplete {
            check.checkReach(&findings)
            check.checkEnds(&findings)
            check.checkAskers(&findings)
        }
        check.checkJoins(&findings)
        check.checkForks(&findings)
    }

    private init(_ route: ResolvedRoute) {
        self.route = route
        let forward = route.steps.map(Self.forwardWays)
        var returns: [[Int]] = Array(repeating: [], count: route.steps.count)
        for (index, step) in route.steps.enumerated() {
            switch step.returns {
            case .notAllowed: break
            case .previous: returns[index] = forward.indices.filter { forward[$0].contains(index) }
            case .step(let target): returns[index] = [target]
            }
        }
        self.returns = returns
        var ways = forward
        for step in Set(route.askers.map(\.step)) {
            ways[step].formUnion(returns.indices.filter { returns[$0].contains(step) })
        }
        self.ways = ways.map { $0.sorted() }
    }

    private static func forwardWays(of step: StepDeclaration) -> Set<Int> {
        var ways: Set<Int> = []
        for transition in step.outcomes.flatMap(\.transitions) {
            switch transition.target {
            case .step(let index):
                ways.insert(index)
            case .fork(let branches, let join):
                ways.formUnion(branches)
                ways.insert(join)
            case .asker, .next, .closed:
                break
            }
        }
        return ways
    }

    private func name(_ index: Int) -> String { Suggestion.quoted(route.steps[index].name) }

    /// Every step must be reachable from the start, a return or an action after closing.
    private func checkReach(_ findings: inout Findings) {
        let roots = (route.steps.isEmpty ? [] : [0]) + route.actions.compactMap(\.step)
        let reached = steps(reachedFrom: roots) { ways[$0] + returns[$0] }
        for index in route.steps.indices where !reached.contains(index) {
            findings.add(
                .unreachableStep,
                at: route.places[index],
                "No way leads to the step \(name(index)). Name it in an outcome of another step, "
                    + "or remove it."
            )
        }
    }

    /// From every step, outcomes must lead to closing; a return goes back and does not count.
    private func checkEnds(_ findings: inout Findings) {
        let ending = steps(leadingTo: route.steps.indices.filter(closes))
        for index in route.steps.indices where !ending.contains(index) {
            let reason =
                route.steps[index].outcomes.isEmpty
                ? "The step \(name(index)) has no outcomes, so a case could never leave it."
                : "From the step \(name(index)) no way leads to closing."
            findings.add(
                .deadEnd,
                at: route.places[index],
                reason + " Let an outcome lead to 'closed' or to a step that does."
            )
        }
    }

    private func checkAskers(_ findings: inout Findings) {
        let asked = Set(returns.joined())
        for asker in route.askers where !asked.contains(asker.step) {
            findings.add(
                .askerWithoutReturn,
                at: asker.place,
                "No step returns a case to \(name(asker.step)), so there is no asker to go back "
                    + "to. Name a step, or let one 'return' here."
            )
        }
    }

    /// Every join rule must have a fork, and no more branches to wait for than the fork has.
    private func checkJoins(_ findings: inout Findings) {
        for index in route.steps.indices {
            guard let place = route.joinPlaces[index] else { continue }
            let forks = route.forks.filter { $0.join.step == index }
            if forks.isEmpty, route.isComplete {
                findings.add(
                    .joinWithoutFork,
                    at: place,
                    "No fork names \(name(index)) as its join. Remove the rule, or name it in a "
                        + "fork."
                )
            }
            if case .atLeast(let need) = route.steps[index].join,
                let fork = forks.first(where: { $0.branches.count < need })
            {
                findings.add(
                    .badValue,
                    at: place,
                    "\(name(index)) waits for \(need) branches, but the fork in line "
                        + "\(fork.join.place.line) has only \(fork.branches.count)."
                )
            }
        }
    }

    /// Every fork must meet at a step made for it, and each branch must get there or close.
    private func checkForks(_ findings: inout Findings) {
        let closing = Set(route.steps.indices.filter(closes))
        var arrivingAt: [Int: Set<Int>] = [:]
        for fork in route.forks {
            let join = fork.join.step
            if route.joinPlaces[join] == nil {
                findings.add(
                    .forkWithoutJoin,
                    at: fork.join.place,
                    "The step \(name(join)) has no join rule. Give it 'join: all', 'any' or a "
                        + "number."
                )
            }
            let goals = route.steps.indices.filter { $0 == join || closing.contains($0) }
            let arriving = arrivingAt[join] ?? steps(leadingTo: goals)
            arrivingAt[join] = arriving
            for branch in fork.branches {
                if branch.step == join {
                    findings.add(
                        .badValue,
                        at: branch.place,
                        "The join \(name(join)) cannot be a branch of its own fork."
                    )
                } else if route.isComplete, !arriving.contains(branch.step) {
                    findings.add(
                        .branchAstray,
                        at: branch.place,
                        "The branch \(name(branch.step)) leads neither to the join \(name(join)) "
                            + "nor to closing."
                    )
                }
            }
        }
    }

    /// Whether some outcome of the step closes the case, at the latest after the last stop.
    private func closes(_ index: Int) -> Bool {
        route.steps[index].outcomes.flatMap(\.transitions).contains {
            $0.target == .closed || $0.target == .next
        }
    }

    private func steps(leadingTo goals: [Int]) -> Set<Int> {
        var back: [[Int]] = Array(repeating: [], count: ways.count)
        for (index, targets) in ways.enumerated() {
            for target in targets { back[target].append(index) }
        }
        return steps(reachedFrom: goals) { back[$0] }
    }

    private func steps(reachedFrom roots: [Int], by ways: (Int) -> [Int]) -> Set<Int> {
        var reached = Set(roots)
        var waiting = roots
        while let index = waiting.popLast() {
            for target in ways(index) where reached.insert(target).inserted {
                waiting.append(target)
            }
        }
        return reached
    }
}
