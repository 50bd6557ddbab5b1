// SPDX-License-Identifier: Apache-2.0

internal import Rules
internal import SQLite
internal import Wire

/// One hop, decided and not yet written.
struct Hop {
    var request: Request
    var holding: Holding
    var published: PublishedProcedure
    var occurredAt: Int64
    /// Where the case goes; nil if it cannot go on and becomes a dead letter.
    var movement: Movement?
    var deadReason = DeadReason.loop
    /// The offices of the case's itinerary, where the movement needs them.
    var itinerary: [UInt32] = []
    var amendsItinerary = false

    init(
        request: Request,
        holding: Holding,
        published: PublishedProcedure,
        occurredAt: Int64
    ) {
        self.request = request
        self.holding = holding
        self.published = published
        self.occurredAt = occurredAt
    }
}

/// What a hop amounts to once forks and joins are taken into account.
private struct Arrival {
    var entering: [Referral] = []
    var newFork: ForkRow?
    /// Forks whose join fires, innermost first.
    var joined: [ForkRow] = []
    /// The fork at whose join the branch now waits.
    var waitsAt: UInt64?
    var closes = false
    var isDead = false
}

/// A hop between offices: leaving one queue, entering the next, forks, joins and closing.
extension LedgerWriter {
    func move(_ hop: Hop) throws(SQLiteFault) -> Receipt {
        let settled = hop.holding.referral
        figures.stepMilliseconds.record(now - settled.entered)
        var arrival = try arrive(hop)
        let others =
            arrival.closes
            ? try branches(besides: settled)
            : try branches(
                besides: settled,
                inside: arrival.joined.isEmpty ? [] : Set(arrival.joined.map(\.number))
            )
        var record = self.record(
            Act(settling: hop.request.header.verb) ?? .completed,
            hop.request,
            hop.holding
        )
        record.code = hop.request.header.code
        if arrival.closes { record.flags.insert(.closes) }
        if arrival.waitsAt != nil { record.flags.insert(.waitsAtJoin) }
        if arrival.isDead { record.flags.insert(.dead) }
        if hop.amendsItinerary { record.flags.insert(.amendsItinerary) }
        let hasContent = hop.request.header.verb != .complete
        if hasContent {
            record.digest = Journal.digest(
                envelope: hop.request.envelope,
                body: hop.request.body
            )
        }
        // Others leave first, so that the record that closes a case or fires a join is the last
        // word on it; numbers of new referrals carry the position of the record that makes them.
        for other in others {
            let withdrawn = self.record(.withdrawn, hop.request)
            try withdraw(other, of: settled.serial, withdrawn, occurredAt: hop.occurredAt)
        }
        let forkNumber = journal.next
        for index in arrival.entering.indices {
            arrival.entering[index].number = referralNumber(index)
            if arrival.newFork != nil { arrival.entering[index].fork = forkNumber }
        }
        record.entries = arrival.entering.map { JournalRecord.entry(of: $0) }
        let receipt = try append(record, occurredAt: hop.occurredAt)
        if hasContent {
            try tables.insertContent(
                receipt.position,
                envelope: hop.request.envelope,
                body: hop.request.body
            )
        }
        try leaveQueue(hop.holding)
        if let lease = hop.holding.lease { endLease(lease) }
        try write(arrival, hop, forkNumber: forkNumber)
        hopsInBatch += 1
        return receipt
    }

    private func write(
        _ arrival: Arrival,
        _ hop: Hop,
        forkNumber: UInt64
    ) throws(SQLiteFault) {
        let serial = hop.holding.referral.serial
        if var fork = arrival.newFork {
            fork.number = forkNumber
            try tables.insertFork(fork, serial: serial)
        }
        for fork in arrival.joined { try tables.deleteFork(fork.number) }
        if let fork = arrival.waitsAt { try tables.arrive(at: fork) }
        if hop.amendsItinerary {
            try tables.setItinerary(serial, hop.itinerary)
            recent.drop(serial)
        }
        if arrival.closes {
            recent.drop(serial)
            try tables.closeCase(serial, at: hop.occurredAt, result: result(of: hop))
            tally.closed += 1
            try noteChanged(serial, isClosed: true)
            if hop.holding.referral.fork != 0 { try tables.deleteForks(of: serial) }
        }
        for referral in arrival.entering {
            guard !arrival.isDead else {
                try tables.insertDead(
                    referral,
                    reason: hop.deadReason,
                    cause: hop.deadReason.text,
                    at: now
                )
                count(referral.office) { $0.dead += 1 }
                continue
            }
            try enter(referral)
        }
    }

    private func result(of hop: Hop) -> String {
        let step = hop.published.step(hop.holding.referral.step)
        let place = Int(hop.request.header.code)
        guard let step, step.outcomes.indices.contains(place) else { return "" }
        return step.outcomes[place].name
    }

    // MARK: Deciding where it arrives

