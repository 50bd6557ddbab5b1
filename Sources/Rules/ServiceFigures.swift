// SPDX-License-Identifier: Apache-2.0

internal import Wire

/// How long things took, in buckets that grow with the time: at most an eighth wide.
package struct DurationHistogram: Equatable, Sendable {
    /// Buckets of one octave.
    private static let perOctave = 8
    private static let bucketCount = perOctave * 40

    private var counts: [UInt32] = []
    /// How many were recorded.
    package private(set) var count: UInt64 = 0
    /// The longest, in microseconds.
    package private(set) var max: Int64 = 0

    /// Nothing recorded; takes no memory yet.
    package init() {}

    /// Records one, in microseconds; below 0 counts as 0.
    package mutating func record(_ microseconds: Int64) {
        if counts.isEmpty { counts = Array(repeating: 0, count: Self.bucketCount) }
        let bucket = Self.bucket(of: Swift.max(microseconds, 0))
        counts[bucket] = counts[bucket] &+ 1
        count += 1
        max = Swift.max(max, microseconds)
    }

    /// The time that a share of them did not exceed, in microseconds, as the end of its bucket.
    ///
    /// - Parameter share: 0 to 1, such as 0.99.
    /// - Returns: 0 if nothing was recorded.
    package func percentile(_ share: Double) -> Int64 {
        guard count > 0 else { return 0 }
        let rank = Swift.max(1, UInt64((share * Double(count)).rounded(.up)))
        var passed: UInt64 = 0
        for (bucket, number) in counts.enumerated() {
            passed += UInt64(number)
            if passed >= rank { return Swift.min(Self.end(of: bucket), max) }
        }
        return max
    }

    private static func bucket(of time: Int64) -> Int {
        guard time >= perOctave else { return Int(time) }
        let octave = 63 - time.leadingZeroBitCount
        let part = Int(time >> (octave - 3)) & (perOctave - 1)
        return Swift.min((octave - 2) * perOctave + part, bucketCount - 1)
    }

    private static func end(of bucket: Int) -> Int64 {
        guard bucket >= perOctave else { return Int64(bucket) }
        let octave = bucket / perOctave + 2
        let part = Int64(bucket % perOctave + perOctave + 1)
        return (part << (octave - 3)) - 1
    }
}

/// What became of the questions to one service since the daemon started.
package struct ServiceFigures: Equatable, Sendable {
    /// Questions asked; repetitions of one are counted once.
    package fileprivate(set) var asked: UInt64 = 0
    package fileprivate(set) var answered: UInt64 = 0
    /// By code, those that the service refused to answer (501) among them.
    package fileprivate(set) var refused: [UInt16: UInt64] = [:]
    /// Questions that were put to a second session.
    package fileprivate(set) var putAgain: UInt64 = 0
    /// Bytes of envelopes and bodies.
    package fileprivate(set) var requestBytes: UInt64 = 0
    package fileprivate(set) var answerBytes: UInt64 = 0
    /// From the question's arrival to its answer, answered ones only.
    package fileprivate(set) var durations = DurationHistogram()
    /// Milliseconds since 1970; 0 if there was none.
    package fileprivate(set) var lastAnswered: Int64 = 0
    package fileprivate(set) var lastRefused: Int64 = 0
}

/// One question as it ended, with when.
package struct ClosedExchange: Equatable, Sendable {
    package let exchange: Exchange
    /// When it was asked and when it ended, in milliseconds since 1970.
    package let askedAt: Int64
    package let endedAt: Int64
    /// Between the two, in microseconds.
    package let duration: Int64
}

/// Figures per service and the last exchanges: what X-Road calls operational monitoring.
///
/// Bounded: `servicesMax` services have figures of their own, the others share one entry, and
/// `recentMax` exchanges are remembered.
package struct ServiceReport: Equatable, Sendable {
    /// Services with figures of their own.
    package static let servicesMax = 2_000
    /// Exchanges remembered.
    package static let recentMax = 1_000

    /// By name of the service; only services that somebody offered.
    package private(set) var services: [String: ServiceFigures] = [:]
    /// Questions to services that nobody offered yet, or beyond `servicesMax`.
    package private(set) var others = ServiceFigures()
    private var ring: [ClosedExchange] = []
    private var oldest = 0

    /// Nothing happened.
    package init() {}

    /// The last exchanges, oldest first.
    package var recent: [ClosedExchange] { Array(ring[oldest...] + ring[..<oldest]) }

    /// Begins to count for a service that is offered.
    package mutating func note(_ service: String) {
        guard services.count < Self.servicesMax, services[service] == nil else { return }
        services[service] = ServiceFigures()
    }

    /// Counts a question that came to its end.
    package mutating func record(_ closed: ClosedExchange) {
        if services[closed.exchange.service] != nil {
            services[closed.exchange.service]?.record(closed)
        } else {
            others.record(closed)
        }
        if ring.count < Self.recentMax {
            ring.append(closed)
        } else {
            ring[oldest] = closed
            oldest = (oldest + 1) % ring.count
        }
    }
}

extension ServiceFigures {
    fileprivate mutating func record(_ closed: ClosedExchange) {
        let exchange = closed.exchange
        asked += 1
        requestBytes += UInt64(exchange.requestBytes)
        answerBytes += UInt64(exchange.answerBytes)
        if exchange.putCount > 1 { putAgain += 1 }
        if exchange.code == 0 {
            answered += 1
            durations.record(closed.duration)
            lastAnswered = closed.endedAt
        } else {
            refused[exchange.code, default: 0] += 1
            lastRefused = closed.endedAt
        }
    }
}

extension ClosedExchange {
    /// An exchange that ended now.
    ///
    /// - Parameters:
    ///   - exchange: What ended.
    ///   - stamp: Microseconds of the clock that `exchange.stamp` was read from.
    ///   - wall: Milliseconds since 1970.
    package init(_ exchange: Exchange, stamp: Int64, wall: Int64) {
        self.exchange = exchange
        duration = max(stamp - exchange.stamp, 0)
        endedAt = wall
        askedAt = wall - duration / 1_000
    }
}
