// SPDX-License-Identifier: Apache-2.0

internal import Platform
internal import Rules
internal import Wire
internal import ZeroMQ

/// Who comes in at the keyed gates, and who is thrown out again.
///
/// Answers libzmq's questions about keys from the policy the ledger gave, follows every TCP
/// connection from its acceptance on, and cuts those that say no hello, are one too many, or whose key
/// is no longer good. Confined to the bus thread.
final class Doorkeeper {
    /// Pause between looks at the connections, in milliseconds.
    static let lookMilliseconds: Int64 = 100
    /// Keys judged in one turn.
    ///
    /// A crowd that knocks at once must not hold up those who are in: the rest waits for the next
    /// turn, which comes at once, and with it libzmq's work on their handshakes.
    static let questionsInTurnMax = 8
    /// How long a connection may be without a session before it is cut, handshake included.
    static let silenceMilliseconds: Int64 = 15_000
    /// How many connections a second may make room for others, at a limit.
    ///
    /// Those that are turned away come back at once, and each handshake costs the bus about half a
    /// millisecond: beyond this number the newcomers are cut before they begin one.
    static let replacementsPerSecondMax = 256
    /// How long a key is not admitted after it sent a message without end.
    static let penaltyMilliseconds: Int64 = 5_000
    /// How long a farewell may take to leave before the connection is cut.
    static let graceMilliseconds: Int64 = 100

    private(set) var access = Access()
    private let authenticator: Authenticator
    private let limits: DoorLimits
    private let messages: MessageWatch
    private var connections: [Int32: Connection] = [:]
    private var waiting = WaitingRoom()
    private var perAddress: [String: Int] = [:]
    private var meters: [String: AgencyMeter] = [:]
    /// Until when keys are kept out that sent a message without end, by user.
    private var penalties: [String: Int64] = [:]
    private var account = DenialAccount()
    private var lastLook: Int64 = 0
    /// Connections that made room in the second of the clock that is named.
    private var replacements = (second: Int64.min, count: 0)
    private(set) var counters = DoorCounters()

    /// One TCP connection from its acceptance to its end.
    private struct Connection {
        /// Counted from the start; tells it from others that had its descriptor.
        let number: UInt64
        let address: String
        let port: UInt16
        /// `agency#key` once it has proven one.
        var user = ""
        var agency = ""
        /// Since when it has no session; nil while it has one.
        var sessionlessSince: Int64?
        /// When it is to be cut, if it is.
        var cutAt: Int64?
    }

    /// Takes the place of the context's authenticator; make it before the gates.
    ///
    /// `messages` is told who comes and goes.
    init(
        in context: Context,
        limits: DoorLimits,
        messages: MessageWatch
    ) throws(ZeroMQFault) {
        authenticator = try Authenticator(in: context)
        self.limits = limits
        self.messages = messages
    }

    /// Has the poller wake us for questions.
    func watch(with poller: inout Poller) { _ = poller.add(authenticator.socket) }

    /// Takes over a new policy.
    func take(_ access: Access) { self.access = access }

    // MARK: Questions and events

    /// Answers the questions that wait, so many in a turn.
    func answer(wall: Int64, now: Int64) throws(ZeroMQFault) {
        for _ in 0..<Self.questionsInTurnMax {
            guard let question = try authenticator.next() else { return }
            guard let bytes = question.publicKey, let key = PublicKey(bytes) else {
                account.count(.unproven, agency: "", peer: question.address)
                try authenticator.refuse(question)
                continue
            }
            let admitted: EnrolledKey
            do throws(Denial) {
                admitted = try access.admit(key, at: wall)
            } catch {
                let known = access.keys[key]
                account.count(
                    error,
                    agency: known?.agency ?? "",
                    peer: known?.userID ?? question.address
                )
                try authenticator.refuse(question)
                continue
            }
            if let end = penalties[admitted.userID] {
                guard now >= end else {
                    account.count(.endless, agency: admitted.agency, peer: admitted.userID)
                    try authenticator.refuse(question)
                    continue
                }
                penalties[admitted.userID] = nil
            }
            try authenticator.admit(question, as: admitted.userID)
        }
    }

