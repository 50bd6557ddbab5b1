// SPDX-License-Identifier: Apache-2.0

internal import Keys
internal import Wire
internal import ZeroMQ

/// Many connections to one bus over one socket, each named by its place; for measuring.
///
/// A ROUTER that only connects: a DEALER for each would need an I/O thread or at least a mailbox of its
/// own. The bus sees plain connections, since we name them for ourselves only.
///
/// Belongs to the thread that made it.
struct SharedRoad: ~Copyable {
    let socket: Socket
    private let endpoint: String
    /// Tells at once that a key is not admitted.
    let admission: AdmissionWatch
    private let name = Frame()

    /// Prepares the socket; `connect` adds connections.
    ///
    /// - Throws: `ZeroMQFault` if descriptors have run out.
    init(_ endpoint: String, _ credentials: Credentials?) throws(ZeroMQFault) {
        let socket = try Socket(.router, in: try Context())
        // A full or broken connection is told to us, where libzmq would drop silently.
        try socket.set(.routerMandatory(true))
        try socket.setAsClient(credentials)
        admission = try AdmissionWatch(of: socket, credentials, name: "shared-road")
        self.socket = socket
        self.endpoint = endpoint
    }

    /// Begins one more connection; libzmq goes on trying.
    ///
    /// - Parameter place: Names it from now on; not used before.
    /// - Throws: `ZeroMQFault` if the endpoint is malformed or descriptors have run out.
    borrowing func connect(_ place: Int) throws(ZeroMQFault) {
        try socket.set(.connectedPeerID(Self.name(of: place)))
        try socket.connect(endpoint)
    }

    /// Takes the next packet into `frame`; the place of its connection, or nil if none waits.
    borrowing func receive(into frame: borrowing Frame) throws(ZeroMQFault) -> Int? {
        guard try socket.receive(into: name) == .message,
            try socket.receive(into: frame) == .message
        else { return nil }
        return name.withBytes { $0.count == 5 ? Int($0.bigEndian(at: 1) as UInt32) : -1 }
    }

    /// Sends the packet and empties the writer, which stays as it is unless `sent` is returned.
    borrowing func send(
        _ writer: inout PacketWriter,
        to place: Int
    ) throws(ZeroMQFault) -> SendResult {
        let name = Self.name(of: place)
        let result = try name.withUnsafeBufferPointer { name throws(ZeroMQFault) in
            try socket.send(UnsafeRawBufferPointer(name), more: true)
        }
        guard result == .sent else { return result }
        return try writer.finish { bytes throws(ZeroMQFault) in try socket.send(bytes) }
    }

    /// Begins with a letter: names that begin with a zero are libzmq's own.
    private static func name(of place: Int) -> [UInt8] {
        let number = UInt32(truncatingIfNeeded: place)
        return [
            UInt8(ascii: "p"), UInt8(truncatingIfNeeded: number >> 24),
            UInt8(truncatingIfNeeded: number >> 16), UInt8(truncatingIfNeeded: number >> 8),
            UInt8(truncatingIfNeeded: number),
        ]
    }
}
