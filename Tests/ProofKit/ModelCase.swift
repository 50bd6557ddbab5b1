// SPDX-License-Identifier: Apache-2.0

import Rules

/// A promise found broken.
package struct Violation: Error, CustomStringConvertible {
    /// What was watching.
    package enum Checker: String {
        /// No acknowledged act is lost.
        case lost = "L"
        /// Nothing is applied twice, no case is at two desks.
        case twice = "D"
        /// The trail tells the state.
        case trail = "T"
        /// First come, first served; the acts of a case in order.
        case order = "O"
        /// The hash chain is whole.
        case hash = "H"
        /// Every request is answered, by one answer.
        case answered = "A"
        /// Memory and queues are bounded.
        case bounded = "B"
    }

    package let checker: Checker
    package let text: String

    package var description: String { "\(checker.rawValue): \(text)" }

    package init(_ checker: Checker, _ text: String) {
        self.checker = checker
        self.text = text
    }
}

/// One branch of a case, as the model has it.
package struct ModelToken {
    package enum State { case waiting, custody, dead }

    package var referral: UInt64
    package var office: String
    package var step: String
    package var lane: UInt8
    package var fork: UInt64 = 0
    package var slot: UInt32 = 0
    package var attempts: UInt32 = 0
    package var hops: UInt32 = 0
    package var asker: String?
    package var previous: String?
    package var previousOffice: String?
    package var state = State.waiting
}

/// Branches under way that meet at a join, as the model has them.
package struct ModelFork: Equatable {
    package var parent: UInt64
    package var join: String
    package var need: Int
    package var branches: Int
    package var arrived = 0
}

