// SPDX-License-Identifier: Apache-2.0

package import Wire

/// What a live subscription may be told, and what becomes of events it cannot be told now
/// (`Protocols/bus.md` § Subscriptions).
package struct LiveReader: Sendable {
    /// What happens while there is no credit or the road is congested.
    package enum Slow: Sendable {
        case gap
        case latest
        case evict
    }

    /// What to do with an event.
    package enum Verdict: Equatable, Sendable {
        /// Tell it; credit is charged already.
        case tell
        /// Keep it as the last of its topic.
        case keep
        /// It was counted as left out.
        case leaveOut
        /// End the subscription.
        case evict
    }

    /// Events left out since the last that was told.
    package struct Gap: Equatable, Sendable {
        /// How many.
        package fileprivate(set) var count: UInt64 = 0
        /// Sequence of the first that had one, or 0.
        package fileprivate(set) var first: UInt64 = 0
        /// Sequence of the last that had one, or 0.
        package fileprivate(set) var last: UInt64 = 0
    }

    /// The policy.
    package let slow: Slow
    private var messages: UInt64 = 0
    private var bytes: Int64 = 0
    private var wasGranted = false
    /// What a `gap` must say before the next event.
    package private(set) var gap = Gap()

    /// A reader without credit.
    package init(slow: Slow) { self.slow = slow }

    /// Whether an event may be told as far as credit goes; the last may overdraw the bytes.
    package var hasCredit: Bool { messages > 0 && bytes > 0 }

    /// Adds credit.
    ///
    /// - Throws: `creditTooLarge` if it would exceed `Limits`; nothing is added then.
    package mutating func grant(messages more: UInt64, bytes moreBytes: UInt64) throws(RefusalCode)
    {
        guard more <= Limits.creditMessagesMax, moreBytes <= Limits.creditBytesMax,
            messages + more <= Limits.creditMessagesMax,
            bytes + Int64(moreBytes) <= Int64(Limits.creditBytesMax)
        else { throw .creditTooLarge }
        messages += more
        bytes += Int64(moreBytes)
        wasGranted = true
    }

    /// Decides on an event, and charges or counts it.
    ///
    /// - Parameters:
    ///   - cost: Bytes of its envelope and body.
    ///   - sequence: Its sequence, 0 if it is not kept in the ledger.
    ///   - isRoadFree: Whether it would be sent at once.
    ///   - isKeeping: Whether earlier events are kept and wait, so that it must not overtake them.
    /// - Returns: What to do with it.
    package mutating func judge(
        cost: Int,
        sequence: UInt64,
        isRoadFree: Bool,
        isKeeping: Bool
    ) -> Verdict {
        if hasCredit, isRoadFree, !isKeeping {
            charge(cost)
            return .tell
        }
        switch slow {
        case .latest: return .keep
        // Credit can only be granted once the number is known, so before that nobody is slow.
        case .evict where wasGranted: return .evict
        case .gap, .evict:
            leaveOut(sequence: sequence)
            return .leaveOut
        }
    }

    /// Takes the cost of an event from the credit.
    package mutating func charge(_ cost: Int) {
        messages -= 1
        bytes -= Int64(cost)
    }

    /// Counts an event that will not be told.
    package mutating func leaveOut(sequence: UInt64) {
        gap.count += 1
        guard sequence != 0 else { return }
        if gap.first == 0 { gap.first = sequence }
        gap.last = sequence
    }

    /// What was left out since the last call, or nil if nothing was.
    package mutating func takeGap() -> Gap? {
        guard gap.count > 0 else { return nil }
        let taken = gap
        gap = Gap()
        return taken
    }
}
