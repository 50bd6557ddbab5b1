// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Reads files that are small and may be secret, such as keys.
package enum SmallFile {
    /// Reads a whole file.
    ///
    /// - Parameters:
    ///   - path: A regular file.
    ///   - bytesMax: Largest size taken.
    ///   - isSecret: True to refuse a file that its group or others may read or change.
    /// - Returns: Its bytes.
    /// - Throws: `SystemFault`; `EFBIG` for a larger file, `EPERM` for one that is not secret.
    package static func read(
        _ path: String,
        bytesMax: Int,
        isSecret: Bool
    ) throws(SystemFault) -> [UInt8] {
        let number = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard number >= 0 else { throw .latest("read", path) }
        let descriptor = FileDescriptor(number)
        var status = stat()
        guard fstat(descriptor.number, &status) == 0 else { throw .latest("look at", path) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw SystemFault(errno: EINVAL, operation: "read", path: path)
        }
        guard !isSecret || status.st_mode & 0o077 == 0 else {
            throw SystemFault(
                errno: EPERM,
                operation: "trust the secret in",
                path: path,
                advice:
                    "Others may read it: make it yours alone (chmod 600), and think of a new one."
            )
        }
        let bytes = try take(bytesMax + 1, from: descriptor, path)
        guard bytes.count <= bytesMax else {
            throw SystemFault(errno: EFBIG, operation: "read", path: path)
        }
        return bytes
    }

    /// Reads the beginning of a file.
    ///
    /// - Parameters:
    ///   - path: A regular file.
    ///   - bytes: How much at most.
    /// - Returns: So many bytes, or all of a smaller file.
    /// - Throws: `SystemFault`.
    package static func read(prefixOf path: String, bytes: Int) throws(SystemFault) -> [UInt8] {
        let number = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard number >= 0 else { throw .latest("read", path) }
        return try take(bytes, from: FileDescriptor(number), path)
    }

    private static func take(
        _ bytesMax: Int,
        from descriptor: borrowing FileDescriptor,
        _ path: String
    ) throws(SystemFault) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: bytesMax)
        var count = 0
        let number = descriptor.number
        while count < bytes.count {
            let taken = uninterrupted {
                bytes.withUnsafeMutableBytes { buffer in
                    Glibc.read(
                        number,
                        buffer.baseAddress.map { $0 + count },
                        buffer.count - count
                    )
                }
            }
            guard taken >= 0 else { throw .latest("read", path) }
            guard taken > 0 else { break }
            count += taken
        }
        return Array(bytes[..<count])
    }
}

extension SmallFile {
    /// Puts a file in the place of another at once: whoever reads it sees the old or the new, whole.
    ///
    /// Not durable: after a loss of power either may be there, or an empty one.
    ///
    /// - Throws: `SystemFault`.
    package static func replace(
        _ path: String,
        with bytes: [UInt8],
        mode: UInt32
    ) throws(SystemFault) {
        let fresh = path + ".new"
        let number = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode)
        guard number >= 0 else { throw .latest("make", fresh) }
        let descriptor = FileDescriptor(number)
        guard fchmod(descriptor.number, mode) == 0 else { throw .latest("guard", fresh) }
        try NewFile.fill(descriptor, with: bytes, fresh)
        guard rename(fresh, path) == 0 else { throw .latest("replace", path) }
    }
}

/// Writes files that must not exist yet.
package enum NewFile {
    /// Writes a new file durably, its name included; the mode holds from its first byte on.
    ///
    /// - Throws: `SystemFault`; `EEXIST` if there is a file of this name.
    package static func write(
        _ bytes: [UInt8],
        to path: String,
        mode: UInt32
    ) throws(SystemFault) {
        let number = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
        guard number >= 0 else { throw .latest("make", path) }
        let descriptor = FileDescriptor(number)
        // The umask may have taken bits away; it never adds one.
        guard fchmod(descriptor.number, mode) == 0 else { throw .latest("guard", path) }
        try fill(descriptor, with: bytes, path)
        guard fsync(descriptor.number) == 0 else { throw .latest("sync", path) }
        let parent = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        let folder = open(parent.isEmpty ? "/" : parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw .latest("open", parent) }
        let directory = FileDescriptor(folder)
        guard fsync(directory.number) == 0 else { throw .latest("sync", parent) }
    }

    fileprivate static func fill(
        _ descriptor: borrowing FileDescriptor,
        with bytes: [UInt8],
        _ path: String
    ) throws(SystemFault) {
        let number = descriptor.number
        var offset = 0
        while offset < bytes.count {
            let count = uninterrupted {
                bytes.withUnsafeBytes { buffer in
                    Glibc.write(
                        number,
                        buffer.baseAddress.map { $0 + offset },
                        buffer.count - offset
                    )
                }
            }
            guard count > 0 else { throw .latest("write", path) }
            offset += count
        }
    }
}
