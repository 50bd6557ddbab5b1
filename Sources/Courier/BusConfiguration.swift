// SPDX-License-Identifier: Apache-2.0

internal import Wire

/// Where the bus listens and how much it takes.
package struct BusConfiguration: Sendable, Equatable {
    /// Endpoints to listen at.
    ///
    /// `ipc:///path`, `tcp://ADDRESS:PORT` or `tcp://[ADDRESS]:PORT`, where
    /// the port may be `*` for one that the system chooses. TCP is always keyed.
    package var endpoints: [String]
    /// Where public notices are published, of the same forms; nil publishes none.
    package var bulletin: String?
    /// Largest body taken, in bytes.
    package var bodyBytesMax: Int
    /// Sessions open at once.
    package var sessionsMax: Int

    /// The daemon's secret key, 32 bytes; nil has none, and then no endpoint can be keyed.
    package var secretKey: [UInt8]?
    /// Whether unix sockets are keyed too.
    package var isEveryEndpointKeyed = false
    /// Connections of keyed endpoints at once.
    package var connectionsMax = 8_192
    /// The same from one address.
    package var connectionsPerAddressMax = 4_096

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
