// SPDX-License-Identifier: Apache-2.0

internal import Control
internal import Courier
internal import Ledger
internal import Wire

/// What a daemon needs to know to start; every field but the directory has a default.
package struct DaemonConfiguration: Sendable {
    /// Where everything durable lives; made if it is not there.
    package var directory: String
    /// TCP endpoints beside `ipc://DIRECTORY/bus.sock`; their peers must prove keys.
    package var endpoints: [String] = []
    /// Where public notices are published for any SUB socket, loopback or ipc only; nil for nowhere.
    package var bulletin: String?
    /// Largest body taken, in bytes.
    package var bodyBytesMax = Limits.bodyBytesMaxDefault
    /// Free disk space, in bytes, below which no new case is taken; settling goes on.
    package var diskReserveBytes: Int64 = 64 << 20
    /// Free disk space, in bytes, below which somebody should know.
    package var diskWarnBytes: Int64 = 1 << 30
    /// Free disk space, in bytes, below which only what ends or moves something is taken.
    package var diskStopBytes: Int64 = 16 << 20
    /// Smallest jump of the wall clock that is told, in milliseconds.
    package var clockJumpMilliseconds: Int64 = 2_000
    /// Resident memory, in bytes, above which somebody should know.
    package var memoryWarnBytes: Int64 = 512 << 20
    /// Where the metrics are written; nil for nowhere.
    package var metricsFile: String?
    /// How often, in milliseconds.
    package var metricsMilliseconds: Int64 = 15_000
    /// Sessions open at once.
    package var sessionsMax = 4_096

    /// Whether peers of `bus.sock` must prove keys too.
    package var isEveryEndpointKeyed = false
    /// Connections of keyed endpoints at once.
    package var connectionsMax = 8_192

    /// Least level of what is logged.
    package var logLevel = "info"

    /// Group that may use `control.sock`, by name or number; nil for root and the daemon's user only.
    package var controlGroup: String?
    /// Group that may use `observe.sock`, in the same way.
    package var observeGroup: String?
    /// Where the sockets of the operators are; the data directory if nil.
    package var socketDirectory: String?

    /// Version of the daemon.
    package static let version = "0.1.0"

    /// The defaults for a data directory.
    package init(directory: String) { self.directory = directory }

    /// The socket of the bus.
    package var busSocket: String { directory + "/bus.sock" }

    var diskMarks: DiskMarks {
        DiskMarks(warn: diskWarnBytes, reserve: diskReserveBytes, stop: diskStopBytes)
    }

    /// What the bus is to be given.
    func bus(secretKey: [UInt8]?) -> BusConfiguration {
        var bus = BusConfiguration(
            endpoints: ["ipc://" + busSocket] + endpoints,
            bulletin: bulletin,
            bodyBytesMax: bodyBytesMax,
            sessionsMax: sessionsMax
        )
        bus.secretKey = secretKey
        bus.isEveryEndpointKeyed = isEveryEndpointKeyed
        bus.connectionsMax = connectionsMax
        return bus
    }

    /// One of the sockets of the operators.
    func socket(_ kind: ControlDoor.Kind) -> String {
        (socketDirectory ?? directory) + "/" + kind.fileName
    }

    /// The group that may use it.
    func group(_ kind: ControlDoor.Kind) -> String? {
        switch kind {
        case .observe: observeGroup
        case .control: controlGroup
        }
    }
}
