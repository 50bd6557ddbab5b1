// SPDX-License-Identifier: Apache-2.0

/// The limits of the protocol, stated in `Protocols/bus.md` § Limits and told in `hello`'s answer.
package enum Limits {
    /// The one protocol level this code speaks.
    ///
    /// To change the format: raise it, keep the old reader, add vectors, say so in the specification.
    package static let level: UInt8 = 1

    /// Bytes of the header every operation begins with.
    package static let headerBytes = 64

    /// Bytes of the header every packet begins with.
    package static let packetHeaderBytes = 8

    /// Largest envelope, in bytes.
    package static let envelopeBytesMax = 65_536

    /// Largest body, in bytes, unless the daemon is configured otherwise.
    package static let bodyBytesMaxDefault = 1_048_576

    /// A packet is closed when it reaches this many bytes; only a single operation may exceed it.
    package static let packetBytesMax = 65_536

    /// Operations a packet may hold: 1023, as many bare headers as fit a full packet.
    package static let packetOperationsMax = (packetBytesMax - packetHeaderBytes) / headerBytes

    /// Largest ZeroMQ message either side accepts, for the given largest body.
    package static func messageBytesMax(bodyBytesMax: Int) -> Int {
        packetHeaderBytes + headerBytes + padded(envelopeBytesMax) + padded(bodyBytesMax)
    }

    /// Bytes of an office name `agency/office`, of an agency name, a step or an outcome.
    package static let nameBytesMax = 100

    /// Bytes of a reason or remark.
    package static let textBytesMax = 4_000

    /// Offices in one itinerary.
    package static let itineraryOfficesMax = 200

    /// Attributes of one case.
    package static let attributesMax = 100

    /// Messages of credit a session may hold for one office.
    package static let creditMessagesMax: UInt64 = 10_000

    /// Bytes of credit a session may hold for one office.
    package static let creditBytesMax: UInt64 = 64 << 20

    /// Bytes of a topic or pattern.
    package static let topicBytesMax = 200

    /// Words of a topic or pattern.
    package static let topicWordsMax = 16

    /// Subscriptions of one session.
    package static let subscriptionsMax = 1_000

    /// Durable subscriptions of one agency.
    package static let durableSubscriptionsMax = 1_000

    /// Topics whose last event a slow live subscription keeps.
    package static let latestTopicsMax = 1_000

    /// Services one session offers.
    package static let offersMax = 100

    /// Questions one offer may be given before it has answered one.
    package static let questionsMax: UInt64 = 1_000

    /// Longest time a question that is not durable may wait, in milliseconds.
    package static let deadlineMilliseconds: Int64 = 300_000

    /// Longest time a durable question may wait, in milliseconds: 30 days.
    package static let durableDeadlineMilliseconds: Int64 = 30 * 86_400_000

    /// Durable questions of one agency that may wait for an answer.
    package static let openQuestionsMax = 10_000

    /// Longest time to acknowledge an event that may be asked for, in milliseconds: a day.
    package static let ackMillisecondsMax: UInt32 = 86_400_000

    /// Most deliveries of an event that may be asked for.
    package static let eventAttemptsMax: UInt32 = 1_000

    /// Time to acknowledge an event unless the subscription says otherwise, in milliseconds.
    package static let ackMillisecondsDefault: Int64 = 30_000

    /// Deliveries of an event to a durable subscription unless it says otherwise.
    package static let eventAttemptsDefault: UInt32 = 10

    /// Entries in one page of the catalogue.
    package static let catalogueEntriesMax = 200

    /// Unanswered requests a session may have.
    package static let requestsMax = 10_000

    /// How long a session may be silent, in milliseconds.
    package static let expiryMilliseconds: Int64 = 30_000

    /// How often a client sends something, in milliseconds: a third of the expiry.
    package static let heartbeatMilliseconds: Int64 = 10_000

    /// Lengths on the wire are padded to this many bytes.
    package static func padded(_ length: Int) -> Int { (length + 7) & ~7 }
}
