// SPDX-License-Identifier: Apache-2.0

/// One thing wrong with a declaration, at a line and column of its text.
package struct DeclarationFault: Error, Equatable, Sendable, CustomStringConvertible {
    /// What kind of fault it is; stable, for programs.
    package enum Code: String, CaseIterable, Equatable, Sendable {
        /// The text is not YAML, is empty, is too large or holds more than one document.
        case invalidYAML
        /// An anchor, an alias or a tag: values must be written out.
        case aliasNotTaken
        case unknownKey
        case missingKey
        /// A list where a word belongs, and the like.
        case wrongKind
        case duplicateKey
        case illegalName
        case unknownOffice
        case unknownStep
        case unknownAttribute
        /// No way leads to the step.
        case unreachableStep
        /// No way leads from the step to closing.
        case deadEnd
        /// A step has a `join` rule, but no fork names it.
        case joinWithoutFork
        /// A fork names a step without a `join` rule, or has fewer than two branches.
        case forkWithoutJoin
        /// A branch of a fork leads neither to the join nor to closing.
        case branchAstray
        /// `asker` in a step that no return leads to.
        case askerWithoutReturn
        case missingTerm
        case badTerm
        case badGuard
        /// The last transition of an outcome is guarded, so a case could get stuck.
        case missingDefault
        case badValue
        case tooMany
        /// `itinerary` beside `steps`, or a word that only one of the two kinds of route knows.
        case itineraryConflict
    }

    /// Line, from 1.
    package var line: Int
    /// Column, from 1, counted in Unicode scalars.
    package var column: Int
    /// What kind of fault it is.
    package var code: Code
    /// What is wrong and what to write instead: one or two plain sentences.
    package var text: String

    /// A fault at a place.
    package init(line: Int, column: Int, code: Code, text: String) {
        self.line = line
        self.column = column
        self.code = code
        self.text = text
    }

    /// `line:column: text`, as compilers write it.
    package var description: String { "\(line):\(column): \(text)" }
}

/// Everything wrong with a declaration.
package struct DeclarationFaults: Error, Equatable, Sendable, CustomStringConvertible {
    /// The faults in order of their places, at least one, at most `shownMax`.
    package let faults: [DeclarationFault]
    /// How many more there are.
    package let omitted: Int

    /// Faults shown for one text.
    package static let shownMax = 100

    /// One fault a line.
    package var description: String {
        var lines = faults.map(\.description)
        if omitted > 0 { lines.append("\(omitted) more faults are not shown.") }
        return lines.joined(separator: "\n")
    }
}
