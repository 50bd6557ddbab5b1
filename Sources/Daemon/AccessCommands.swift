// SPDX-License-Identifier: Apache-2.0

internal import Control
internal import Keys
internal import Ledger
internal import Platform
internal import Rules
internal import Wire

/// What operators ask about who may come in and what they may do.
extension LedgerCommands {
    private static let dayMilliseconds: Int64 = 86_400_000
    /// Days a key is good for unless said otherwise: a year and some time to replace it.
    private static let daysDefault: UInt32 = 400
    /// Longest time a key may be good for, in days.
    private static let daysMax: UInt32 = 3_660
    /// Days old and new key overlap unless said otherwise.
    private static let overlapDaysDefault: UInt32 = 30

    // MARK: Keys

    func enrol(
        _ enrolment: EnrolArguments,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> KeyRow {
        let request = try proven(enrolment.request, enrolment.fingerprint)
        let key = try enrolled(request, days: enrolment.days)
        return try enrol(
            .enrol(key, note: request.note, fingerprint: "\(Fingerprint(of: key.publicKey))"),
            identity,
            reason
        )
    }

    func rotate(
        _ enrolment: RotateArguments,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> KeyRow {
        let request = try proven(enrolment.request, enrolment.fingerprint)
        let key = try enrolled(request, days: enrolment.days)
        let overlap = try days(enrolment.overlapDays ?? Self.overlapDaysDefault)
        return try enrol(
            .rotate(
                key,
                note: request.note,
                fingerprint: "\(Fingerprint(of: key.publicKey))",
                overlapEnds: key.begins + overlap
            ),
            identity,
            reason
        )
    }

    private func enrol(
        _ act: AccessAct,
        _ identity: OperatorIdentity,
        _ reason: String
    ) throws(OperatorFault) -> KeyRow {
        let (number, _) = try change(act, identity, reason)
        let now = Clock.wallMilliseconds()
        let rows = try read { try $0.keys() }
        guard let row = rows.first(where: { $0.enrolled.number == number }) else {
            throw OperatorFault(
                code: "unavailable",
                exit: .failed,
                text: "The key that was enrolled cannot be read."
            )
        }
        return KeyRow(row, now: now)
    }

    private func proven(
        _ text: String,
        _ fingerprint: String
    ) throws(OperatorFault) -> KeyRequest {
        guard let serverKey else {
            throw OperatorFault(
                code: "noServerKey",
                exit: .failed,
                text: "This daemon has no key, so no request can be meant for it; make one with "
                    + "baridctl init and start it again."
            )
        }
        let request: KeyRequest
        do throws(KeyFault) {
            request = try KeyRequest(reading: text)
            try request.check(by: serverKey)
        } catch {
            throw OperatorFault(
                code: error == .unproven ? "unproven" : "requestInvalid",
                exit: .badData,
                text: error.description
            )
        }
        let found = Fingerprint(of: request.publicKey)
        guard found.isTold(as: fingerprint) else {
            throw OperatorFault(
                code: "fingerprintDiffers",
                exit: .badData,
                text: "The key in the request has the fingerprint \(found), which is not the one "
                    + "you were told. Somebody may have exchanged the request: do not enrol it."
            )
        }
        return request
    }

    private func enrolled(
        _ request: KeyRequest,
        days count: UInt32?
    ) throws(OperatorFault) -> EnrolledKey {
        let now = Clock.wallMilliseconds()
        return EnrolledKey(
            number: 0,
            agency: request.agency,
            publicKey: request.publicKey,
            begins: now,
            ends: now + (try days(count ?? Self.daysDefault))
        )
    }

    /// Milliseconds of so many days.
    private func days(_ count: UInt32) throws(OperatorFault) -> Int64 {
        guard count <= Self.daysMax else {
            throw OperatorFault(
                code: "badTime",
                exit: .badData,
                text: "At most \(Self.daysMax) days can be given."
            )
        }
        return Int64(count) * Self.dayMilliseconds
    }

    func revokeKeys(
        _ arguments: RevokeArguments,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> PlanOutcome {
        let agency = arguments.agency
        guard try read({ try $0.hasAgency(agency) }) else { throw declined(.noSuchAgency) }
        let keys = try read { try $0.keys() }.filter {
            $0.enrolled.agency == agency
                && (arguments.key == nil || $0.enrolled.number == arguments.key)
        }
        guard arguments.key == nil || !keys.isEmpty else { throw declined(.noSuchKey) }
        let standing = keys.map(\.enrolled).filter { !$0.isRevoked }
        guard !standing.isEmpty else { throw declined(AccessRefusal.unchanged) }
        var selection = Selection(
            act: "agency.revoke \(agency) \(arguments.key.map { String($0) } ?? "")",
            text: "end for good the keys of \(agency) with the numbers "
                + standing.map { String($0.number) }.joined(separator: ", ")
        )
        selection.count = standing.count
        selection.others = standing.map { UInt64($0.number) }
        return try carryOut(
            selection,
            token: arguments.token,
            by: identity
        ) { () throws(OperatorFault) in
            let numbers = standing.map(\.number)
            let (_, position) = try change(.revoke(keys: numbers), identity, reason)
            return DeskChange(position: position, referrals: UInt64(numbers.count))
        }
    }

    // MARK: Agencies

    func agencyAccess(_ agency: String) throws(OperatorFault) -> AgencyAccess {
        guard try read({ try $0.hasAgency(agency) }) else { throw declined(.noSuchAgency) }
        let now = Clock.wallMilliseconds()
        let (access, keys) = try read { (try $0.access(), try $0.keys()) }
        return AgencyAccess(
            name: agency,
            suspended: access.suspended.contains(agency),
            keys: keys.filter { $0.enrolled.agency == agency }.map { KeyRow($0, now: now) },
            roles: access.policy.roles[agency, default: []].sorted(),
            rules: try rules(concerning: agency),
            limits: LimitsRow(access.quota(of: agency))
        )
    }

    func setSuspended(
        _ isSuspended: Bool,
        agency: String,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> AgencyAccess {
        _ = try change(
            isSuspended ? .suspend(agency: agency) : .resume(agency: agency),
            identity,
            reason
        )
        return try agencyAccess(agency)
    }

    func setLimits(
        _ limits: LimitArguments,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> AgencyAccess {
        var quota = try read { try $0.access() }.quota(of: limits.agency)
        if let sessions = limits.sessions { quota.sessions = sessions }
        if let operations = limits.operationsPerSecond { quota.operations = operations }
        if let bytes = limits.bytesPerSecond { quota.bytes = bytes }
        if let subscriptions = limits.subscriptions { quota.subscriptions = subscriptions }
        if let questions = limits.questions { quota.questions = questions }
        if let cases = limits.openCases { quota.openCases = cases }
        if let bytes = limits.queuedBytes { quota.queuedBytes = bytes }
        _ = try change(.limit(agency: limits.agency, quota), identity, reason)
        return try agencyAccess(limits.agency)
    }

    /// The keys that are live now, of all agencies.
    func liveKeys() throws(OperatorFault) -> [KeyRow] {
        let now = Clock.wallMilliseconds()
        return try read { try $0.keys() }.map { KeyRow($0, now: now) }.filter { $0.state == "live" }
    }

    // MARK: Ways to the ledger

    /// Makes a change; returns the number of the key or rule it is about.
    func change(
        _ change: AccessAct,
        _ identity: OperatorIdentity,
        _ reason: String
    ) throws(OperatorFault) -> (number: UInt32, position: UInt64) {
        guard case .access(let outcome) = try act(.access(change), by: identity, reason: reason)
        else {
            throw OperatorFault(
                code: "unavailable",
                exit: .failed,
                text: "The policy was not changed."
            )
        }
        switch outcome {
        case .done(let number, let position): return (number, position)
        case .declined(let refusal): throw declined(refusal)
        }
    }

    func declined(_ refusal: AccessRefusal) -> OperatorFault {
        let exit: ExitStatus =
            switch refusal {
            case .noSuchAgency, .noSuchKey, .noSuchRule: .notFound
            case .keyTimeInvalid: .badData
            default: .failed
            }
        return OperatorFault(code: refusal.rawValue, exit: exit, text: refusal.text)
    }
}

extension KeyRow {
    fileprivate init(_ key: LedgerReader.Key, now: Int64) {
        let enrolled = key.enrolled
        let fingerprint = Fingerprint(of: enrolled.publicKey)
        let state =
            enrolled.isRevoked
            ? "revoked"
            : enrolled.ends <= now ? "ended" : enrolled.begins > now ? "not-yet" : "live"
        self.init(
            number: enrolled.number,
            agency: enrolled.agency,
            key: enrolled.publicKey.z85,
            fingerprint: "\(fingerprint)",
            fingerprintArabic: fingerprint.arabic,
            beginsAt: Instant(milliseconds: enrolled.begins),
            endsAt: Instant(milliseconds: enrolled.ends),
            state: state,
            note: key.note,
            enrolledAt: Instant(milliseconds: key.enrolledAt)
        )
    }
}

extension LimitsRow {
    fileprivate init(_ quota: Quota) {
        self.init()
        sessions = quota.sessions
        operationsPerSecond = quota.operations
        bytesPerSecond = quota.bytes
        subscriptions = quota.subscriptions
        questions = quota.questions
        openCases = quota.openCases
        queuedBytes = quota.queuedBytes
    }
}
