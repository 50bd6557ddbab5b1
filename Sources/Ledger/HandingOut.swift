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

    func handOut(into effects: inout Effects) throws(SQLiteFault) {
        guard hasMoreToHandOut else { return }
        try handOutBusy(into: &effects)
        try endReading()
    }

    /// Begins a transaction before the first row that handing out must read; often there is none.
    func beginReading() throws(SQLiteFault) {
        guard !connection.isInTransaction else { return }
        try tables.beginReading()
    }

    private func endReading() throws(SQLiteFault) {
        guard connection.isInTransaction else { return }
        try tables.commit()
    }

    private func handOutBusy(into effects: inout Effects) throws(SQLiteFault) {
        var remaining = Self.deliveriesPerTurn
        let start = effects.byteCount
        var unfinished: [UInt32] = []
        for (place, office) in busyOffices.enumerated() {
            guard remaining > 0, effects.byteCount - start < Self.bytesPerTurn else {
                unfinished = Array(busyOffices[place...])
                break
            }
            isBusy[Int(office)] = false
            try handOut(of: office, &remaining, start, into: &effects)
            guard remaining == 0 || effects.byteCount - start >= Self.bytesPerTurn else { continue }
            isBusy[Int(office)] = true
            unfinished.append(office)
            unfinished.append(contentsOf: busyOffices[(place + 1)...])
            break
        }
        busyOffices = unfinished
        deliveries += UInt64(Self.deliveriesPerTurn - remaining)
    }

    private func handOut(
        of office: UInt32,
        _ remaining: inout Int,
        _ start: Int,
        into effects: inout Effects
    ) throws(SQLiteFault) {
        while remaining > 0, effects.byteCount - start < Self.bytesPerTurn {
            switch desks[Int(office)].next() {
            case .load(let lane, let after): try load(office, lane, after: after)
            case .deliver(let referral, let session):
                try deliver(referral, to: session, into: &effects)
                remaining -= 1
            case .rest: return
            }
        }
    }

    private func load(_ office: UInt32, _ lane: UInt8, after: UInt64) throws(SQLiteFault) {
        try beginReading()
        let found = try tables.ready.after(
            after,
            office: office,
            lane: lane,
            limit: windowItemsMax
        )
        let horizon =
            found.count < windowItemsMax ? UInt64.max : found.last?.number ?? UInt64.max
        desks[Int(office)].load(
            found.filter(isFree),
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
            let leaseMilliseconds = published.leaseMilliseconds(of: referral.step)
        else { preconditionFailure("referral \(referral.number) has no step") }
        let record = self.session(session)
        let card = announcedCard(of: referral, published, record, to: session, into: &effects)
        var header = Header(.delivery)
        header.code = UInt16(clamping: referral.attempts)
        header.number = card
        header.flags = referral.lane
        header.subject = referral.number
        header.generation = leases.grant(
            referral,
            to: session,
            until: monotonic + leaseMilliseconds
        )
        header.instant = referral.due
        header.serial = referral.serial
        guard let file = try recentCase(referral.serial) else {
            preconditionFailure("referral \(referral.number) names no case")
        }
        header.id = file.id
        let isUnread = record.map { isWithheld(referral, from: $0) } ?? false
        if isUnread { header.flags |= Header.withheldFlag }
        file.bytes.withUnsafeBytes { bytes in
            effects.append(
                header,
                session: session,
                envelope: UnsafeRawBufferPointer(rebasing: bytes[..<file.envelopeBytes]),
                body: isUnread
                    ? .empty : UnsafeRawBufferPointer(rebasing: bytes[file.envelopeBytes...])
            )
        }
        figures.deliveryMilliseconds.record(now - referral.entered)
        desks[Int(referral.office)].charge(session, bytes: file.bytes.count)
        hand(isUnread ? file.envelopeBytes : file.bytes.count, to: record, session)
        desks[Int(referral.office)].leased += 1
    }

    /// The number under which a session knows a step at an office; announced first if it does not yet.
    ///
    /// The same step may be done at several offices, by an itinerary or an ad-hoc referral. Numbers are
    /// void after a restart.
    private func announcedCard(
        of referral: Referral,
        _ published: PublishedProcedure,
        _ record: SessionRecord?,
        to session: UInt32,
        into effects: inout Effects
    ) -> UInt32 {
        let key = UInt64(referral.step.rawValue) << 32 | UInt64(referral.office)
        if let record, record.lastCard.key == key { return record.lastCard.card }
        if let known = record?.cards[key] {
            record?.lastCard = (key, known)
            return known
        }
        let card = cards[key] ?? UInt32(cards.count + 1)
        cards[key] = card
        record?.cards[key] = card
        let name = directory.office(referral.office)?.name ?? ""
        effects.append(
            Header(.step, number: card),
            session: session,
            envelope: Envelope.bytes(of: published.announcement(of: referral.step, office: name))
        )
        return card
    }
}
