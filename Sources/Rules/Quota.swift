// SPDX-License-Identifier: Apache-2.0

/// How much an agency may have and do; 0 is no limit of its own.
package struct Quota: Equatable, Sendable {
    /// Sessions open at once.
    package var sessions: UInt32
    /// Operations that begin something new, a second; settling is never held up.
    package var operations: UInt32
    /// Bytes of packets a second.
    package var bytes: UInt64
    /// Subscriptions of all its sessions.
    package var subscriptions: UInt32
    /// Questions asked and unanswered, of all its sessions.
    package var questions: UInt32
    /// Open cases it submitted.
    package var openCases: UInt64
    /// Bytes of the files of open cases it submitted.
    package var queuedBytes: UInt64

    /// Limits of an agency.
    package init(
        sessions: UInt32 = 1_024,
        operations: UInt32 = 100_000,
        bytes: UInt64 = 256 << 20,
        subscriptions: UInt32 = 10_000,
        questions: UInt32 = 10_000,
        openCases: UInt64 = 0,
        queuedBytes: UInt64 = 0
    ) {
        self.sessions = sessions
        self.operations = operations
        self.bytes = bytes
        self.subscriptions = subscriptions
        self.questions = questions
        self.openCases = openCases
        self.queuedBytes = queuedBytes
    }

    /// The limits of an agency for which no operator set others.
    package static let `default` = Quota()
}

/// A rate with room for a second's worth at once (a token bucket).
package struct RateLimit: Sendable {
    /// What may be taken now, in thousandths, so that no part of a unit is lost.
    private var level: Int64
    private var last: Int64

    /// Largest rate and amount, so that no sum overflows.
    private static let rateMax: UInt64 = 1 << 36
    /// Time after which a bucket is full whatever was taken, in milliseconds.
    private static let fullMilliseconds: Int64 = 60_000

    /// A full bucket.
    package init(perSecond: UInt64, now: Int64) {
        level = Self.thousandths(perSecond)
        last = now
    }

    /// Takes from the bucket; false, taking nothing, if it is empty.
    ///
    /// The last amount that passes may overdraw the bucket: otherwise more than a second's worth
    /// could never pass.
    ///
    /// - Parameters:
    ///   - amount: What is used up.
    ///   - perSecond: The rate; 0 is none, and everything passes.
    ///   - now: Milliseconds that never go back.
    /// - Returns: Whether it was taken.
    package mutating func take(_ amount: UInt64, perSecond: UInt64, now: Int64) -> Bool {
        guard perSecond > 0 else { return true }
        fill(perSecond, now)
        guard level > 0 else { return false }
        level -= Self.thousandths(amount)
        return true
    }

    /// Takes from the bucket whatever is in it, down to a second's worth below nothing: what must
    /// not be held up counts all the same.
    package mutating func charge(_ amount: UInt64, perSecond: UInt64, now: Int64) {
        guard perSecond > 0 else { return }
        fill(perSecond, now)
        level = max(level - Self.thousandths(amount), min(level, -Self.thousandths(perSecond)))
    }

    /// Milliseconds until something can be taken again, from 1.
    package func pauseMilliseconds(perSecond: UInt64) -> Int64 {
        guard perSecond > 0, level <= 0 else { return 1 }
        return 1 + -level / Int64(min(perSecond, Self.rateMax))
    }

    private mutating func fill(_ perSecond: UInt64, _ now: Int64) {
        let elapsed = min(max(0, now - last), Self.fullMilliseconds)
        last = max(last, now)
        let rate = Int64(min(perSecond, Self.rateMax))
        level = min(rate * 1_000, level + rate * elapsed)
    }

    private static func thousandths(_ amount: UInt64) -> Int64 {
        Int64(min(amount, rateMax)) * 1_000
    }
}
