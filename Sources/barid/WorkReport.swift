// SPDX-License-Identifier: Apache-2.0

internal import BaridClient

/// One line a referral: columns on a terminal, tabs elsewhere, or JSON.
struct WorkReport: Sendable {
    let isJSON: Bool
    private let isAligned = Outlet.output.isTerminal

    init(isJSON: Bool) { self.isJSON = isJSON }

    /// Says what the columns are, where somebody looks.
    func begin() {
        if isAligned, !isJSON { write(["case", "step", "result", "subject"], detail: "detail") }
    }

    /// Says what became of a referral.
    func add(_ referral: Referral, _ result: String, detail: String = "") {
        guard isJSON else {
            let cells = [referral.caseNumber, referral.step, result, referral.subject]
            return write(cells, detail: detail)
        }
        let line = JSON.object([
            ("number", .text(referral.caseNumber)), ("office", .text(referral.office)),
            ("step", .text(referral.step)), ("subject", .text(referral.subject)),
            ("attempts", .count(referral.attempts)), ("result", .text(result)),
            ("detail", detail.isEmpty ? .null : .text(detail)),
        ])
        writeText(line.text + "\n")
    }

    private func write(_ cells: [String], detail: String) {
        let cells = (cells + [detail]).map(printable)
        guard isAligned else { return writeText(cells.joined(separator: "\t") + "\n") }
        let widths = [18, 16, 14, 28]
        let line = zip(cells, widths).map { cell, width in
            cell + String(repeating: " ", count: max(0, width - cell.count))
        }
        let text = (line + [cells[4]]).joined(separator: "  ")
        writeText(String(text.reversed().drop { $0 == " " }.reversed()) + "\n")
    }
}
