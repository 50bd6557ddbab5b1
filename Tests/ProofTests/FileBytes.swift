// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The bytes of a file, moved by the C library: histories write and copy many of them.
final class FileBytes {
    private(set) var count = 0
    private var capacity = 0
    private var base: UnsafeMutableRawPointer?

    init() {}

    init(copying other: FileBytes) {
        resize(to: other.count)
        if let base, let source = other.base, count > 0 { memcpy(base, source, count) }
    }

    deinit { free(base) }

    /// Cuts or grows the file; what is new is zero.
    func resize(to size: Int) {
        if size > capacity {
            capacity = max(size, capacity * 2, 65_536)
            base = realloc(base, capacity)
            precondition(base != nil, "no memory for a file of \(capacity) bytes")
        }
        if let base, size > count { memset(base + count, 0, size - count) }
        count = size
    }

    func store(_ source: UnsafeRawBufferPointer, at offset: Int) {
        if count < offset + source.count { resize(to: offset + source.count) }
        guard let base, let start = source.baseAddress, !source.isEmpty else { return }
        memcpy(base + offset, start, source.count)
    }

    /// Copies up to `size` bytes from an offset, and says how many there were.
    func load(_ target: UnsafeMutableRawPointer, at offset: Int, size: Int) -> Int {
        let available = max(0, min(size, count - offset))
        if let base, available > 0 { memcpy(target, base + offset, available) }
        if available < size { memset(target + available, 0, size - available) }
        return available
    }
}
