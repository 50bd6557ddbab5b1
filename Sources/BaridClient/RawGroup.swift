// SPDX-License-Identifier: Apache-2.0

internal import Platform
package import Wire
internal import ZeroMQ

/// Several sessions driven by hand on one thread, for measuring: no tasks, no repetition, and no copy
/// of what is heard.
///
/// One thread only. Operations of a session gather in a packet until it is full or `flush` is called.
/// A session that breaks is not renewed: `receive` throws.
package struct RawGroup: ~Copyable {
    /// One session's road; a class, because an array cannot hold a socket's owner.
    private final class Line {
        let road: Road
        let slot: Int
        var writer = PacketWriter()
        var lastNumber: UInt32 = 0

        init(_ road: consuming Road, slot: Int) {
            self.road = road
            self.slot = slot
        }
    }

    private var lines: [Line] = []
    private var poller = Poller(capacity: 16)
    private let frame = Frame()

    /// How long a full or broken road may stay so while something must leave.
    private static let blockedMilliseconds: Int64 = 10_000
    /// Packets read of one session before the next one's turn.
    private static let packetsMax = 16

    /// A group without sessions.
    package init() {}

    /// Opens one more session and returns its place in the group.
    ///
    /// - Throws: `notConnected` if the bus did not answer in time, or its refusal.
    package mutating func open(
        endpoint: String,
        agency: String,
        name: String
    ) throws(BaridError) -> Int {
        do throws(ZeroMQFault) {
            let road = try Road(endpoint)
            let slot = poller.add(road.socket)
            lines.append(Line(road, slot: slot))
        } catch {
            throw .faulty("The client \(error).")
        }
        var hello = Envelope.Hello()
        hello.levelMin = UInt32(Limits.level)
        hello.levelMax = UInt32(Limits.level)
        hello.agency = agency
        hello.connection = name
        let place = lines.count - 1
        do throws(BaridError) {
            _ = try call(place, Header(.hello), envelope: Envelope.bytes(of: hello))
        } catch {
            guard error.code != .timedOut else { throw .client(.notConnected) }
            throw error
        }
        return place
    }

    /// Appends a request and returns the number it was given.
    package mutating func ask(
        _ place: Int,
        _ header: Header,
        envelope: [UInt8] = [],
        body: [UInt8] = []
    ) throws(BaridError) -> UInt32 {
        let line = lines[place]
        line.lastNumber = line.lastNumber == .max ? 1 : line.lastNumber + 1
        var header = header
        header.number = header.verb == .heartbeat ? 0 : line.lastNumber
        if !line.writer.hasRoom(envelopeLength: envelope.count, bodyLength: body.count) {
            try flush(place)
        }
        line.writer.append(header, envelope: envelope, body: body)
        return line.lastNumber
    }

    /// Asks one thing and waits for its answer, to 5 s; other news is dropped, so use it only at rest.
    package mutating func call(
        _ place: Int,
        _ header: Header,
        envelope: [UInt8] = []
    ) throws(BaridError) -> Header {
        let number = try ask(place, header, envelope: envelope)
        try flush(place)
        let deadline = Clock.monotonicMilliseconds() + 5_000
        var answer: Header?
        while answer == nil {
            let left = deadline - Clock.monotonicMilliseconds()
            guard left > 0 else { throw .client(.timedOut) }
            try receive(timeoutMilliseconds: Int(min(left, 1_000))) { from, header in
                let isAnswer = header.verb == .answer || header.verb == .refusal
                if from == place, isAnswer, header.number == number { answer = header }
            }
        }
        guard let answer, answer.verb == .answer else {
            throw .refused(answer?.code ?? 0, text: "", retryAt: 0)
        }
        return answer
    }

    /// Sends what has gathered for all sessions.
    package mutating func flush() throws(BaridError) {
        for place in lines.indices { try flush(place) }
    }

    /// Sends what has gathered for a session; waits while its road is full.
    package mutating func flush(_ place: Int) throws(BaridError) {
        let line = lines[place]
        guard !line.writer.isEmpty else { return }
        let deadline = Clock.monotonicMilliseconds() + Self.blockedMilliseconds
        do throws(ZeroMQFault) {
            while !(try line.road.send(&line.writer)) {
                guard Clock.monotonicMilliseconds() < deadline else { break }
                var room = Poller(capacity: 1)
                _ = room.add(line.road.socket, for: .writable)
                _ = try room.waitForWork(timeoutMilliseconds: 100)
            }
        } catch {
            throw .faulty("The client \(error).")
        }
        guard line.writer.isEmpty else { throw .client(.notConnected) }
    }

    /// Reads what has come, with the place of the session that heard it; waits for the first of it.
    ///
    /// A time of 0 only looks.
    ///
    /// - Throws: On `noSession` and farewell: the session is over then.
    package mutating func receive(
        timeoutMilliseconds: Int,
        _ body: (Int, Header) -> Void
    ) throws(BaridError) {
        var ending: UInt16?
        do throws(ZeroMQFault) {
            _ = try poller.waitForWork(timeoutMilliseconds: timeoutMilliseconds)
            for (place, line) in lines.enumerated() {
                var count = 0
                while count < Self.packetsMax,
                    case .message = try line.road.socket.receive(into: frame)
                {
                    count += 1
                    frame.withBytes { bytes in
                        if let code = Self.read(bytes, { body(place, $0) }) { ending = code }
                    }
                }
            }
        } catch {
            throw .faulty("The client \(error).")
        }
        if let ending { throw .refusal(ending) }
    }

    /// Reads one packet; returns why the session is over, if it is.
    private static func read(
        _ bytes: UnsafeRawBufferPointer,
        _ body: (Header) -> Void
    ) -> UInt16? {
        guard var reader = try? PacketReader(bytes, bodyBytesMax: Int(UInt32.max)) else {
            return nil
        }
        var ending: UInt16?
        while let item = reader.next() {
            guard case .operation(let header, _, _) = item else { continue }
            if header.verb == .farewell
                || header.verb == .refusal && header.code == RefusalCode.noSession.rawValue
            {
                ending = header.code
            }
            body(header)
        }
        return ending
    }
}