    private func arrive(_ hop: Hop) throws(SQLiteFault) -> Arrival {
        let settled = hop.holding.referral
        var arrival = Arrival()
        guard let movement = hop.movement else {
            var dead = settled
            dead.entered = hop.occurredAt
            arrival.entering = [dead]
            arrival.isDead = true
            return arrival
        }
        switch movement {
        case .closed:
            arrival.closes = true
            return arrival
        case .step(let place):
            try join(place, hop, &arrival)
        case .back(let place):
            var next = referral(hop, place, office: hop.published.offices[place])
            if settled.previous.place == place, settled.previousOffice != 0 {
                next.office = settled.previousOffice
            }
            next.asker = settled.step
            arrival.entering = [next]
        case .fork(let branches, let join):
            arrival.newFork = ForkRow(
                number: 0,
                parent: settled.fork,
                step: hop.published.number(ofStep: join),
                need: hop.published.procedure.steps[join].join?.need(of: branches.count)
                    ?? branches.count,
                branches: branches.count
            )
            arrival.entering = branches.map {
                referral(hop, $0, office: hop.published.offices[$0])
            }
        case .slot(let slot), .backSlot(let slot):
            let itinerary =
                hop.itinerary.isEmpty ? try self.itinerary(of: settled.serial) : hop.itinerary
            var next = referral(
                hop,
                settled.step.place,
                office: itinerary.indices.contains(Int(slot)) ? itinerary[Int(slot)] : 0
            )
            next.slot = slot
            arrival.entering = [next]
        case .office(let office):
            var next = referral(hop, settled.step.place, office: office)
            next.due = settled.due
            next.asker = settled.asker
            next.previous = settled.previous
            next.previousOffice = settled.previousOffice
            arrival.entering = [next]
        }
        if arrival.entering.contains(where: { hop.published.isLoop($0) }) {
            arrival.isDead = true
        }
        return arrival
    }

    /// Enters a step, unless it is the join of the branch's fork and others are still on their way.
    private func join(
        _ place: Int,
        _ hop: Hop,
        _ arrival: inout Arrival
    ) throws(SQLiteFault) {
        var next = referral(hop, place, office: hop.published.offices[place])
        while next.fork != 0, let fork = try tables.fork(next.fork), fork.step.place == place {
            guard fork.arrived + 1 >= fork.need else {
                arrival.waitsAt = fork.number
                return
            }
            arrival.joined.append(fork)
            next.fork = fork.parent
        }
        arrival.entering = [next]
    }

    private func referral(_ hop: Hop, _ place: Int, office: UInt32) -> Referral {
        hop.published.referral(
            number: 0,
            entering: place,
            office: office,
            from: hop.holding.referral,
            at: hop.occurredAt
        )
    }

    // MARK: Withdrawing branches

    /// The open branches that end because the case closes.
    private func branches(besides settled: Referral) throws(SQLiteFault) -> [TrailPlace] {
        guard settled.fork != 0 else { return [] }
        return try fold(settled.serial).places.filter { $0.referral != settled.number }
    }

    /// The open branches that end because the joins of these forks fire without them.
    ///
    /// Forks within these branches end too.
    func branches(
        besides settled: Referral,
        inside ended: Set<UInt64>
    ) throws(SQLiteFault) -> [TrailPlace] {
        guard !ended.isEmpty else { return [] }
        var inside: [TrailPlace] = []
        var abandoned: Set<UInt64> = []
        for place in try fold(settled.serial).places where place.referral != settled.number {
            var passed: Set<UInt64> = []
            var fork = place.fork
            while fork != 0, !ended.contains(fork) {
                passed.insert(fork)
                fork = try tables.fork(fork)?.parent ?? 0
            }
            guard fork != 0 else { continue }
            inside.append(place)
            abandoned.formUnion(passed)
        }
        for fork in abandoned { try tables.deleteFork(fork) }
        return inside
    }

    /// The state of a case as its trail tells.
    func fold(_ serial: UInt64) throws(SQLiteFault) -> TrailFold {
        var fold = TrailFold()
        for (record, _) in try journal.trail(of: serial) { fold.read(record) }
        return fold
    }

    /// Takes a branch out of wherever it is; `record` says who ended it.
    func withdraw(
        _ place: TrailPlace,
        of serial: UInt64,
        _ record: consuming JournalRecord,
        occurredAt: Int64
    ) throws(SQLiteFault) {
        record.serial = serial
        record.referral = place.referral
        record.office = place.office
        record.step = place.step
        _ = try append(record, occurredAt: occurredAt)
        switch place.state {
        case .custody:
            try tables.deleteCustody(place.referral)
            count(place.office) { $0.custody -= 1 }
        case .dead:
            try tables.deleteDead(place.referral)
            count(place.office) { $0.dead -= 1 }
        case .waiting:
            if let referral = try tables.ready.referral(
                place.referral,
                office: place.office,
                lane: place.lane
            ) {
                try tables.ready.delete(referral)
                count(referral.office) { $0.waiting -= 1 }
                if let lease = leases.lease(of: place.referral) { endLease(lease) }
                desks[Int(place.office)].remove(referral)
            } else if let until = try tables.delay(of: place.referral) {
                try tables.deleteDelayed(place.referral, until: until)
                count(place.office) { $0.delayed -= 1 }
            }
        }
    }

    // MARK: Queues

    /// Puts a referral into its office's queue.
    func enter(_ referral: Referral) throws(SQLiteFault) {
        try tables.ready.insert(referral)
        count(referral.office) { $0.waiting += 1 }
        offer(referral)
        markBusy(referral.office)
    }

    /// Takes what is held out of the queue, or out of custody.
    func leaveQueue(_ holding: Holding) throws(SQLiteFault) {
        let referral = holding.referral
        if holding.lease == nil {
            try tables.deleteCustody(referral.number)
            count(referral.office) { $0.custody -= 1 }
        } else {
            try tables.ready.delete(referral)
            count(referral.office) { $0.waiting -= 1 }
        }
    }
}
