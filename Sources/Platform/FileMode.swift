// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Who may read and write a file.
package enum FileMode {
    /// Makes an empty file with this mode at most, the umask applied; leaves one that is there alone.
    ///
    /// - Throws: `SystemFault`.
    package static func make(_ path: String, mode: UInt32) throws(SystemFault) {
        let descriptor = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, mode)
        guard descriptor >= 0 else {
            guard errno == EEXIST else { throw .latest("make", path) }
            return
        }
        close(descriptor)
    }

    /// Takes away what a file's mode has beyond this; a file that is not there is passed over.
    ///
    /// By name: closing a descriptor of a file drops the locks the process has on it.
    ///
    /// - Throws: `SystemFault`.
    package static func narrow(_ path: String, to mode: UInt32) throws(SystemFault) {
        var status = stat()
        guard stat(path, &status) == 0 else {
            guard errno == ENOENT else { throw .latest("look at", path) }
            return
        }
        let narrowed = status.st_mode & 0o7777 & mode
        guard narrowed != status.st_mode & 0o7777 else { return }
        guard chmod(path, narrowed) == 0 else { throw .latest("narrow the mode of", path) }
    }
}
