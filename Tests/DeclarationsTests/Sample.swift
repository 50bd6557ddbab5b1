// SPDX-License-Identifier: Apache-2.0

import Declarations

/// A small procedure without faults, as lines to change in a test.
enum Sample {
    static let lines = [
        "procedure: sample",
        "attributes:",
        "  area: {kind: integer}",
        "  level: {kind: [low, high]}",
        "  urgent: {kind: boolean}",
        "  district: {kind: text}",
        "offices:",
        "  city/desk: Desk",
        "  city/board: Board",
        "steps:",
        "  check:",
        "    office: city/desk",
        "    term: P5D",
        "    return: previous",
        "    outcomes:",
        "      passed: decide",
        "      failed: closed",
        "  decide:",
        "    office: city/board",
        "    term: PT12H",
        "    outcomes:",
        "      granted: closed",
    ]

    /// The text with these lines (numbered from 1) replaced, and these added at the end.
    static func text(_ changes: [Int: String] = [:], adding more: [String] = []) -> String {
        var lines = lines
        for (number, line) in changes { lines[number - 1] = line }
        return (lines + more).joined(separator: "\n") + "\n"
    }

    /// What is wrong with a text, as `line:column code`; empty if nothing is.
    static func faults(_ text: String) -> [String] {
        do {
            _ = try ProcedureDeclaration.read(text)
            return []
        } catch {
            return error.faults.map { "\($0.line):\($0.column) \($0.code.rawValue)" }
        }
    }

    /// The sentences about what is wrong with a text.
    static func sentences(_ text: String) -> [String] {
        do {
            _ = try ProcedureDeclaration.read(text)
            return []
        } catch {
            return error.faults.map(\.text)
        }
    }
}
