// SPDX-License-Identifier: Apache-2.0

/// One version of a declared procedure: the steps a kind of case goes through.
///
/// A published version is immutable, and a case is pinned to the version it began with. Steps refer
/// to each other by their place in `steps`, to offices by name.
package struct Procedure: Equatable, Sendable {
    /// Name of the procedure, the same in all its versions.
    package var name: String
    /// What people call it, by language (`en`, `ar`).
    package var title: [String: String] = [:]
    /// How far the content of its cases may be known.
    package var classification = Classification.restricted
    /// The offices it may use; every step's office is among them.
    package var offices: [OfficeDeclaration] = []
    /// Attributes its cases declare, for guards and for the offices.
    package var attributes: [AttributeDeclaration] = []
    /// Whether a case may carry attributes beyond the declared ones.
    package var takesOtherAttributes = false
    /// Time allowed for the whole case; nil if none is set.
    package var term: Term?
    /// Whether the submitter may set the due instant.
    package var takesDue = false
    /// Hops after which a case is taken for looping and becomes a dead letter, 1...10 000.
    package var hopsMax: UInt32 = 64
    /// The steps, the first is where a case begins.
    ///
    /// Exactly one if the route is an itinerary.
    package var steps: [StepDeclaration] = []
    /// Whether the route is a routing slip given by the submitter, visited office by office under
    /// the one step declared.
    package var takesItinerary = false
    /// What may be done to a case after it closed.
    package var actions: [ActionDeclaration] = []
    /// How long after closing the content of a case is kept; nil for ever.
    package var retention: RetentionPeriod?

    /// A procedure of this name, still empty.
    package init(name: String) { self.name = name }

    /// The place of a step of this name.
    package func stepIndex(named name: String) -> Int? { steps.firstIndex { $0.name == name } }
}

/// An office a procedure uses.
package struct OfficeDeclaration: Equatable, Sendable {
    /// `agency/office`.
    package var name: String
    /// What people call it, by language.
    package var title: [String: String]

    /// An office of this name and title.
    package init(name: String, title: [String: String] = [:]) {
        self.name = name
        self.title = title
    }
}

/// A declared attribute of a case.
package struct AttributeDeclaration: Equatable, Sendable {
    /// The kinds of value an attribute can have.
    package enum Kind: Equatable, Sendable {
        case text
        case integer
        case boolean
        /// One of these words.
        case word([String])
    }

    /// Name, as in the envelope.
    package var name: String
    /// Kind of its value.
    package var kind: Kind
    /// Whether a case without it is refused.
    package var isRequired: Bool

    /// An attribute.
    package init(name: String, kind: Kind, isRequired: Bool = false) {
        self.name = name
        self.kind = kind
        self.isRequired = isRequired
    }
}

/// One stage of a procedure.
package struct StepDeclaration: Equatable, Sendable {
    /// Name, unique in the procedure.
    package var name: String
    /// What people call it, by language.
    package var title: [String: String] = [:]
    /// The office that does it; empty for the one step of an itinerary.
    package var office: String
    /// Time allowed for the step; nil only for the step of an itinerary.
    package var term: Term?
    /// The words the office may close the step with, in declared order, at most 64.
    package var outcomes: [OutcomeDeclaration] = []
    /// Where `return` takes a case.
    package var returns: ReturnRule = .notAllowed
    /// Whether `refer` may send the case to another office first (or, on an itinerary, replace the
    /// rest of it).
    package var mayRefer = false
    /// How long a delivered referral may stay unsettled, in milliseconds, 1 s to 1 h.
    package var leaseMilliseconds: Int64 = 30_000
    /// When and how often a failed delivery is tried again.
    package var retries = RetryRule()
    /// Set on a step where the branches of a fork meet.
    package var join: JoinRule?

    /// A step at this office.
    package init(name: String, office: String) {
        self.name = name
        self.office = office
    }
}

/// A word a step can be closed with, and where the case goes then.
package struct OutcomeDeclaration: Equatable, Sendable {
    /// The word.
    package var name: String
    /// Tried in order; the first whose guard holds is taken.
    package var transitions: [Transition]

    /// An outcome with these transitions.
    package init(name: String, transitions: [Transition]) {
        self.name = name
        self.transitions = transitions
    }
}

