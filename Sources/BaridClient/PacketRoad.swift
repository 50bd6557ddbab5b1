// SPDX-License-Identifier: Apache-2.0

internal import Platform
internal import Wire
internal import ZeroMQ

/// A road used by hand: operations gather in a packet until it is full or flushed, and packets are
/// read where the caller stands.
///
/// One thread only.
struct PacketRoad: ~Copyable {
    private let road: Road
    private var poller = Poller(capacity: 2)
    private let frame = Frame()
    private var writer = PacketWriter()
    private var lastNumber: UInt32 = 0
    /// Packets received that carried at least one answer.
    private(set) var answerPacketCount = 0
    /// Operations that could not be understood; each may hide an answer.
    private(set) var strangeCount = 0

    /// How long a full or broken road may stay so while something must leave.
    private static let blockedMilliseconds: Int64 = 10_000

    /// Begins to connect.
    init(to endpoint: String, _ credentials: Credentials? = nil) throws(BaridError) {
        do throws(ZeroMQFault) { road = try Road(endpoint, credentials) } catch {
            throw .faulty("The client \(error).")
        }
        _ = poller.add(road.socket)
        road.watch(with: &poller)
    }

    /// Appends a request and returns the number it was given.
    mutating func ask(
        _ header: Header,
        envelope: [UInt8] = [],
        body: [UInt8] = []
    ) throws(BaridError) -> UInt32 {
        lastNumber = lastNumber == .max ? 1 : lastNumber + 1
        var header = header
        header.number = lastNumber
        try append(header, envelope: envelope, body: body)
        return lastNumber
    }

    /// Appends an operation as it is; what has gathered is sent first where there is no room.
    mutating func append(
        _ header: Header,
        envelope: [UInt8] = [],
        body: [UInt8] = []
    ) throws(BaridError) {
        if !writer.hasRoom(envelopeLength: envelope.count, bodyLength: body.count) { try flush() }
        writer.append(header, envelope: envelope, body: body)
    }

    /// Sends what has gathered; waits while the road is full.
    mutating func flush() throws(BaridError) {
        guard !writer.isEmpty else { return }
        let deadline = Clock.monotonicMilliseconds() + Self.blockedMilliseconds
        do throws(ZeroMQFault) {
            while !(try road.send(&writer)) {
                guard Clock.monotonicMilliseconds() < deadline else { break }
                var room = Poller(capacity: 1)
                _ = room.add(road.socket, for: .writable)
                _ = try room.waitForWork(timeoutMilliseconds: 100)
            }
        } catch {
            throw .faulty("The client \(error).")
        }
        guard writer.isEmpty else { throw .client(.notConnected) }
    }

    /// Reads all packets that have come, and waits for the first of them.
    ///
    /// A time of 0 only looks. Throws on `noSession` and farewell: the session is over then.
    mutating func gather(
        timeoutMilliseconds: Int,
        _ body: (Header, UnsafeRawBufferPointer) -> Void
    ) throws(BaridError) {
        var ending: Header?
        var isNotAdmitted = false
        do throws(ZeroMQFault) {
            _ = try poller.waitForWork(timeoutMilliseconds: timeoutMilliseconds)
            isNotAdmitted = try road.isNotAdmitted()
            while case .message = try road.socket.receive(into: frame) {
                if let header = read(body) { ending = header }
            }
        } catch {
            throw .faulty("The client \(error).")
        }
        if isNotAdmitted { throw .client(.notAdmitted) }
        if let ending { throw .refused(ending.code, text: "", retryAt: ending.instant) }
    }

    /// Reads one packet, and returns the operation that ends the session if it holds one.
    private mutating func read(_ body: (Header, UnsafeRawBufferPointer) -> Void) -> Header? {
        var ending: Header?
        var answerCount = 0
        var strange = 0
        frame.withBytes { bytes in
            guard var reader = try? PacketReader(bytes, bodyBytesMax: Int(UInt32.max)) else {
                strange += 1
                return
            }
            while let item = reader.next() {
                guard case .operation(let header, let envelope, _) = item else {
                    strange += 1
                    continue
                }
                if header.verb == .answer { answerCount += 1 }
                if header.verb == .farewell
                    || header.verb == .refusal && header.code == RefusalCode.noSession.rawValue
                {
                    ending = header
                }
                body(header, envelope)
            }
        }
        if answerCount > 0 { answerPacketCount += 1 }
        strangeCount += strange
        return ending
    }
}
