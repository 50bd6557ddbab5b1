// SPDX-License-Identifier: Apache-2.0

internal import BaridClient
internal import XES

/// What a trail has too little or too much of, against the trace it came from.
struct Discrepancy: Equatable, Sendable {
    var lostCount = 0
    var duplicatedCount = 0

    /// Compares events with notes and visits with completions, each as often as it occurs.
    init(trail: Trail, of item: ReplayPlan.Case) {
        struct Fact: Hashable {
            var office: String
            var activity: String
            var person: String
            var instant: Int64
        }
        var counts: [Fact: Int] = [:]
        for (visit, office) in zip(item.visits, item.offices) {
            for event in item.trace.events[visit.events] {
                counts[
                    Fact(
                        office: office,
                        activity: event.activity,
                        person: event.resource,
                        instant: event.instant
                    ),
                    default: 0
                ] += 1
            }
        }
        var route: [String] = []
        for act in trail.acts {
            if act.act == "completed" { route.append(act.office) }
            guard act.act == "noted" else { continue }
            counts[
                Fact(
                    office: act.office,
                    activity: act.activity,
                    person: act.person,
                    instant: act.occurredAt
                ),
                default: 0
            ] -= 1
        }
        for count in counts.values {
            lostCount += max(0, count)
            duplicatedCount += max(0, -count)
        }
        lostCount += max(0, item.offices.count - route.count) + (trail.isClosed ? 0 : 1)
        duplicatedCount += max(0, route.count - item.offices.count)
        if route.count == item.offices.count, route != item.offices { lostCount += 1 }
    }
}
