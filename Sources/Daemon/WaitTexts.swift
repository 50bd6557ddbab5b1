// SPDX-License-Identifier: Apache-2.0

internal import Control
internal import Ledger

extension WaitRow {
    /// Why a branch waits, with the word for programs and the sentence for people.
    init(_ branch: WaitingBranch, step: String) {
        let office = branch.office
        let (word, text) = Self.words(branch.reason, office)
        self.init(office: office, step: step, reason: word, text: text)
        referral = branch.referral == 0 ? nil : branch.referral
        since = Instant.unlessZero(branch.since)
        switch branch.reason {
        case .leased(let connection, let agency, let instant):
            until = Instant(milliseconds: instant)
            self.agency = agency
            self.connection = connection
        case .backoff(let instant): until = Instant(milliseconds: instant)
        case .behind(let first, let ahead):
            self.first = first
            self.ahead = UInt64(ahead)
        default: break
        }
    }

    private static func words(_ reason: WaitReason, _ office: String) -> (String, String) {
        switch reason {
        case .leased(let connection, let agency, let until):
            (
                "leased",
                "Connection \(connection) of \(agency) has it until "
                    + "\(Instant(milliseconds: until).text)."
            )
        case .custody: ("custody", "\(office) has accepted it and has not settled it.")
        case .held(let uid, let reason):
            ("held", "The case is held by user \(uid): \(reason)")
        case .paused(let uid, let reason):
            ("paused", "\(office) was paused by user \(uid): \(reason)")
        case .backoff(let until):
            (
                "backoff",
                "A delivery failed; the next is not before "
                    + "\(Instant(milliseconds: until).text)."
            )
        case .unattended: ("unattended", "No connection staffs \(office).")
        case .quota(let sessions):
            (
                "quota",
                "No connection staffs \(office), and its agency has all the \(sessions) sessions "
                    + "its limit allows."
            )
        case .noCredit(let sessions):
            (
                "noCredit",
                "\(office) is staffed by \(sessions) connections, none of which takes more now."
            )
        case .slowRoad(let sessions):
            (
                "slowRoad",
                "\(sessions) connections would take it for \(office), and have not yet read what is "
                    + "under way to them."
            )
        case .behind(let first, let ahead):
            (
                "behind",
                "\(ahead)\(ahead == LedgerWriter.aheadMax ? " or more" : "") older referrals of "
                    + "\(office) come first, the next is \(first)."
            )
        case .join(let arrived, let need):
            (
                "join",
                "\(arrived) of the \(need) branches that must come together have arrived."
            )
        case .dead: ("dead", "It is a dead letter: retry, redirect or close it.")
        case .next: ("next", "It is the next to be handed out.")
        }
    }
}
