// SPDX-License-Identifier: Apache-2.0

internal import Keys
internal import Wire
internal import ZeroMQ

/// The one socket of a connection, with the settings every client uses.
///
/// Belongs to the thread that made it.
struct Road: ~Copyable {
    let socket: Socket
    /// Tells at once that a key is not admitted.
    let admission: AdmissionWatch

    /// Begins to connect; libzmq goes on trying.
    ///
    /// - Throws: `ZeroMQFault` if the endpoint is malformed or descriptors have run out.
    init(_ endpoint: String, _ credentials: Credentials? = nil) throws(ZeroMQFault) {
        let socket = try Socket(.dealer, in: try Context())
        // Nothing is queued for a daemon that is away: it is sent again once a session is open.
        try socket.set(.immediate(true))
        try socket.setAsClient(credentials)
        // A peer that vanished without a word is noticed, and the connection made anew.
        try socket.set(.heartbeatInterval(milliseconds: 3_000))
        try socket.set(.heartbeatTimeout(milliseconds: 15_000))
        let admission = try AdmissionWatch(of: socket, credentials, name: "road")
        try socket.connect(endpoint)
        self.socket = socket
        self.admission = admission
    }

    private enum NotSent: Error {
        case blocked
        case broken(ZeroMQFault)
    }

    /// Sends the packet and empties the writer; false, leaving it as it is, while the road is
    /// broken or full.
    borrowing func send(_ writer: inout PacketWriter) throws(ZeroMQFault) -> Bool {
        do throws(NotSent) {
            try writer.finish { bytes throws(NotSent) in try send(bytes) }
            return true
        } catch {
            switch error {
            case .blocked: return false
            case .broken(let fault): throw fault
            }
        }
    }

    private borrowing func send(_ bytes: UnsafeRawBufferPointer) throws(NotSent) {
        let result: SendResult
        do throws(ZeroMQFault) { result = try socket.send(bytes) } catch { throw .broken(error) }
        guard case .sent = result else { throw .blocked }
    }
}
