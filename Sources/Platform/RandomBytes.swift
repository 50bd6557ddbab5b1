// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Bytes from the kernel's generator, fit for keys and tokens (`getentropy(3)`, by `getrandom`).
///
/// - Parameter count: Bytes wanted, 0 or more.
/// - Returns: `count` bytes, never fewer.
package func randomBytes(_ count: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { bytes, filledCount in
        while filledCount < count {
            // getentropy gives at most 256 bytes a call.
            let size = min(256, count - filledCount)
            let status = getentropy(bytes.baseAddress.map { $0 + filledCount }, size)
            precondition(status == 0, "the kernel gives no random bytes (errno \(errno))")
            filledCount += size
        }
    }
}
