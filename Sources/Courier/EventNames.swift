// SPDX-License-Identifier: Apache-2.0

internal import Wire

/// What the courier must know of an event's envelope.
struct EventNames {
    let topic: String
    /// The agency that the source names, its first segment.
    let sourceOwner: String

    /// Reads an envelope.
    ///
    /// - Throws: `envelopeInvalid` if it is no Event.
    init(_ envelope: UnsafeRawBufferPointer) throws(RefusalCode) {
        let event = try Envelope.read(Envelope.Event.self, from: envelope)
        topic = event.topic
        sourceOwner = String(event.source.prefix { $0 != "/" })
    }
}
