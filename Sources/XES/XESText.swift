// SPDX-License-Identifier: Apache-2.0

internal import Platform

/// The text of an event log as it grows: elements of XES in UTF-8, two blanks a level.
struct XESText: ~Copyable {
    /// What was appended and not yet taken away.
    var bytes: [UInt8] = []

    /// The size of the trace being appended.
    private var size = TraceSize()

    /// The head of a log: the standard extensions, what every trace and event carries, and the
    /// classifier by which tools tell events apart.
    mutating func appendHeader() {
        append(
            """
            <?xml version="1.0" encoding="UTF-8"?>
            <log xes.version="1849.2016" xes.features="" xmlns="http://www.xes-standard.org/">

            """
        )
        for (name, prefix) in [
            ("Concept", "concept"), ("Lifecycle", "lifecycle"), ("Organizational", "org"),
            ("Time", "time"),
        ] {
            append("  <extension name=\"\(name)\" prefix=\"\(prefix)\" ")
            append("uri=\"http://www.xes-standard.org/\(prefix).xesext\"/>\n")
        }
        append(
            """
              <global scope="trace">
                <string key="concept:name" value=""/>
              </global>
              <global scope="event">
                <string key="concept:name" value=""/>
                <date key="time:timestamp" value="1970-01-01T00:00:00.000Z"/>
              </global>
              <classifier name="Activity" keys="concept:name"/>

            """
        )
    }

    mutating func appendFooter() { append("</log>\n") }

    /// Appends a whole trace, or throws and leaves the text as it was.
    mutating func append(_ trace: Trace) throws(EventLogFault) {
        let start = bytes.count
        size = TraceSize()
        do throws(EventLogFault) {
            try appendElements(of: trace)
        } catch {
            bytes.removeSubrange(start...)
            throw error
        }
    }

    private mutating func appendElements(of trace: Trace) throws(EventLogFault) {
        guard trace.events.count <= EventLogLimits.traceEventsMax else {
            throw tooLarge(trace, "has more than \(EventLogLimits.traceEventsMax) events")
        }
        append("  <trace>\n")
        try append(.string, StandardKey.name, trace.name, indent: "    ", of: trace)
        let attributes = trace.attributes.lazy.filter { $0.key != StandardKey.name }
        try append(attributes, indent: "    ", of: trace)
        for event in trace.events { try append(event, of: trace) }
        append("  </trace>\n")
    }

    private mutating func append(_ event: Event, of trace: Trace) throws(EventLogFault) {
        guard let instant = Instants.format(event.instant) else {
            throw EventLogFault(
                code: .badInstant,
                line: 0,
                message: "trace \(quoted(trace.name)) has an event at \(event.instant) ms since "
                    + "1970, outside the years 0001 to 9999; correct its time"
            )
        }
        let indent = "      "
        append("    <event>\n")
        try append(.string, StandardKey.name, event.activity, indent: indent, of: trace)
        if !event.group.isEmpty {
            try append(.string, StandardKey.group, event.group, indent: indent, of: trace)
        }
        if !event.resource.isEmpty {
            try append(.string, StandardKey.resource, event.resource, indent: indent, of: trace)
        }
        try append(.date, StandardKey.timestamp, instant, indent: indent, of: trace)
        let attributes = event.attributes.lazy.filter {
            switch $0.key {
            case StandardKey.name, StandardKey.group, StandardKey.resource, StandardKey.timestamp:
                false
            default: true
            }
        }
        try append(attributes, indent: indent, of: trace)
        append("    </event>\n")
    }

    private mutating func append(
        _ attributes: some Sequence<Attribute>,
        indent: String,
        of trace: Trace
    ) throws(EventLogFault) {
        var count = 0
        for attribute in attributes {
            count += 1
            guard count <= EventLogLimits.attributesMax else {
                throw tooLarge(
                    trace,
                    "or one of its events has more than \(EventLogLimits.attributesMax) attributes"
                )
            }
            try append(attribute.kind, attribute.key, attribute.value, indent: indent, of: trace)
        }
    }

    private mutating func append(
        _ kind: Attribute.Kind,
        _ key: String,
        _ value: String,
        indent: String,
        of trace: Trace
    ) throws(EventLogFault) {
        append("\(indent)<\(kind.rawValue) key=\"")
        let keyBytes = appendEscaped(key)
        append("\" value=\"")
        let valueBytes = appendEscaped(value)
        append("\"/>\n")
        guard max(keyBytes, valueBytes) <= EventLogLimits.textBytesMax else {
            throw tooLarge(
                trace,
                "has a key or value longer than \(EventLogLimits.textBytesMax) bytes"
            )
        }
        if let excess = size.excess(afterAdding: keyBytes + valueBytes) {
            throw tooLarge(trace, excess)
        }
    }

    /// Appends text as it must stand within double quotes.
    ///
    /// Tab, line feed and carriage return become references, because a parser turns them into
    /// blanks where they stand in an attribute as they are.
    ///
    /// - Returns: The UTF-8 bytes that a reader will get back.
    private mutating func appendEscaped(_ text: String) -> Int {
        var count = 0
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": append("&amp;")
            case "<": append("&lt;")
            case ">": append("&gt;")
            case "\"": append("&quot;")
            case "\t": append("&#9;")
            case "\n": append("&#10;")
            case "\r": append("&#13;")
            case "\u{0}"..."\u{1F}", "\u{FFFE}", "\u{FFFF}":
                append("\u{FFFD}")
                count += UTF8.width("\u{FFFD}")
                continue
            default: bytes.append(contentsOf: String(scalar).utf8)
            }
            count += UTF8.width(scalar)
        }
        return count
    }

    private mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }

    private func tooLarge(_ trace: Trace, _ what: String) -> EventLogFault {
        EventLogFault(
            code: .tooLarge,
            line: 0,
            message: "trace \(quoted(trace.name)) \(what); split it or leave it out"
        )
    }
}
