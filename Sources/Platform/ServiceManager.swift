// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// The service manager that started this process, told how the process is by the protocol of
/// `sd_notify(3)`: one datagram of `NAME=value` lines to the socket it named in the environment.
package struct ServiceManager: Sendable {
    /// What can be told.
    package enum News: Sendable {
        /// The process serves.
        case ready
        /// The process reads its configuration again; `ready` follows. The instant is that of the
        /// monotonic clock, in microseconds.
        case reloading(since: Int64)
        /// The process ends now.
        case stopping
        /// The process does its work; expected at least once in `watchdogMilliseconds`.
        case alive
        /// What it does, in words; newlines become spaces.
        case status(String)

        fileprivate var line: String {
            switch self {
            case .ready: "READY=1"
            case .reloading(let instant): "RELOADING=1\nMONOTONIC_USEC=\(instant)"
            case .stopping: "STOPPING=1"
            case .alive: "WATCHDOG=1"
            case .status(let text): "STATUS=" + String(text.map { $0.isNewline ? " " : $0 })
            }
        }
    }

    private let path: String
    /// Within how many milliseconds `alive` must be told again; nil if nobody waits for it.
    package let watchdogMilliseconds: Int64?

    /// The manager named in the environment of this process, or nil if there is none.
    package static func fromEnvironment() -> ServiceManager? {
        ServiceManager(environment: { name in getenv(name).map { String(cString: $0) } })
    }

    /// The manager that these variables name: `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID`.
    package init?(environment: (String) -> String?) {
        guard let path = environment("NOTIFY_SOCKET"), path.hasPrefix("/") || path.hasPrefix("@")
        else { return nil }
        self.path = path
        let isMeant = environment("WATCHDOG_PID").map { Int32($0) == getpid() } ?? true
        watchdogMilliseconds =
            isMeant ? environment("WATCHDOG_USEC").flatMap { Int64($0) }.map { $0 / 1_000 } : nil
    }

    /// Tells the manager, if it listens; one that does not is not waited for.
    package func tell(_ news: News...) {
        guard let address = try? Self.address(of: path) else { return }
        let kind = Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let number = socket(AF_UNIX, kind, 0)
        guard number >= 0 else { return }
        let descriptor = FileDescriptor(number)
        let text = news.map { $0.line }.joined(separator: "\n")
        let bytes = Array(text.utf8)
        let socketNumber = descriptor.number
        _ = address.withPointer { address, length in
            Int32(
                truncatingIfNeeded: sendto(
                    socketNumber,
                    bytes,
                    bytes.count,
                    Int32(MSG_NOSIGNAL),
                    address,
                    length
                )
            )
        }
    }

    private static func address(of path: String) throws(SystemFault) -> UnixAddress {
        path.hasPrefix("@")
            ? try UnixAddress(abstract: path.dropFirst()) : try UnixAddress(path)
    }
}
