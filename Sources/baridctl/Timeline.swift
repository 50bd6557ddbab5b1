// SPDX-License-Identifier: Apache-2.0

import Control

/// A case for people: what it is, where it is now, and what was done when, by whom.
struct Timeline {
    private let view: CaseView
    private let now: Instant

    init(_ view: CaseView, now: Instant) {
        self.view = view
        self.now = now
    }

    func lines(_ output: Output) -> [String] {
        guard case .table = output.form else {
            return head.map { tabbed(["case", $0.0, $0.1]) }
                + output.part("place", Self.placeColumns, places)
                + output.part("act", Self.actColumns, acts)
        }
        var lines = output.pairs(head)
        if view.dueAt.map({ $0 < now && view.closedAt == nil }) ?? false {
            lines.append(output.styled("The case is overdue.", .warning))
        }
        if !view.places.isEmpty {
            lines += ["", output.styled("Now", .bold)]
            lines += output.part("place", Self.placeColumns, places)
        }
        lines += ["", output.styled("Trail", .bold)]
        if view.isTruncated { lines.append("Older acts are left out.") }
        return lines + output.part("act", Self.actColumns, acts)
    }

    private var head: [(String, String)] {
        var head = [
            ("case", view.number),
            ("procedure", "\(view.procedure), version \(view.version)"),
            ("submitted by", view.submittedBy),
            ("opened", view.openedAt.text),
            ("state", view.result.isEmpty ? view.state : "\(view.state): \(view.result)"),
        ]
        if let dueAt = view.dueAt { head.append(("due", Self.due(dueAt, view.closedAt ?? now))) }
        if let closedAt = view.closedAt { head.append(("closed", closedAt.text)) }
        if let erasedAt = view.erasedAt {
            head.append(("erased", "\(erasedAt.text): texts, names and content are gone"))
        }
        if let held = view.held {
            head.append(("held", "since \(held.since.text) by user \(held.uid): \(held.reason)"))
        }
        return head
    }

    private static let placeColumns = [
        Column(name: "office"), Column(name: "step"), Column(name: "state"),
        Column(name: "since"), Column(name: "referral", isNumber: true),
        Column(name: "attempts", isNumber: true), Column(name: "due"),
    ]

    private var places: [[String]] {
        view.places.map { place in
            [
                place.office, place.step,
                place.until.map { "\(place.state) until \($0.text)" } ?? place.state,
                place.since.text, String(place.referral),
                String(place.attempts), place.dueAt.map { Self.due($0, now) } ?? "",
            ]
        }
    }

    static let actColumns = [
        Column(name: "when"), Column(name: "office"), Column(name: "act"),
        Column(name: "outcome"), Column(name: "to"), Column(name: "person"),
        Column(name: "remark"),
    ]

    private var acts: [[String]] { view.acts.map(\.cells) }

    /// An instant, and how far it lies from another in the largest fitting unit.
    static func due(_ due: Instant, _ reached: Instant) -> String {
        let rest = due.milliseconds - reached.milliseconds
        return rest < 0
            ? "\(due.text) (overdue by \(span(-rest)))" : "\(due.text) (in \(span(rest)))"
    }

    private static func span(_ milliseconds: Int64) -> String {
        let minutes = milliseconds / 60_000
        if minutes < 120 { return "\(minutes) min" }
        return minutes < 48 * 60 ? "\(minutes / 60) h" : "\(minutes / (24 * 60)) days"
    }
}

extension CaseView.Act: Listed {
    static let columns = Timeline.actColumns

    var cells: [String] {
        let remark = [activity, text].filter { !$0.isEmpty }
        return [
            occurredAt.text, office.isEmpty ? agency : office, act, outcome,
            entered.joined(separator: " "), person, remark.joined(separator: ": "),
        ]
    }
}
