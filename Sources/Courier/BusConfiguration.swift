// SPDX-License-Identifier: Apache-2.0

internal import Wire

/// Where the bus listens and how much it takes.
package struct BusConfiguration: Sendable, Equatable {
    /// Endpoints to listen at: `ipc:///path`, `tcp://127.0.0.1:PORT` or `tcp://[::1]:PORT`, where
    /// the port may be `*` for one that the system chooses.
    package var endpoints: [String]
    /// Where public notices are published, of the same forms; nil publishes none.
    package var bulletin: String?
    /// Largest body taken, in bytes.
    package var bodyBytesMax: Int
    /// Sessions open at once.
    package var sessionsMax: Int

    /// Sessions open at once unless configured otherwise.
    package static let sessionsMaxDefault = 4_096

    /// A configuration; the endpoints are checked when the bus starts.
    ///
    /// - Parameters:
    ///   - endpoints: One or more, see `endpoints`.
    ///   - bulletin: See `bulletin`.
    ///   - bodyBytesMax: Largest body in bytes, 0 to 1 GiB.
    ///   - sessionsMax: 1 or more.
    package init(
        endpoints: [String],
        bulletin: String? = nil,
        bodyBytesMax: Int = Limits.bodyBytesMaxDefault,
        sessionsMax: Int = sessionsMaxDefault
    ) {
        precondition(
            (0...1 << 30).contains(bodyBytesMax),
            "the largest body is outside 0 bytes to 1 GiB"
        )
        precondition(sessionsMax > 0, "a bus needs room for one session")
        self.endpoints = endpoints
        self.bulletin = bulletin
        self.bodyBytesMax = bodyBytesMax
        self.sessionsMax = sessionsMax
    }
}
