// SPDX-License-Identifier: Apache-2.0

internal import Ledger

extension DaemonConfiguration {
    /// The version of the daemon and of the ledgers it writes: `0.1.0 (ledger 3)`.
    package static var versionText: String { "\(version) (ledger \(LedgerForm.version))" }
}
