// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Daemon
internal import Glibc
internal import Platform

/// `baridd`: the daemon, and the test of the disk it is to run on.
@main
struct Baridd: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "baridd",
        abstract: "The message bus for government: case files from office to office.",
        version: DaemonConfiguration.version,
        subcommands: [Serve.self, SelfTestCommand.self, SelfTestWriterCommand.self],
        defaultSubcommand: Serve.self
    )
}

/// `baridd serve`, or `baridd` alone: the daemon.
struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the daemon; what baridd does without a subcommand.",
        discussion: """
            Listens on ipc://DIR/bus.sock for departments, and for operators on DIR/control.sock \
            and, for those who only look, DIR/observe.sock. Needs no configuration. SIGTERM drains: what was taken is answered, then it exits 0.

            Exit status: 0 drained, 64 usage, 100 something must be changed before a restart \
            helps, 111 the system failed and a restart may help.
            """
    )

    @Option(help: "Directory of everything durable; made if it is not there.")
    var data: String

    @Option(
        name: .customLong("listen"),
        help: ArgumentHelp(
            "TCP endpoint beside the socket, such as tcp://*:7420; may be repeated. Its peers must "
                + "prove keys, and the daemon needs one itself: baridctl init.",
            valueName: "endpoint"
        )
    )
    var endpoints: [String] = []

    @Flag(help: "Have peers of bus.sock prove keys too, not only those of TCP.")
    var keyedSocket = false

    @Option(help: ArgumentHelp("TCP connections at once.", valueName: "count"))
    var connectionsMax = 8_192
    @Option(
        help: ArgumentHelp(
            "Endpoint where public notices are published for any ZeroMQ SUB socket, such as "
                + "ipc:///run/barid/bulletin; loopback or ipc only.",
            valueName: "endpoint"
        )
    )
    var bulletin: String?

    @Option(help: ArgumentHelp("Largest body taken, in bytes, up to 64 MiB.", valueName: "bytes"))
    var bodyMax: Int = 1_048_576

    @Option(
        help: ArgumentHelp(
            "Free disk space, in bytes, below which no new case is taken.",
            valueName: "bytes"
        )
    )
    var diskReserve: Int64 = 64 << 20

    @Option(
        help: ArgumentHelp(
            "Group that may do everything at control.sock, beside root and the daemon's user.",
            valueName: "group"
        )
    )
    var controlGroup: String?

    @Option(
        help: ArgumentHelp("Group that may look at observe.sock.", valueName: "group")
    )
    var observeGroup: String?

    @Option(
        help: ArgumentHelp(
            "Directory of control.sock and observe.sock (default: the data directory).",
            valueName: "dir"
        )
    )
    var sockets: String?

    func validate() throws {
        guard (0...64 << 20).contains(bodyMax) else {
            throw ValidationError("--body-max is 0 to 67108864 bytes.")
        }
        guard (1...1_000_000).contains(connectionsMax) else {
            throw ValidationError("--connections-max is 1 to 1000000.")
        }
        guard diskReserve >= 0 else { throw ValidationError("--disk-reserve is 0 or more bytes.") }
    }

    func run() throws {
        var configuration = DaemonConfiguration(directory: data)
        configuration.endpoints = endpoints
        configuration.bulletin = bulletin
        configuration.bodyBytesMax = bodyMax
        configuration.isEveryEndpointKeyed = keyedSocket
        configuration.connectionsMax = connectionsMax
        configuration.controlGroup = controlGroup
        configuration.observeGroup = observeGroup
        configuration.socketDirectory = sockets
        // A connection is a descriptor, and the usual soft limit of 1024 is for select(2).
        Descriptors.raiseLimit()
        configuration.diskReserveBytes = diskReserve
        // A peer that goes away while it is written to must not end the daemon.
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
        do {
            try DaemonProcess(configuration).run { endpoints in
                print("baridd \(DaemonConfiguration.version) is ready on")
                for endpoint in endpoints { print("  \(endpoint)") }
                fflush(nil)
            }
        } catch {
            writeStandardError("baridd: \(error.description)\n")
            throw ExitCode(error.exitStatus)
        }
    }
}
