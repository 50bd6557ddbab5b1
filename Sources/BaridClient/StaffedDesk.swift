// SPDX-License-Identifier: Apache-2.0

internal import Wire

/// One office a session staffs, and the credit it was given there.
///
/// Credit at the bus plus deliveries not yet handed out never exceed `credit`.
struct StaffedDesk {
    let office: String
    let title: String
    /// Deliveries that may be under way or not yet handed out; 0 takes none.
    let credit: UInt64
    /// The same in bytes of envelopes and bodies.
    let creditBytes: UInt64
    /// Who waits for the first answer; nil after it.
    var ticket: UInt64?
    /// When that one gives up, in monotonic milliseconds.
    var deadline: Int64
    /// When to ask again after a refusal that will pass; nil if not refused.
    var attachAt: Int64?
    /// Office number in this session; nil until attached.
    var number: UInt64?
    private var unconsumedCount: UInt64 = 0
    private var consumed: Credit = (0, 0)

    typealias Credit = (messages: UInt64, bytes: UInt64)

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
        self.credit = min(credit, Limits.creditMessagesMax)
        self.creditBytes = min(creditBytes, Limits.creditBytesMax)
        self.ticket = ticket
        self.deadline = deadline
    }

    /// Counts a delivery that came.
    mutating func deliver() { unconsumedCount += 1 }

    /// Counts deliveries handed out, and returns the credit to give back now.
    ///
    /// It is given in portions of a quarter, and at once when nothing is left here.
    mutating func consume(messages: UInt64, bytes: UInt64) -> Credit? {
        let counted = min(messages, unconsumedCount)
        guard counted > 0 else { return nil }
        unconsumedCount -= counted
        consumed.messages += counted
        consumed.bytes += bytes
        guard consumed.messages >= max(1, credit / 4) || unconsumedCount == 0 else { return nil }
        defer { consumed = (0, 0) }
        return consumed
    }

    /// The session is lost, and its credit with it.
    mutating func lose() {
        number = nil
        attachAt = nil
        consumed = (0, 0)
    }

    /// What was delivered in an earlier session counts no more.
    mutating func void() { unconsumedCount = 0 }
}
