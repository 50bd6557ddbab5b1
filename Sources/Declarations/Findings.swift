// SPDX-License-Identifier: Apache-2.0

/// A place in the text, counted from 1.
struct Place: Hashable, Comparable {
    /// The beginning of the text.
    static let top = Place(line: 1, column: 1)

    var line: Int
    var column: Int

    static func < (left: Place, right: Place) -> Bool {
        (left.line, left.column) < (right.line, right.column)
    }
}

/// A word of the text and where it stands.
struct PlacedWord: Equatable {
    var text: String
    var place: Place
}

/// The faults found so far in one reading.
struct Findings {
    private var faults: [DeclarationFault] = []
    private var omitted = 0

    var isEmpty: Bool { faults.isEmpty }

    /// Notes a fault.
    ///
    /// Beyond the limit it is only counted, and its text never made, so that a
    /// text full of faults costs no more than one with many.
    mutating func add(
        _ code: DeclarationFault.Code,
        at place: Place,
        _ text: @autoclosure () -> String
    ) {
        guard faults.count < DeclarationFaults.shownMax else {
            omitted += 1
            return
        }
        faults.append(
            DeclarationFault(line: place.line, column: place.column, code: code, text: text())
        )
    }

    /// What was found, in order of place; faults at one place stay in the order of finding.
    var sorted: DeclarationFaults {
        let ordered = faults.enumerated().sorted { left, right in
            (left.element.line, left.element.column, left.offset)
                < (right.element.line, right.element.column, right.offset)
        }
        return DeclarationFaults(faults: ordered.map(\.element), omitted: omitted)
    }
}
