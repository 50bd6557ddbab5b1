// SPDX-License-Identifier: Apache-2.0

internal import Platform
internal import Wire
internal import ZeroMQ

/// A session without threads, tasks or repetition, for measuring: the caller drives it by hand.
///
/// One thread only. Operations gather in a packet until it is full or `flush` is called. A session
/// that breaks is not renewed: `receive` throws.
package struct RawSession: ~Copyable {
    /// What the bus told.
    package struct Event: Sendable {
        /// The kinds of news.
        package enum Kind: Sendable {
            /// A request is done; `number`, `serial`, `subject` and `instant` are set.
            case answered
            /// A request is refused; `number` and `code` are set.
            case refused
            /// A referral; `subject`, `generation`, `serial`, `code` and `bytes` are set.
            case delivered
        }

        package var kind: Kind
        /// The request answered, or the step delivered.
        package var number: UInt32
        /// Refusal code, or failed attempts.
        package var code: UInt16
        /// Journal position, or referral.
        package var subject: UInt64
        /// Commits of the daemon so far, if it tells them, or the fence of the lease.
        package var generation: UInt64
        /// When it was recorded, in milliseconds since 1970.
        package var instant: Int64
        /// The case.
        package var serial: UInt64
        /// Bytes of credit used.
        package var bytes: UInt64
        /// Whether the answer repeats an earlier one.
        package var isRepeated: Bool
    }

    private let road: Road
    private var poller = Poller(capacity: 1)
    private let frame = Frame()
    private var writer = PacketWriter()
    private var lastNumber: UInt32 = 0
    /// Packets received that carried at least one answer.
    package private(set) var answerPacketCount = 0
    /// Operations that could not be understood; each may hide an answer.
    package private(set) var strangeCount = 0
    /// The daemon's name and version.
    package private(set) var daemon = ""

    /// Credit a session may hold for one office: messages and bytes.
    package static let creditMax: (messages: UInt64, bytes: UInt64) = (
        Limits.creditMessagesMax, Limits.creditBytesMax
    )

    /// Connects and opens a session.
    ///
    /// - Throws: `notConnected` if the bus did not answer in time, or its refusal.
    package static func open(
        endpoint: String,
        agency: String,
        name: String,
        timeoutMilliseconds: Int64
    ) throws(BaridError) -> RawSession {
        var session = RawSession(try road(to: endpoint))
        var hello = Envelope.Hello()
        hello.levelMin = UInt32(Limits.level)
        hello.levelMax = UInt32(Limits.level)
        hello.agency = agency
        hello.connection = name
        let reply = try session.ask(
            Header(.hello),
            envelope: Envelope.bytes(of: hello),
            timeoutMilliseconds: timeoutMilliseconds
        )
        let welcome = reply.envelope.withUnsafeBytes { bytes in
            try? Envelope.read(Envelope.Welcome.self, from: bytes)
        }
        session.daemon = welcome?.daemon ?? ""
        return session
    }

    private init(_ road: consuming Road) {
        self.road = road
        _ = poller.add(self.road.socket)
    }

    /// Staffs an office and returns its number for `grant`.
    package mutating func attach(
        _ office: String,
        title: String
    ) throws(BaridError) -> UInt64 {
        var attach = Envelope.Attach()
        attach.office = office
        attach.title = title
        return try ask(
            Header(.attach),
            envelope: Envelope.bytes(of: attach),
            timeoutMilliseconds: 10_000
        ).header.subject
    }

    /// Grants credit to an office.
    package mutating func grant(
        office: UInt64,
        messages: UInt64,
        bytes: UInt64
    ) throws(BaridError) {
        var header = Header(.credit)
        header.subject = office
        header.generation = messages
        header.serial = bytes
        _ = try add(header)
    }

    /// Submits a case and returns the number its answer will bear.
    ///
    /// The envelope is made by `caseEnvelope`; the key must not be zero.
    package mutating func submit(
        envelope: [UInt8],
        body: [UInt8],
        key: (high: UInt64, low: UInt64)
    ) throws(BaridError) -> UInt32 {
        var header = Header(.submit)
        header.flags = Wire.Lane.normal.rawValue
        header.id = Identifier(high: key.high, low: key.low)
        return try add(header, envelope: envelope, body: body)
    }

    /// Completes a delivered referral and returns the number its answer will bear.
    package mutating func complete(
        _ delivery: Event,
        outcome: UInt16 = 0
    ) throws(BaridError) -> UInt32 {
        var header = Header(.complete)
        header.code = outcome
        header.subject = delivery.subject
        header.generation = delivery.generation
        header.serial = delivery.serial
        return try add(header)
    }

    /// Tells the bus that the session is alive.
    package mutating func beat() throws(BaridError) {
        try makeRoom(envelopeLength: 0, bodyLength: 0)
        writer.append(Header(.heartbeat))
        try flush()
    }

    /// Says goodbye; leases go back to their queues.
    package mutating func bye() throws(BaridError) {
        _ = try ask(Header(.bye), timeoutMilliseconds: 2_000)
    }

    /// Sends what has gathered; waits while the road is full.
    package mutating func flush() throws(BaridError) {
        guard !writer.isEmpty else { return }
        let deadline = Clock.monotonicMilliseconds() + 10_000
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

    /// Appends the news of all packets that have come; waits for the first of them.
    ///
    /// A time of 0 only looks. Throws on `noSession` and farewell: the session is over then.
    package mutating func receive(
        into events: inout [Event],
        timeoutMilliseconds: Int
    ) throws(BaridError) {
        try gather(timeoutMilliseconds: timeoutMilliseconds) { header, _ in
            if let event = Event(header) { events.append(event) }
        }
    }

    /// The envelope of a case with these contents.
    package static func caseEnvelope(
        procedure: String,
        subject: String,
        itinerary: [String]
    ) -> [UInt8] {
        var envelope = Envelope.Case()
        envelope.procedure = procedure
        envelope.subject = subject
        envelope.itinerary = itinerary
        return Envelope.bytes(of: envelope)
    }

    private static func road(to endpoint: String) throws(BaridError) -> Road {
        do throws(ZeroMQFault) { return try Road(endpoint) } catch {
            throw .faulty("The client \(error).")
        }
    }

    private mutating func add(
        _ header: Header,
        envelope: [UInt8] = [],
        body: [UInt8] = []
    ) throws(BaridError) -> UInt32 {
        try makeRoom(envelopeLength: envelope.count, bodyLength: body.count)
        lastNumber = lastNumber == .max ? 1 : lastNumber + 1
        var header = header
        header.number = lastNumber
        writer.append(header, envelope: envelope, body: body)
        return lastNumber
    }

    private mutating func makeRoom(envelopeLength: Int, bodyLength: Int) throws(BaridError) {
        if !writer.hasRoom(envelopeLength: envelopeLength, bodyLength: bodyLength) { try flush() }
    }

    /// Asks one thing and waits for its answer; other news is dropped, so use it only at rest.
    private mutating func ask(
        _ header: Header,
        envelope: [UInt8] = [],
        timeoutMilliseconds: Int64
    ) throws(BaridError) -> Reply {
        let number = try add(header, envelope: envelope)
        try flush()
        let deadline = Clock.monotonicMilliseconds() + timeoutMilliseconds
        var reply: Reply?
        while reply == nil {
            let left = deadline - Clock.monotonicMilliseconds()
            guard left > 0 else { throw .client(.timedOut) }
            try gather(timeoutMilliseconds: Int(min(left, 1_000))) { header, envelope in
                if header.number == number, header.verb != .delivery, header.verb != .step {
                    reply = Reply(header: header, envelope: [UInt8](envelope))
                }
            }
        }
        guard let reply else { throw .client(.timedOut) }
        guard reply.header.verb == .answer else { throw error(of: reply) }
        return reply
    }

    private func error(of reply: Reply) -> BaridError {
        let refused = reply.envelope.withUnsafeBytes { bytes in
            try? Envelope.read(Envelope.Refused.self, from: bytes)
        }
        return .refused(
            reply.header.code,
            text: refused?.text ?? "",
            retryAt: reply.header.instant
        )
    }

    private mutating func gather(
        timeoutMilliseconds: Int,
        _ body: (Header, UnsafeRawBufferPointer) -> Void
    ) throws(BaridError) {
        var ending: Header?
        do throws(ZeroMQFault) {
            _ = try poller.waitForWork(timeoutMilliseconds: timeoutMilliseconds)
            while case .message = try road.socket.receive(into: frame) {
                if let header = read(body) { ending = header }
            }
        } catch {
            throw .faulty("The client \(error).")
        }
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

extension RawSession.Event {
    /// The news in a header; nil for what a measurement need not know.
    fileprivate init?(_ header: Header) {
        switch header.verb {
        case .answer: kind = .answered
        case .refusal: kind = .refused
        case .delivery: kind = .delivered
        default: return nil
        }
        number = header.number
        code = header.code
        subject = header.subject
        generation = header.generation
        instant = header.instant
        serial = header.serial
        bytes = UInt64(header.envelopeLength) + UInt64(header.bodyLength)
        isRepeated = header.flags & Header.repeatedFlag != 0
    }
}
