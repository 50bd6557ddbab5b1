// SPDX-License-Identifier: Apache-2.0

internal import Rules
internal import SQLite
internal import Wire

/// `track`: where a case is and what was done, for the backends.
extension LedgerWriter {
    func track(_ request: Request, into effects: inout Effects) throws(SQLiteFault) {
        guard (request.header.serial == 0) != (request.header.id == .none) else {
            return effects.refuse(.malformed, request)
        }
        guard (request.header.serial != 0) != (request.header.id != .none) else {
            return effects.refuse(.malformed, request)
        }
        do {
            try flushRows()
            let reader = try trailReader()
            let serial =
                request.header.serial != 0
                ? request.header.serial : try reader.serial(of: request.header.id)
            guard let serial, var trail = try reader.trail(of: serial) else {
                return effects.refuse(.unknownCase, request)
            }
            try trail.tellDelays(tables.delay)
            do throws(RefusalCode) {
                try demand(.track, on: trail.procedure, at: trail.classification, of: request)
            } catch {
                return effects.refuse(error, request)
            }
            var answer = Header(.answer, number: request.header.number)
            answer.serial = serial
            effects.append(
                answer,
                session: request.number,
                envelope: Self.envelope(of: trail)
            )
        } catch let fault as SQLiteFault {
            throw fault
        } catch {
            effects.refuse(.unavailable, request)
        }
    }

    private func trailReader() throws(SQLiteFault) -> TrailReader {
        if let reader { return reader }
        let made = try TrailReader(connection, reading: reading)
        reader = made
        return made
    }

    /// The trail as an envelope; the oldest acts are left out where it would be too large.
    static func envelope(of trail: CaseTrail) -> [UInt8] {
        var envelope = Envelope.Trail()
        envelope.number = CaseNumber(serial: trail.serial)?.text ?? ""
        envelope.id = trail.id
        envelope.procedure = trail.procedure
        envelope.version = trail.version
        envelope.state = trail.isOpen ? "open" : "closed"
        envelope.result = trail.result
        envelope.submittedBy = trail.submittedBy
        envelope.openedAt = trail.openedAt
        envelope.dueAt = trail.dueAt
        envelope.closedAt = trail.closedAt
        envelope.erasedAt = trail.erasedAt
        envelope.places = trail.places.map { place in
            var made = Envelope.Place()
            made.referral = place.referral
            made.office = place.office
            made.step = place.step
            made.state = place.state
            made.since = place.since
            made.dueAt = place.due
            made.lane = UInt32(place.lane)
            made.attempts = place.attempts
            made.outcomes = place.outcomes
            made.until = place.until
            return made
        }
        envelope.acts = trail.acts.map { act in
            var made = Envelope.Act()
            made.position = act.position
            made.act = act.act
            made.office = act.office
            made.step = act.step
            made.outcome = act.outcome
            made.agency = act.agency
            made.occurredAt = act.occurredAt
            made.recordedAt = act.recordedAt
            made.text = act.text
            made.person = act.person
            made.activity = act.activity
            made.entered = act.entered
            made.hash = act.hash
            made.referral = act.referral
            return made
        }
        var bytes = Envelope.bytes(of: envelope)
        while bytes.count > Limits.envelopeBytesMax, !envelope.acts.isEmpty {
            envelope.acts.removeFirst((envelope.acts.count + 1) / 2)
            envelope.truncated = true
            bytes = Envelope.bytes(of: envelope)
        }
        return bytes
    }
}
