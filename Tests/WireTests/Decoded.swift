// SPDX-License-Identifier: Apache-2.0

import Testing
import Wire

/// Everything a packet says, copied out so that two packets can be compared.
enum Decoded: Equatable {
    enum Item: Equatable {
        case operation(Header, envelope: [UInt8], body: [UInt8])
        case refused(number: UInt32, RefusalCode)
    }

    case items([Item])
    case fault(PacketFault)

    /// What the reader makes of these bytes.
    init(_ bytes: some Collection<UInt8>, bodyBytesMax: Int = Limits.bodyBytesMaxDefault) {
        let array = Array(bytes)
        self = array.withUnsafeBytes { Self(reading: $0, bodyBytesMax: bodyBytesMax) }
    }

    private init(reading bytes: UnsafeRawBufferPointer, bodyBytesMax: Int) {
        do throws(PacketFault) {
            var reader = try PacketReader(bytes, bodyBytesMax: bodyBytesMax)
            var items: [Item] = []
            while let item = reader.next() {
                switch item {
                case .operation(let header, let envelope, let body):
                    items.append(.operation(header, envelope: Array(envelope), body: Array(body)))
                case .refused(let number, let code):
                    items.append(.refused(number: number, code))
                }
            }
            self = .items(items)
        } catch {
            self = .fault(error)
        }
    }

    /// The operations, if the packet is sound and every one of them is understood.
    var operations: [(header: Header, envelope: [UInt8], body: [UInt8])]? {
        guard case .items(let items) = self else { return nil }
        var operations: [(header: Header, envelope: [UInt8], body: [UInt8])] = []
        for item in items {
            guard case .operation(let header, let envelope, let body) = item else { return nil }
            operations.append((header, envelope, body))
        }
        return operations
    }

    /// The packet a writer makes of the operations, or nil if there are none or they need several.
    var encoded: [UInt8]? {
        guard let operations else { return nil }
        var writer = PacketWriter()
        for (header, envelope, body) in operations {
            let hasRoom = writer.hasRoom(envelopeLength: envelope.count, bodyLength: body.count)
            guard hasRoom else { return nil }
            writer.append(header, envelope: envelope, body: body)
        }
        return writer.finish { Array($0) }
    }
}
