// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Whole files, moved and copied so that they outlive a loss of power.
package enum DurableFile {
    private static let blockBytes = 1 << 20

    /// Whether there is a file of this name.
    ///
    /// - Throws: `SystemFault` if that cannot be told.
    package static func exists(_ path: String) throws(SystemFault) -> Bool {
        var status = stat()
        if lstat(path, &status) == 0 { return true }
        guard errno == ENOENT else { throw .latest("look at", path) }
        return false
    }

    /// Hands over the bytes of a file, block by block.
    ///
    /// - Throws: `SystemFault`.
    package static func read(
        _ path: String,
        _ take: (UnsafeRawBufferPointer) throws(SystemFault) -> Void
    ) throws(SystemFault) {
        let number = open(path, O_RDONLY | O_CLOEXEC)
        guard number >= 0 else { throw .latest("read", path) }
        let descriptor = FileDescriptor(number)
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: blockBytes, alignment: 4_096)
        defer { block.deallocate() }
        while true {
            let count = uninterrupted {
                Glibc.read(descriptor.number, block.baseAddress, block.count)
            }
            guard count >= 0 else { throw .latest("read", path) }
            guard count > 0 else { return }
            try take(UnsafeRawBufferPointer(rebasing: block[..<count]))
        }
    }

    /// Copies a file to a new one, of mode 0640 and of the owner of its directory where this process
    /// may give files away; durable, but for its name.
    ///
    /// - Throws: `SystemFault`; `EEXIST` if there is a file of the new name.
    package static func copy(_ source: String, to target: String) throws(SystemFault) {
        let number = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o640)
        guard number >= 0 else { throw .latest("make", target) }
        let descriptor = FileDescriptor(number)
        var status = stat()
        if geteuid() == 0, stat(parent(of: target), &status) == 0 {
            guard fchown(descriptor.number, status.st_uid, status.st_gid) == 0 else {
                throw .latest("give away", target)
            }
        }
        try read(source) { block throws(SystemFault) in
            var rest = block
            while !rest.isEmpty {
                let part = rest
                let count = uninterrupted {
                    write(descriptor.number, part.baseAddress, part.count)
                }
                guard count > 0 else { throw .latest("write", target) }
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            }
        }
        guard fsync(descriptor.number) == 0 else { throw .latest("sync", target) }
    }

    /// Renames a file within its file system, durably.
    ///
    /// - Throws: `SystemFault`.
    package static func move(_ source: String, to target: String) throws(SystemFault) {
        guard rename(source, target) == 0 else { throw .latest("move", source) }
        try synchronise(parent(of: target))
    }

    /// Removes a file, if it is there.
    ///
    /// - Throws: `SystemFault`.
    package static func remove(_ path: String) throws(SystemFault) {
        guard unlink(path) == 0 || errno == ENOENT else { throw .latest("remove", path) }
    }

    /// Synchronises a file, or a directory with the names in it.
    ///
    /// - Throws: `SystemFault`.
    package static func synchronise(_ path: String) throws(SystemFault) {
        let number = open(path, O_RDONLY | O_CLOEXEC)
        guard number >= 0 else { throw .latest("open", path) }
        let descriptor = FileDescriptor(number)
        guard fsync(descriptor.number) == 0 else { throw .latest("sync", path) }
    }

    /// Makes a directory of mode 0750, or takes one that is there and empty.
    ///
    /// - Throws: `SystemFault`; `ENOTEMPTY` if it holds anything.
    package static func makeEmptyDirectory(_ path: String) throws(SystemFault) {
        if mkdir(path, 0o750) == 0 { return }
        guard errno == EEXIST else { throw .latest("make the directory", path) }
        guard try FileNames.list(path, endingWith: "").isEmpty else {
            throw SystemFault(
                errno: ENOTEMPTY,
                operation: "write to",
                path: path,
                advice: "Name a directory that is empty or not there yet."
            )
        }
    }

    private static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
