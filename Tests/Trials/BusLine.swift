// SPDX-License-Identifier: Apache-2.0

import Keys
import ProofKit
import Wire
import ZeroMQ

/// A client's connection to the real bus.
final class BusLine {
    let client: SimulatedClient
    let socket: Socket
    /// Whether the bus has answered `hello`; only then does anything else follow it.
    var isOpen = false
    private var isIntroduced = false
    private let frame = Frame()
    private var writer = PacketWriter()
    /// A packet the road had no room for.
    private var waiting: [UInt8] = []

    init(
        _ client: SimulatedClient,
        to endpoint: String,
        key: (pair: KeyPair, server: PublicKey)?,
        in context: Context
    ) throws {
        self.client = client
        socket = try Socket(.dealer, in: context)
        try socket.set(.linger(milliseconds: 0))
        if let key {
            try socket.set(
                .curveClient(
                    publicKey: key.pair.publicKey.bytes,
                    secretKey: key.pair.secret,
                    serverKey: key.server.bytes
                )
            )
        }
        try socket.connect(endpoint)
    }

    /// Sends what the client has on its way up, as far as there is room.
    func send() throws {
        while true {
            if !waiting.isEmpty {
                let result = try waiting.withUnsafeBytes { try socket.send($0) }
                guard result == .sent else { return }
                waiting.removeAll(keepingCapacity: true)
            }
            guard let first = client.up.first, isOpen || !isIntroduced else { return }
            isIntroduced = true
            writer.append(first.header, envelope: first.envelope, body: first.body)
            var count = 1
            for parcel in client.up.dropFirst() where isOpen {
                let isRoom = writer.hasRoom(
                    envelopeLength: parcel.envelope.count,
                    bodyLength: parcel.body.count
                )
                guard isRoom else { break }
                writer.append(parcel.header, envelope: parcel.envelope, body: parcel.body)
                count += 1
            }
            client.up.removeFirst(count)
            waiting = writer.finish { [UInt8]($0) }
        }
    }

    /// Everything that has come since.
    func received() throws -> [Parcel] {
        var parcels: [Parcel] = []
        while case .message = try socket.receive(into: frame) {
            try frame.withBytes { bytes in
                var reader = try PacketReader(bytes, bodyBytesMax: Int(UInt32.max))
                while let item = reader.next() {
                    guard case .operation(let header, let envelope, let body) = item else {
                        throw Violation(.answered, "the bus told what cannot be understood")
                    }
                    parcels.append(
                        Parcel(
                            header: header,
                            session: client.session ?? 0,
                            envelope: [UInt8](envelope),
                            body: [UInt8](body)
                        )
                    )
                }
            }
        }
        return parcels
    }
}
