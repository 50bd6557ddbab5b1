// SPDX-License-Identifier: Apache-2.0

/// A column of a table.
struct Column: Equatable {
    let name: String
    var isNumber = false
}

/// Something a list shows a row of.
protocol Listed: Codable {
    static var columns: [Column] { get }
    /// As many as there are columns.
    var cells: [String] { get }
}

/// Rows under a heading, aligned by what each character takes on a terminal.
struct TextTable {
    private let columns: [Column]
    private let rows: [[String]]
    private static let gap = "  "

    init(columns: [Column], rows: [[String]]) {
        self.columns = columns
        self.rows = [columns.map { $0.name.uppercased() }] + rows.map { $0.map(shown) }
    }

    /// The heading and the rows; the last column is cut where a line would be wider than `width`.
    func lines(width: Int) -> [String] {
        let widths = columns.indices.map { column in
            rows.map { displayWidth($0[column]) }.max() ?? 0
        }
        let others = widths.dropLast().reduce(0) { $0 + $1 + Self.gap.count }
        let room = max(width - others, 12)
        return rows.map { row in
            let cells = columns.indices.map { column in
                if columns[column].isNumber {
                    return padded(row[column], to: widths[column], isRight: true)
                }
                let isLast = column == columns.count - 1
                return isLast ? cut(row[column], to: room) : padded(row[column], to: widths[column])
            }
            return cells.joined(separator: Self.gap)
        }
    }
}

/// A text filled with blanks to a width in columns.
func padded(_ text: String, to width: Int, isRight: Bool = false) -> String {
    let fill = String(repeating: " ", count: max(0, width - displayWidth(text)))
    return isRight ? fill + text : text + fill
}

/// A text, cut and ended with `…` where it is wider than `width` columns.
func cut(_ text: String, to width: Int) -> String {
    guard displayWidth(text) > width else { return text }
    var taken = ""
    var used = 1
    for character in text {
        used += displayWidth(String(character))
        guard used <= width else { break }
        taken.append(character)
    }
    return taken + "…"
}
