// SPDX-License-Identifier: Apache-2.0

package import Rules

/// What the ledger measures of itself since its start.
package struct LedgerFigures: Sendable {
    /// Of transactions of batches, from their end until they are on disk, in microseconds.
    package internal(set) var commitMicroseconds = LogHistogram()
    /// Operations of batches.
    package internal(set) var batchOperations = LogHistogram()
    /// From taking a batch to its answers, in microseconds, for each operation.
    package internal(set) var acceptMicroseconds = LogHistogram()
    /// From a referral's arrival at an office to its delivery, in milliseconds.
    package internal(set) var deliveryMilliseconds = LogHistogram()
    /// From a referral's arrival at an office to the end of the step there, in milliseconds.
    package internal(set) var stepMilliseconds = LogHistogram()

    /// Nothing measured.
    package init() {}

    /// Takes over what was measured of batches elsewhere.
    mutating func take(batches: LedgerFigures) {
        commitMicroseconds = batches.commitMicroseconds
        batchOperations = batches.batchOperations
        acceptMicroseconds = batches.acceptMicroseconds
    }
}