/// A case of the model: told act by act what was done, it predicts where the case must be.
///
/// Written from the specification and the declarations, not from the product's routing.
package struct ModelCase {
    package let procedure: ModelProcedure
    package var tokens: [ModelToken] = []
    package var forks: [UInt64: ModelFork] = [:]
    package var itinerary: [String] = []
    package var isClosed = false
    package var result = ""
    /// Branches withdrawn by acts whose cause has not been read yet.
    package var withdrawn: Set<UInt64> = []
    /// Referrals that have left for good.
    package var settled: Set<UInt64> = []

    package init(procedure: ModelProcedure) { self.procedure = procedure }

    /// What an act must have done.
    package struct Prediction {
        package var entering: [ModelToken] = []
        package var withdrawn: Set<UInt64> = []
        package var closes = false
        package var waitsAtJoin = false
        package var isDead = false
    }

    // MARK: Where it goes

    private func token(
        _ settled: ModelToken,
        entering step: String,
        office: String? = nil
    ) -> ModelToken {
        ModelToken(
            referral: 0,
            office: office ?? procedure.step(step)?.office ?? "",
            step: step,
            lane: settled.lane,
            fork: settled.fork,
            slot: settled.slot,
            hops: settled.hops + 1,
            previous: settled.step,
            previousOffice: settled.office
        )
    }

    /// Completing a step with the outcome at a place.
    package mutating func complete(_ token: ModelToken, outcome: Int, position: UInt64)
        -> Prediction?
    {
        guard let step = procedure.step(token.step), step.outcomes.indices.contains(outcome) else {
            return nil
        }
        let (word, target) = step.outcomes[outcome]
        switch target {
        case .closed: return close(token, result: word)
        case .step(let name): return enter(name, from: token)
        case .asker: return enter(token.asker ?? procedure.steps[0].name, from: token)
        case .next:
            let slot = Int(token.slot) + 1
            guard slot < itinerary.count else { return close(token, result: word) }
            return visit(slot, from: token)
        case .fork(let names, let join):
            let need = procedure.step(join)?.need?(names.count) ?? names.count
            forks[position] = ModelFork(
                parent: token.fork,
                join: join,
                need: min(need, names.count),
                branches: names.count
            )
            return loops(
                names.map { name in
                    var next = self.token(token, entering: name)
                    next.fork = position
                    return next
                }
            )
        }
    }

    /// Ends the case at a settled branch.
    private mutating func close(_ token: ModelToken, result: String) -> Prediction {
        let others = tokens.map(\.referral).filter { $0 != token.referral }
        self.result = result
        forks.removeAll()
        return Prediction(withdrawn: Set(others), closes: true)
    }

    private mutating func enter(_ name: String, from token: ModelToken) -> Prediction {
        var next = self.token(token, entering: name)
        var fired: Set<UInt64> = []
        while let fork = forks[next.fork], fork.join == name {
            guard fork.arrived + 1 >= fork.need else {
                forks[next.fork]?.arrived += 1
                return Prediction(
                    withdrawn: withdraw(fired, besides: token.referral),
                    waitsAtJoin: true
                )
            }
            fired.insert(next.fork)
            next.fork = fork.parent
        }
        var prediction = loops([next])
        prediction.withdrawn = withdraw(fired, besides: token.referral)
        return prediction
    }

    /// Takes out forks that fired and those within them; returns the branches left inside.
    private mutating func withdraw(_ fired: Set<UInt64>, besides settled: UInt64) -> Set<UInt64> {
        guard !fired.isEmpty else { return [] }
        var inside: Set<UInt64> = []
        var ended = fired
        for token in tokens where token.referral != settled {
            let chain = chain(of: token.fork)
            guard let place = chain.firstIndex(where: { fired.contains($0) }) else { continue }
            inside.insert(token.referral)
            ended.formUnion(chain[...place])
        }
        for fork in ended { forks[fork] = nil }
        return inside
    }

    private func chain(of fork: UInt64) -> [UInt64] {
        var chain: [UInt64] = []
        var next = fork
        while next != 0, let found = forks[next] {
            chain.append(next)
            next = found.parent
        }
        return chain
    }

    private func visit(_ slot: Int, from token: ModelToken) -> Prediction {
        var next = self.token(token, entering: token.step, office: itinerary[slot])
        next.slot = UInt32(slot)
        return loops([next])
    }

    private func loops(_ entering: [ModelToken]) -> Prediction {
        Prediction(
            entering: entering,
            isDead: entering.contains { $0.hops > procedure.hopsMax }
        )
    }

    /// Going back to where the branch came from; nil at the first.
    package func goBack(_ token: ModelToken) -> Prediction? {
        if procedure.takesItinerary {
            guard token.slot > 0 else { return nil }
            return visit(Int(token.slot) - 1, from: token)
        }
        guard let previous = token.previous else { return nil }
        return back(to: previous, from: token)
    }

    /// Returning a branch; nil where the step cannot.
    package func giveBack(_ token: ModelToken) -> Prediction? {
        switch procedure.step(token.step)?.returns {
        case .previous: goBack(token)
        case .step(let name): back(to: name, from: token)
        case .not, nil: nil
        }
    }

    private func back(to name: String, from token: ModelToken) -> Prediction {
        let office = token.previous == name ? token.previousOffice : nil
        var next = self.token(token, entering: name, office: office)
        next.asker = token.step
        return loops([next])
    }

    /// Refusing custody: back, or a dead letter at the first office.
    package func refuse(_ token: ModelToken) -> Prediction {
        if let back = goBack(token) { return back }
        var dead = token
        dead.attempts = token.attempts
        return Prediction(entering: [dead], isDead: true)
    }

    /// Sending a branch to other offices first.
    package mutating func refer(_ token: ModelToken, to offices: [String]) -> Prediction? {
        guard let office = offices.first else { return nil }
        if procedure.takesItinerary {
            itinerary = Array(itinerary.prefix(Int(token.slot) + 1)) + offices
            return visit(Int(token.slot) + 1, from: token)
        }
        var next = token
        next.referral = 0
        next.office = office
        next.attempts = 0
        next.hops += 1
        return loops([next])
    }

    /// Taking a dead branch out for good; another branch may go on because it waited for this one.
    package mutating func dismiss(_ token: ModelToken) -> Prediction {
        var next = token
        next.hops = 0
        var number = token.fork
        while var fork = forks[number] {
            if fork.branches == 1 {
                forks[number] = nil
                number = fork.parent
                continue
            }
            fork.branches -= 1
            fork.need = min(fork.need, fork.branches)
            guard fork.arrived >= fork.need else {
                forks[number] = fork
                return Prediction()
            }
            return join(after: next, at: number, fork)
        }
        result = "dismissed"
        forks.removeAll()
        return Prediction(closes: true)
    }

    private mutating func join(
        after token: ModelToken,
        at number: UInt64,
        _ fork: ModelFork
    ) -> Prediction {
        var fired: Set = [number]
        var next = self.token(token, entering: fork.join)
        next.fork = fork.parent
        while let outer = forks[next.fork], outer.join == fork.join {
            guard outer.arrived + 1 >= outer.need else {
                forks[next.fork]?.arrived += 1
                return Prediction(withdrawn: withdraw(fired, besides: token.referral))
            }
            fired.insert(next.fork)
            next.fork = outer.parent
        }
        return Prediction(
            entering: [next],
            withdrawn: withdraw(fired, besides: token.referral)
        )
    }
}
