// SPDX-License-Identifier: Apache-2.0

internal import Platform
internal import Wire

/// A session without threads, tasks or repetition, for measuring: the caller drives it by hand.
///
/// One thread only. Operations gather in a packet until it is full or `flush` is called. A session
/// that breaks is not renewed: `receive` throws.
package struct RawSession: ~Copyable {
    /// The daemon's name and version.
    package private(set) var daemon = ""
    /// Packets received that carried at least one answer.
    package var answerPacketCount: Int { road.answerPacketCount }
    /// Operations that could not be understood; each may hide an answer.
    package var strangeCount: Int { road.strangeCount }

    private var road: PacketRoad
    /// Offices in the order of attaching.
    private var offices: [String] = []
    /// The office of each announced step.
    private var stepOffices: [UInt32: Int] = [:]

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
        credentials: Credentials? = nil,
        timeoutMilliseconds: Int64
    ) throws(BaridError) -> RawSession {
        var session = RawSession(try PacketRoad(to: endpoint, credentials))
        var hello = Envelope.Hello()
        hello.levelMin = UInt32(Limits.level)
        hello.levelMax = UInt32(Limits.level)
        hello.agency = agency
        hello.connection = name
        let reply: Reply
        do throws(BaridError) {
            reply = try session.ask(
                Header(.hello),
                envelope: Envelope.bytes(of: hello),
                timeoutMilliseconds: timeoutMilliseconds
            )
        } catch {
            guard error.code != .timedOut else { throw .client(.notConnected) }
            throw error
        }
        let welcome = reply.envelope.withUnsafeBytes { bytes in
            try? Envelope.read(Envelope.Welcome.self, from: bytes)
        }
        session.daemon = welcome?.daemon ?? ""
        return session
    }

    private init(_ road: consuming PacketRoad) { self.road = road }

    /// Staffs an office and returns its number for `grant`.
    package mutating func attach(
        _ office: String,
        title: String
    ) throws(BaridError) -> UInt64 {
        var attach = Envelope.Attach()
        attach.office = office
        attach.title = title
        let number = try ask(
            Header(.attach),
            envelope: Envelope.bytes(of: attach),
            timeoutMilliseconds: 10_000
        ).header.subject
        offices.append(office)
        return number
    }

    /// Grants credit to an office; all of it together may be `creditMax`.
    package mutating func grant(
        office: UInt64,
        messages: UInt64,
        bytes: UInt64
    ) throws(BaridError) {
        var header = Header(.credit)
        header.subject = office
        header.generation = messages
        header.serial = bytes
        _ = try road.ask(header)
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
        return try road.ask(header, envelope: envelope, body: body)
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
        return try road.ask(header)
    }

    /// Tells the bus that the session is alive.
    package mutating func beat() throws(BaridError) {
        try road.append(Header(.heartbeat))
        try road.flush()
    }

    /// Says goodbye; leases go back to their queues.
    package mutating func bye() throws(BaridError) {
        _ = try ask(Header(.bye), timeoutMilliseconds: 2_000)
    }

    /// Sends what has gathered; waits while the road is full.
    package mutating func flush() throws(BaridError) { try road.flush() }

    /// Appends the news of all packets that have come; waits for the first of them.
    ///
    /// A time of 0 only looks. Throws on `noSession` and farewell: the session is over then.
    package mutating func receive(
        into events: inout [Event],
        timeoutMilliseconds: Int
    ) throws(BaridError) {
        var stepOffices = stepOffices
        let offices = offices
        defer { self.stepOffices = stepOffices }
        try road.gather(timeoutMilliseconds: timeoutMilliseconds) { header, envelope in
            if header.verb == .step {
                let step = try? Envelope.read(Envelope.Step.self, from: envelope)
                stepOffices[header.number] = step.flatMap { offices.firstIndex(of: $0.office) }
            } else if var event = Event(header) {
                if event.kind == .delivered { event.office = stepOffices[event.number] ?? 0 }
                events.append(event)
            }
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

    /// Asks one thing and waits for its answer; other news is dropped, so use it only at rest.
    private mutating func ask(
        _ header: Header,
        envelope: [UInt8] = [],
        timeoutMilliseconds: Int64
    ) throws(BaridError) -> Reply {
        let number = try road.ask(header, envelope: envelope)
        try road.flush()
        let deadline = Clock.monotonicMilliseconds() + timeoutMilliseconds
        var reply: Reply?
        while reply == nil {
            let left = deadline - Clock.monotonicMilliseconds()
            guard left > 0 else { throw .client(.timedOut) }
            try road.gather(timeoutMilliseconds: Int(min(left, 1_000))) { header, envelope in
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
}
