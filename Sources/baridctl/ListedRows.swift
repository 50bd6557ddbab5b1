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
        Column(name: "oldest"), Column(name: "staffed", isNumber: true), Column(name: "paused"),
        Column(name: "title"),
    ]

    var cells: [String] {
        [
            name, String(waiting), String(leased), String(delayed), String(custody), String(dead),
            oldestEnteredAt?.text ?? "", String(sessions), paused?.since.text ?? "", title,
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
        Column(name: "all cases"),
    ]

    var cells: [String] {
        [
            name, String(offices), String(sessions), mayBackdate ? "on" : "off",
            hearsAllCases ? "on" : "off",
        ]
    }
}

extension TopicRow: Listed {
    static let columns = [
        Column(name: "topic"), Column(name: "events", isNumber: true),
        Column(name: "bytes", isNumber: true), Column(name: "oldest", isNumber: true),
        Column(name: "since"), Column(name: "newest", isNumber: true), Column(name: "at"),
    ]

    var cells: [String] {
        [
            name, String(events), String(bytes), firstSequence.map { String($0) } ?? "",
            firstAt?.text ?? "", lastSequence.map { String($0) } ?? "", lastAt?.text ?? "",
        ]
    }
}

extension RetentionRow: Listed {
    static let columns = [
        Column(name: "pattern"), Column(name: "age"), Column(name: "bytes", isNumber: true),
    ]

    var cells: [String] { [pattern, age ?? "", bytes.map { String($0) } ?? ""] }
}

extension SubscriptionRow: Listed {
    static let columns = [
        Column(name: "agency"), Column(name: "name"), Column(name: "settled", isNumber: true),
        Column(name: "behind", isNumber: true), Column(name: "out", isNumber: true),
        Column(name: "failed", isNumber: true), Column(name: "dead", isNumber: true),
        Column(name: "members", isNumber: true), Column(name: "pattern"),
    ]

    var cells: [String] {
        [
            agency, name, String(settledUpTo), String(behind), String(out), String(failed),
            String(dead), String(sessions), pattern,
        ]
    }
}

extension DeadEvent: Listed {
    static let columns = [
        Column(name: "agency"), Column(name: "subscription"),
        Column(name: "sequence", isNumber: true), Column(name: "since"),
        Column(name: "attempts", isNumber: true), Column(name: "reason"), Column(name: "topic"),
        Column(name: "cause"),
    ]

    var cells: [String] {
        [
            agency, subscription, String(sequence), at.text, String(attempts), reason, topic,
            cause,
        ]
    }
}

extension CatalogueRow: Listed {
    static let columns = [
        Column(name: "agency"), Column(name: "version", isNumber: true),
        Column(name: "published"), Column(name: "by"),
    ]

    var cells: [String] { [agency, String(version), publishedAt.text, by] }
}
