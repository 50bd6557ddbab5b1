// SPDX-License-Identifier: Apache-2.0

import Rules
import Testing
import Wire

/// Goal: figures are right within a bucket and bounded.
///
/// Method: tables and floods.
@Suite("Figures of services")
struct ServiceFiguresTests {
    @Test("a percentile is at most an eighth too large, never too small")
    func percentiles() {
        var histogram = DurationHistogram()
        #expect(histogram.percentile(0.5) == 0)
        for time in 1...100_000 as ClosedRange<Int64> { histogram.record(time) }
        for (share, exact) in [(0.5, 50_000), (0.99, 99_000), (0.00001, 1)] as [(Double, Int64)] {
            let found = histogram.percentile(share)
            #expect(found >= exact && found <= exact + exact / 8, "\(share): \(found)")
        }
        #expect(histogram.percentile(1) == 100_000 && histogram.max == 100_000)
    }

    @Test("the shortest and the longest times have their places", arguments: [0, 1, 7, 8, 9, 15])
    func edges(time: Int64) {
        var histogram = DurationHistogram()
        histogram.record(time)
        #expect(histogram.percentile(0.5) == time)
        histogram.record(.max)
        #expect(histogram.percentile(0.5) == time && histogram.max == .max)
        histogram.record(-5)
        #expect(histogram.count == 3)
    }

    @Test("services and exchanges beyond the limits are counted together")
    func bounded() {
        var report = ServiceReport()
        for place in 0..<ServiceReport.servicesMax + 5 { report.note("a/s\(place)") }
        #expect(report.services.count == ServiceReport.servicesMax)
        for place in 0..<ServiceReport.recentMax + 5 {
            report.record(ClosedExchange(.sample(place), stamp: 30, wall: 1_000))
        }
        let last = "a/s\(ServiceReport.servicesMax + 1)"
        #expect(report.services[last] == nil && report.services["a/s1"]?.asked == 1)
        #expect(report.recent.count == ServiceReport.recentMax)
        #expect(report.recent.first?.exchange.question == 5)
        #expect(report.recent.last?.exchange.question == UInt64(ServiceReport.recentMax + 4))
        #expect(report.recent.first?.duration == 20)
        var other = ServiceReport()
        other.record(ClosedExchange(.sample(1), stamp: 30, wall: 1_000))
        #expect(other.others.asked == 1 && other.services.isEmpty)
    }
}

extension Exchange {
    fileprivate static func sample(_ place: Int) -> Exchange {
        var decisions: [QuestionDecision] = []
        var questions = Questions()
        questions.ask(
            Asked(
                session: 1,
                number: 1,
                agency: "city",
                service: "a/s\(place)",
                key: .none,
                deadline: 10,
                instant: 10,
                envelope: [],
                body: [],
                stamp: 10
            ),
            at: 0,
            into: &decisions
        )
        for case .closed(var exchange) in decisions {
            exchange.question = UInt64(place)
            return exchange
        }
        preconditionFailure("nobody offers the service, so the question is closed")
    }
}
