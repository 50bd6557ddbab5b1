// SPDX-License-Identifier: Apache-2.0

internal import BaridClient
internal import Foundation
internal import Testing
internal import XES
import TestKit

@testable internal import barid

@Suite struct ReplayPlanTests {
    private static func trace(_ name: String, _ groups: [String]) -> Trace {
        Trace(
            name: name,
            attributes: [
                Attribute(key: "Org:Channel", value: "desk"),
                Attribute(key: "org-channel", value: "post"),
                Attribute(key: "empty", value: ""),
            ],
            events: groups.enumerated().map { index, group in
                Event(activity: "a\(index)", group: group, instant: Int64(index) * 1_000)
            }
        )
    }

    @Test("a slug is a legal name, whatever the text")
    func slugs() {
        let texts = [
            "Group 1", "مكتب", "", "__", "-x-", "A  B", String(repeating: "é1", count: 90),
        ]
        for text in texts {
            let slug = LegalNames.slug(of: text)
            #expect(LegalNames.isLegal(slug), "\(text) gave \(slug)")
        }
        #expect(LegalNames.slug(of: "Group 1") == "group-1")
        #expect(LegalNames.slug(of: "مكتب") == "other")
    }

    @Test("groups whose names collide become different offices and keep their titles")
    func collisions() throws {
        let plan = try ReplayPlan(
            traces: [Self.trace("t", ["Group 1", "group-1", "GROUP 1"])],
            agency: "city",
            procedure: "itinerary",
            run: ""
        )
        #expect(plan.offices.map(\.name) == ["city/group-1", "city/group-1-2", "city/group-1-3"])
        #expect(plan.offices.map(\.title) == ["Group 1", "group-1", "GROUP 1"])
    }

    @Test("attributes get legal names, each once, and the names changed are kept in the body")
    func attributes() throws {
        let plan = try ReplayPlan(
            traces: [Self.trace("t", ["x"])],
            agency: "city",
            procedure: "itinerary",
            run: ""
        )
        let submission = try #require(plan.cases.first).submission
        #expect(submission.attributes.map(\.name) == ["org-channel", "org-channel-2"])
        #expect(submission.attributes.map(\.value) == ["desk", "post"])
        #expect(
            String(decoding: submission.body, as: UTF8.self)
                == #"{"names":{"org-channel":"Org:Channel","org-channel-2":"org-channel"}}"#
        )
    }

    @Test("the same log gives the same keys, another log or run gives others, none repeats")
    func keys() throws {
        let traces = (0..<50).map { Self.trace("t", ["a", "b\($0 % 3)"]) }
        func keys(_ traces: [Trace], run: String = "") throws -> [SubmissionKey] {
            try ReplayPlan(traces: traces, agency: "city", procedure: "itinerary", run: run)
                .cases.map(\.submission.key)
        }
        let first = try keys(traces)
        #expect(first == (try keys(traces)))
        #expect(Set(first).count == 50, "equal traces still are different cases")
        #expect(Set(first).isDisjoint(with: try keys(traces, run: "again")))
        #expect(Set(first).isDisjoint(with: try keys(Array(traces.dropLast()))))
    }

    @Test("every event has a note key of its own, the same in every replay")
    func noteKeys() throws {
        func keys() throws -> [SubmissionKey] {
            let plan = try ReplayPlan(
                traces: (0..<20).map { _ in Self.trace("t", ["a", "a", "b"]) },
                agency: "city",
                procedure: "itinerary",
                run: ""
            )
            return plan.cases.flatMap { item in
                [item.submission.key] + item.trace.events.indices.map { item.noteKey(of: $0) }
            }
        }
        let first = try keys()
        #expect(first == (try keys()))
        #expect(Set(first).count == 80)
    }

    @Test("the recorded history has the counts an independent count found")
    func receiptLog() throws {
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("../shared/data/receipt.xes.gz").path
        guard FileManager.default.fileExists(atPath: path) else {
            print("skipped: ../shared/data/receipt.xes.gz is not beside this checkout")
            return
        }
        var reader = try EventLogReader(path: path)
        var traces: [Trace] = []
        while let trace = try reader.nextTrace() { traces.append(trace) }
        let report = ReplayReport(
            try ReplayPlan(traces: traces, agency: "city", procedure: "itinerary", run: "")
        )
        #expect(report.caseCount == 1_434)
        #expect(report.eventCount == 8_577)
        #expect(report.visitCount == 6_874)
        #expect(report.finishedCount == 1_329)
        #expect(report.overdueCount == 377)
        #expect(report.emptyCount == 0)
    }
}

@Suite struct HistogramTests {
    @Test("small values are exact")
    func exact() {
        var histogram = Histogram()
        for value in 1...100 as ClosedRange<UInt64> { histogram.add(value) }
        #expect(histogram.percentile(0.5) == 50)
        #expect(histogram.percentile(0.99) == 99)
        #expect(histogram.max == 100)
    }

    @Test("a percentile is never below the true one and at most 1.6 % above")
    func precise() {
        var random = SeededGenerator(seed: 4)
        var histogram = Histogram()
        var values: [UInt64] = []
        for _ in 0..<5_000 {
            let value = UInt64.random(
                in: 0..<1 << UInt64.random(in: 1..<50, using: &random),
                using: &random
            )
            values.append(value)
            histogram.add(value)
        }
        values.sort()
        for fraction in [0.01, 0.5, 0.9, 0.99, 1] {
            let truth = values[Int((Double(values.count) * fraction).rounded(.up)) - 1]
            let found = histogram.percentile(fraction)
            #expect(found >= truth)
            #expect(Double(found) <= Double(truth) * 1.016 + 1)
        }
    }

    @Test("the largest number has a bin and an empty histogram has zeros")
    func extremes() {
        var histogram = Histogram()
        #expect(histogram.percentile(0.5) == 0)
        histogram.add(.max)
        histogram.add(0)
        #expect(histogram.percentile(1) == .max)
        #expect(histogram.percentile(0.5) == 0)
    }
}

@Suite struct PrintingTests {
    @Test("the progress line is narrower than the terminal, whatever its width")
    func progressLine() {
        for columns in 0...200 {
            let line = ProgressBar.line(
                done: 717,
                total: 1_434,
                visits: 3_000,
                seconds: 2,
                columns: columns
            )
            #expect(line.count <= max(0, columns - 1))
        }
        let line = ProgressBar.line(done: 1, total: 4, visits: 10, seconds: 2, columns: 60)
        #expect(line.hasSuffix(" 25 % 1/4 cases 5 visits/s"))
        #expect(line.contains("█") && line.contains("░"))
    }

    @Test("JSON escapes what would break it")
    func json() {
        let value = JSON.object([
            ("a\"b", .text("x\n\u{1}\\")), ("n", .list([1, .null, .flag(true)])),
        ])
        #expect(value.text == #"{"a\"b":"x\n\u0001\\","n":[1,null,true]}"#)
    }

    @Test("a table never lets control characters of others through")
    func table() {
        let table = Table(heading: ["a", "b"], rows: [["\u{1B}[31mx", "y"]])
        #expect(!table.text(isAligned: true).contains("\u{1B}"))
        #expect(table.text(isAligned: false) == "a\tb\n\u{FFFD}[31mx\ty\n")
    }
}
