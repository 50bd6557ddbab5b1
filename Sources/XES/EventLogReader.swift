// SPDX-License-Identifier: Apache-2.0

internal import Platform

/// Reads an event log of IEEE 1849 (XES), plain or gzip, one trace at a time.
///
/// Memory is bounded by the largest trace, see `EventLogLimits`. Nested attributes, lists,
/// containers and events outside a trace are passed over. The whole file is checked only once
/// `nextTrace` has returned nil: traces read before a fault were whole, but the log was not.
package struct EventLogReader: ~Copyable {
    private var cursor: XMLCursor
    private var traceCount = 0
    private var isAtEnd = false
    private var fault: EventLogFault?

    /// Opens a log and reads up to its `<log>` element.
    ///
    /// - Parameter path: A file, relative to the working directory or absolute.
    /// - Throws: `unreadable`, `malformed`, or `notXES` where the root is not `log`.
    package init(path: String) throws(EventLogFault) {
        var cursor = try XMLCursor(path: path)
        _ = try cursor.advance()
        guard cursor.name == "log" else {
            throw EventLogFault(
                code: .notXES,
                line: cursor.line,
                message: "the root element is <\(cursor.name)>, not <log>; "
                    + "give an event log of IEEE 1849 (XES)"
            )
        }
        self.cursor = cursor
    }

    /// Reads the next trace.
    ///
    /// - Returns: nil at the end of a log that was well formed to its last byte, again at each
    ///   further call.
    /// - Throws: What is wrong with the log; every further call throws the same fault.
    package mutating func nextTrace() throws(EventLogFault) -> Trace? {
        if let fault { throw fault }
        do throws(EventLogFault) {
            return try readTrace()
        } catch {
            fault = error
            throw error
        }
    }

    private mutating func readTrace() throws(EventLogFault) -> Trace? {
        while !isAtEnd {
            switch try cursor.advance() {
            case .opens where cursor.name == "trace":
                traceCount += 1
                return try trace()
            case .opens:
                try cursor.skip()
            case .closes:
                // The end of <log>; what may follow is read too, to refuse a cut or spoilt file.
                continue
            case .ends:
                isAtEnd = true
            }
        }
        return nil
    }

    private mutating func trace() throws(EventLogFault) -> Trace {
        var trace = Trace(name: "")
        var size = TraceSize()
        while try cursor.advance() == .opens {
            if cursor.name == "event" {
                guard trace.events.count < EventLogLimits.traceEventsMax else {
                    throw tooLarge(
                        trace.name,
                        "has more than \(EventLogLimits.traceEventsMax) events"
                    )
                }
                trace.events.append(try event(of: trace.name, size: &size))
            } else if let attribute = try attribute(of: trace.name, size: &size) {
                if attribute.key == StandardKey.name {
                    trace.name = attribute.value
                } else {
                    try append(attribute, to: &trace.attributes, of: trace.name)
                }
            }
        }
        return trace
    }

    private mutating func event(
        of name: String,
        size: inout TraceSize
    ) throws(EventLogFault) -> Event {
        let line = cursor.line
        var event = Event(activity: "", instant: 0)
        var hasInstant = false
        while try cursor.advance() == .opens {
            let line = cursor.line
            guard let attribute = try attribute(of: name, size: &size) else { continue }
            switch attribute.key {
            case StandardKey.name: event.activity = attribute.value
            case StandardKey.group: event.group = attribute.value
            case StandardKey.resource: event.resource = attribute.value
            case StandardKey.timestamp:
                guard let instant = Instants.parse(attribute.value) else {
                    throw EventLogFault(
                        code: .badInstant,
                        line: line,
                        message: "\(shown(name)) has an event at \(quoted(attribute.value)), which "
                            + "is not an instant; write it like 2010-10-02T22:00:00.000+02:00"
                    )
                }
                event.instant = instant
                hasInstant = true
            default: try append(attribute, to: &event.attributes, of: name)
            }
        }
        guard hasInstant else {
            throw EventLogFault(
                code: .badInstant,
                line: line,
                message: "\(shown(name)) has an event without a time; "
                    + "add <date key=\"time:timestamp\" value=\"2010-10-02T22:00:00.000+02:00\"/>"
            )
        }
        return event
    }

    /// Reads the element just opened to its end; nil where it is not of an elementary type.
    private mutating func attribute(
        of name: String,
        size: inout TraceSize
    ) throws(EventLogFault) -> Attribute? {
        guard let kind = Attribute.Kind(rawValue: cursor.name) else {
            try cursor.skip()
            return nil
        }
        guard let key = try cursor.attribute("key"), let value = try cursor.attribute("value")
        else {
            throw EventLogFault(
                code: .notXES,
                line: cursor.line,
                message: "\(shown(name)) has a <\(kind.rawValue)> without a key or a value; "
                    + "give it both"
            )
        }
        if let excess = size.excess(afterAdding: key.utf8.count + value.utf8.count) {
            throw tooLarge(name, excess)
        }
        try cursor.skip()
        return Attribute(key: key, kind: kind, value: value)
    }

    private func append(
        _ attribute: Attribute,
        to attributes: inout [Attribute],
        of name: String
    ) throws(EventLogFault) {
        guard attributes.count < EventLogLimits.attributesMax else {
            throw tooLarge(
                name,
                "or one of its events has more than \(EventLogLimits.attributesMax) attributes"
            )
        }
        attributes.append(attribute)
    }

    private func tooLarge(_ name: String, _ what: String) -> EventLogFault {
        EventLogFault(
            code: .tooLarge,
            line: cursor.line,
            message: "\(shown(name)) \(what); split it or leave it out"
        )
    }

    private func shown(_ name: String) -> String {
        name.isEmpty ? "trace number \(traceCount)" : "trace \(quoted(name))"
    }
}
