// SPDX-License-Identifier: Apache-2.0

import Control

extension ProcedureRow: Listed {
    static let columns = [
        Column(name: "name"), Column(name: "version", isNumber: true), Column(name: "published"),
        Column(name: "by"), Column(name: "steps", isNumber: true), Column(name: "offices"),
        Column(name: "title"),
    ]

    var cells: [String] {
        [
            name, String(version), publishedAt.text, by, String(steps), String(offices.count),
            title,
        ]
    }
}

extension OfficeRow: Listed {
    static let columns = [
        Column(name: "office"), Column(name: "waiting", isNumber: true),
        Column(name: "leased", isNumber: true), Column(name: "delayed", isNumber: true),
        Column(name: "custody", isNumber: true), Column(name: "dead", isNumber: true),
        Column(name: "oldest"), Column(name: "staffed", isNumber: true), Column(name: "title"),
    ]

    var cells: [String] {
        [
            name, String(waiting), String(leased), String(delayed), String(custody), String(dead),
            oldestEnteredAt?.text ?? "", String(sessions), title,
        ]
    }
}

extension DeadLetter: Listed {
    static let columns = [
        Column(name: "referral", isNumber: true), Column(name: "case"), Column(name: "office"),
        Column(name: "step"), Column(name: "since"), Column(name: "attempts", isNumber: true),
        Column(name: "owner"), Column(name: "reason"), Column(name: "cause"),
    ]

    var cells: [String] {
        [
            String(referral), number, office, step, at.text, String(attempts), owner, reason,
            cause,
        ]
    }
}

extension AgencyRow: Listed {
    static let columns = [
        Column(name: "agency"), Column(name: "offices", isNumber: true),
        Column(name: "connections", isNumber: true), Column(name: "backdating"),
    ]

    var cells: [String] {
        [name, String(offices), String(sessions), mayBackdate ? "on" : "off"]
    }
}
