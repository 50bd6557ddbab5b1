// SPDX-License-Identifier: Apache-2.0

internal import Platform

/// One case of an event log: its name, what is known about it, and what happened in order.
package struct Trace: Sendable, Equatable {
    /// `concept:name`; empty where the log gives none.
    package var name: String

    /// All other attributes of the trace, in document order.
    package var attributes: [Attribute]

    /// The events, in document order.
    package var events: [Event]

    /// Makes a trace.
    package init(name: String, attributes: [Attribute] = [], events: [Event] = []) {
        self.name = name
        self.attributes = attributes
        self.events = events
    }

    /// The text of the first attribute called `key`, or nil where there is none.
    package func text(_ key: String) -> String? { attributes.text(key) }

    /// The first attribute called `key` as milliseconds since 1970 UTC.
    ///
    /// - Returns: nil where there is no such attribute or its text is not an instant.
    package func instant(_ key: String) -> Int64? { attributes.text(key).flatMap(Instants.parse) }

    /// The runs of consecutive events of one group, in order; together they cover every event.
    package var visits: [Visit] {
        var visits: [Visit] = []
        var start = 0
        for index in events.indices.dropFirst()
        where events[index].group != events[start].group {
            visits.append(Visit(group: events[start].group, events: start..<index))
            start = index
        }
        if start < events.count {
            visits.append(Visit(group: events[start].group, events: start..<events.count))
        }
        return visits
    }
}

/// Something that happened to a case: which activity, where, by whom and when.
package struct Event: Sendable, Equatable {
    /// `concept:name`; empty where the log gives none.
    package var activity: String

    /// `org:group`, the office; empty where the log gives none.
    package var group: String

    /// `org:resource`, the person; empty where the log gives none.
    package var resource: String

    /// `time:timestamp` in milliseconds since 1970 UTC.
    package var instant: Int64

    /// All other attributes of the event, in document order.
    package var attributes: [Attribute]

    /// Makes an event; `instant` is in milliseconds since 1970 UTC.
    package init(
        activity: String,
        group: String = "",
        resource: String = "",
        instant: Int64,
        attributes: [Attribute] = []
    ) {
        self.activity = activity
        self.group = group
        self.resource = resource
        self.instant = instant
        self.attributes = attributes
    }

    /// The text of the first attribute called `key`, or nil where there is none.
    package func text(_ key: String) -> String? { attributes.text(key) }

    /// The first attribute called `key` as milliseconds since 1970 UTC.
    ///
    /// - Returns: nil where there is no such attribute or its text is not an instant.
    package func instant(_ key: String) -> Int64? { attributes.text(key).flatMap(Instants.parse) }
}

/// One key and its value, as the log spells it.
package struct Attribute: Sendable, Equatable {
    /// The elementary types of IEEE 1849; the raw value is the name of the XML element.
    package enum Kind: String, Sendable, Equatable, CaseIterable {
        case string
        case date
        case int
        case float
        case boolean
        case id
    }

    /// The key, such as `deadline` or `lifecycle:transition`.
    package var key: String

    /// The type the log declares for the value.
    package var kind: Kind

    /// The value as written in the log, not checked against `kind`.
    package var value: String

    /// Makes an attribute from its text.
    package init(key: String, kind: Kind = .string, value: String) {
        self.key = key
        self.kind = kind
        self.value = value
    }

    /// Makes a date attribute from milliseconds since 1970 UTC.
    ///
    /// - Returns: nil outside the years 0001 to 9999.
    package init?(key: String, instant: Int64) {
        guard let text = Instants.format(instant) else { return nil }
        self.init(key: key, kind: .date, value: text)
    }
}

/// An unbroken stay of a case at one group: consecutive events that name the same group.
package struct Visit: Sendable, Equatable {
    /// The group, empty where the events name none.
    package var group: String

    /// The events of the stay, as positions in `Trace.events`; never empty.
    package var events: Range<Int>

    /// Makes a visit.
    package init(group: String, events: Range<Int>) {
        self.group = group
        self.events = events
    }
}

/// The keys of the standard extensions that have a field of their own in `Trace` and `Event`.
enum StandardKey {
    static let name = "concept:name"
    static let group = "org:group"
    static let resource = "org:resource"
    static let timestamp = "time:timestamp"
}

extension [Attribute] {
    fileprivate func text(_ key: String) -> String? { first { $0.key == key }?.value }
}
