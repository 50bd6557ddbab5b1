// SPDX-License-Identifier: Apache-2.0

/// What a check of the whole ledger found.
package struct VerifyReport: Equatable, Codable, Sendable {
    /// Most findings a report lists; what is beyond them is only counted.
    package static let findingsMax = 100

    /// Records of the journal that were checked.
    package var records: UInt64
    /// Cases that were checked.
    package var cases: UInt64
    /// Referrals that were checked.
    package var referrals: UInt64
    /// Whether every record's hash follows from its bytes and the record before it.
    package var isChainIntact: Bool
    /// Whether every branch of every open case is at exactly one place.
    package var hasOneHolder: Bool
    /// What is wrong, one sentence each, at most `findingsMax`.
    package var findings: [String]
    /// How many more findings there are.
    package var omitted: UInt64
    /// How long the check took, in seconds.
    package var seconds: Double

    /// Whether nothing is wrong.
    package var isSound: Bool { isChainIntact && hasOneHolder && findings.isEmpty }

    /// A report; findings beyond `findingsMax` are counted as omitted.
    package init(
        records: UInt64,
        cases: UInt64,
        referrals: UInt64,
        isChainIntact: Bool,
        hasOneHolder: Bool,
        findings: [String] = [],
        seconds: Double
    ) {
        self.records = records
        self.cases = cases
        self.referrals = referrals
        self.isChainIntact = isChainIntact
        self.hasOneHolder = hasOneHolder
        self.findings = Array(findings.prefix(Self.findingsMax))
        omitted = UInt64(findings.count - self.findings.count)
        self.seconds = seconds
    }
}
