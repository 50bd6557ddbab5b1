// SPDX-License-Identifier: Apache-2.0

internal import Platform
internal import Wire
internal import ZeroMQ

/// What a pretended daemon has on disk: it outlives the thread that plays the daemon.
///
/// Used by one thread at a time: by the daemon while it runs, by the test after `kill` returned.
final class PretendLedger: @unchecked Sendable {
    struct Case {
        var envelope: [UInt8]
        var body: [UInt8]
        var route: [String]
        var visit = 0
        var referral: UInt64
        var generation: UInt64 = 0
        var acts: [Envelope.Act] = []
    }

    struct Settled: Hashable {
        var referral: UInt64
        var generation: UInt64
    }

    var cases: [UInt64: Case] = [:]
    var keys: [Identifier: UInt64] = [:]
    var settled: [Settled: UInt64] = [:]
    var noted: Set<Identifier> = []
    /// Serials whose referral cannot go on.
    var dead: Set<UInt64> = []
    var lastReferral: UInt64 = 0
    var position: UInt64 = 0
    /// Operations done over all lives.
    var operationCount = 0
    /// Events, subscriptions, questions and the catalogue.
    var events = PretendEvents()
}

/// A daemon in miniature on a thread of its own: enough of the protocol for a route of offices.
///
/// It can be killed at a chosen operation, after that is durable and before anything is answered.
final class PretendBus {
    private let stop: EventSignal
    private let life: AsyncStream<Void>
    private var thread: WorkerThread?

    init(_ ledger: PretendLedger, endpoint: String, killedAfter limit: Int = .max) throws {
        let stop = try EventSignal()
        self.stop = stop
        let (life, ending) = AsyncStream.makeStream(of: Void.self)
        self.life = life
        thread = try WorkerThread(name: "pretend-bus") {
            do {
                var life = try PretendLife(ledger, endpoint: endpoint, limit: limit)
                try life.run(until: stop)
            } catch {
                preconditionFailure("the pretended bus broke: \(error)")
            }
            ending.finish()
        }
    }

    /// Ends it without a word.
    func kill() {
        stop.signal()
        var ended = thread.take()
        ended.take()?.join()
    }

    /// Waits for the end it was told to come to, without holding one of the pool's threads.
    func end() async {
        for await _ in life {}
        kill()
    }

    deinit { kill() }
}

struct PretendLife: ~Copyable {
    struct Session {
        var token: Identifier
        var offices: [UInt64: UInt64] = [:]
        var announced: Set<UInt32> = []
    }

    let ledger: PretendLedger
    let socket: Socket
    let limit: Int
    var sessions: [[UInt8]: Session] = [:]
    var officeNames: [String] = []
    var leases: [UInt64: (peer: [UInt8], generation: UInt64)] = [:]
    var told: [(peer: [UInt8], header: Header, envelope: [UInt8], body: [UInt8])] = []
    var nextToken: UInt64
    /// What lives as long as this daemon does.
    var live = PretendLiveEvents()

    init(_ ledger: PretendLedger, endpoint: String, limit: Int) throws {
        self.ledger = ledger
        self.limit = limit
        nextToken = UInt64(ledger.operationCount) << 32 + 1
        let socket = try Socket(.router, in: try Context())
        try socket.set(.linger(milliseconds: 0))
        try socket.bind(endpoint)
        self.socket = socket
    }

    mutating func run(until stop: EventSignal) throws {
        var poller = Poller(capacity: 2)
        _ = poller.add(socket)
        let stopSlot = poller.add(fileDescriptor: stop.fileDescriptor)
        let peerFrame = Frame()
        let frame = Frame()
        while true {
            _ = try poller.waitForWork(timeoutMilliseconds: -1)
            if !poller.readiness(of: stopSlot).isEmpty { return }
            while case .message = try socket.receive(into: peerFrame) {
                let peer = peerFrame.withBytes { [UInt8]($0) }
                guard case .message = try socket.receive(into: frame) else { break }
                let packet = frame.withBytes { [UInt8]($0) }
                try packet.withUnsafeBytes { bytes in
                    var reader = try PacketReader(bytes, bodyBytesMax: 1 << 20)
                    while let item = reader.next() {
                        guard case .operation(let header, let envelope, let body) = item else {
                            preconditionFailure("the client sent something malformed: \(item)")
                        }
                        try take(header, [UInt8](envelope), [UInt8](body), from: peer)
                    }
                }
                if ledger.operationCount >= limit { return }
            }
            deliver()
            deliverEvents()
            try sendAll()
        }
    }

