// SPDX-License-Identifier: Apache-2.0

package import Platform
package import Wire
internal import ZeroMQ

/// Many sessions driven by hand on one thread, for measuring: no tasks, no repetition, and no copy of
/// what is heard.
///
/// All sessions share one socket and one I/O thread, so that thousands of them cost a descriptor each
/// and nothing else; the bus sees a connection of its own behind every one. Operations of a session
/// gather in packets until `flush`, which never waits: what a session's road cannot take now stays and
/// leaves at a later flush. A session that breaks is not renewed: `receive` throws.
///
/// One thread only.
package struct RawGroup: ~Copyable {
    /// A packet being written, or waiting for its road.
    private final class Parcel {
        var writer = PacketWriter()
    }

    private struct Line {
        var parcels: [Parcel] = []
        var lastNumber: UInt32 = 0
        var isDirty = false
        /// When something left last, in monotonic milliseconds.
        var spokeAt: Int64 = 0
        /// Since when its road takes nothing; 0 while it does.
        var blockedSince: Int64 = 0
    }

    private let road: SharedRoad
    private var lines: [Line] = []
    /// Places with something to send.
    private var dirty: [Int] = []
    private var pool: [Parcel] = []
    private var poller = Poller(capacity: 2)
    private let frame = Frame()
    /// Where the next look for silent sessions begins.
    private var beatPlace = 0
    private var beatAt: Int64 = 0

    /// How long a road may take nothing while something must leave.
    private static let blockedMilliseconds: Int64 = 10_000
    /// How long to wait at most before a road that took nothing is tried again.
    private static let retryMilliseconds = 5
    /// Packets read before the caller has its turn.
    private static let packetsMax = 1_024
    /// Requests of `callAll` under way at once.
    private static let callsMax = 256
    /// How long `call` waits for an answer.
    private static let patienceMilliseconds: Int64 = 5_000
    private static let parcelsKept = 256

    /// A group without sessions.
    ///
    /// - Throws: `clientFault` if descriptors have run out or the endpoint is malformed.
    package init(endpoint: String, credentials: Credentials? = nil) throws(BaridError) {
        do throws(ZeroMQFault) {
            road = try SharedRoad(endpoint, credentials)
            _ = poller.add(road.socket)
            road.admission.watch(with: &poller)
        } catch {
            throw .faulty("The client \(error).")
        }
    }

    /// Has `receive` wake for a timer too.
    package mutating func watch(_ timer: AlarmTimer) {
        _ = poller.add(fileDescriptor: timer.fileDescriptor)
    }

    /// Sessions opened so far.
    package var count: Int { lines.count }

    /// Opens one more session and returns its place in the group.
    ///
    /// - Throws: `notConnected` if the bus did not answer in time, or its refusal.
    package mutating func open(agency: String, name: String) throws(BaridError) -> Int {
        try open(1, agency: agency, name: name)
        return lines.count - 1
    }

    /// Opens so many more sessions, at the places after those there are.
    ///
    /// - Throws: `notConnected` if the bus did not answer in time, or its refusal.
    package mutating func open(_ more: Int, agency: String, name: String) throws(BaridError) {
        var hello = Envelope.Hello()
        hello.levelMin = UInt32(Limits.level)
        hello.levelMax = UInt32(Limits.level)
        hello.agency = agency
        hello.connection = name
        let envelope = Envelope.bytes(of: hello)
        do throws(BaridError) {
            _ = try callAll(more) { group, _ throws(BaridError) in
                let place = group.lines.count
                do throws(ZeroMQFault) { try group.road.connect(place) } catch {
                    throw .faulty("The client \(error).")
                }
                group.lines.append(Line())
                return (place, try group.ask(place, Header(.hello), envelope: envelope))
            }
        } catch {
            guard error.code != .timedOut else { throw .client(.notConnected) }
            throw error
        }
    }

    /// Appends a request and returns the number it was given; heartbeats have none.
    package mutating func ask(
        _ place: Int,
        _ header: Header,
        envelope: [UInt8] = [],
        body: [UInt8] = []
    ) throws(BaridError) -> UInt32 {
        let last = lines[place].lastNumber
        let number = last == .max ? 1 : last + 1
        lines[place].lastNumber = number
        var header = header
        header.number = header.verb == .heartbeat ? 0 : number
        let parcel = parcel(
            of: place,
            envelopeLength: envelope.count,
            bodyLength: body.count
        )
        parcel.writer.append(header, envelope: envelope, body: body)
        return number
    }

    /// Asks one thing and waits for its answer, to 5 s; other news is dropped, so use it only at rest.
    package mutating func call(
        _ place: Int,
        _ header: Header,
        envelope: [UInt8] = []
    ) throws(BaridError) -> Header {
        try callAll(1) { group, _ throws(BaridError) in
            (place, try group.ask(place, header, envelope: envelope))
        }[0]
    }

    /// Asks many things, some of them at a time, and waits for their answers, to 5 s without one; other
    /// news is dropped, so use it only at rest.
    ///
    /// - Parameters:
    ///   - count: How many.
    ///   - request: Asks the thing of this index; returns the place and the number.
    /// - Returns: The answers in the order asked.
    /// - Throws: `timedOut`, or the first refusal.
    package mutating func callAll(
        _ count: Int,
        _ request: (inout RawGroup, Int) throws(BaridError) -> (place: Int, number: UInt32)
    ) throws(BaridError) -> [Header] {
        var answers: [Header] = []
        var open: [UInt64: Int] = [:]
        var asked = 0
        var deadline = Clock.monotonicMilliseconds() + Self.patienceMilliseconds
        answers.reserveCapacity(count)
        while asked < count || !open.isEmpty {
            while asked < count, open.count < Self.callsMax {
                let (place, number) = try request(&self, asked)
                open[UInt64(place) << 32 | UInt64(number)] = asked
                answers.append(Header(.answer))
                asked += 1
            }
            try flush()
            let left = deadline - Clock.monotonicMilliseconds()
            guard left > 0 else { throw .client(.timedOut) }
            var isAnswered = false
            var refusal: (code: UInt16, text: String, retryAt: Int64)?
            try receive(timeoutMilliseconds: Int(min(left, 1_000))) { place, header, envelope in
                guard header.verb == .answer || header.verb == .refusal,
                    let index = open.removeValue(
                        forKey: UInt64(place) << 32 | UInt64(header.number)
                    )
                else { return }
                isAnswered = true
                answers[index] = header
                guard header.verb == .refusal, refusal == nil else { return }
                let told = try? Envelope.read(Envelope.Refused.self, from: envelope)
                refusal = (header.code, told?.text ?? "", header.instant)
            }
            if let refusal {
                throw .refused(refusal.code, text: refusal.text, retryAt: refusal.retryAt)
            }
            if isAnswered {
                deadline = Clock.monotonicMilliseconds() + Self.patienceMilliseconds
            }
        }
        return answers
    }

    /// Lets every session say that it is alive that has said nothing for a while; call it now and then.
    ///
    /// The sessions take turns, so that thousands do not speak at once.
    package mutating func beat() throws(BaridError) {
        let now = Clock.monotonicMilliseconds()
        guard !lines.isEmpty, now > beatAt else { return }
        let half = Limits.heartbeatMilliseconds / 2
        let due = beatAt == 0 ? 1 : Int(min(now - beatAt, half)) * lines.count / Int(half) + 1
        beatAt = now
        for _ in 0..<min(due, lines.count) {
            beatPlace = (beatPlace + 1) % lines.count
            guard now - lines[beatPlace].spokeAt >= half else { continue }
            _ = try ask(beatPlace, Header(.heartbeat))
        }
    }

    /// Sends what has gathered, as far as the roads take it.
    ///
    /// - Throws: `notConnected` if a road is gone, or has taken nothing for 10 s.
    package mutating func flush() throws(BaridError) {
        guard !dirty.isEmpty else { return }
        let now = Clock.monotonicMilliseconds()
        var blocked: [Int] = []
        for place in dirty {
            if try send(place, at: now) {
                lines[place].isDirty = false
            } else {
                blocked.append(place)
            }
        }
        dirty = blocked
    }

    /// Reads what has come, with the place of the session that heard it; waits for the first of it.
    ///
    /// A time of 0 only looks. The envelope is lent for the call.
    ///
    /// - Throws: On `noSession` and farewell: the session is over then.
    package mutating func receive(
        timeoutMilliseconds: Int,
        _ body: (Int, Header, UnsafeRawBufferPointer) -> Void
    ) throws(BaridError) {
        var ending: UInt16?
        var isNotAdmitted = false
        let patience =
            dirty.isEmpty
            ? timeoutMilliseconds : min(timeoutMilliseconds, Self.retryMilliseconds)
        do throws(ZeroMQFault) {
            _ = try poller.waitForWork(timeoutMilliseconds: patience)
            isNotAdmitted = try road.admission.isNotAdmitted()
            for _ in 0..<Self.packetsMax {
                guard let place = try road.receive(into: frame) else { break }
                guard lines.indices.contains(place) else { continue }
                frame.withBytes { bytes in
                    let code = Self.read(bytes) { body(place, $0, $1) }
                    if let code { ending = code }
                }
            }
        } catch {
            throw .faulty("The client \(error).")
        }
        if isNotAdmitted { throw .client(.notAdmitted) }
        if let ending { throw .refusal(ending) }
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

    private mutating func parcel(
        of place: Int,
        envelopeLength: Int,
        bodyLength: Int
    ) -> Parcel {
        if let last = lines[place].parcels.last,
            last.writer.hasRoom(envelopeLength: envelopeLength, bodyLength: bodyLength)
        {
            return last
        }
        let parcel = pool.popLast() ?? Parcel()
        lines[place].parcels.append(parcel)
        if !lines[place].isDirty {
            lines[place].isDirty = true
            dirty.append(place)
        }
        return parcel
    }

    /// Sends a session's packets; false if some must wait.
    private mutating func send(_ place: Int, at now: Int64) throws(BaridError) -> Bool {
        var sent = 0
        defer { lines[place].parcels.removeFirst(sent) }
        for parcel in lines[place].parcels {
            let result: SendResult
            do throws(ZeroMQFault) {
                result = try road.send(&parcel.writer, to: place)
            } catch {
                throw .faulty("The client \(error).")
            }
            switch result {
            case .sent:
                sent += 1
                lines[place].spokeAt = now
                lines[place].blockedSince = 0
                if pool.count < Self.parcelsKept { pool.append(parcel) }
            case .wouldBlock:
                if lines[place].blockedSince == 0 { lines[place].blockedSince = now }
                guard now - lines[place].blockedSince < Self.blockedMilliseconds else {
                    throw .client(.notConnected)
                }
                return false
            case .unreachable: throw .client(.notConnected)
            }
        }
        return true
    }

    /// Reads one packet; returns why the session is over, if it is.
    private static func read(
        _ bytes: UnsafeRawBufferPointer,
        _ body: (Header, UnsafeRawBufferPointer) -> Void
    ) -> UInt16? {
        guard var reader = try? PacketReader(bytes, bodyBytesMax: Int(UInt32.max)) else {
            return nil
        }
        var ending: UInt16?
        while let item = reader.next() {
            guard case .operation(let header, let envelope, _) = item else { continue }
            if header.verb == .farewell
                || header.verb == .refusal && header.code == RefusalCode.noSession.rawValue
            {
                ending = header.code
            }
            body(header, envelope)
        }
        return ending
    }
}
