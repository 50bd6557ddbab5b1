// SPDX-License-Identifier: Apache-2.0

package import Wire

/// A durable event on its way from the ledger to the live subscriptions.
package struct FeedItem: Sendable {
    /// Verb `event` with id, instant, sequence and the flag durable set; subject and generation are
    /// 0.
    package var header: Header
    package var topic: String
    /// The agencies an act of a case concerns; nil for an event of an agency's topic.
    package var concerned: [String]?
    /// Where its bytes begin in `Feed.bytes`, envelope first, unpadded.
    package var start: Int

    /// The places of the envelope in `Feed.bytes`.
    package var envelope: Range<Int> { start..<start + Int(header.envelopeLength) }
    /// The places of the body in `Feed.bytes`.
    package var body: Range<Int> {
        let bodyStart = start + Int(header.envelopeLength)
        return bodyStart..<bodyStart + Int(header.bodyLength)
    }
}

/// Durable events in the order of the journal, all on disk.
package struct Feed: Sendable {
    package private(set) var items: [FeedItem] = []
    package private(set) var bytes: [UInt8] = []

    /// No events.
    package init() {}

    /// Appends an event, copying its envelope and body and setting the lengths.
    package mutating func append(
        _ header: Header,
        topic: String,
        concerned: [String]?,
        envelope: UnsafeRawBufferPointer,
        body: UnsafeRawBufferPointer
    ) {
        var header = header
        header.envelopeLength = UInt32(envelope.count)
        header.bodyLength = UInt32(body.count)
        items.append(
            FeedItem(header: header, topic: topic, concerned: concerned, start: bytes.count)
        )
        bytes.append(contentsOf: envelope)
        bytes.append(contentsOf: body)
    }
}