    mutating func take(
        _ header: Header,
        _ envelope: [UInt8],
        _ body: [UInt8],
        from peer: [UInt8]
    ) throws {
        // Heartbeats depend on the clock, so they do not count towards the end.
        if header.verb != .heartbeat { ledger.operationCount += 1 }
        if header.verb == .hello {
            for (old, session) in sessions where session.token == header.id { end(old) }
            nextToken += 1
            sessions[peer] = Session(token: Identifier(high: 1, low: nextToken))
            var answer = Header(.answer, number: header.number)
            answer.id = Identifier(high: 1, low: nextToken)
            return tell(peer, answer, Envelope.bytes(of: Envelope.Welcome()))
        }
        guard sessions[peer] != nil else { return refuse(peer, header.number, .noSession) }
        switch header.verb {
        case .heartbeat: tell(peer, Header(.heartbeat))
        case .bye:
            end(peer)
            tell(peer, Header(.answer, number: header.number))
        case .attach:
            let name = try envelope.withUnsafeBytes {
                try Envelope.read(Envelope.Attach.self, from: $0).office
            }
            if !officeNames.contains(name) { officeNames.append(name) }
            var answer = Header(.answer, number: header.number)
            answer.subject = UInt64(officeNames.firstIndex(of: name) ?? 0) + 1
            sessions[peer]?.offices[answer.subject] = 0
            tell(peer, answer)
        case .credit where header.subject >= Numbering.durableSubscriptions:
            live.subscriptions[header.subject]?[peer]?.grant(header.generation)
        case .credit: sessions[peer]?.offices[header.subject, default: 0] += header.generation
        case .submit: try submit(header, envelope, body, from: peer)
        case .complete, .note: try settle(header, envelope, from: peer)
        case .renew:
            guard leases[header.subject]?.generation == header.generation else {
                return refuse(peer, header.number, .stale)
            }
            tell(peer, Header(.answer, number: header.number))
        case .track: track(header, from: peer)
        default: try takeEvents(header, envelope, body, from: peer)
        }
    }

    /// Forgets a session and all it held.
    mutating func end(_ peer: [UInt8]) {
        sessions[peer] = nil
        leases = leases.filter { $0.value.peer != peer }
        live.end(peer)
    }

    mutating func submit(
        _ header: Header,
        _ envelope: [UInt8],
        _ body: [UInt8],
        from peer: [UInt8]
    ) throws {
        if let serial = ledger.keys[header.id] {
            return answer(peer, header.number, serial: serial, isRepeated: true)
        }
        let content = try envelope.withUnsafeBytes {
            try Envelope.read(Envelope.Case.self, from: $0)
        }
        let serial = UInt64(ledger.cases.count) + 1
        ledger.lastReferral += 1
        ledger.keys[header.id] = serial
        ledger.cases[serial] = PretendLedger.Case(
            envelope: envelope,
            body: body,
            route: content.itinerary,
            referral: ledger.lastReferral
        )
        answer(peer, header.number, serial: serial, isRepeated: false)
    }

