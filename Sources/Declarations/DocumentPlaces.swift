// SPDX-License-Identifier: Apache-2.0

import Yams

extension Document {
    func place(of node: Node) -> Place {
        node.mark.map { Place(line: $0.line, column: $0.column) } ?? .top
    }

    static func place(of index: Int, in scalars: [Unicode.Scalar]) -> Place {
        var place = Place.top
        for position in scalars[..<index].indices { advance(&place, over: position, in: scalars) }
        return place
    }

    static func index(of place: Place, in scalars: [Unicode.Scalar]) -> Int? {
        var current = Place.top
        for index in scalars.indices {
            if current == place { return index }
            advance(&current, over: index, in: scalars)
        }
        return nil
    }

    /// Counts lines as the parser does: CR, LF, CRLF, NEL, LS and PS end one.
    private static func advance(
        _ place: inout Place,
        over index: Int,
        in scalars: [Unicode.Scalar]
    ) {
        let isBreak: Bool =
            switch scalars[index] {
            case "\r": index + 1 == scalars.count || scalars[index + 1] != "\n"
            case "\n", "\u{85}", "\u{2028}", "\u{2029}": true
            default: false
            }
        place =
            isBreak
            ? Place(line: place.line + 1, column: 1)
            : Place(line: place.line, column: place.column + 1)
    }

    /// Where and why the parser stopped, in its own words.
    static func describe(_ error: any Error) -> (Place, String) {
        switch error {
        case YamlError.scanner(let context, let problem, let mark, _),
            YamlError.parser(let context, let problem, let mark, _),
            YamlError.composer(let context, let problem, let mark, _):
            let place = Place(line: mark.line, column: mark.column)
            if problem.hasPrefix("Maximum nesting level") {
                return (place, "lists and mappings are nested too deeply")
            }
            guard let context else { return (place, problem) }
            return (place, "\(problem) \(context.text) (begun in line \(context.mark.line))")
        case YamlError.reader(let problem, _, _, _):
            return (.top, problem)
        default:
            return (.top, "the parser gave up")
        }
    }
}
