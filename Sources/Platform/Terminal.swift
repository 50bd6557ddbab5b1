// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Writes a text to standard error as it is, without buffering; gives up if nobody reads it.
package func writeStandardError(_ text: String) {
    var text = text
    text.withUTF8 { bytes in
        var rest = bytes[...]
        while !rest.isEmpty {
            let part = UnsafeBufferPointer(rebasing: rest)
            let count = uninterrupted { write(STDERR_FILENO, part.baseAddress, part.count) }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}

/// True if a person may be looking at this descriptor.
package func isTerminal(_ fileDescriptor: Int32) -> Bool {
    isatty(fileDescriptor) == 1
}

/// Width in columns of the terminal at standard output, or nil if it is none.
package func terminalColumns() -> Int? {
    var size = winsize()
    guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
    return Int(size.ws_col)
}