    /// Takes in what happened to the connections of a gate.
    func follow(_ gate: Gate, now: Int64) throws(ZeroMQFault) {
        while let event = try gate.nextEvent() {
            switch event {
            case .accepted(let descriptor): accepted(descriptor, now: now)
            case .listening: break
            case .disconnected(let descriptor): forget(descriptor)
            case .authenticationRefused, .protocolViolated, .handshakeFailed:
                counters.failedHandshakes += 1
            case .handshakeSucceeded: counters.handshakes += 1
            }
        }
    }

    private func accepted(_ descriptor: Int32, now: Int64) {
        forget(descriptor)
        let peer = Connections.peer(of: descriptor)
        let address = peer?.address ?? ""
        connections[descriptor] = Connection(
            number: counters.accepted,
            address: address,
            port: peer?.port ?? 0,
            sessionlessSince: now
        )
        messages.enter(descriptor)
        perAddress[address, default: 0] += 1
        waiting.enter(descriptor, acceptedAs: counters.accepted, address: address)
        counters.accepted += 1
        if Int(descriptor) >= limits.descriptorsMax {
            turnAway(descriptor)
        } else if perAddress[address, default: 0] > limits.connectionsPerAddressMax {
            turnAway(replaceable(from: address, now: now) ?? descriptor)
        } else if connections.count > limits.connectionsMax {
            turnAway(replaceable(from: nil, now: now) ?? descriptor)
        }
    }

    /// The connection that has been without a session for longest: at a limit it makes room, since a
    /// flood of connections that never say hello must not keep out those that do.
    ///
    /// Nil if there is none, or too many have made room in this second.
    private func replaceable(from address: String?, now: Int64) -> Int32? {
        if replacements.second != now / 1_000 { replacements = (now / 1_000, 0) }
        guard replacements.count < Self.replacementsPerSecondMax else { return nil }
        replacements.count += 1
        return waiting.leave(from: address) { [connections] descriptor, number in
            guard let connection = connections[descriptor], connection.number == number else {
                return false
            }
            return connection.sessionlessSince != nil && connection.cutAt == nil
        }
    }

    private func turnAway(_ descriptor: Int32) {
        guard let connection = connections[descriptor] else { return }
        deny(.limit, connection)
        cutNow(descriptor)
    }

    /// Descriptors have run out: whoever has no session must go.
    ///
    /// To stop listening would end every connection of the endpoint (libzmq's sessions belong to the
    /// listener that accepted them), so that is not how.
    private func makeRoom() {
        for (descriptor, connection) in connections
        where connection.sessionlessSince != nil && connection.cutAt == nil {
            turnAway(descriptor)
        }
    }

    private func forget(_ descriptor: Int32) {
        guard let ended = connections.removeValue(forKey: descriptor) else { return }
        messages.leave(descriptor)
        let left = perAddress[ended.address, default: 1] - 1
        perAddress[ended.address] = left > 0 ? left : nil
    }

    // MARK: Frames

    /// Who sent the frame a keyed gate holds, or nil if it is not to be heard.
    func identify(_ frame: borrowing Frame, wall: Int64) -> Identity? {
        guard let user = frame.property("User-Id"), let key = access.key(ofUser: user) else {
            account.count(.unproven, agency: "", peer: frame.property("Peer-Address") ?? "")
            return nil
        }
        let descriptor = frame.sourceDescriptor() ?? -1
        if let denial = access.denial(of: key, at: wall) {
            account.count(denial, agency: key.agency, peer: user)
            cut(descriptor)
            return nil
        }
        connections[descriptor]?.user = user
        connections[descriptor]?.agency = key.agency
        return Identity(key: key, descriptor: descriptor)
    }

    /// Why a session may not go on, counted; nil if it may.
    func denial(of identity: Identity, wall: Int64) -> Denial? {
        guard let denial = access.denial(of: identity.key, at: wall) else { return nil }
        account.count(denial, agency: identity.key.agency, peer: identity.key.userID)
        return denial
    }

