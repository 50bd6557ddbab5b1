// SPDX-License-Identifier: Apache-2.0

package import Rules
internal import SQLite
package import Wire

/// Who acts at the control socket.
package struct Operator: Sendable {
    /// User of the peer process.
    package var uid: UInt32
    /// The peer process.
    package var pid: Int32
    /// Why, as the operator said; at most `Limits.textBytesMax` bytes are kept.
    package var reason: String

    /// An operator.
    package init(uid: UInt32, pid: Int32, reason: String) {
        self.uid = uid
        self.pid = pid
        self.reason = reason
    }

    var actor: UInt64 { UInt64(uid) << 32 | UInt64(UInt32(bitPattern: pid)) }
}

/// What an operator can change; each is one transaction with a journal record of who and why.
package enum OperatorAct: Sendable {
    /// Publishes a procedure that was checked; `source` is its text.
    case publish(Procedure, source: String)
    /// Puts a dead letter back into its office's queue with its attempts forgotten.
    case retry(referral: UInt64)
    /// Ends the branch of a dead letter; with the last branch the case closes.
    case dismiss(referral: UInt64)
    /// Gives or takes an agency's right to report acts with earlier instants.
    case backdating(agency: String, isAllowed: Bool)
    /// Lets an agency hear of every case, or not.
    case observing(agency: String, isAllowed: Bool)
    /// Publishes what an agency says about what it offers; checked, `source` is its text.
    case publishCatalogue(CatalogueDeclaration, source: String)
    /// Sets how long and how much is kept of some topics; a rule without limits is taken away.
    case retention(RetentionRule)
    /// Ends a durable subscription for all its members.
    case forgetSubscription(agency: String, name: String)
    /// Records what the public is told at the bulletin.
    case notice(topic: String, text: String)
    /// Records what a reload of the configuration changes: a line a setting.
    case configured(String)
    /// Records that the ledger is copied to a directory.
    case backedUp(to: String)
    /// Changes who may come in or what they may do.
    case access(AccessAct)
    /// Changes an office, its queue or a case.
    case desk(DeskAct)
}

/// What came of an operator's act.
package enum OperatorOutcome: Sendable {
    /// Done; the journal position of the record.
    case done(position: UInt64)
    /// Published as this version; `isNew` is false if the same text was in force already.
    case published(version: UInt32, isNew: Bool)
    /// Not done, and why.
    case refused(RefusalCode)
    /// What came of a change of who may come in.
    case access(AccessOutcome)
    /// What came of a change of an office, its queue or a case.
    case desk(DeskOutcome)
}

extension LedgerWriter {
    /// Carries out an operator's act in a transaction of its own.
    ///
    /// - Throws: `LedgerFault.storage` if a row failed; nothing was kept.
    package func carryOut(
        _ act: OperatorAct,
        by who: Operator,
        wall: Int64,
        monotonic: Int64
    ) throws(LedgerFault) -> OperatorOutcome {
        now = wall
        self.monotonic = monotonic
        if case .desk(let act) = act { return .desk(try carryOut(act, who)) }
        var outcome = OperatorOutcome.refused(.unavailable)
        try inTransaction { () throws(SQLiteFault) in
            switch act {
            case .publish(let procedure, let source):
                outcome = try publish(procedure, source, who)
            case .retry(let referral): outcome = try retry(referral, who)
            case .dismiss(let referral): outcome = try dismiss(referral, who)
            case .backdating(let agency, let isAllowed):
                outcome = try setBackdating(agency, isAllowed, who)
            case .observing(let agency, let isAllowed):
                outcome = try setObserving(agency, isAllowed, who)
            case .publishCatalogue(let declaration, let source):
                outcome = try publish(declaration, source, who)
            case .notice(let topic, let text):
                let told = Array("\(topic)\n\(text)".utf8)
                let receipt = try append(record(.noticed, who), content: who, body: told)
                outcome = .done(position: receipt.position)
            case .configured(let changes):
                let receipt = try append(
                    record(.configured, who),
                    content: who,
                    body: Array(changes.utf8)
                )
                outcome = .done(position: receipt.position)
            case .backedUp(let directory):
                let receipt = try append(
                    record(.backedUp, who),
                    content: who,
                    body: Array(directory.utf8)
                )
                outcome = .done(position: receipt.position)
            case .retention(let rule): outcome = try setRetention(rule, who)
            case .forgetSubscription(let agency, let name):
                outcome = try forgetSubscription(agency: agency, name: name, who)
            case .access(let act): outcome = .access(try change(act, who))
            case .desk: break
            }
        }
        return outcome
    }

    private func publish(
        _ procedure: Procedure,
        _ source: String,
        _ who: Operator
    ) throws(SQLiteFault) -> OperatorOutcome {
        if let latest = directory.latestProcedure(procedure.name), latest.procedure == procedure {
            return .published(version: latest.version, isNew: false)
        }
        guard directory.procedures.count < 1 << 24,
            directory.offices.count + procedure.offices.count <= Directory.officesMax
        else { return .refused(.tooManyOffices) }
        for office in procedure.offices {
            let agency = try openAgency(Name.agency(ofOffice: office.name))
            let title = office.title["en"] ?? office.title.values.first ?? ""
            _ = try openOffice(office.name, agency: agency, title: title, actor: who.actor)
        }
        let published = try directory.publish(procedure, source: source, at: now, uid: who.uid)
        // An office may hold more than those who staff it may see.
        accessBook.touch()
        var record = record(.procedurePublished, who)
        record.step = published.number(ofStep: 0)
        record.digest =
            source.utf8.withContiguousStorageIfAvailable {
                Journal.digest(envelope: UnsafeRawBufferPointer($0), body: .empty)
            } ?? Array(source.utf8).withUnsafeBytes { Journal.digest(envelope: $0, body: .empty) }
        _ = try append(record, occurredAt: now)
        return .published(version: published.version, isNew: true)
    }

