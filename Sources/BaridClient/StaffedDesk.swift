// SPDX-License-Identifier: Apache-2.0

internal import Wire

/// One office a session staffs, and the credit it was given there.
struct StaffedDesk {
    let office: String
    let title: String
    /// Deliveries that may be under way or not yet handed out, and their bytes; 0 takes none.
    var credit: CreditCount
    /// Who waits for the first answer; nil after it.
    var ticket: UInt64?
    /// When that one gives up, in monotonic milliseconds.
    var deadline: Int64
    /// When to ask again after a refusal that will pass; nil if not refused.
    var attachAt: Int64?
    /// Office number in this session; nil until attached.
    var number: UInt64?

    init(
        office: String,
        title: String,
        credit: UInt64,
        creditBytes: UInt64,
        ticket: UInt64,
        deadline: Int64
    ) {
        self.office = office
        self.title = title
        self.credit = CreditCount(
            messages: min(credit, Limits.creditMessagesMax),
            bytes: min(creditBytes, Limits.creditBytesMax)
        )
        self.ticket = ticket
        self.deadline = deadline
    }

    /// The session is lost, and its credit with it.
    mutating func lose() {
        number = nil
        attachAt = nil
        credit.lose()
    }
}
