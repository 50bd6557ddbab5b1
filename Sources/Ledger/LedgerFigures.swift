// SPDX-License-Identifier: Apache-2.0

package import Rules

/// What the ledger measures of itself since its start.
package struct LedgerFigures: Sendable {
    /// Of transactions that wrote something, `fdatasync` included, in microseconds.
    package internal(set) var commitMicroseconds = LogHistogram()
    /// Operations of batches.
    package internal(set) var batchOperations = LogHistogram()
    /// From a batch's arrival to its answers, in microseconds, for each operation.
    package internal(set) var acceptMicroseconds = LogHistogram()
    /// From a referral's arrival at an office to its delivery, in milliseconds.
    package internal(set) var deliveryMilliseconds = LogHistogram()
    /// From a referral's arrival at an office to the end of the step there, in milliseconds.
    package internal(set) var stepMilliseconds = LogHistogram()

    /// Nothing measured.
    package init() {}
}
