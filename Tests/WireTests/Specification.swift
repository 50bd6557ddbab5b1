// SPDX-License-Identifier: Apache-2.0

import TestKit

/// `Protocols/bus.md`, taken apart as far as the tests compare it with the code.
struct Specification {
    /// A section `### verb (number)` and the names in the first column of its table.
    struct VerbSection {
        let name: String
        let number: Int
        let fields: Set<String>
    }

    private let lines: [Substring]

    init() throws {
        lines = try Checkout.text(of: "bus.md").split(separator: "\n")
    }

    /// The sections of the verbs, in the order of the file.
    var verbs: [VerbSection] {
        lines.filter { $0.hasPrefix("### `") }.compactMap { heading in
            let parts = heading.split(separator: "`")
            guard parts.count == 3, let number = Int(parts[2].filter(\.isNumber)) else {
                return nil
            }
            let fields = rows(under: String(heading)).compactMap { row -> String? in
                row[0].hasPrefix("`") ? row[0].filter { $0 != "`" } : nil
            }
            return VerbSection(name: String(parts[1]), number: number, fields: Set(fields))
        }
    }

    /// The table rows between this heading and the next, as trimmed cells.
    func rows(under heading: String) -> [[String]] {
        guard let start = lines.firstIndex(where: { $0 == heading }) else { return [] }
        return lines[(start + 1)...].prefix { !$0.hasPrefix("#") }.filter { $0.hasPrefix("|") }
            .map { line in
                line.dropFirst().dropLast()
                    .split(separator: "|", omittingEmptySubsequences: false)
                    .map { $0.split(separator: " ").joined(separator: " ") }
            }
    }
}
