// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// How much of the disk must be free, in bytes; changed while the ledger runs.
package struct DiskMarks: Equatable, Sendable {
    /// Below this somebody should know.
    package var warn: Int64
    /// Below this nothing new is taken.
    package var reserve: Int64
    /// Below this only what ends or moves something is taken.
    package var stop: Int64

    /// Marks; those that are out of order give way to `reserve`.
    package init(warn: Int64, reserve: Int64, stop: Int64) {
        self.warn = max(warn, reserve)
        self.reserve = reserve
        self.stop = min(stop, reserve)
    }

    /// How full a disk with so much free space is.
    package func stage(free: Int64) -> DiskStage {
        free < stop ? .settling : free < reserve ? .refusing : free < warn ? .warning : .plenty
    }
}

/// How full the disk is.
package enum DiskStage: Int, Comparable, Sendable {
    case plenty = 0
    case warning = 1
    /// Nothing new is taken: no case, event, question or subscription.
    case refusing = 2
    /// Only what ends or moves something is taken.
    case settling = 3

    package static func < (left: DiskStage, right: DiskStage) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// The marks as the ledger's thread and those who change them share them.
package final class SharedDiskMarks: Sendable {
    private let marks: Mutex<DiskMarks>

    /// These marks.
    package init(_ marks: DiskMarks) { self.marks = Mutex(marks) }

    /// The marks in force.
    package var value: DiskMarks {
        get { marks.withLock { $0 } }
        set { marks.withLock { $0 = newValue } }
    }
}
