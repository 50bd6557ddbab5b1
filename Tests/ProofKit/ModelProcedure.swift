// SPDX-License-Identifier: Apache-2.0

/// A procedure as the model knows it: written by hand beside its YAML, sharing no code with the
/// reader, the routing or the queues of the product.
package struct ModelProcedure: Sendable {
    package enum Target: Sendable {
        case step(String)
        case fork([String], join: String)
        case closed
        case asker
        case next
    }

    package enum Return: Sendable {
        case not
        case previous
        case step(String)
    }

    package struct Step: Sendable {
        package var name: String
        package var office: String
        package var outcomes: [(word: String, target: Target)]
        package var attempts = 5
        package var returns = Return.not
        package var refers = false
        /// How many branches a join waits for; nil if it is no join.
        package var need: (@Sendable (Int) -> Int)?
    }

    package var name: String
    package var source: String
    package var steps: [Step]
    package var hopsMax: UInt32
    package var takesItinerary = false
    /// Offices an ad-hoc referral may name.
    package var offices: [String] = []
    /// Actions on closed cases with the step they begin at, if any.
    package var actions: [(word: String, step: String?)] = []

    package func step(_ name: String) -> Step? { steps.first { $0.name == name } }

    // MARK: The procedures of the histories

    /// Two offices one after the other, a loop, a return, ad-hoc referral and all that ends badly.
    package static let line = ModelProcedure(
        name: "line",
        source: """
            procedure: line
            attributes: any
            hops: 6
            offices: {a/one: One, b/two: Two, b/three: Three}
            steps:
              first:
                office: a/one
                term: P1D
                retries: {attempts: 3, backoff: PT10S, longest: PT30S}
                outcomes: {done: second, stop: closed}
              second:
                office: b/two
                term: P2D
                return: previous
                refer: true
                retries: {attempts: 2, backoff: PT1S, longest: PT5S}
                outcomes: {done: closed, again: first}
            after-closing:
              reopen: {to: first}
              rate: {}

            """,
        steps: [
            Step(
                name: "first",
                office: "a/one",
                outcomes: [("done", .step("second")), ("stop", .closed)],
                attempts: 3
            ),
            Step(
                name: "second",
                office: "b/two",
                outcomes: [("done", .closed), ("again", .step("first"))],
                attempts: 2,
                returns: .previous,
                refers: true
            ),
        ],
        hopsMax: 6,
        offices: ["a/one", "b/two", "b/three"],
        actions: [("reopen", "first"), ("rate", nil)]
    )

    /// Forks within forks, joins of all or some, a step that asks for completion.
    package static func opinions(
        join: String,
        need: @escaping @Sendable (Int) -> Int
    ) -> ModelProcedure {
        ModelProcedure(
            name: "opinions",
            source: """
                procedure: opinions
                hops: 40
                offices: {a/desk: Desk, b/one: One, c/two: Two, d/three: Three}
                steps:
                  ask:
                    office: a/desk
                    term: P1D
                    outcomes: {asked: {fork: [one, two, three], join: decide}, stop: closed}
                  one:
                    office: b/one
                    term: P1D
                    return: fix
                    retries: {attempts: 1}
                    outcomes: {given: decide, rejected: closed}
                  two:
                    office: c/two
                    term: P1D
                    retries: {attempts: 1}
                    outcomes: {given: decide, rejected: closed}
                  three:
                    office: d/three
                    term: P1D
                    retries: {attempts: 2, backoff: PT1S, longest: PT5S}
                    outcomes: {given: decide, split: {fork: [left, right], join: together}}
                  left:
                    office: d/three
                    term: P1D
                    retries: {attempts: 2, backoff: PT1S, longest: PT5S}
                    outcomes: {given: together}
                  right:
                    office: d/three
                    term: P1D
                    retries: {attempts: 1}
                    outcomes: {given: together}
                  together:
                    office: d/three
                    term: P1D
                    join: all
                    retries: {attempts: 2, backoff: PT1S, longest: PT5S}
                    outcomes: {given: decide}
                  fix:
                    office: a/desk
                    term: P1D
                    retries: {attempts: 2, backoff: PT1S, longest: PT5S}
                    outcomes: {fixed: asker, withdrawn: closed}
                  decide:
                    office: a/desk
                    term: P1D
                    join: \(join)
                    retries: {attempts: 2, backoff: PT1S, longest: PT5S}
                    outcomes: {granted: closed}

                """,
            steps: [
                Step(
                    name: "ask",
                    office: "a/desk",
                    outcomes: [
                        ("asked", .fork(["one", "two", "three"], join: "decide")),
                        ("stop", .closed),
                    ]
                ),
                Step(
                    name: "one",
                    office: "b/one",
                    outcomes: [("given", .step("decide")), ("rejected", .closed)],
                    attempts: 1,
                    returns: .step("fix")
                ),
                Step(
                    name: "two",
                    office: "c/two",
                    outcomes: [("given", .step("decide")), ("rejected", .closed)],
                    attempts: 1
                ),
                Step(
                    name: "three",
                    office: "d/three",
                    outcomes: [
                        ("given", .step("decide")),
                        ("split", .fork(["left", "right"], join: "together")),
                    ],
                    attempts: 2
                ),
                Step(
                    name: "left",
                    office: "d/three",
                    outcomes: [("given", .step("together"))],
                    attempts: 2
                ),
                Step(
                    name: "right",
                    office: "d/three",
                    outcomes: [("given", .step("together"))],
                    attempts: 1
                ),
                Step(
                    name: "together",
                    office: "d/three",
                    outcomes: [("given", .step("decide"))],
                    attempts: 2,
                    need: { $0 }
                ),
                Step(
                    name: "fix",
                    office: "a/desk",
                    outcomes: [("fixed", .asker), ("withdrawn", .closed)],
                    attempts: 2
                ),
                Step(
                    name: "decide",
                    office: "a/desk",
                    outcomes: [("granted", .closed)],
                    attempts: 2,
                    need: need
                ),
            ],
            hopsMax: 40
        )
    }

    /// A routing slip the submitter writes.
    package static let itinerary = ModelProcedure(
        name: "slip",
        source: """
            procedure: slip
            hops: 20
            attributes: any
            offices: {}
            itinerary:
              title: {en: Stop}
              return: previous
              refer: true
              retries: {attempts: 2, backoff: PT1S, longest: PT5S}
              outcomes:
                forwarded: next
                unrecorded: closed

            """,
        steps: [
            Step(
                name: "itinerary",
                office: "",
                outcomes: [("forwarded", .next), ("unrecorded", .closed)],
                attempts: 2,
                returns: .previous,
                refers: true
            )
        ],
        hopsMax: 20,
        takesItinerary: true
    )

    /// The procedures of a seed: the join of the opinions waits for all, any or two.
    package static func all(seed: UInt64) -> [ModelProcedure] {
        let joins: [(String, @Sendable (Int) -> Int)] = [
            ("all", { $0 }), ("any", { _ in 1 }), ("2", { _ in 2 }),
        ]
        let (join, need) = joins[Int(seed % 3)]
        return [line, opinions(join: join, need: need), itinerary]
    }
}
