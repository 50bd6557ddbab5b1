// SPDX-License-Identifier: Apache-2.0

/// Notices that somebody set the wall clock, by a clock that nobody can set.
///
/// Instants that are due lie in the ledger as they were computed, so a jump moves none of them; what
/// was due in the time that was jumped over is due at once.
package struct ClockWatch: Sendable {
    private var difference: Int64?

    /// A watch that has not looked yet.
    package init() {}

    /// Looks at both clocks.
    ///
    /// Slewing by a time service moves the wall clock by less than a millisecond a second; looking
    /// each second, such a change is never taken for a jump.
    ///
    /// - Parameters:
    ///   - wall: Ms since 1970.
    ///   - monotonic: Ms.
    ///   - least: Smallest jump to tell, in ms, from 1.
    /// - Returns: By how much the wall clock jumped since the last look, in ms, back if below 0; nil
    ///   if it did not.
    package mutating func look(wall: Int64, monotonic: Int64, least: Int64) -> Int64? {
        let now = wall - monotonic
        defer { difference = now }
        guard let difference, abs(now - difference) >= least else { return nil }
        return now - difference
    }
}
