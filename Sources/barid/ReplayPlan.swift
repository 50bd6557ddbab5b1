// SPDX-License-Identifier: Apache-2.0

internal import BaridClient
internal import XES

/// What an event log becomes on the bus: one case a trace, one office a group, one hop a visit.
struct ReplayPlan: Sendable {
    /// One case to be carried through its offices.
    struct Case: Sendable {
        let trace: Trace
        let visits: [Visit]
        /// The office of each visit.
        let offices: [String]
        let submission: Submission
        /// Of the log, and of the trace's place in it.
        fileprivate let digest: ContentDigest

        /// The key of the note that an event of the trace becomes.
        func noteKey(of event: Int) -> SubmissionKey { digest.part(event).key }

        /// When the log says it was finished; nil if it was not.
        var endedAt: Int64? { trace.instant("enddate") }
        /// Whether it was finished after its deadline.
        var isOverdue: Bool {
            guard let endedAt, let deadline = trace.instant("deadline") else { return false }
            return endedAt > deadline
        }
    }

    /// An office and the group it stands for.
    struct Office: Sendable, Equatable {
        let name: String
        let title: String
    }

    private(set) var cases: [Case] = []
    private(set) var offices: [Office] = []
    /// Traces without events, which no office can be asked to carry.
    private(set) var emptyCount = 0

    var eventCount: Int { cases.reduce(0) { $0 + $1.trace.events.count } }
    var visitCount: Int { cases.reduce(0) { $0 + $1.visits.count } }

    /// Plans the replay of these traces.
    ///
    /// `run` tells deliberate repetitions of one log apart; the same run repeats nothing. Throws where
    /// a trace visits more offices than an itinerary may name.
    init(
        traces: [Trace],
        agency: String,
        procedure: String,
        run: String
    ) throws(EventLogFault) {
        var digest = ContentDigest()
        for text in [agency, procedure, run] { digest.add(text) }
        for trace in traces { digest.add(trace) }
        var names: [String: String] = [:]
        for trace in traces {
            for visit in trace.visits where names[visit.group] == nil {
                let name = Self.unique(
                    LegalNames.slug(of: visit.group, fallback: "unnamed", bytesMax: 40),
                    among: Set(names.values)
                )
                names[visit.group] = name
                offices.append(
                    Office(
                        name: "\(agency)/\(name)",
                        title: visit.group.isEmpty ? "(no group)" : visit.group
                    )
                )
            }
        }
        for (index, trace) in traces.enumerated() {
            let visits = trace.visits
            guard !visits.isEmpty else {
                emptyCount += 1
                continue
            }
            guard visits.count <= LegalNames.itineraryOfficesMax else {
                throw EventLogFault(
                    code: .tooLarge,
                    line: 0,
                    message: "trace \(trace.name) visits \(visits.count) offices; an itinerary "
                        + "has at most \(LegalNames.itineraryOfficesMax). Leave it out."
                )
            }
            let route = visits.map { "\(agency)/\(names[$0.group] ?? "unnamed")" }
            let part = digest.part(index)
            cases.append(
                Case(
                    trace: trace,
                    visits: visits,
                    offices: route,
                    submission: Self.submission(
                        of: trace,
                        route: route,
                        procedure: procedure,
                        key: part.key
                    ),
                    digest: part
                )
            )
        }
    }

    private static func submission(
        of trace: Trace,
        route: [String],
        procedure: String,
        key: SubmissionKey
    ) -> Submission {
        var submission = Submission(procedure: procedure)
        submission.reference = trace.name
        submission.subject = trace.name
        submission.itinerary = route
        submission.dueAt = trace.instant("deadline")
        submission.occurredAt = trace.instant("startdate") ?? trace.events.first?.instant
        submission.key = key
        var taken: Set<String> = []
        var renamed: [(String, JSON)] = []
        for attribute in trace.attributes.prefix(LegalNames.attributesMax)
        where !attribute.value.isEmpty {
            let slug = LegalNames.slug(of: attribute.key, fallback: "attribute", bytesMax: 90)
            let name = unique(slug, among: taken)
            taken.insert(name)
            submission.attributes.append(CaseAttribute(name: name, value: attribute.value))
            if name != attribute.key { renamed.append((name, .text(attribute.key))) }
        }
        // What the bus's rule for names changed is kept in the content.
        if !renamed.isEmpty {
            submission.contentType = "application/json"
            submission.body = [UInt8](JSON.object([("names", .object(renamed))]).text.utf8)
        }
        return submission
    }

    /// The name itself, or with the first number from 2 that makes it new.
    private static func unique(_ name: String, among taken: Set<String>) -> String {
        guard taken.contains(name) else { return name }
        var number = 2
        while taken.contains("\(name)-\(number)") { number += 1 }
        return "\(name)-\(number)"
    }
}
