// SPDX-License-Identifier: Apache-2.0

/// The limits of the control socket; a server for tests may have smaller ones.
package struct ControlLimits: Equatable, Sendable {
    /// Longest request line, its end not counted, in bytes.
    package var requestBytesMax = 1 << 20
    /// Connections at one time.
    package var connectionsMax = 32
    /// Time for a whole request line to arrive, in milliseconds.
    package var requestMilliseconds: Int64 = 5_000
    /// Time for which an operator may leave an answer unread, in milliseconds.
    package var stallMilliseconds: Int64 = 30_000
    /// Longest reason, in bytes.
    package static let reasonBytesMax = 1_000
    /// Longest reply line a client takes, in bytes.
    package static let replyBytesMax = 64 << 20

    /// The limits of the daemon.
    package init() {}
}
