// SPDX-License-Identifier: Apache-2.0

import Control

extension ControlClient {
    /// All rows of a command that answers with rows and their count.
    mutating func rows<Row: Codable>(
        _ command: CommandName,
        _ arguments: some CommandArguments = NoArguments(),
        of type: Row.Type
    ) throws(OperatorFault) -> [Row] {
        var rows: [Row] = []
        _ = try request(command, arguments, result: RowCount.self) {
            (row: Row) throws(OperatorFault) in
            rows.append(row)
        }
        return rows
    }

    /// Shows all rows of a command that answers with rows and their count; for programs they pass
    /// through unread.
    mutating func list<Row: Listed>(
        _ command: CommandName,
        _ arguments: some CommandArguments = NoArguments(),
        of type: Row.Type,
        to output: Output,
        schema: String
    ) throws(OperatorFault) {
        if output.isForPrograms {
            output.list(asJSON: try rowsAsJSON(command, arguments, of: type), schema: schema)
        } else {
            try output.list(try rows(command, arguments, of: type), schema: schema)
        }
    }
}
