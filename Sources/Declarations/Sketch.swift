// SPDX-License-Identifier: Apache-2.0

import Rules

/// A route as it was written: steps still refer to each other by name.
struct RouteSketch {
    var steps: [StepSketch] = []
    /// The step declared as `start`.
    var start: PlacedWord?
    var actions: [ActionSketch] = []
    /// Whether all of it could be read; if not, what seems unreachable may not be.
    var isComplete = true
}

/// A step as it was written.
struct StepSketch {
    var name: PlacedWord
    /// All but what refers to other steps.
    var declaration: StepDeclaration
    /// The step named under `return`.
    var returnsTo: PlacedWord?
    /// Where its `join` rule stands.
    var joinPlace: Place?
    var outcomes: [OutcomeSketch] = []
}

/// An outcome as it was written.
struct OutcomeSketch {
    var name: PlacedWord
    var transitions: [TransitionSketch]
}

/// A transition as it was written.
struct TransitionSketch {
    /// Where a transition leads, by name.
    enum Target {
        case closed
        case next
        case asker
        case step(PlacedWord)
        case fork([PlacedWord], join: PlacedWord)
    }

    var place: Place
    var guarded: Guard?
    var target: Target
}

/// An action after closing as it was written.
struct ActionSketch {
    var name: String
    var step: PlacedWord?
    var within: Term?
}
