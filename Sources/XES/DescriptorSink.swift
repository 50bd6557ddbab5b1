// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Writes all bytes to a descriptor, going on after signals and partial writes.
func writeAll(_ bytes: [UInt8], to descriptor: Int32) throws(EventLogFault) {
    var written = 0
    while written < bytes.count {
        let count = bytes[written...].withUnsafeBytes {
            write(descriptor, $0.baseAddress, $0.count)
        }
        if count > 0 {
            written += count
        } else if count == 0 || errno != EINTR {
            throw EventLogFault(
                code: .unwritable,
                line: 0,
                message: "the event log cannot be written: \(systemReason()); "
                    + "make room or choose another place, then write it anew"
            )
        }
    }
}
