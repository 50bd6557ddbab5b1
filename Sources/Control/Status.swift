// SPDX-License-Identifier: Apache-2.0

/// How the daemon is doing, at one moment.
package struct Status: Equatable, Codable, Sendable {
    /// Cases by state.
    package struct Cases: Equatable, Codable, Sendable {
        /// Cases on their way.
        package var open: UInt64
        /// Cases that reached their end.
        package var closed: UInt64
        /// Closed cases whose content was erased.
        package var erased: UInt64

        /// These counts.
        package init(open: UInt64 = 0, closed: UInt64 = 0, erased: UInt64 = 0) {
            self.open = open
            self.closed = closed
            self.erased = erased
        }
    }

    /// Referrals by state; each referral is counted once.
    package struct Referrals: Equatable, Codable, Sendable {
        /// In a queue, free to be delivered.
        package var waiting: UInt64 = 0
        /// Delivered and not yet settled.
        package var leased: UInt64 = 0
        /// In a queue, but not before a later instant.
        package var delayed: UInt64 = 0
        /// Accepted by an office.
        package var custody: UInt64 = 0
        /// Dead letters.
        package var dead: UInt64 = 0

        /// No referrals.
        package init() {}
    }

    /// The end of the journal.
    package struct Journal: Equatable, Codable, Sendable {
        /// Position of the newest record; 0 if there is none.
        package var position: UInt64
        /// Its chained SHA-256, 64 hexadecimal digits; empty if there is none.
        package var hash: String

        /// A head of the journal.
        package init(position: UInt64 = 0, hash: String = "") {
            self.position = position
            self.hash = hash
        }
    }

    /// Version of the daemon.
    package var version: String
    /// When it was started.
    package var startedAt: Instant
    /// Its data directory.
    package var directory: String
    /// Where backends connect, such as `tcp://0.0.0.0:7420`.
    package var endpoints: [String] = []
    /// Counts the starts of the daemon on this ledger.
    package var epoch: UInt64 = 0
    /// Service connections that are open.
    package var sessions: UInt64 = 0
    /// Offices known to the ledger.
    package var offices: UInt64 = 0
    /// Cases by state.
    package var cases = Cases()
    /// Referrals by state.
    package var referrals = Referrals()
    /// The end of the journal.
    package var journal = Journal()
    /// Durable commits since the start.
    package var commits: UInt64 = 0
    /// Hops settled since the start.
    package var hops: UInt64 = 0
    /// Refusals answered since the start.
    package var refusals: UInt64 = 0
    /// Size of the ledger's write-ahead log, in bytes.
    package var walBytes: UInt64 = 0
    /// Free space where the ledger lies, in bytes.
    package var freeDiskBytes: UInt64 = 0
    /// Resident memory of the daemon, in bytes.
    package var residentBytes: UInt64 = 0
    /// What should be looked at, by names that stay; nil if nothing.
    package var alarms: [String]?

    /// The status of a daemon that has done nothing yet.
    package init(version: String, startedAt: Instant, directory: String) {
        self.version = version
        self.startedAt = startedAt
        self.directory = directory
    }
}
