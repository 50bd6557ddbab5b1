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
            Listens on ipc://DIR/bus.sock for departments and on DIR/control.sock for operators. \
            Needs no configuration. SIGTERM drains: what was taken is answered, then it exits 0.

            Exit status: 0 drained, 64 usage, 100 something must be changed before a restart \
            helps, 111 the system failed and a restart may help.
            """
    )

    @Option(help: "Directory of everything durable; made if it is not there.")
    var data: String

    @Option(
        name: .customLong("listen"),
        help: ArgumentHelp(
            "TCP endpoint beside the socket, such as tcp://127.0.0.1:7420; may be repeated. "
                + "Without identity and keys TCP binds loopback only.",
            valueName: "endpoint"
        )
    )
    var endpoints: [String] = []

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

    func validate() throws {
        guard (0...64 << 20).contains(bodyMax) else {
            throw ValidationError("--body-max is 0 to 67108864 bytes.")
        }
        guard diskReserve >= 0 else { throw ValidationError("--disk-reserve is 0 or more bytes.") }
    }

    func run() throws {
        var configuration = DaemonConfiguration(directory: data)
        configuration.endpoints = endpoints
        configuration.bulletin = bulletin
        configuration.bodyBytesMax = bodyMax
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
