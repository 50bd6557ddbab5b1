// SPDX-License-Identifier: Apache-2.0

internal import Platform
internal import Wire
internal import ZeroMQ

/// A notice on its way to the bulletin.
struct Announcement: Sendable {
    let topic: String
    let text: String
    /// Milliseconds since 1970.
    let time: Int64
}

/// The end of the journal, as the bulletin tells it.
package typealias LedgerHead = (position: UInt64, hash: String, time: Int64)

/// Public notices for whoever subscribes with a stock SUB socket, best effort and without a promise.
///
/// Each is a message of two frames, the topic and a JSON object. A PUB socket, not XPUB: libzmq
/// keeps the subscriptions either way, and nothing here needs to hear of them.
final class Bulletin {
    /// The topic of the ledger's head; operators' notices have others.
    static let headTopic = "ledger.head"

    let endpoint: String
    private let socket: Socket
    private var lastHead: UInt64?

    /// Binds a publisher.
    ///
    /// - Throws: `ZeroMQFault` if the endpoint is taken or forbidden.
    init(_ wanted: Endpoint, in context: Context) throws(ZeroMQFault) {
        let socket = try Socket(.publisher, in: context)
        // Small messages; whoever is slower misses some.
        try socket.set(.sendHighWater(1_000))
        // All that peers send are prefixes; a longer frame costs them the connection.
        try socket.set(.maxMessageBytes(Int64(2 * Limits.topicBytesMax)))
        try socket.set(.linger(milliseconds: 100))
        try socket.set(.handshakeInterval(milliseconds: 5_000))
        try socket.set(.heartbeatInterval(milliseconds: 10_000))
        try socket.set(.heartbeatTimeout(milliseconds: 30_000))
        try socket.set(.tcpKeepalive(true))
        try socket.set(.ipv6(wanted.text.contains("[")))
        try socket.bind(wanted.text)
        endpoint = try socket.lastEndpoint
        self.socket = socket
    }

    /// Tells the head of the ledger, unless it was told before.
    func tell(_ head: LedgerHead) throws(ZeroMQFault) {
        guard head.position != lastHead else { return }
        lastHead = head.position
        try send(
            Self.headTopic,
            """
            {"position":\(head.position),"hash":\(Self.quoted(head.hash)),\
            "time":\(Self.time(head.time))}
            """
        )
    }

    /// Tells a notice.
    func tell(_ notice: Announcement) throws(ZeroMQFault) {
        try send(
            notice.topic,
            """
            {"text":\(Self.quoted(notice.text)),"time":\(Self.time(notice.time))}
            """
        )
    }

    private func send(_ topic: String, _ json: String) throws(ZeroMQFault) {
        let frames = [Array(topic.utf8), Array(json.utf8)]
        for (place, frame) in frames.enumerated() {
            try frame.withUnsafeBufferPointer { bytes throws(ZeroMQFault) in
                // A publisher drops for those that are slow and never says so.
                _ = try socket.send(UnsafeRawBufferPointer(bytes), more: place == 0)
            }
        }
    }

    private static func time(_ instant: Int64) -> String {
        quoted(Instants.format(instant) ?? "")
    }

    /// A JSON string (RFC 8259 § 7).
    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            case "\u{0}"..<"\u{20}":
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}

extension Switchboard {
    /// Tells what is to be announced.
    mutating func announce() throws(ZeroMQFault) {
        while let notice = announcements.tryTake() {
            try bulletin?.tell(notice)
        }
    }

    /// Tells the head of the ledger if it has moved.
    mutating func announceHead() throws(ZeroMQFault) {
        guard let bulletin, let head = ledger.head() else { return }
        try bulletin.tell(head)
    }
}
