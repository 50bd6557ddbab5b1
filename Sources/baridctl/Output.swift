// SPDX-License-Identifier: Apache-2.0

import Control
import FoundationEssentials
import Glibc
import Platform

/// Where and how results are shown: data on standard output, messages on standard error.
struct Output {
    enum Form: Equatable {
        /// For people, at most this many columns wide.
        case table(columns: Int)
        /// For scripts: tab-separated, no heading.
        case lines
        /// For programs: one object.
        case json
        /// For programs that read as it comes: an object a line.
        case rows
    }

    let form: Form
    let isColored: Bool

    /// Shows rows; `schema` names their JSON form, without version.
    func list<Row: Listed>(_ rows: [Row], schema: String) throws(OperatorFault) {
        switch form {
        case .json: try json(Rows(rows: rows, schema: Self.versioned(schema)))
        case .rows: for row in rows { try json(row) }
        case .lines: for row in rows { print(tabbed(row.cells)) }
        case .table(let columns):
            let table = TextTable(columns: Row.columns, rows: rows.map(\.cells))
            for (index, line) in table.lines(width: columns).enumerated() {
                print(index == 0 ? styled(line, .bold) : line)
            }
            if rows.isEmpty { message("There is nothing to list.") }
        }
    }

    /// Shows rows that are JSON already, for programs.
    func list(asJSON rows: [[UInt8]], schema: String) {
        guard form == .json else {
            for row in rows { print(String(decoding: row, as: UTF8.self)) }
            return
        }
        let text = String(decoding: Array(rows.joined(separator: ",".utf8)), as: UTF8.self)
        print(#"{"rows":[\#(text)],"schema":"\#(Self.versioned(schema))"}"#)
    }

    /// Shows one object, on a terminal and in a pipe by the lines given.
    func show(
        _ object: some Encodable,
        schema: String,
        lines: () -> [String]
    ) throws(OperatorFault) {
        switch form {
        case .json: try json(Object(result: object, schema: Self.versioned(schema)))
        case .rows: try json(object)
        case .lines, .table: for line in lines() { print(line) }
        }
    }

    /// Shows a row of a stream as it comes; for programs it is an object a line in either form.
    func row(_ row: some Listed) throws(OperatorFault) {
        switch form {
        case .json, .rows: try json(row)
        case .lines, .table: print(tabbed(row.cells))
        }
        // Whoever follows a stream through a pipe wants each row when it is there.
        fflush(nil)
    }

    /// Shows names and values: aligned for people, tab-separated for scripts.
    func pairs(_ pairs: [(String, String)]) -> [String] {
        guard case .table = form else { return pairs.map { tabbed([$0.0, $0.1]) } }
        let width = pairs.map { displayWidth($0.0) }.max() ?? 0
        return pairs.map { name, value in
            styled(padded(name, to: width), .bold) + "  " + shown(value)
        }
    }

    /// Shows the cells of one row under their columns' names, as `pairs`.
    func pairs(_ names: [String], _ cells: [String]) -> [String] {
        pairs(Array(zip(names, cells)))
    }

    /// Shows rows as part of something larger: a table under a title for people; for scripts lines
    /// that begin with the name of the part.
    func part(_ name: String, _ columns: [Column], _ rows: [[String]]) -> [String] {
        guard case .table(let width) = form else { return rows.map { tabbed([name] + $0) } }
        let table = TextTable(columns: columns, rows: rows).lines(width: width)
        return table.enumerated().map { $0.offset == 0 ? styled($0.element, .bold) : $0.element }
    }

    /// Says something to people that is no data.
    func message(_ text: String) {
        writeStandardError(shown(text) + "\n")
    }

    /// Says why nothing, or not everything, was done.
    func report(_ fault: OperatorFault) {
        if isForPrograms { try? failure(fault) }
        message("baridctl: \(fault.text)")
    }

    /// A fault as an object.
    func failure(_ fault: OperatorFault) throws(OperatorFault) {
        try json(
            Failure(
                code: fault.code,
                exit: fault.exit,
                schema: Self.versioned("fault"),
                text: fault.text
            )
        )
    }

    /// Whether nobody reads it but a program.
    var isForPrograms: Bool { form == .json || form == .rows }

    enum Style: String {
        case bold = "1"
        case warning = "31"
        case faint = "2"
    }

    func styled(_ text: String, _ style: Style) -> String {
        isColored ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
    }

    private func json(_ content: some Encodable) throws(OperatorFault) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            print(String(decoding: try encoder.encode(content), as: UTF8.self))
        } catch {
            throw OperatorFault(
                code: "internal",
                exit: .failed,
                text: "The answer cannot be written as JSON; run the command without --json."
            )
        }
    }

    private static func versioned(_ schema: String) -> String { "barid.\(schema)/1" }

    private struct Rows<Row: Encodable>: Encodable {
        var rows: [Row]
        var schema: String
    }

    private struct Object<Content: Encodable>: Encodable {
        var result: Content
        var schema: String
    }

    private struct Failure: Encodable {
        var code: String
        var exit: Int32
        var schema: String
        var text: String
    }
}

/// Cells as one line of tab-separated text; a tab or line end within a cell becomes a blank.
func tabbed(_ cells: [String]) -> String {
    cells.map(shown).joined(separator: "\t")
}

/// A text from elsewhere, made safe to print on one line: what could move the cursor or reorder
/// other people's text becomes a blank or U+FFFD.
func shown(_ text: String) -> String {
    var scalars = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
        switch scalar.value {
        case 0x09, 0x0A, 0x0D, 0x85, 0x2028, 0x2029: scalars.append(" ")
        case 0..<0x20, 0x7F..<0xA0, 0x202A...0x202E, 0x2066...0x2069: scalars.append("\u{FFFD}")
        default: scalars.append(scalar)
        }
    }
    return String(scalars)
}
