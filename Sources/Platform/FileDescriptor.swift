// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// A descriptor of the operating system, closed when dropped.
struct FileDescriptor: ~Copyable {
    let number: Int32

    init(_ number: Int32) {
        precondition(number >= 0, "not an open descriptor")
        self.number = number
    }

    deinit {
        // On Linux the number is free even where close is interrupted; closing again could hit
        // a descriptor that another thread opened meanwhile.
        _ = close(number)
    }
}
