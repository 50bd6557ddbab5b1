// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// The address of a unix socket in the file system.
struct UnixAddress {
    /// Longest path in bytes: `sun_path` has 108, the last of which ends it.
    static let pathBytesMax = 107

    private var address = sockaddr_un()
    private var byteCount = socklen_t(MemoryLayout<sockaddr_un>.size)

    init(_ path: String) throws(SystemFault) {
        let bytes = Array(path.utf8)
        guard !bytes.isEmpty, bytes.count <= Self.pathBytesMax, !bytes.contains(0) else {
            throw SystemFault(
                errno: bytes.count > Self.pathBytesMax ? ENAMETOOLONG : EINVAL,
                operation: "use the socket path",
                path: path,
                advice: "Choose a path of 1 to \(Self.pathBytesMax) bytes."
            )
        }
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    }

    /// The address of a name in the abstract namespace, which has no file (`unix(7)`).
    init(abstract name: some StringProtocol) throws(SystemFault) {
        let bytes = Array(name.utf8)
        guard !bytes.isEmpty, bytes.count <= Self.pathBytesMax else {
            throw SystemFault(
                errno: EINVAL,
                operation: "use the abstract socket",
                path: String(name)
            )
        }
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { path in
            UnsafeMutableRawBufferPointer(rebasing: path.dropFirst()).copyBytes(from: bytes)
        }
        // Every byte counts in such a name, so the length ends with it.
        byteCount = socklen_t(MemoryLayout<sa_family_t>.size + 1 + bytes.count)
    }

    /// Lends the address in the form the socket calls want.
    borrowing func withPointer(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        let byteCount = byteCount
        return withUnsafeBytes(of: address) { bytes in
            guard let start = bytes.baseAddress else { return -1 }
            return body(
                start.assumingMemoryBound(to: sockaddr.self),
                byteCount
            )
        }
    }

    /// A new unix stream socket, closed on exec.
    static func makeSocket() throws(SystemFault) -> FileDescriptor {
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        let number = socket(AF_UNIX, kind, 0)
        guard number >= 0 else { throw .latest("make a unix socket") }
        return FileDescriptor(number)
    }
}
