// SPDX-License-Identifier: Apache-2.0

internal import Platform
internal import Rules
internal import Wire
internal import ZeroMQ

/// The switchboard's dealings with the doorkeeper: who a frame is from, whether a session may go
/// on, and what is journaled of those who may not.
extension Switchboard {
    /// The peer with its identity; nil if its frame is not to be heard.
    ///
    /// Called for every message, so that a change of the policy bites on the next one. What was
    /// judged under this policy is not judged again, unless its key's time is over.
    mutating func known(_ heard: Peer) throws(ZeroMQFault) -> Peer? {
        messages.heard(heard.descriptor)
        guard let door, gates[heard.gate].isKeyed else { return heard }
        var peer = heard
        guard let session = peer.session, let identity = session.identity else {
            peer.identity = door.identify(gates[heard.gate].frame, wall: wall)
            return peer.identity == nil ? nil : peer
        }
        // A route is a connection's own, so another user on it is a defect of libzmq.
        guard gates[heard.gate].frame.hasProperty("User-Id", session.userID) else {
            door.count(.unproven, of: identity)
            try end(session)
            return nil
        }
        peer.identity = identity
        if session.accessEpoch == door.access.epoch, wall < identity.key.ends { return peer }
        return try mayGoOn(session) ? peer : nil
    }

    /// Judges a session again; if it may not go on it is told, ended and cut.
    mutating func mayGoOn(_ session: Session) throws(ZeroMQFault) -> Bool {
        guard let door else { return true }
        if let identity = session.identity {
            if door.denial(of: identity, wall: wall) != nil {
                try throwOut(session)
                return false
            }
        } else if suspended.contains(session.agency) {
            try throwOut(session)
            return false
        }
        session.accessEpoch = door.access.epoch
        return true
    }

    /// Takes over a new policy, and ends what it no longer allows.
    mutating func enforce(_ access: Access) throws(ZeroMQFault) {
        suspended = access.suspended
        guard let door else {
            for session in sessions.all where suspended.contains(session.agency) {
                try throwOut(session)
            }
            return
        }
        door.take(access)
        wall = wallClock()
        for session in sessions.all {
            session.meter?.quota = access.quota(of: session.agency)
            if try mayGoOn(session) { try endSubscriptions(of: session) }
        }
    }

    private mutating func throwOut(_ session: Session) throws(ZeroMQFault) {
        try end(session, farewell: .revoked)
        guard let identity = session.identity else { return }
        door?.cut(identity.descriptor, after: Doorkeeper.graceMilliseconds, now: now)
    }

    // MARK: Sessions

    /// Checks that a peer may open a session for an agency.
    ///
    /// - Throws: `otherIdentity` or `revoked`.
    func checkStanding(of agency: String, _ peer: Peer) throws(RefusalCode) {
        if let identity = peer.identity, identity.key.agency != agency {
            door?.count(.otherAgency, of: identity)
            throw .otherIdentity
        }
        guard !suspended.contains(agency) else { throw .revoked }
    }

    /// Tells the ledger and the doorkeeper whose a new session is.
    mutating func introduce(_ session: Session) {
        guard let door, let identity = session.identity else { return }
        session.accessEpoch = door.access.epoch
        session.meter?.sessions += 1
        door.set(hasSession: true, of: identity.descriptor, now: now)
        batch.introductions.append(
            Introduction(
                session: session.number,
                key: identity.key,
                address: door.place(of: identity.descriptor)
            )
        )
    }

    /// Tells the doorkeeper that a session has left the table.
    mutating func leaveDoor(_ session: Session) {
        guard let door, let identity = session.identity else { return }
        session.meter?.sessions -= 1
        session.meter?.questions -= session.questionCount
        session.questionCount = 0
        door.set(hasSession: false, of: identity.descriptor, now: now)
    }

    /// Refuses a request that its agency may ask again a little later.
    mutating func hold(_ number: UInt32, for pause: Int64, to peer: Peer) throws(ZeroMQFault) {
        if let identity = peer.identity { door?.count(.limit, of: identity) }
        try refuse(.busy, number: number, to: peer, pause: pause)
    }

    /// Checks that a session has a right on what the courier does itself; one at an open gate has
    /// all.
    ///
    /// - Throws: `notGranted`.
    func demand(
        _ right: Right,
        on object: String,
        of session: Session
    ) throws(RefusalCode) {
        guard let door, let identity = session.identity else { return }
        guard door.access.policy.allows(session.agency, right, on: object) else {
            door.count(.notGranted, of: identity)
            throw .notGranted
        }
    }

    /// Ends the live subscriptions that the policy no longer allows.
    mutating func endSubscriptions(of session: Session) throws(ZeroMQFault) {
        guard let door, session.identity != nil else { return }
        for slot in live.slots(of: session.number) {
            guard let held = live.slots[Int(slot)],
                !door.access.policy.allows(session.agency, .subscribe, on: held.pattern.text)
            else { continue }
            drop(slot)
            var header = Header(.ended)
            header.code = RefusalCode.notGranted.rawValue
            header.subject = held.number
            try tell(session, header, envelope: texts.envelope(of: .notGranted))
        }
    }

    // MARK: Each turn

    /// Answers who may come in, and takes in who came and went.
    mutating func attendDoor() throws(ZeroMQFault) {
        for gate in gates where hasEvents(gate) { try follow(gate) }
        try door?.answer(wall: wall, now: now)
    }

    /// Looks at every connection when it is time, and at those where bytes arrive.
    mutating func lookRound() throws(ZeroMQFault) {
        let isDoorDue = door?.isDue(now: now) ?? false
        let isWatchDue = isMessageWatchDue
        guard isDoorDue || isWatchDue else { return }
        // Whoever has ended must be known before a descriptor is cut: its number may be another's.
        for gate in gates { try follow(gate) }
        if isDoorDue { door?.look(now: now) }
        guard isWatchDue else { return }
        let guilty = messages.look(
            now: now,
            areGatesEmpty: areGatesEmpty,
            takenBytes: counters.bytesIn
        )
        for descriptor in guilty where door?.cutEndless(descriptor, now: now) != true {
            let peer = Connections.credentials(of: descriptor)
            openAccount.count(
                .endless,
                agency: "",
                peer: peer.map { "process \($0.processID) of user \($0.userID)" } ?? "unix socket"
            )
            Connections.cut(descriptor)
        }
    }

    /// Takes in who came and went at a gate.
    private mutating func follow(_ gate: Gate) throws(ZeroMQFault) {
        if gate.isKeyed {
            try door?.follow(gate, now: now)
            return
        }
        while let event = try gate.nextEvent() {
            switch event {
            case .accepted(let descriptor): messages.enter(descriptor)
            case .disconnected(let descriptor): messages.leave(descriptor)
            default: break
            }
        }
    }

    /// Hands what was refused to the ledger, for the journal.
    mutating func accountForDenials() {
        batch.denials.append(contentsOf: openAccount.take(now: now))
        guard let door else { return }
        batch.denials.append(contentsOf: door.takeDenials(now: now))
    }
}
