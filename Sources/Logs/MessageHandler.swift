// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import Platform

/// Turns a message of swift-log into a `Notice` and hands it on.
struct MessageHandler: LogHandler {
    /// Metadata with the kind of message.
    static let kindKey = "kind"

    private let level: SharedLevel
    private let send: @Sendable (Notice) -> Void
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?

    init(_ level: SharedLevel, send: @escaping @Sendable (Notice) -> Void) {
        self.level = level
        self.send = send
    }

    var logLevel: Logger.Level {
        get { level.value }
        set { level.value = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var fields = metadata.merging(event.metadata ?? [:]) { _, new in new }
        let kind = fields.removeValue(forKey: Self.kindKey).map { "\($0)" } ?? ""
        send(
            Notice(
                at: Clock.wallMilliseconds(),
                level: event.level,
                kind: kind,
                id: LogMessage(rawValue: kind)?.id ?? "",
                text: "\(event.message)",
                fields: fields.sorted { $0.key < $1.key }.map { ($0.key, "\($0.value)") }
            )
        )
    }
}

/// A message with all it tells.
package struct Notice {
    /// Longest text or field, in bytes; what is longer is cut.
    static let textBytesMax = 4_096

    var at: Int64
    var level: Logger.Level
    var kind: String
    var id: String
    var text: String
    var fields: [(name: String, value: String)]

    /// One JSON object without a line end.
    var line: String {
        let instant = Instants.format(at) ?? ""
        var line = "{\"at\":\"\(instant)\",\"level\":\"\(level.rawValue)\",\"kind\":"
        line += "\(Self.quoted(kind)),\"id\":\(Self.quoted(id)),\"text\":\(Self.quoted(text))"
        for field in fields { line += ",\(Self.quoted(field.name)):\(Self.quoted(field.value))" }
        return line + "}"
    }

    /// The datagram of journald's native protocol: `NAME=value` lines, or the name, a length of 8
    /// bytes with its small end first, and the value where that has line ends.
    ///
    /// <https://systemd.io/JOURNAL_NATIVE_PROTOCOL/>
    var datagram: [UInt8] {
        var bytes: [UInt8] = []
        func add(_ name: String, _ value: String) {
            let value = Array(Self.cut(value).utf8)
            bytes += Array(name.utf8)
            if value.contains(UInt8(ascii: "\n")) {
                bytes.append(UInt8(ascii: "\n"))
                withUnsafeBytes(of: UInt64(value.count).littleEndian) { bytes += Array($0) }
            } else {
                bytes.append(UInt8(ascii: "="))
            }
            bytes += value
            bytes.append(UInt8(ascii: "\n"))
        }
        let particulars = fields.map { "\($0.name)=\($0.value)" }.joined(separator: " ")
        add("MESSAGE", particulars.isEmpty ? text : text + " " + particulars)
        add("PRIORITY", String(priority))
        add("SYSLOG_IDENTIFIER", "baridd")
        if !id.isEmpty { add("MESSAGE_ID", id) }
        add("BARID_KIND", kind)
        for field in fields { add("BARID_" + field.name.uppercased(), field.value) }
        return bytes
    }

    /// The priority of syslog.
    private var priority: Int {
        switch level {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }

    private static func cut(_ text: String) -> String {
        guard text.utf8.count > textBytesMax else { return text }
        return String(decoding: text.utf8.prefix(textBytesMax), as: UTF8.self) + "…"
    }

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in cut(text).unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
