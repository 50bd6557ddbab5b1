// SPDX-License-Identifier: Apache-2.0

internal import BaridClient

/// One line an event: columns on a terminal, tabs elsewhere, or CloudEvents JSON.
struct EventReport: Sendable {
    let isJSON: Bool
    private let isAligned = Outlet.output.isTerminal
    /// Bytes of a body that are shown to people.
    private static let shownBytesMax = 60

    init(isJSON: Bool) { self.isJSON = isJSON }

    /// Says on standard error that from now on nothing is missed, and what the columns are where
    /// somebody looks.
    func begin(_ pattern: String) {
        warn("Listening to \(pattern).")
        guard isAligned, !isJSON else { return }
        write(["time", "sequence", "topic", "subject", "body"])
    }

    /// Writes the line of an event; false if nobody reads any more.
    func add(_ event: BusEvent, attempts: UInt16 = 0) -> Bool {
        guard !isJSON else { return isWritten(event.cloudEvent.json + "\n") }
        return write([
            instantText(event.occurredAt) ?? "", event.sequence.map { String($0) } ?? "",
            event.topic, event.subject, Self.shown(event.body),
        ])
    }

    /// Tells a gap: a line of its own among JSON, for people on standard error.
    func add(_ gap: Gap) {
        guard isJSON else { return warn(Self.sentence(gap)) }
        let members: [(String, JSON)] = [
            ("reason", .text(gap.reason.rawValue)),
            ("count", gap.count.map { .count($0) } ?? .null),
            ("first", gap.sequences.map { .text(String($0.lowerBound)) } ?? .null),
            ("last", gap.sequences.map { .text(String($0.upperBound)) } ?? .null),
        ]
        writeText(JSON.object([("gap", .object(members))]).text + "\n")
    }

    /// Says something to people on standard error.
    func warn(_ text: String) { writeText("barid: \(printable(text))\n", to: .error) }

    @discardableResult
    private func write(_ cells: [String]) -> Bool {
        let cells = cells.map(printable)
        guard isAligned else { return isWritten(cells.joined(separator: "\t") + "\n") }
        let widths = [24, 10, 40, 20]
        let line = zip(cells, widths).map { cell, width in
            cell + String(repeating: " ", count: max(0, width - cell.count))
        }
        let text = (line + [cells[4]]).joined(separator: "  ")
        return isWritten(String(text.reversed().drop { $0 == " " }.reversed()) + "\n")
    }

    private static func shown(_ body: [UInt8]) -> String {
        guard !body.isEmpty else { return "" }
        guard let text = String(validating: body) else { return "\(body.count) bytes" }
        return text.utf8.count <= shownBytesMax
            ? text : String(text.prefix(shownBytesMax)) + "…"
    }

    private static func sentence(_ gap: Gap) -> String {
        let many =
            switch gap.count {
            case .none: "Events"
            case .some(1): "1 event"
            case .some(let count): "\(count) events"
            }
        let place = gap.sequences.map { ", sequence \($0.lowerBound) to \($0.upperBound)" } ?? ""
        let why =
            switch gap.reason {
            case .tooSlow: "were left out because this program was too slow"
            case .erased: "are no longer kept"
            case .startAhead: "are not recorded yet where the subscription was to begin"
            case .reconnected: "may have been missed while the connection was lost"
            case .other: "were left out"
            }
        return "\(many) \(why)\(place)."
    }
}
