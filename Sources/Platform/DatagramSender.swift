// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Sends datagrams to a unix socket, never waiting for its reader.
package final class DatagramSender: Sendable {
    private let descriptor: FileDescriptor
    private let address: UnixAddress

    /// A sender to the socket at `path`, which need not exist yet; nil without descriptors, or for a
    /// path that is too long.
    package init?(path: String) {
        let kind = Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        guard let address = try? UnixAddress(path) else { return nil }
        let number = socket(AF_UNIX, kind, 0)
        guard number >= 0 else { return nil }
        self.address = address
        descriptor = FileDescriptor(number)
    }

    /// Sends one; false if it was not taken.
    package func send(_ bytes: [UInt8]) -> Bool {
        let number = descriptor.number
        let status = address.withPointer { address, length in
            Int32(
                truncatingIfNeeded: sendto(
                    number,
                    bytes,
                    bytes.count,
                    Int32(MSG_NOSIGNAL),
                    address,
                    length
                )
            )
        }
        return Int(status) == bytes.count
    }
}

/// What standard error is connected to.
package enum StandardError {
    /// Whether systemd connected it to the journal: `JOURNAL_STREAM` has its device and inode
    /// (`systemd.exec(5)`).
    package static var isJournal: Bool {
        guard let stream = getenv("JOURNAL_STREAM") else { return false }
        return isFile(STDERR_FILENO, String(cString: stream))
    }

    /// Whether a descriptor is the file of `DEVICE:INODE`.
    package static func isFile(_ descriptor: Int32, _ stream: String) -> Bool {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return false }
        return stream == "\(status.st_dev):\(status.st_ino)"
    }
}
