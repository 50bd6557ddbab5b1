// SPDX-License-Identifier: Apache-2.0

package import SwiftProtobuf

/// The envelopes of `Protocols/envelopes.proto`, by the names the specification uses.
package enum Envelope {
    package typealias Hello = Barid_V1_Hello
    package typealias Welcome = Barid_V1_Welcome
    package typealias Attach = Barid_V1_Attach
    package typealias Attribute = Barid_V1_Attribute
    package typealias Case = Barid_V1_CaseEnvelope
    package typealias Reason = Barid_V1_Reason
    package typealias Note = Barid_V1_Note
    package typealias Step = Barid_V1_Step
    package typealias Trail = Barid_V1_Trail
    package typealias Place = Barid_V1_Place
    package typealias Act = Barid_V1_Act
    package typealias Refused = Barid_V1_Refused
    package typealias Event = Barid_V1_Event
    package typealias Subscribe = Barid_V1_Subscribe
    package typealias Question = Barid_V1_Question
    package typealias Offer = Barid_V1_Offer
    package typealias Reply = Barid_V1_Reply
    package typealias CatalogueQuery = Barid_V1_CatalogueQuery
    package typealias Catalogue = Barid_V1_Catalogue
    package typealias Entry = Barid_V1_Entry

    /// Reads an envelope.
    ///
    /// - Throws: `RefusalCode.envelopeInvalid` if the bytes are not this message.
    package static func read<Message: SwiftProtobuf.Message>(
        _ type: Message.Type,
        from bytes: UnsafeRawBufferPointer
    ) throws(RefusalCode) -> Message {
        guard let message = try? Message(serializedBytes: [UInt8](bytes)) else {
            throw .envelopeInvalid
        }
        return message
    }

    /// The bytes of an envelope; messages of this protocol have no required fields, so it cannot
    /// fail.
    package static func bytes(of message: some SwiftProtobuf.Message) -> [UInt8] {
        (try? message.serializedBytes() as [UInt8]) ?? []
    }
}
