// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Platform

/// The end of a process that can no longer keep its promises.
enum Fatal {
    /// Exit status for a failure of the system that a restart may mend.
    static let temporaryFailure: Int32 = 111

    /// Says why and ends at once: no answer leaves, no buffer is flushed, recovery decides.
    static func end(_ text: String) -> Never {
        writeStandardError(
            "baridd: \(text) Nothing of this batch was acknowledged. The daemon stops; "
                + "at the next start the ledger recovers what was committed.\n"
        )
        _exit(temporaryFailure)
    }
}