/// One way out of a step.
package struct Transition: Equatable, Sendable {
    /// Where a transition leads.
    package enum Target: Equatable, Sendable {
        /// To one step.
        case step(Int)
        /// To several steps at once, meeting again at the step `join`.
        case fork([Int], join: Int)
        /// Back to the step that returned the case here; to the first step if none did.
        case asker
        /// On to the next office of the itinerary, or closed after the last.
        case next
        /// The case ends with this outcome as its result.
        case closed
    }

    /// Condition on the attributes of the case; nil if it always holds.
    package var guarded: Guard?
    /// Where it leads.
    package var target: Target

    /// A transition.
    package init(guarded: Guard? = nil, target: Target) {
        self.guarded = guarded
        self.target = target
    }
}

/// A comparison of one declared attribute with a constant.
package struct Guard: Equatable, Sendable {
    /// How the two are compared; order only for integers.
    package enum Comparison: String, CaseIterable, Equatable, Sendable {
        case equal = "=="
        case notEqual = "!="
        case less = "<"
        case lessOrEqual = "<="
        case greater = ">"
        case greaterOrEqual = ">="
    }

    /// Name of the attribute.
    package var attribute: String
    /// How it is compared.
    package var comparison: Comparison
    /// The constant, as the attribute is written in envelopes.
    package var constant: String

    /// A guard.
    package init(attribute: String, comparison: Comparison, constant: String) {
        self.attribute = attribute
        self.comparison = comparison
        self.constant = constant
    }

    /// Whether the guard holds.
    ///
    /// A missing attribute satisfies only `!=`.
    package func holds(for value: String?) -> Bool {
        guard let value else { return comparison == .notEqual }
        if let left = Int64(value), let right = Int64(constant) {
            return switch comparison {
            case .equal: left == right
            case .notEqual: left != right
            case .less: left < right
            case .lessOrEqual: left <= right
            case .greater: left > right
            case .greaterOrEqual: left >= right
            }
        }
        return switch comparison {
        case .equal: value == constant
        case .notEqual: value != constant
        default: false
        }
    }
}

/// Where `return` takes a case from a step.
package enum ReturnRule: Equatable, Sendable {
    /// The step cannot return a case.
    case notAllowed
    /// To the step the case came from.
    case previous
    /// To this step, which may answer with the target `asker`.
    case step(Int)
}

/// When the branches of a fork count as met.
package enum JoinRule: Equatable, Sendable {
    /// All of them.
    case all
    /// The first to arrive; the others are withdrawn.
    case any
    /// This many; the others are withdrawn.
    case atLeast(Int)

    /// How many of `count` branches must arrive.
    package func need(of count: Int) -> Int {
        switch self {
        case .all: count
        case .any: 1
        case .atLeast(let need): min(need, count)
        }
    }
}

/// When and how often a failed delivery is tried again: exponential backoff with jitter.
package struct RetryRule: Equatable, Sendable {
    /// Deliveries that may fail before the referral becomes a dead letter, 1...1000.
    package var attemptsMax: UInt32 = 5
    /// Pause after the first failure, in milliseconds; doubles with each further one.
    package var backoffMilliseconds: Int64 = 1_000
    /// Longest pause, in milliseconds.
    package var backoffMillisecondsMax: Int64 = 300_000

    /// The default: 5 attempts, 1 s doubling up to 5 min.
    package init() {}

    /// The pause before the next delivery.
    ///
    /// - Parameters:
    ///   - attempts: Deliveries that failed so far, at least 1.
    ///   - random: Any word; spreads the pause over the upper half of its length.
    /// - Returns: Milliseconds.
    package func pauseMilliseconds(after attempts: UInt32, random: UInt64) -> Int64 {
        let doublings = min(attempts > 0 ? attempts - 1 : 0, 30)
        let (product, overflow) = backoffMilliseconds.multipliedReportingOverflow(
            by: Int64(1) << Int64(doublings)
        )
        let pause = overflow ? backoffMillisecondsMax : min(product, backoffMillisecondsMax)
        let half = UInt64(max(pause / 2, 1))
        return pause - Int64(random % half)
    }
}

/// Something that may be done to a case after it closed.
package struct ActionDeclaration: Equatable, Sendable {
    /// Name, as in the envelope, such as `reopen`, `appeal` or `rate`.
    package var name: String
    /// The step the case goes on at; nil if the action only leaves a record.
    package var step: Int?
    /// Time after closing in which it is allowed; nil if always.
    package var within: Term?

    /// An action.
    package init(name: String, step: Int?, within: Term?) {
        self.name = name
        self.step = step
        self.within = within
    }
}
