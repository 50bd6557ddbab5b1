// SPDX-License-Identifier: Apache-2.0

internal import Rules

/// What a ledger holds in memory, for operators.
package struct LedgerGauges: Sendable {
    /// What an office's desk looks like.
    package struct Office: Sendable {
        /// The office.
        package var name: String
        /// Referrals out under a lease.
        package var leased: Int
        /// Sessions that staff it.
        package var sessions: Int
    }

    /// Count of the daemon's starts.
    package var epoch: UInt32
    /// Transactions since the start.
    package var commits: UInt64
    /// Hops since the start.
    package var hops: UInt64
    /// Deliveries since the start.
    package var deliveries: UInt64
    /// Referrals out under a lease.
    package var leases: Int
    /// Position of the last record.
    package var journalHead: UInt64
    /// Hash of the last record, hexadecimal.
    package var journalHash: String
    /// Whether the disk is too full for new cases.
    package var isStorageLow: Bool
    /// How full the disk was at the last look.
    package var diskStage: DiskStage
    /// What was measured since the start.
    package var figures: LedgerFigures
    /// Offices with a lease or a session.
    package var offices: [Office]
    /// Durable subscriptions with members, by number.
    package var subscriptions: [UInt64: Subscription] = [:]

    /// What a durable subscription has in memory.
    package struct Subscription: Sendable {
        /// Events delivered and not yet settled.
        package var out: Int
        /// Sessions that take part.
        package var sessions: Int
    }
}

extension LedgerWriter {
    /// What is in memory now.
    var gauges: LedgerGauges {
        LedgerGauges(
            epoch: epoch,
            commits: commits,
            hops: hops,
            deliveries: deliveries,
            leases: leases.count,
            journalHead: journal.head,
            journalHash: TrailReader.hexadecimal(journal.hash),
            isStorageLow: isStorageLow,
            diskStage: diskStage,
            figures: figures,
            offices: directory.offices.compactMap { office in
                let desk = desks[Int(office.number)]
                guard desk.leased > 0 || desk.takerCount > 0 else { return nil }
                return LedgerGauges.Office(
                    name: office.name,
                    leased: desk.leased,
                    sessions: desk.takerCount
                )
            },
            subscriptions: Dictionary(
                uniqueKeysWithValues: events.attached.compactMap { number in
                    guard let queue = events.subscriptions[number]?.queue else { return nil }
                    return (
                        number,
                        LedgerGauges.Subscription(
                            out: queue.outCount,
                            sessions: queue.sessions.count
                        )
                    )
                }
            )
        )
    }
}
