// SPDX-License-Identifier: Apache-2.0

/// Counts the credit of one office or subscription.
///
/// Credit at the bus plus what came and was not yet handed out never exceed the maximum.
struct CreditCount {
    typealias Credit = (messages: UInt64, bytes: UInt64)

    /// What may be under way or not yet handed out.
    let limit: Credit
    private var unread: Credit = (0, 0)
    private var consumed: Credit = (0, 0)

    init(messages: UInt64, bytes: UInt64) { limit = (messages, bytes) }

    /// What a session that has none yet is to be granted: the maximum less what still lies here.
    var fresh: Credit {
        (
            limit.messages - min(unread.messages, limit.messages),
            limit.bytes - min(unread.bytes, limit.bytes)
        )
    }

    /// Counts something that came.
    mutating func deliver(bytes: UInt64) {
        unread.messages += 1
        unread.bytes += bytes
    }

    /// Counts what was handed out, and returns the credit to give back now.
    ///
    /// It is given in portions of a quarter, and at once when nothing is left here.
    mutating func consume(messages: UInt64, bytes: UInt64) -> Credit? {
        let counted = min(messages, unread.messages)
        guard counted > 0 else { return nil }
        unread.messages -= counted
        unread.bytes -= min(bytes, unread.bytes)
        consumed.messages += counted
        consumed.bytes += bytes
        guard consumed.messages >= max(1, limit.messages / 4) || unread.messages == 0 else {
            return nil
        }
        defer { consumed = (0, 0) }
        return consumed
    }

    /// The session is lost, and its credit with it.
    mutating func lose() { consumed = (0, 0) }

    /// What was delivered in an earlier session counts no more.
    mutating func void() { unread = (0, 0) }
}
