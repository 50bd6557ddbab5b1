// SPDX-License-Identifier: Apache-2.0

internal import Rules
internal import SQLite
internal import Wire

/// Handing out: what is ready goes to sessions with credit, after the commit that made it ready.
extension LedgerWriter {
    /// Deliveries of one turn at most, so that a turn and its effects stay bounded.
    private static let deliveriesPerTurn = 4_096
    /// Bytes of deliveries of one turn, above which it ends.
    private static let bytesPerTurn = 8 << 20

    /// Whether a turn ended before everything that can be handed out was.
    var hasMoreToHandOut: Bool { !busyOffices.isEmpty }

    func handOut(into effects: inout Effects) {
        var remaining = Self.deliveriesPerTurn
        let start = effects.byteCount
        var unfinished: [UInt32] = []
        for (place, office) in busyOffices.enumerated() {
            guard remaining > 0, effects.byteCount - start < Self.bytesPerTurn else {
                unfinished = Array(busyOffices[place...])
                break
            }
            isBusy[Int(office)] = false
            do {
                try handOut(of: office, &remaining, start, into: &effects)
            } catch {
                Fatal.end("The ledger could not be read: \(error.description).")
            }
            guard remaining == 0 || effects.byteCount - start >= Self.bytesPerTurn else { continue }
            isBusy[Int(office)] = true
            unfinished.append(office)
            unfinished.append(contentsOf: busyOffices[(place + 1)...])
            break
        }
        busyOffices = unfinished
    }

    private func handOut(
        of office: UInt32,
        _ remaining: inout Int,
        _ start: Int,
        into effects: inout Effects
    ) throws(SQLiteFault) {
        while remaining > 0, effects.byteCount - start < Self.bytesPerTurn,
            desks[Int(office)].hasCredit
        {
            while let (lane, after) = desks[Int(office)].laneToLoad {
                try load(office, lane, after: after)
            }
            guard let referral = desks[Int(office)].popFirst(),
                let session = desks[Int(office)].nextTaker()
            else { return }
            try deliver(referral, to: session, into: &effects)
            remaining -= 1
        }
    }

    private func load(_ office: UInt32, _ lane: UInt8, after: UInt64) throws(SQLiteFault) {
        let found = try tables.ready(
            office: office,
            lane: lane,
            after: after,
            limit: Window.itemsMax
        )
        let horizon =
            found.count < Window.itemsMax ? UInt64.max : found.last?.number ?? UInt64.max
        desks[Int(office)].load(
            found.filter { leases.lease(of: $0.number) == nil },
            lane: lane,
            upTo: horizon
        )
    }

    private func deliver(
        _ referral: Referral,
        to session: UInt32,
        into effects: inout Effects
    ) throws(SQLiteFault) {
        guard let published = directory.procedure(referral.step.procedure),
            let step = published.step(referral.step)
        else { preconditionFailure("referral \(referral.number) has no step") }
        let card = card(of: referral)
        if sessions[session]?.announced.insert(card).inserted == true {
            let header = Header(.step, number: card)
            let name = directory.office(referral.office)?.name ?? ""
            effects.append(
                header,
                session: session,
                envelope: Envelope.bytes(
                    of: published.announcement(of: referral.step, office: name)
                )
            )
        }
        var header = Header(.delivery)
        header.code = UInt16(clamping: referral.attempts)
        header.number = card
        header.flags = referral.lane
        header.subject = referral.number
        header.generation = leases.grant(
            referral,
            to: session,
            until: monotonic + step.leaseMilliseconds
        )
        header.instant = referral.due
        header.serial = referral.serial
        let isUnread = sessions[session]?.unread.contains(referral.office) == true
        if isUnread { header.flags |= Header.withheldFlag }
        let size = try tables.withFile(referral.serial) { id, envelope, content in
            let body = isUnread ? .empty : content
            header.id = id
            effects.append(header, session: session, envelope: envelope, body: body)
            return envelope.count + body.count
        }
        desks[Int(referral.office)].charge(session, bytes: size ?? 0)
        desks[Int(referral.office)].leased += 1
        deliveries += 1
    }

    /// The number under which a step at an office is announced: the same step may be done at
    /// several offices, by an itinerary or an ad-hoc referral.
    ///
    /// Numbers are void after a restart.
    private func card(of referral: Referral) -> UInt32 {
        let key = UInt64(referral.step.rawValue) << 32 | UInt64(referral.office)
        if let known = cards[key] { return known }
        let card = UInt32(cards.count + 1)
        cards[key] = card
        return card
    }
}
