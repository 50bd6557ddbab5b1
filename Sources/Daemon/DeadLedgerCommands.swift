// SPDX-License-Identifier: Apache-2.0

internal import Control
internal import Ledger
internal import Rules
internal import Wire

/// What operators ask about dead letters, and do to them.
extension LedgerCommands {
    func deadLetters(
        office: String?,
        each: (DeadLetter) throws(OperatorFault) -> Void
    ) throws(OperatorFault) {
        let choice: LedgerReader.DeadChoice =
            if let office { .office(try officeNumber(office)) } else { .all }
        var page: [LedgerReader.Dead] = []
        repeat {
            page = try read { [last = page.last] in
                try $0.dead(choice, after: last, limit: Self.deadInPage)
            }
            for letter in page { try each(DeadLetter(letter)) }
        } while page.count == Self.deadInPage
    }

    /// Dead letters read at once; each reading waits for the ledger once.
    private static let deadInPage = 4_096

    func deadLetter(_ referral: UInt64) throws(OperatorFault) -> DeadLetter {
        guard let letter = try read({ try $0.deadLetter(referral) }) else {
            throw Self.notDead(referral, exit: .notFound)
        }
        return DeadLetter(letter)
    }

    func retryDead(
        _ selection: DeadSelection,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> DeadLettersSettled {
        var settled = DeadLettersSettled(settled: 0)
        for letter in try dead(selection) {
            let outcome = try act(
                .retry(referral: letter.referral.number),
                by: identity,
                reason: reason
            )
            if case .done = outcome {
                settled.settled += 1
            } else {
                settled.refused += 1
                if settled.text.isEmpty { settled.text = refused(outcome, "The referral").text }
            }
        }
        return settled
    }

    func closeDead(
        _ selection: DeadSelection,
        token: String?,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> PlanOutcome {
        let (letters, remaining) = try chosen(selection)
        let planned = plan(
            "dead.close \(selection)",
            "close dead letters for good",
            letters,
            remaining
        )
        return try carryOut(planned, token: token, by: identity) { () throws(OperatorFault) in
            try changeDesk(.dismiss(letters.map(\.referral.number)), identity, reason)
        }
    }

    func redirectDead(
        _ selection: DeadSelection,
        to office: String,
        token: String?,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> PlanOutcome {
        _ = try officeNumber(office)
        let (letters, remaining) = try chosen(selection)
        let planned = plan(
            "dead.redirect \(selection) \(office)",
            "put dead letters into the queue of \(office)",
            letters,
            remaining
        )
        return try carryOut(planned, token: token, by: identity) { () throws(OperatorFault) in
            try changeDesk(.redirect(letters.map(\.referral.number), to: office), identity, reason)
        }
    }

    private func plan(
        _ act: String,
        _ text: String,
        _ letters: [LedgerReader.Dead],
        _ remaining: Int
    ) -> Selection {
        Selection(
            act: act,
            text: text,
            referrals: letters.map { letter in
                Selection.Item(
                    referral: letter.referral.number,
                    serial: letter.referral.serial,
                    office: letter.office,
                    since: letter.at
                )
            },
            remaining: remaining
        )
    }

    /// The letters one plan is about, and how many are left for another.
    private func chosen(
        _ selection: DeadSelection
    ) throws(OperatorFault) -> (letters: [LedgerReader.Dead], remaining: Int) {
        let letters = try dead(selection, limit: Plan.referralsMax)
        guard letters.count == Plan.referralsMax, case .all(let office) = selection else {
            return (letters, 0)
        }
        var number: UInt32?
        if let office { number = try officeNumber(office) }
        let all = try read { try $0.deadCount(office: number) }
        return (letters, max(0, all - letters.count))
    }

    private func dead(
        _ selection: DeadSelection,
        limit: Int = .max
    ) throws(OperatorFault) -> [LedgerReader.Dead] {
        let choice: LedgerReader.DeadChoice
        switch selection {
        case .all(nil): choice = .all
        case .all(let office?): choice = .office(try officeNumber(office))
        case .caseNumber(let number): choice = .serial(try serial(of: number))
        case .referral(let referral): choice = .referral(referral)
        }
        let letters = try read { try $0.dead(choice, limit: limit) }
        if letters.isEmpty, case .referral(let referral) = selection {
            throw Self.notDead(referral, exit: .failed)
        }
        return letters
    }

    private static func notDead(_ referral: UInt64, exit: ExitStatus) -> OperatorFault {
        OperatorFault(
            code: "notDead",
            exit: exit,
            text: "Referral \(referral) is not a dead letter; `baridctl dead list` shows which are."
        )
    }
}

extension DeadLetter {
    fileprivate init(_ letter: LedgerReader.Dead) {
        self.init(
            referral: letter.referral.number,
            number: CaseNumber(serial: letter.referral.serial)?.text ?? "",
            office: letter.office,
            step: letter.step,
            reason: letter.reason.word,
            cause: letter.cause.isEmpty ? letter.reason.text : letter.cause,
            at: Instant(milliseconds: letter.at),
            attempts: letter.referral.attempts,
            owner: letter.agency
        )
    }
}
