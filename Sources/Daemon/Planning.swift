// SPDX-License-Identifier: Apache-2.0

internal import Control
internal import Ledger
internal import Platform
internal import Wire

/// What a destructive act is about, before it is done.
struct Selection {
    struct Item {
        var referral: UInt64
        var serial: UInt64
        var office: String
        var since: Int64
    }

    /// The act with all its arguments, as the token binds it.
    var act: String
    /// What would be done, for people.
    var text: String
    var referrals: [Item] = []
    /// How many it is about, where those are no referrals.
    var count = 0
    /// How many more there are than one plan is about.
    var remaining = 0
    /// Numbers besides the referrals that must not change.
    var others: [UInt64] = []

    /// Everything the token is bound to.
    var items: [UInt64] { others + referrals.flatMap { [$0.referral, $0.serial] } }
}

extension LedgerCommands {
    /// Plans an act, or does it if the token is that of a plan that still holds.
    ///
    /// The token is bound to the selection as it is read now, and to who asked for the plan. The
    /// ledger checks every referral once more within the transaction, so what is done is what was
    /// planned or nothing.
    func carryOut(
        _ selection: Selection,
        token: String?,
        by identity: OperatorIdentity,
        _ perform: () throws(OperatorFault) -> DeskChange
    ) throws(OperatorFault) -> PlanOutcome {
        let now = Clock.wallMilliseconds() / 1_000
        let uid = identity.uid
        guard let token else { return PlanOutcome(plan: plan(selection, for: uid, now: now)) }
        guard plans.isGood(token, of: selection.act, on: selection.items, for: uid, now: now)
        else { throw OperatorFault.planStale }
        let change = try perform()
        return PlanOutcome(done: change.referrals, position: change.position)
    }

    private func plan(_ selection: Selection, for uid: UInt32, now: Int64) -> Plan {
        let expires = now + PlanToken.seconds
        var plan = Plan(
            text: selection.text,
            count: UInt64(selection.referrals.count + selection.count),
            token: plans.token(
                of: selection.act,
                on: selection.items,
                for: uid,
                expires: expires
            ),
            validUntil: Instant(milliseconds: expires * 1_000)
        )
        plan.remaining = UInt64(selection.remaining)
        let instants = selection.referrals.map(\.since)
        plan.oldestAt = instants.min().map { Instant(milliseconds: $0) }
        plan.newestAt = instants.max().map { Instant(milliseconds: $0) }
        plan.samples = selection.referrals.prefix(Plan.samplesMax).map { item in
            Plan.Sample(
                referral: item.referral,
                number: CaseNumber(serial: item.serial)?.text ?? "",
                office: item.office,
                since: Instant(milliseconds: item.since)
            )
        }
        return plan
    }
}
