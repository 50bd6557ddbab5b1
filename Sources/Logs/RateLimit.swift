// SPDX-License-Identifier: Apache-2.0

/// Lets through the first messages of a kind in each span of time, and counts the others.
struct RateLimit {
    /// Messages of one kind let through in a span.
    static let messagesMax = 5
    /// Length of a span, in milliseconds.
    static let spanMilliseconds: Int64 = 60_000

    private struct Span {
        var start: Int64
        var told = 0
        var suppressed = 0
    }

    private var spans: [LogMessage: Span] = [:]

    /// Whether a message may be told.
    ///
    /// - Parameters:
    ///   - message: Its kind.
    ///   - now: Monotonic clock, ms.
    /// - Returns: How many of the kind were left out since the last one told; nil to leave this one
    ///   out too.
    mutating func admit(_ message: LogMessage, now: Int64) -> Int? {
        var span = spans[message] ?? Span(start: now)
        if now - span.start >= Self.spanMilliseconds {
            span = Span(start: now, suppressed: span.suppressed)
        }
        guard span.told < Self.messagesMax else {
            span.suppressed += 1
            spans[message] = span
            return nil
        }
        let suppressed = span.suppressed
        span.told += 1
        span.suppressed = 0
        spans[message] = span
        return suppressed
    }

    /// The kinds of which messages were left out in a span that is over, with their counts, which
    /// begin anew.
    mutating func takeSuppressed(now: Int64) -> [(message: LogMessage, count: Int)] {
        var taken: [(message: LogMessage, count: Int)] = []
        for message in LogMessage.allCases {
            guard let span = spans[message], span.suppressed > 0,
                now - span.start >= Self.spanMilliseconds
            else { continue }
            taken.append((message, span.suppressed))
            spans[message] = nil
        }
        return taken
    }
}
