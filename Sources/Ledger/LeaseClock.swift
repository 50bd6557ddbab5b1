// SPDX-License-Identifier: Apache-2.0

/// The monotonic clock as leases are measured by: it stands still while the disk does.
///
/// Whoever holds a lease cannot settle while the ledger waits for its disk. If that time counted, a
/// disk that froze for longer than a lease would void all of them at once, count a failed attempt
/// for each, and hand out everything again, until nothing but dead letters were left. All instants
/// in milliseconds.
package struct LeaseClock: Sendable {
    /// Work that took less is not held to be a standstill.
    package static let standstillMilliseconds: Int64 = 1_000

    /// How long the disk has stood still since the start.
    package private(set) var stoodStill: Int64 = 0
    private var notedUntil = Int64.min

    /// A clock that has not stood still yet.
    package init() {}

    /// What it shows at an instant of the monotonic clock.
    package func reading(at instant: Int64) -> Int64 { instant - stoodStill }

    /// The instant of the monotonic clock at which it shows a reading, unless it stands still again.
    package func instant(of reading: Int64) -> Int64 {
        let (instant, isOver) = reading.addingReportingOverflow(stoodStill)
        return isOver ? .max : instant
    }

    /// Notes that the ledger worked from one instant to another and could do nothing else.
    ///
    /// What was noted before is not counted twice.
    package mutating func note(workFrom start: Int64, to end: Int64) {
        let start = max(start, notedUntil)
        guard end - start >= Self.standstillMilliseconds else { return }
        stoodStill += end - start
        notedUntil = end
    }
}