    mutating func settle(_ header: Header, _ envelope: [UInt8], from peer: [UInt8]) throws {
        let name = PretendLedger.Settled(
            referral: header.subject,
            generation: header.generation
        )
        if header.verb == .complete, let serial = ledger.settled[name] {
            return answer(peer, header.number, serial: serial, isRepeated: true)
        }
        if header.verb == .note, ledger.noted.contains(header.id) {
            return answer(peer, header.number, serial: header.serial, isRepeated: true)
        }
        guard let lease = leases[header.subject], lease.generation == header.generation,
            lease.peer == peer, var item = ledger.cases[header.serial]
        else { return refuse(peer, header.number, .stale) }
        var act = Envelope.Act()
        act.office = item.route[item.visit]
        act.occurredAt = header.instant
        if header.verb == .note {
            let note = try envelope.withUnsafeBytes {
                try Envelope.read(Envelope.Note.self, from: $0)
            }
            act.act = "noted"
            ledger.noted.insert(header.id)
            act.activity = note.activity
            act.person = note.person
        } else {
            act.act = "completed"
            act.outcome = "\(header.code)"
            leases[header.subject] = nil
            ledger.settled[name] = header.serial
            ledger.lastReferral += 1
            item.visit += 1
            item.referral = ledger.lastReferral
        }
        item.acts.append(act)
        ledger.cases[header.serial] = item
        answer(peer, header.number, serial: header.serial, isRepeated: false)
    }

    mutating func track(_ header: Header, from peer: [UInt8]) {
        guard let item = ledger.cases[header.serial] else {
            return refuse(peer, header.number, .unknownCase)
        }
        var trail = Envelope.Trail()
        trail.number = CaseNumber(serial: header.serial)?.text ?? ""
        trail.state = item.visit == item.route.count ? "closed" : "open"
        trail.acts = item.acts
        if item.visit < item.route.count {
            var place = Envelope.Place()
            place.referral = item.referral
            place.office = item.route[item.visit]
            place.state = ledger.dead.contains(header.serial) ? "dead" : "waiting"
            place.outcomes = ["forwarded", "unrecorded"]
            trail.places = [place]
        }
        var answer = Header(.answer, number: header.number)
        answer.serial = header.serial
        tell(peer, answer, Envelope.bytes(of: trail))
    }

    mutating func deliver() {
        for serial in ledger.cases.keys.sorted() {
            guard var item = ledger.cases[serial], item.visit < item.route.count,
                leases[item.referral] == nil, !ledger.dead.contains(serial),
                let office = officeNames.firstIndex(of: item.route[item.visit]),
                let peer = sessions.first(where: {
                    $0.value.offices[UInt64(office) + 1, default: 0] > 0
                })?.key
            else { continue }
            let number = UInt32(office) + 1
            sessions[peer]?.offices[UInt64(number), default: 1] -= 1
            if sessions[peer]?.announced.insert(number).inserted == true {
                var step = Envelope.Step()
                step.procedure = "itinerary"
                step.version = 1
                step.step = "stop"
                step.office = officeNames[office]
                step.outcomes = ["forwarded", "unrecorded"]
                step.leaseMs = 30_000
                tell(peer, Header(.step, number: number), Envelope.bytes(of: step))
            }
            item.generation += 1
            ledger.cases[serial] = item
            leases[item.referral] = (peer, item.generation)
            var header = Header(.delivery, number: number)
            header.subject = item.referral
            header.generation = item.generation
            header.serial = serial
            tell(peer, header, item.envelope, item.body)
        }
    }

    mutating func tell(
        _ peer: [UInt8],
        _ header: Header,
        _ envelope: [UInt8] = [],
        _ body: [UInt8] = []
    ) {
        told.append((peer, header, envelope, body))
    }

    mutating func answer(_ peer: [UInt8], _ number: UInt32, serial: UInt64, isRepeated: Bool) {
        ledger.position += 1
        var answer = Header(.answer, number: number)
        answer.flags = isRepeated ? Header.repeatedFlag : 0
        answer.subject = ledger.position
        answer.serial = serial
        tell(peer, answer)
    }

    mutating func refuse(_ peer: [UInt8], _ number: UInt32, _ code: RefusalCode) {
        var refusal = Header(.refusal, number: number)
        refusal.code = code.rawValue
        tell(peer, refusal)
    }

    mutating func sendAll() throws {
        for item in told {
            var writer = PacketWriter()
            writer.append(item.header, envelope: item.envelope, body: item.body)
            _ = try item.peer.withUnsafeBytes { try socket.send($0, more: true) }
            try writer.finish { bytes throws(ZeroMQFault) in _ = try socket.send(bytes) }
        }
        told.removeAll()
    }
}
