// SPDX-License-Identifier: Apache-2.0

internal import Ledger

/// What a check of a daemon's whole ledger found.
package struct LedgerCheck: Sendable {
    /// Records of the journal read.
    package let recordCount: UInt64
    /// Cases open and closed.
    package let caseCount: UInt64
    /// What is wrong, in words; empty if all is as promised.
    package let findings: [String]

    /// Checks the ledger in a data directory beside the daemon that writes it: journal, chain, holders
    /// and counts, as `baridctl verify` does.
    ///
    /// - Throws: `LedgerFault` or `SQLiteFault` if it cannot be read.
    package init(directory: String) throws {
        // Trails are not told, so no procedure need be read.
        let reader = try LedgerReader(directory: directory) { _ in nil }
        let found = try Verification(reader)
        recordCount = found.records
        caseCount = found.cases
        var findings = found.findings
        if !found.isChainIntact { findings.append("the journal's chain is broken") }
        if !found.hasOneHolder { findings.append("a case has not exactly one holder") }
        self.findings = findings
    }
}
