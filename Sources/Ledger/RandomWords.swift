// SPDX-License-Identifier: Apache-2.0

internal import Platform

/// Random words from the kernel, thirty-two to a system call.
struct RandomWords: RandomNumberGenerator {
    private static let bytesAtOnce = 256
    private var words: [UInt64] = []

    mutating func next() -> UInt64 {
        if words.isEmpty {
            words = randomBytes(Self.bytesAtOnce).withUnsafeBytes { bytes in
                stride(from: 0, to: bytes.count, by: 8).map {
                    bytes.loadUnaligned(fromByteOffset: $0, as: UInt64.self)
                }
            }
        }
        return words.removeLast()
    }
}
