// SPDX-License-Identifier: Apache-2.0

internal import BaridClient
internal import XES

/// What a replay did, for people and for programs.
struct ReplayReport {
    /// One office and its visits.
    struct Office: Equatable {
        var name: String
        var title: String
        var visitCount: Int
        /// Median time from the end of the visit before, by the log's instants.
        var medianDwellMilliseconds: Int64
    }

    var caseCount: Int
    var eventCount: Int
    var visitCount: Int
    var emptyCount: Int
    var finishedCount: Int
    var overdueCount: Int
    var offices: [Office]
    var repeatedCount = 0
    var foreignCount = 0
    /// Cases that stand in the dead letters.
    var deadCount = 0
    /// Cases whose trail is too long to be compared.
    var unreadCount = 0
    var lostCount = 0
    var duplicatedCount = 0
    var isVerified = false
    var milliseconds: Int64 = 0

    /// What the log itself tells.
    init(_ plan: ReplayPlan) {
        caseCount = plan.cases.count
        eventCount = plan.eventCount
        visitCount = plan.visitCount
        emptyCount = plan.emptyCount
        finishedCount = plan.cases.count { $0.endedAt != nil }
        overdueCount = plan.cases.count { $0.isOverdue }
        var dwells: [String: [Int64]] = [:]
        for item in plan.cases {
            var arrival = item.submission.occurredAt ?? 0
            for (visit, office) in zip(item.visits, item.offices) {
                let end = item.trace.events[visit.events.upperBound - 1].instant
                dwells[office, default: []].append(max(0, end - arrival))
                arrival = end
            }
        }
        offices = plan.offices.map { office in
            let sorted = (dwells[office.name] ?? []).sorted()
            return Office(
                name: office.name,
                title: office.title,
                visitCount: sorted.count,
                medianDwellMilliseconds: sorted.isEmpty ? 0 : sorted[sorted.count / 2]
            )
        }
    }

    /// Adds what became of the cases; a case without a result is lost.
    mutating func add(_ results: [Replay.Result], isVerified: Bool) {
        let live = results.filter { !$0.isDead }
        deadCount = results.count - live.count
        self.isVerified = isVerified
        unreadCount = isVerified ? live.count { $0.discrepancy == nil } : 0
        repeatedCount = results.count { $0.wasRepeated }
        lostCount = caseCount - Set(results.map(\.index)).count
        for discrepancy in results.compactMap(\.discrepancy) {
            lostCount += discrepancy.lostCount
            duplicatedCount += discrepancy.duplicatedCount
        }
    }

    /// Whether nothing was lost and nothing done twice; dead letters are neither.
    var isClean: Bool { lostCount == 0 && duplicatedCount == 0 }

    var visitsPerSecond: Double {
        milliseconds > 0 ? Double(visitCount) * 1_000 / Double(milliseconds) : 0
    }

    var json: JSON {
        .object([
            ("cases", .count(caseCount)), ("events", .count(eventCount)),
            ("visits", .count(visitCount)), ("finished", .count(finishedCount)),
            ("overdue", .count(overdueCount)), ("empty", .count(emptyCount)),
            ("repeated", .count(repeatedCount)), ("foreign", .count(foreignCount)),
            ("dead", .count(deadCount)), ("unread", .count(unreadCount)),
            ("verified", .flag(isVerified)), ("lost", .count(lostCount)),
            ("duplicated", .count(duplicatedCount)),
            ("seconds", .real(Double(milliseconds) / 1_000)),
            ("visits_per_s", .real(visitsPerSecond)),
            (
                "offices",
                .list(
                    offices.map { office in
                        .object([
                            ("office", .text(office.name)), ("title", .text(office.title)),
                            ("visits", .count(office.visitCount)),
                            ("median_dwell_ms", .whole(office.medianDwellMilliseconds)),
                        ])
                    }
                )
            ),
        ])
    }

    var text: String {
        let table = Table(
            heading: ["office", "group", "visits", "median dwell"],
            rows: offices.map { office in
                [
                    office.name, office.title, String(office.visitCount),
                    spanText(milliseconds: office.medianDwellMilliseconds),
                ]
            }
        )
        var facts = Table(heading: ["what", "count"])
        facts.rows = [
            ["cases", String(caseCount)], ["events", String(eventCount)],
            ["office visits", String(visitCount)],
            ["finished", String(finishedCount)],
            ["finished overdue", String(overdueCount)],
            ["repeated submissions", String(repeatedCount)],
            ["lost", String(lostCount)], ["duplicated", String(duplicatedCount)],
        ]
        if emptyCount > 0 { facts.rows.append(["traces without events", String(emptyCount)]) }
        if deadCount > 0 { facts.rows.append(["in dead letters", String(deadCount)]) }
        if unreadCount > 0 { facts.rows.append(["trails not compared", String(unreadCount)]) }
        if foreignCount > 0 { facts.rows.append(["cases of others", String(foreignCount)]) }
        return table.text + "\n" + facts.text
            + "\n\(check) \(Int(visitsPerSecond)) visits/s over "
            + "\(spanText(milliseconds: milliseconds)).\n"
    }

    private var check: String {
        guard isVerified else { return "Trails were not compared with their traces (--verify)." }
        return unreadCount + deadCount == 0
            ? "Every trail was compared with its trace."
            : "The other trails were compared with their traces."
    }
}