    private func retry(_ number: UInt64, _ who: Operator) throws(SQLiteFault) -> OperatorOutcome {
        guard var referral = try tables.dead(number) else { return .refused(.notDead) }
        let receipt = try append(.retried, on: referral, who)
        try tables.deleteDead(number)
        count(referral.office) { $0.dead -= 1 }
        referral.attempts = 0
        referral.hops = 0
        try enter(referral)
        return .done(position: receipt.position)
    }

    func dismiss(_ number: UInt64, _ who: Operator) throws(SQLiteFault) -> OperatorOutcome {
        guard let referral = try tables.dead(number) else { return .refused(.notDead) }
        let ending = try leaveForks(referral)
        for place in try branches(besides: referral, inside: ending.joined) {
            var withdrawn = record(.withdrawn, who)
            withdrawn.agency = directory.office(place.office)?.agency ?? 0
            try withdraw(place, of: referral.serial, withdrawn, occurredAt: now)
        }
        for fork in ending.joined { try tables.deleteFork(fork) }
        var joining = ending.joining
        joining?.number = referralNumber(0)
        let receipt = try append(
            .dismissed,
            on: referral,
            who,
            flags: ending.closes ? .closes : [],
            entries: joining.map { [JournalRecord.entry(of: $0)] } ?? []
        )
        try tables.deleteDead(number)
        count(referral.office) { $0.dead -= 1 }
        if let joining { try enter(joining) }
        if ending.closes {
            try tables.closeCase(referral.serial, at: now, result: "dismissed")
            tally.closed += 1
            try noteChanged(referral.serial, isClosed: true)
        }
        return .done(position: receipt.position)
    }

    /// What the end of a branch that will never arrive amounts to.
    private struct BranchEnd {
        /// Whether no other branch is left.
        var closes = false
        /// The forks whose joins fire because they waited for this branch only.
        var joined: Set<UInt64> = []
        /// What enters the step where they join; without a number yet.
        var joining: Referral?
    }

    /// Takes a branch out of its fork; a fork nobody else is in ends with it, outwards.
    private func leaveForks(_ referral: Referral) throws(SQLiteFault) -> BranchEnd {
        var end = BranchEnd()
        var number = referral.fork
        while number != 0, let fork = try tables.fork(number) {
            guard fork.branches == 1 else {
                guard fork.arrived >= min(fork.need, fork.branches - 1) else {
                    try tables.shrinkFork(number)
                    return end
                }
                try join(after: referral, at: fork, &end)
                return end
            }
            try tables.deleteFork(number)
            number = fork.parent
        }
        end.closes = true
        return end
    }

    private func join(
        after referral: Referral,
        at first: ForkRow,
        _ end: inout BranchEnd
    ) throws(SQLiteFault) {
        end.joined.insert(first.number)
        var number = first.parent
        while number != 0, let fork = try tables.fork(number), fork.step == first.step {
            guard fork.arrived + 1 >= fork.need else { return try tables.arrive(at: number) }
            end.joined.insert(number)
            number = fork.parent
        }
        guard let published = directory.procedure(first.step.procedure) else { return }
        var settled = referral
        settled.fork = number
        settled.hops = 0
        end.joining = published.referral(
            number: 0,
            entering: first.step.place,
            office: published.offices[first.step.place],
            from: settled,
            at: now
        )
    }

    private func setBackdating(
        _ name: String,
        _ isAllowed: Bool,
        _ who: Operator
    ) throws(SQLiteFault) -> OperatorOutcome {
        let agency = try openAgency(name)
        try directory.setBackdating(agency, isAllowed)
        var record = record(.agencyChanged, who)
        record.agency = agency
        record.code = isAllowed ? 1 : 0
        let receipt = try append(record, content: who)
        return .done(position: receipt.position)
    }

    // MARK: Records of operators

    func record(_ act: Act, _ who: Operator) -> JournalRecord {
        var record = JournalRecord(act)
        record.actor = who.actor
        record.flags = .byOperator
        return record
    }

    private func append(
        _ act: Act,
        on referral: Referral,
        _ who: Operator,
        flags: JournalRecord.Flags = [],
        entries: [JournalRecord.Entry] = []
    ) throws(SQLiteFault) -> Receipt {
        var record = record(act, who)
        record.serial = referral.serial
        record.referral = referral.number
        record.office = referral.office
        record.step = referral.step
        record.agency = directory.office(referral.office)?.agency ?? 0
        record.flags.formUnion(flags)
        record.entries = entries
        return try append(record, content: who)
    }

    /// Appends a record with the operator's reason, and what was set, as its content.
    func append(
        _ record: consuming JournalRecord,
        content who: Operator,
        body: [UInt8] = []
    ) throws(SQLiteFault) -> Receipt {
        var reason = Envelope.Reason()
        reason.text = String(who.reason.prefix(Limits.textBytesMax / 4))
        let bytes = Envelope.bytes(of: reason)
        record.digest = bytes.withUnsafeBytes { envelope in
            body.withUnsafeBytes { Journal.digest(envelope: envelope, body: $0) }
        }
        let receipt = try append(record, occurredAt: now)
        try bytes.withBytes { bytes throws(SQLiteFault) in
            try body.withBytes { body throws(SQLiteFault) in
                try tables.insertContent(receipt.position, envelope: bytes, body: body)
            }
        }
        return receipt
    }
}
