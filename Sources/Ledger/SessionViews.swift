// SPDX-License-Identifier: Apache-2.0

internal import Rules

/// A session as the ledger knows it, for operators.
package struct SessionView: Sendable {
    /// Number of the session on the bus.
    package var session: UInt32
    /// Number of the connection in the journal.
    package var connection: UInt64
    package var agency: String
    /// Number of the key it proved; nil at an open endpoint.
    package var key: UInt32?
    /// The offices it staffs, by name.
    package var offices: [String]
    /// Referrals it has under a lease.
    package var leases: Int
    /// Deliveries it may still get, of all its offices.
    package var credit: UInt64
    /// Durable subscriptions it takes part in.
    package var subscriptions: Int
    /// Services it offers.
    package var services: [String]
}

extension LedgerThread {
    /// All sessions by number; nil if the ledger has stopped.
    package func sessions() -> [SessionView]? { look { $0.sessionViews } }

    /// The referrals of an office that are out under a lease; nil if the ledger has stopped.
    package func leased(atOffice number: UInt32) -> Set<UInt64>? {
        look { writer in
            guard writer.desks.indices.contains(Int(number)), writer.desks[Int(number)].leased > 0
            else { return [] }
            return writer.leases.referrals(of: number)
        }
    }
}

extension LedgerWriter {
    var sessionViews: [SessionView] {
        sessions.map { number, record in
            SessionView(
                session: number,
                connection: record.connection,
                agency: directory.agency(record.agency)?.name ?? "",
                key: record.key?.number,
                offices: record.offices.compactMap { directory.office($0)?.name },
                leases: leases.count(of: number),
                credit: record.offices.reduce(0) { sum, office in
                    sum + desks[Int(office)].credit(of: number)
                },
                subscriptions: record.subscriptions.count,
                services: record.services
            )
        }.sorted { $0.session < $1.session }
    }
}
