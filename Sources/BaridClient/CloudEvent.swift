// SPDX-License-Identifier: Apache-2.0

internal import Platform

/// An event in the words of CloudEvents 1.0 (`Protocols/bus.md` § Events and CloudEvents).
public struct CloudEvent: Hashable, Sendable {
    /// An attribute and its value as text.
    public struct Attribute: Hashable, Sendable {
        /// The name, of a-z and 0-9.
        public let name: String
        /// The value.
        public let value: String
    }

    /// The version of the specification that the attributes follow.
    public static let specversion = "1.0"
    /// The media type of a body that is a whole event.
    public static let structuredType = "application/cloudevents+json"

    /// All attributes that have a value: those of the specification first, then its extensions and
    /// those of Barid.
    public let attributes: [Attribute]
    /// The content.
    public let data: [UInt8]

    private let contentType: String

    /// The attributes and the body of an event.
    public init(_ event: BusEvent) {
        let all: [(String, String)] = [
            ("specversion", Self.specversion), ("id", event.id), ("source", event.source),
            ("type", event.type), ("subject", event.subject),
            ("time", Instants.format(event.occurredAt) ?? ""),
            ("datacontenttype", event.contentType), ("dataschema", event.schema),
            ("traceparent", event.traceparent), ("tracestate", event.tracestate),
            ("correlationid", event.correlation),
            ("sequence", event.sequence.map { String($0) } ?? ""), ("topic", event.topic),
        ]
        attributes = all.filter { !$0.1.isEmpty }.map { Attribute(name: $0.0, value: $0.1) }
        data = event.body
        contentType = event.contentType
    }

    /// The value of an attribute; nil if it has none.
    public subscript(name: String) -> String? { attributes.first { $0.name == name }?.value }

    /// The event as one JSON object in one line, without a line end: the structured mode.
    ///
    /// A body that is JSON by its media type stands in `data` as JSON, one that is text as a string,
    /// any other in `data_base64`. A body that is a whole event already is given as it is.
    public var json: String {
        let value = Self.isJSON(contentType) ? JSONText.compacted(data) : nil
        if Self.essence(of: contentType) == Self.structuredType, let value, value.first == "{" {
            return value
        }
        var text = "{"
        for attribute in attributes {
            JSONText.quote(attribute.name, to: &text)
            text += ":"
            JSONText.quote(attribute.value, to: &text)
            text += ","
        }
        if data.isEmpty {
            text.removeLast()
        } else if let value {
            text += "\"data\":" + value
        } else if contentType.hasPrefix("text/"), let content = String(validating: data) {
            text += "\"data\":"
            JSONText.quote(content, to: &text)
        } else {
            text += "\"data_base64\":\"" + Base64.text(of: data) + "\""
        }
        return text + "}"
    }

    /// The media type without its parameters, in lower case.
    private static func essence(of contentType: String) -> String {
        String(contentType.prefix { $0 != ";" && $0 != " " }).lowercased()
    }

    private static func isJSON(_ contentType: String) -> Bool {
        let essence = essence(of: contentType)
        return essence.hasSuffix("/json") || essence.hasSuffix("+json")
    }
}

extension BusEvent {
    /// The event in the words of CloudEvents.
    public var cloudEvent: CloudEvent { CloudEvent(self) }
}

extension String {
    /// The text that these bytes are; nil if they are not UTF-8.
    package init?(validating bytes: [UInt8]) {
        self.init(validating: bytes, as: UTF8.self)
    }
}
