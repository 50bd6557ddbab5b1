// SPDX-License-Identifier: Apache-2.0

internal import BaridClient
internal import Wire

/// Sessions that subscribe to a topic, grant all the credit there is, and then read nothing.
struct StalledReaders: ~Copyable {
    /// What they are told once they read again.
    struct Figures {
        var deliveredCount: UInt64 = 0
        var gapCount: UInt64 = 0
        var leftOutCount: UInt64 = 0
    }

    /// How long nothing comes before they have heard everything, in milliseconds.
    private static let quietMilliseconds = 500
    private var group: RawGroup
    private var subscriptions: [UInt64] = []

    private init(_ group: consuming RawGroup) { self.group = group }

    /// Opens so many sessions that subscribe to the topic.
    static func open(
        count: Int,
        topic: String,
        endpoint: String,
        agency: String
    ) throws(BaridError) -> StalledReaders {
        var readers = StalledReaders(try RawGroup(endpoint: endpoint))
        try readers.subscribe(count, topic, agency)
        return readers
    }

    private mutating func subscribe(
        _ count: Int,
        _ topic: String,
        _ agency: String
    ) throws(BaridError) {
        var subscribe = Envelope.Subscribe()
        subscribe.pattern = topic
        try group.open(count, agency: agency, name: "barid bench")
        for place in 0..<count {
            subscriptions.append(
                try group.call(
                    place,
                    Header(.subscribe),
                    envelope: Envelope.bytes(of: subscribe)
                ).subject
            )
        }
        try grant(messages: Limits.creditMessagesMax, bytes: Limits.creditBytesMax)
    }

    private mutating func grant(messages: UInt64, bytes: UInt64) throws(BaridError) {
        for (place, subscription) in subscriptions.enumerated() {
            var credit = Header(.credit)
            credit.subject = subscription
            credit.generation = messages
            credit.serial = bytes
            _ = try group.ask(place, credit)
        }
        try group.flush()
    }

    /// Reads what waited for them, and what they are told once they have credit again.
    mutating func readAgain() throws(BaridError) -> Figures {
        var figures = Figures()
        try read(into: &figures)
        try grant(messages: 1, bytes: 0)
        try read(into: &figures)
        return figures
    }

    private mutating func read(into figures: inout Figures) throws(BaridError) {
        var isQuiet = false
        while !isQuiet {
            isQuiet = true
            try group.receive(timeoutMilliseconds: Self.quietMilliseconds) { _, header, _ in
                isQuiet = false
                switch header.verb {
                case .event: figures.deliveredCount += 1
                case .gap:
                    figures.gapCount += 1
                    figures.leftOutCount += UInt64(header.number)
                default: return
                }
            }
        }
    }
}
