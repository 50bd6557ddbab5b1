// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// A unix stream socket that accepts connections; its path is removed when dropped.
package struct UnixListener: ~Copyable {
    /// The path clients connect to.
    package let path: String
    private let descriptor: FileDescriptor
    private let inode: UInt64

    /// Listens at `path`, readable and writable by its owner, and by its group unless `mode` says
    /// otherwise.
    ///
    /// A socket left behind by a process that died is replaced; one that still answers, or a file
    /// of another kind, is not.
    ///
    /// - Parameters:
    ///   - path: 1 to 107 bytes.
    ///   - mode: Who may connect.
    ///   - group: The group of the path; that of the process, or of a directory with the
    ///     set-group-ID bit, if nil.
    ///   - waitingCountMax: Connections the system holds before they are accepted.
    /// - Throws: `SystemFault`, with advice.
    package init(
        path: String,
        mode: UInt32 = 0o660,
        group: UInt32? = nil,
        waitingCountMax: Int32 = 64
    ) throws(SystemFault) {
        let address = try UnixAddress(path)
        try Self.removeAbandonedSocket(at: path)
        let descriptor = try UnixAddress.makeSocket()
        let number = descriptor.number
        // The socket's own mode limits that of its path, so there is no moment at which others
        // may connect; the umask may have narrowed it further, hence the second call.
        guard fchmod(number, mode) == 0,
            address.withPointer({ Glibc.bind(number, $0, $1) }) == 0
        else { throw .latest("listen at", path) }
        // Nobody is let in before `listen`, so nobody comes while the group is another.
        if let group { try Self.give(path, to: group) }
        guard chmod(path, mode) == 0, listen(number, waitingCountMax) == 0,
            fcntl(number, F_SETFL, fcntl(number, F_GETFL) | O_NONBLOCK) == 0
        else { throw .latest("listen at", path) }
        var status = stat()
        guard lstat(path, &status) == 0 else { throw .latest("look at", path) }
        self.path = path
        self.descriptor = descriptor
        inode = UInt64(status.st_ino)
    }

    deinit {
        // Whoever replaced the path meanwhile keeps it.
        var status = stat()
        if lstat(path, &status) == 0 && status.st_ino == inode { unlink(path) }
    }

    /// Readable while a connection waits.
    package var fileDescriptor: Int32 { descriptor.number }

    /// Takes the next waiting connection; never blocks.
    ///
    /// - Parameter isNonBlocking: Whether reads and writes of the connection never wait.
    /// - Returns: The connection, or nil if none waits.
    /// - Throws: `SystemFault` if descriptors or memory are used up; the connection then waits on.
    package borrowing func accept(
        isNonBlocking: Bool = true
    ) throws(SystemFault) -> UnixStream? {
        var flags = O_CLOEXEC
        if isNonBlocking { flags |= O_NONBLOCK }
        while true {
            let number = LinuxCalls.accept4(descriptor.number, nil, nil, flags)
            if number >= 0 { return UnixStream(FileDescriptor(number)) }
            switch errno {
            case EINTR, ECONNABORTED: continue
            case EAGAIN: return nil
            default: throw .latest("accept a connection at", path)
            }
        }
    }

    private static func give(_ path: String, to group: UInt32) throws(SystemFault) {
        var status = stat()
        guard lstat(path, &status) == 0 else { throw .latest("look at", path) }
        // A directory with the set-group-ID bit has given it already.
        guard status.st_gid != group else { return }
        guard lchown(path, uid_t.max, group) == 0 else {
            let fault = SystemFault.latest(
                "give the socket to group \(group)",
                path,
                advice: "Make the daemon's user a member of the group and let it change groups, or "
                    + "give its directory that group and the set-group-ID bit."
            )
            unlink(path)
            throw fault
        }
    }

    private static func removeAbandonedSocket(at path: String) throws(SystemFault) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw SystemFault(
                errno: EEXIST,
                operation: "listen at",
                path: path,
                advice: "A file that is no socket is in the way; move it or choose another path."
            )
        }
        do {
            // Without waiting: a full queue of connections (EAGAIN) has an owner, too.
            _ = try UnixStream(connectingTo: path, isNonBlocking: true)
        } catch  where error.errno == EAGAIN {
            throw Self.taken(path)
        } catch {
            guard error.errno == ECONNREFUSED else { throw error }
            guard unlink(path) == 0 || errno == ENOENT else {
                throw .latest("remove the abandoned socket", path)
            }
            return
        }
        throw Self.taken(path)
    }

    private static func taken(_ path: String) -> SystemFault {
        SystemFault(
            errno: EADDRINUSE,
            operation: "listen at",
            path: path,
            advice: "Another process answers there; stop it or choose another path."
        )
    }
}
