// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Whether a directory can be written to, asked without writing.
package enum DirectoryAccess {
    /// Checks a directory, or the one above it where it is still to be made.
    ///
    /// - Throws: `SystemFault`.
    package static func check(_ directory: String) throws(SystemFault) {
        var status = stat()
        guard stat(directory, &status) == 0 else {
            guard errno == ENOENT else { throw .latest("use the data directory", directory) }
            let parent = directory.lastIndex(of: "/").map { String(directory[..<$0]) } ?? "."
            guard access(parent.isEmpty ? "/" : parent, W_OK | X_OK) == 0 else {
                throw .latest(
                    "make the data directory",
                    directory,
                    advice: "Make it yourself and give it to the user this process runs as."
                )
            }
            return
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw SystemFault(errno: ENOTDIR, operation: "use the data directory", path: directory)
        }
        guard access(directory, W_OK | X_OK) == 0 else {
            throw .latest(
                "write to",
                directory,
                advice: "It must be a directory the user this process runs as may write to."
            )
        }
    }
}
