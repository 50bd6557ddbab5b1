// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// The signals a daemon listens for.
enum DaemonSignals {
    static let terminate = SIGTERM
    static let interrupt = SIGINT
    /// Asks for the configuration to be read again.
    static let hangUp = SIGHUP
    static let all = [terminate, interrupt, hangUp]

    /// Sends a signal to this process; it is read like one from outside.
    static func raise(_ signal: Int32) {
        kill(getpid(), signal)
    }
}

/// Waits until a descriptor can be read, or for so long.
struct SignalWait {
    private var descriptor: pollfd

    init(_ fileDescriptor: Int32) {
        descriptor = pollfd(fd: fileDescriptor, events: Int16(POLLIN), revents: 0)
    }

    /// Waits; without a limit until there is something to read.
    mutating func wait(milliseconds: Int64?) {
        poll(&descriptor, 1, milliseconds.map { Int32(clamping: $0) } ?? -1)
    }
}
