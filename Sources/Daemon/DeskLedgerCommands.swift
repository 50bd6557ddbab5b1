// SPDX-License-Identifier: Apache-2.0

internal import Control
internal import Ledger
internal import Platform
internal import Rules
internal import Wire

/// What operators ask about offices, queues and single cases, and do to them.
extension LedgerCommands {
    // MARK: Offices

    func office(_ name: String) throws(OperatorFault) -> OfficeRow {
        guard let row = try officeRows(.named(name)).first else { throw Self.noSuchOffice(name) }
        return row
    }

    static func noSuchOffice(_ name: String) -> OperatorFault {
        OperatorFault(
            code: "noSuchOffice",
            exit: .notFound,
            text: "There is no office \(name); `baridctl office list` shows which are."
        )
    }

    func setPaused(
        _ isPaused: Bool,
        office: String,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> OfficeRow {
        _ = try changeDesk(
            isPaused ? .pause(office: office) : .resume(office: office),
            identity,
            reason
        )
        return try self.office(office)
    }

    // MARK: Queues

    func queue(_ office: String) throws(OperatorFault) -> QueueView {
        let row = try self.office(office)
        let number = try officeNumber(office)
        return try read { reader in
            let counts = try reader.laneCounts(office: number, limit: QueueView.countMax)
            var lanes: [QueueView.LaneRow] = []
            for (lane, count) in counts {
                var made = QueueView.LaneRow(lane: Self.word(of: lane), referrals: UInt64(count))
                if let first = try reader.ready(office: number, lane: lane, limit: 1).first {
                    made.first = first.referral.number
                    made.firstEnteredAt = Instant(milliseconds: first.referral.entered)
                }
                lanes.append(made)
            }
            var view = QueueView(office: row, lanes: lanes)
            if let next = try reader.delayed(office: number, limit: 1).first {
                view.nextDelayedAt = Instant(milliseconds: next.until)
            }
            return view
        }
    }

    func peek(_ arguments: PeekArguments) throws(OperatorFault) -> [QueueRow] {
        let number = try officeNumber(arguments.office)
        let lane = try lane(arguments.lane)
        let limit = try limit(arguments.limit, else: 20)
        let leased = ledger.leased(atOffice: number) ?? []
        return try read { reader in
            var found = try reader.ready(office: number, lane: lane, limit: limit)
            if found.count < limit {
                let delayed = try reader.delayed(office: number, limit: limit - found.count)
                found += delayed.filter { lane == nil || $0.referral.lane == lane }
            }
            return found.map { QueueRow($0, isLeased: leased.contains($0.referral.number)) }
        }
    }

    func move(
        _ arguments: MoveArguments,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> PlanOutcome {
        let number = try officeNumber(arguments.office)
        let lane = try lane(arguments.lane)
        let limit = try limit(arguments.limit, else: Plan.referralsMax)
        guard arguments.to != arguments.office else { throw declined(.sameOffice) }
        _ = try officeNumber(arguments.to)
        let leased = ledger.leased(atOffice: number) ?? []
        // Those that are out are passed over, so as many more are read.
        let found = try read {
            try $0.ready(office: number, lane: lane, limit: limit + leased.count)
        }.filter { !leased.contains($0.referral.number) }
        let chosen = Array(found.prefix(limit))
        let selection = Selection(
            act: "queue.move \(arguments.office) \(arguments.to) \(arguments.lane ?? "")",
            text: "move waiting referrals from \(arguments.office) to \(arguments.to)",
            referrals: chosen.map { queued in
                Selection.Item(
                    referral: queued.referral.number,
                    serial: queued.referral.serial,
                    office: arguments.office,
                    since: queued.referral.entered
                )
            },
            remaining: try remaining(number, lane, beyond: chosen.count + leased.count)
        )
        return try carryOut(selection, token: arguments.token, by: identity) {
            () throws(OperatorFault) in
            let referrals = chosen.map { queued in
                WaitingReferral(
                    referral: queued.referral.number,
                    serial: queued.referral.serial,
                    office: number,
                    lane: queued.referral.lane,
                    since: queued.referral.entered
                )
            }
            return try changeDesk(.move(referrals, to: arguments.to), identity, reason)
        }
    }

    /// How many ready referrals of an office there are beyond a number.
    private func remaining(
        _ office: UInt32,
        _ lane: UInt8?,
        beyond count: Int
    ) throws(OperatorFault) -> Int {
        let counts = try read { try $0.laneCounts(office: office, limit: QueueView.countMax) }
        let all = counts.filter { lane == nil || $0.lane == lane }.reduce(0) { $0 + $1.count }
        return max(0, all - count)
    }

    // MARK: Cases

    func waits(number: String) throws(OperatorFault) -> [WaitRow] {
        let serial = try serial(of: number)
        let found: [WaitingBranch]?
        do {
            found = try ledger.waits(of: serial)
        } catch {
            throw OperatorFault(code: "unavailable", exit: .busy, text: error.description)
        }
        guard let found else { throw Self.noSuchCase(number) }
        return try read { reader in
            try found.map { WaitRow($0, step: try reader.trails.step($0.step)) }
        }
    }

    func setHeld(
        _ isHeld: Bool,
        number: String,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> DeskChange {
        let serial = try serial(of: number)
        return try changeDesk(
            isHeld ? .hold(serial: serial) : .release(serial: serial),
            identity,
            reason
        )
    }

    func reroute(
        _ arguments: RerouteArguments,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> DeskChange {
        let serial = try serial(of: arguments.number)
        guard let trail = try read({ try $0.trails.trail(of: serial) }) else {
            throw Self.noSuchCase(arguments.number)
        }
        guard trail.isOpen else { throw declined(.caseClosed) }
        let referral: UInt64
        switch (arguments.referral, trail.places.count) {
        case (let number?, _): referral = number
        case (nil, 1): referral = trail.places[0].referral
        default:
            let numbers = trail.places.map { "\($0.referral) at \($0.office)" }
            throw OperatorFault(
                code: "severalBranches",
                exit: .usage,
                text: "The case has \(trail.places.count) open branches; say which is meant: "
                    + numbers.joined(separator: ", ") + "."
            )
        }
        return try changeDesk(
            .reroute(serial: serial, referral: referral, to: arguments.to),
            identity,
            reason
        )
    }

    // MARK: Ways to the ledger

    func officeNumber(_ name: String) throws(OperatorFault) -> UInt32 {
        guard let number = try read({ try $0.officeNumber(name) }) else {
            throw Self.noSuchOffice(name)
        }
        return number
    }

    private func lane(_ word: String?) throws(OperatorFault) -> UInt8? {
        guard let word else { return nil }
        guard let lane = Lane(name: word) else {
            throw OperatorFault(
                code: "badLane",
                exit: .usage,
                text: "A lane is urgent, normal or bulk."
            )
        }
        return lane.rawValue
    }

    private func limit(_ count: UInt32?, else standard: Int) throws(OperatorFault) -> Int {
        guard let count else { return standard }
        guard (1...Plan.referralsMax).contains(Int(count)) else {
            throw OperatorFault(
                code: "badLimit",
                exit: .usage,
                text: "A limit is 1 to \(Plan.referralsMax)."
            )
        }
        return Int(count)
    }

    static func word(of lane: UInt8) -> String { Lane(rawValue: lane)?.name ?? "" }

    /// Makes a change; throws why it was not made.
    func changeDesk(
        _ change: DeskAct,
        _ identity: OperatorIdentity,
        _ reason: String
    ) throws(OperatorFault) -> DeskChange {
        guard case .desk(let outcome) = try act(.desk(change), by: identity, reason: reason) else {
            throw OperatorFault(code: "unavailable", exit: .failed, text: "Nothing was changed.")
        }
        switch outcome {
        case .done(let position, let count):
            return DeskChange(position: position, referrals: UInt64(count))
        case .declined(let refusal): throw declined(refusal)
        }
    }

    func declined(_ refusal: DeskRefusal) -> OperatorFault {
        let exit: ExitStatus =
            switch refusal {
            case .noSuchOffice, .noSuchReferral, .noSuchCase: .notFound
            case .planStale: .notApproved
            default: .failed
            }
        return OperatorFault(code: refusal.rawValue, exit: exit, text: refusal.text)
    }
}

extension QueueRow {
    fileprivate init(_ queued: LedgerReader.Queued, isLeased: Bool) {
        let referral = queued.referral
        self.init(
            referral: referral.number,
            number: CaseNumber(serial: referral.serial)?.text ?? "",
            step: queued.step,
            lane: LedgerCommands.word(of: referral.lane),
            state: isLeased
                ? "leased" : queued.isHeld ? "held" : queued.until > 0 ? "delayed" : "waiting",
            enteredAt: Instant(milliseconds: referral.entered),
            until: Instant.unlessZero(queued.until),
            dueAt: Instant.unlessZero(referral.due),
            attempts: referral.attempts
        )
    }
}

extension StandMark {
    /// Who stopped something, as operators see it.
    init(_ mark: LedgerReader.Mark) {
        self.init(
            since: Instant(milliseconds: mark.since),
            uid: mark.uid,
            reason: mark.reason
        )
    }
}