    /// Counts a refusal.
    func count(_ denial: Denial, of identity: Identity) {
        account.count(denial, agency: identity.key.agency, peer: identity.key.userID)
    }

    /// Where a connection comes from.
    func place(of descriptor: Int32) -> String {
        guard let connection = connections[descriptor] else { return "" }
        return "\(connection.address) port \(connection.port)"
    }

    // MARK: Sessions

    /// The meter of an agency.
    func meter(of agency: String, now: Int64) -> AgencyMeter {
        if let meter = meters[agency] { return meter }
        let meter = AgencyMeter(access.quota(of: agency), now: now)
        meters[agency] = meter
        return meter
    }

    /// A session was opened over the connection, or ended.
    func set(hasSession: Bool, of descriptor: Int32, now: Int64) {
        connections[descriptor]?.sessionlessSince = hasSession ? nil : now
    }

    /// Cuts a connection at the next look but one, so that a farewell still leaves.
    func cut(_ descriptor: Int32, after pause: Int64 = 0, now: Int64 = 0) {
        guard connections[descriptor] != nil else { return }
        connections[descriptor]?.cutAt = now + pause
    }

    // MARK: Looking round

    /// Whether it is time for `look`.
    func isDue(now: Int64) -> Bool { nextLook.map { now >= $0 } ?? false }

    /// When `look` is due; nil while there is nothing to look at.
    var nextLook: Int64? {
        connections.isEmpty ? nil : lastLook + Self.lookMilliseconds
    }

    /// Looks at every connection, and cuts those that must go.
    ///
    /// - Parameter now: Milliseconds that never go back.
    func look(now: Int64) {
        lastLook = now
        if Listener.fellShort { makeRoom() }
        for (descriptor, connection) in connections {
            if let cutAt = connection.cutAt {
                if now >= cutAt { cutNow(descriptor) }
                continue
            }
            if let since = connection.sessionlessSince, now - since >= Self.silenceMilliseconds {
                deny(.silent, connection)
                cutNow(descriptor)
            }
        }
        counters.connections = connections.count
        waiting.tidy(openCount: connections.count)
    }

    /// Cuts the sender of a message without end, and keeps its key out for a while; false if the
    /// connection came by an open gate.
    func cutEndless(_ descriptor: Int32, now: Int64) -> Bool {
        guard let connection = connections[descriptor] else { return false }
        // Once is enough; what arrives until it has ended changes nothing.
        guard connection.cutAt != .max else { return true }
        deny(.endless, connection)
        if !connection.user.isEmpty {
            penalties[connection.user] = now + Self.penaltyMilliseconds
        }
        cutNow(descriptor)
        Connections.discard(descriptor)
        return true
    }

    /// What was refused since the last call, at most once in a while for each peer.
    func takeDenials(now: Int64) -> [DenialCount] { account.take(now: now) }

    private func deny(_ denial: Denial, _ connection: Connection) {
        account.count(
            denial,
            agency: connection.agency,
            peer: connection.user.isEmpty ? connection.address : connection.user
        )
    }

    private func cutNow(_ descriptor: Int32) {
        counters.cut += 1
        // Reported once more if libzmq does not notice, which would be its defect.
        connections[descriptor]?.cutAt = .max
        Connections.cut(descriptor)
    }
}

/// Who is behind a keyed connection.
struct Identity {
    let key: EnrolledKey
    /// Its descriptor; -1 if libzmq does not know it.
    let descriptor: Int32
}

/// How many connections a bus takes, and how much it bears of one.
struct DoorLimits {
    var connectionsMax: Int
    var connectionsPerAddressMax: Int
    /// A connection under this descriptor or a higher one is cut at once.
    ///
    /// The system gives the lowest
    /// free number, so as many are open; the rest is for the ledger and the operators.
    var descriptorsMax: Int
}

/// What the doorkeeper did since the start.
struct DoorCounters {
    var connections = 0
    var accepted: UInt64 = 0
    var handshakes: UInt64 = 0
    var failedHandshakes: UInt64 = 0
    var cut: UInt64 = 0
}
