// SPDX-License-Identifier: Apache-2.0

/// What is going on: totals, counters and the busiest offices.
package struct TopView: Equatable, Codable, Sendable {
    /// When it was looked at; counters of two looks give rates.
    package var at: Instant
    package var startedAt: Instant
    /// Service connections that are open.
    package var sessions: UInt64 = 0
    /// Offices known to the ledger, and how many of them are paused.
    package var officeCount: UInt64 = 0
    package var paused: UInt64 = 0
    /// Referrals by state; each is counted once.
    package var referrals = Status.Referrals()
    /// Counted since the start.
    package var commits: UInt64 = 0
    package var hops: UInt64 = 0
    package var deliveries: UInt64 = 0
    package var refusals: UInt64 = 0
    /// Position of the newest record of the journal.
    package var position: UInt64 = 0
    /// Offices with the most waiting referrals, the busiest first.
    package var offices: [OfficeRow] = []

    /// A look at nothing.
    package init(at: Instant, startedAt: Instant) {
        self.at = at
        self.startedAt = startedAt
    }
}

/// How far the daemon may be relied on.
package struct Health: Equatable, Codable, Sendable {
    /// The stages, each of which takes in the ones before it.
    package enum Stage: String, CaseIterable, Codable, Sendable {
        /// Not even that: a thread has stopped turning.
        case none
        /// Its threads turn.
        case live
        /// It takes work, and a commit reaches the disk.
        case ready
        /// Nothing needs an operator.
        case healthy
    }

    /// One look at one thing.
    package struct Check: Equatable, Codable, Sendable {
        /// The stage that is not reached without it.
        package var stage: Stage
        /// What was looked at; stable, for programs.
        package var name: String
        package var isGood: Bool
        /// What was found, for people.
        package var text: String

        /// A check.
        package init(stage: Stage, name: String, isGood: Bool, text: String) {
            self.stage = stage
            self.name = name
            self.isGood = isGood
            self.text = text
        }
    }

    /// The highest stage that is reached.
    package var stage: Stage
    package var checks: [Check]

    /// The health these checks amount to.
    package init(_ checks: [Check]) {
        self.checks = checks
        stage = .none
        for next in [Stage.live, .ready, .healthy] {
            guard checks.allSatisfy({ $0.stage != next || $0.isGood }) else { return }
            stage = next
        }
    }
}

/// One record of the journal: who did what, when and where.
///
/// No remark, no name of a person.
package struct JournalRow: Equatable, Codable, Sendable {
    package var position: UInt64
    package var act: String
    /// Case number; nil if it is about no case.
    package var number: String?
    package var referral: UInt64?
    package var office: String?
    package var step: String?
    package var outcome: String?
    package var agency: String?
    /// Offices whose queues the case entered by this act.
    package var entered: [String] = []
    package var recordedAt: Instant
    /// Chained SHA-256, hexadecimal.
    package var hash: String
    /// Who did it; nil for the bus itself.
    package var by: CaseView.Actor?

    /// A record with no particulars.
    package init(position: UInt64, act: String, recordedAt: Instant, hash: String) {
        self.position = position
        self.act = act
        self.recordedAt = recordedAt
        self.hash = hash
    }
}

/// The end of the journal: whoever keeps it can tell later whether anything before it was changed.
package struct LogHead: Equatable, Codable, Sendable {
    package var position: UInt64
    /// Chained SHA-256, 64 hexadecimal digits.
    package var hash: String
    /// When it was recorded; nil if nothing was since the start.
    package var at: Instant?

    /// A head.
    package init(position: UInt64, hash: String, at: Instant?) {
        self.position = position
        self.hash = hash
        self.at = at
    }
}

/// What a check of the chain of hashes found.
package struct ChainReport: Equatable, Codable, Sendable {
    /// Records that were checked.
    package var records: UInt64
    /// Position of the last record that fits, and the hash there.
    package var position: UInt64
    package var hash: String
    package var isIntact: Bool
    /// Position of the first record that does not fit; nil if all do.
    package var brokenAt: UInt64?

    /// A report.
    package init(records: UInt64, position: UInt64, hash: String, brokenAt: UInt64?) {
        self.records = records
        self.position = position
        self.hash = hash
        self.brokenAt = brokenAt
        isIntact = brokenAt == nil
    }
}

/// A session of a service connection.
package struct SessionRow: Equatable, Codable, Sendable {
    /// Number of the session, for `session.cut`.
    package var session: UInt32
    /// Number of the connection in the journal.
    package var connection: UInt64
    package var agency: String
    /// Number of the key it proved; nil at an open endpoint.
    package var key: UInt32?
    /// Where it comes from; nil at an open endpoint.
    package var address: String?
    /// Since when it is open; nil at an open endpoint.
    package var openedAt: Instant?
    /// The offices it staffs.
    package var offices: [String]
    /// Referrals it has under a lease.
    package var leases: UInt64
    /// Deliveries it may still get.
    package var credit: UInt64
    /// Durable subscriptions it takes part in.
    package var subscriptions: UInt64
    /// Services it offers.
    package var services: [String]

    /// A session.
    package init(
        session: UInt32,
        connection: UInt64,
        agency: String,
        offices: [String] = [],
        leases: UInt64 = 0,
        credit: UInt64 = 0,
        subscriptions: UInt64 = 0,
        services: [String] = []
    ) {
        self.session = session
        self.connection = connection
        self.agency = agency
        self.offices = offices
        self.leases = leases
        self.credit = credit
        self.subscriptions = subscriptions
        self.services = services
    }
}
