// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import XES

/// Goal: logs of other makers are read for what they say.
///
/// Method: small logs by hand, the sample
/// that ships, and a published log whose figures were counted independently.
@Suite struct ReadingTests {
    @Test("nested attributes, lists, foreign elements and loose events are passed over")
    func passesOver() throws {
        let traces = try read(
            """
            <log xmlns="http://www.xes-standard.org/" xmlns:o="urn:other">
              <float key="mean" value="1.5"><float key="x" value="2"/></float>
              <event><string key="concept:name" value="outside"/></event>
              <trace>
                <list key="l"><values><string key="concept:name" value="no"/></values></list>
                <string key="a" value="1"><string key="concept:name" value="nested"/></string>
                <container key="c"><int key="i" value="1"/></container>
                <string key="concept:name" value="n"></string>
                <event>
                  <id key="i" value="7"><boolean key="b" value="true"/></id>
                  <date key="time:timestamp" value="1970-01-01T01:00:00+01:00">
                    <int key="q" value="0"/>
                  </date>
                  <o:note>text <b/> &lt;</o:note>
                  <string key="org:group" value="Registry"/>
                </event>
              </trace>
              <trace/>
            </log>
            """
        )
        #expect(
            traces == [
                Trace(
                    name: "n",
                    attributes: [Attribute(key: "a", value: "1")],
                    events: [
                        Event(
                            activity: "",
                            group: "Registry",
                            instant: 0,
                            attributes: [Attribute(key: "i", kind: .id, value: "7")]
                        )
                    ]
                ),
                Trace(name: ""),
            ]
        )
    }

    @Test("a typed accessor reads an instant and gives nil for anything else")
    func readsTypedAttributes() throws {
        let trace = Trace(
            name: "t",
            attributes: [
                Attribute(key: "deadline", kind: .date, value: "2010-10-03T00:00:00.000+02:00"),
                Attribute(key: "channel", value: "post"),
                Attribute(key: "channel", value: "second"),
            ]
        )
        #expect(trace.instant("deadline") == 1_286_056_800_000)
        #expect(trace.instant("channel") == nil)
        #expect(trace.instant("enddate") == nil)
        #expect(trace.text("channel") == "post")
        let made = try #require(Attribute(key: "startdate", instant: 0))
        #expect(made.value == "1970-01-01T00:00:00.000Z")
        #expect(Attribute(key: "startdate", instant: .min) == nil)
    }

    @Test("visits are the runs of one group and cover every event")
    func findsVisits() {
        func visits(_ groups: [String]) -> [Visit] {
            Trace(name: "", events: groups.map { Event(activity: "", group: $0, instant: 0) })
                .visits
        }
        #expect(visits([]) == [])
        #expect(visits(["a"]) == [Visit(group: "a", events: 0..<1)])
        #expect(
            visits(["a", "a", "b", "", "", "a"]) == [
                Visit(group: "a", events: 0..<2), Visit(group: "b", events: 2..<3),
                Visit(group: "", events: 3..<5), Visit(group: "a", events: 5..<6),
            ]
        )
    }

    @Test("the sample holds twelve permits, two open, one overdue, three to five offices each")
    func readsSample() throws {
        let url = checkout.appendingPathComponent("Deploy/samples/permits.xes")
        let traces = try readAll(path: url.path)
        #expect(traces.count == 12)
        #expect(Set(traces.map(\.name)).count == 12)
        #expect(traces.count { $0.instant("enddate") == nil } == 2)
        var overdue: [String] = []
        for trace in traces {
            let start = try #require(trace.instant("startdate"))
            let deadline = try #require(trace.instant("deadline"))
            #expect(start < deadline)
            #expect(trace.text("channel") != nil)
            #expect((3...5).contains(Set(trace.events.map(\.group)).count), "\(trace.name)")
            #expect(trace.events.first?.instant == start)
            for (earlier, later) in zip(trace.events, trace.events.dropFirst()) {
                #expect(earlier.instant < later.instant, "\(trace.name)")
            }
            if let end = trace.instant("enddate") {
                #expect(trace.events.allSatisfy { $0.instant <= end }, "\(trace.name)")
                if end > deadline { overdue.append(trace.name) }
            }
        }
        #expect(overdue == ["LM-2024-0005"])
        #expect(Set(traces.map(\.visits.count)).count > 3)
        #expect(try withFile(try written(traces)) { try readAll(path: $0) } == traces)
    }

    @Test(
        "the receipt log has the figures that were counted independently",
        .enabled(
            if: FileManager.default.fileExists(atPath: receipt.path),
            "needs receipt.xes.gz in ../shared/data beside the checkout"
        )
    )
    func readsReceiptLog() throws {
        var reader = try EventLogReader(path: receipt.path)
        var activities: Set<String> = []
        var groups: Set<String> = []
        var people: Set<String> = []
        var (traceCount, eventCount, visitCount, finishedCount, lateCount) = (0, 0, 0, 0, 0)
        while let trace = try reader.nextTrace() {
            traceCount += 1
            eventCount += trace.events.count
            visitCount += trace.visits.count
            for event in trace.events {
                activities.insert(event.activity)
                groups.insert(event.group)
                people.insert(event.resource)
            }
            guard let end = trace.instant("enddate") else { continue }
            finishedCount += 1
            if let deadline = trace.instant("deadline"), end > deadline { lateCount += 1 }
        }
        #expect(traceCount == 1434)
        #expect(eventCount == 8577)
        #expect(activities.count == 27)
        #expect(groups.count == 10)
        #expect(people.count == 48)
        #expect(visitCount == 6874)
        #expect(finishedCount == 1329)
        #expect(lateCount == 377)
        let afterEnd = try reader.nextTrace()
        #expect(afterEnd == nil)
    }
}

/// Buijs, *Receipt phase of an environmental permit application process*, 4TU.ResearchData, 2014,
/// doi:10.4121/uuid:a07386a5-7be3-4367-9535-70bc9e77dbe6.
private let receipt = checkout.appendingPathComponent("../shared/data/receipt.xes.gz")
