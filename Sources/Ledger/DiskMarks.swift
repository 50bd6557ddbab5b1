// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// How much of the disk must be free, changed while the ledger runs.
package final class DiskMarks: Sendable {
    private let reserve: Atomic<Int64>

    /// Marks in bytes.
    package init(reserveBytes: Int64) { reserve = Atomic(reserveBytes) }

    /// Free bytes below which no new case is taken.
    package var reserveBytes: Int64 {
        get { reserve.load(ordering: .relaxed) }
        set { reserve.store(newValue, ordering: .relaxed) }
    }
}
