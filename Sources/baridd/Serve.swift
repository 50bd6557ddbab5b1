// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Daemon
internal import Declarations
internal import Glibc
internal import Logs
internal import Platform

/// `baridd serve`, or `baridd` alone: the daemon.
struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the daemon; what baridd does without a subcommand.",
        discussion: """
            Listens on ipc://DIR/bus.sock for departments, and for operators on DIR/control.sock \
            and, for those who only look, DIR/observe.sock. \
            Needs no configuration file; what is given here wins over one. SIGHUP reads the files \
            again. SIGTERM drains: what was taken is answered, then it exits 0.

            Exit status: 0 drained, 64 usage, 100 something must be changed before a restart \
            helps, 111 the system failed and a restart may help.
            """
    )

    @Option(
        help: ArgumentHelp(
            "Configuration; conf.d/*.yaml beside it is read too (default: "
                + "\(ConfigurationFiles.standardPath), if it exists).",
            valueName: "file"
        )
    )
    var config: String?

    @Flag(help: "Say everything that is wrong with the configuration, and exit 0 or 100.")
    var check = false

    @Option(help: ArgumentHelp("Directory of everything durable; made if it is not there."))
    var data: String?

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

    @Option(help: ArgumentHelp("TCP connections at once (default: 8192).", valueName: "count"))
    var connectionsMax: Int64?

    @Option(
        help: ArgumentHelp(
            "Endpoint where public notices are published for any ZeroMQ SUB socket, such as "
                + "ipc:///run/barid/bulletin; loopback or ipc only.",
            valueName: "endpoint"
        )
    )
    var bulletin: String?

    @Option(
        help: ArgumentHelp(
            "Largest body taken, in bytes, up to 64 MiB (default: 1 MiB).",
            valueName: "bytes"
        )
    )
    var bodyMax: Int64?

    @Option(
        help: ArgumentHelp(
            "Free disk space, in bytes, below which no new case is taken (default: 64 MiB).",
            valueName: "bytes"
        )
    )
    var diskReserve: Int64?

    @Option(
        help: ArgumentHelp(
            "Group that may do everything at control.sock, beside root and the daemon's user.",
            valueName: "group"
        )
    )
    var controlGroup: String?

    @Option(help: ArgumentHelp("Group that may look at observe.sock.", valueName: "group"))
    var observeGroup: String?

    @Option(
        help: ArgumentHelp(
            "Directory of control.sock and observe.sock (default: the data directory).",
            valueName: "dir"
        )
    )
    var sockets: String?

    func validate() throws {
        for (key, value) in options {
            guard case .number(let number) = value, let fault = key.fault(of: number) else {
                continue
            }
            throw ValidationError(
                "--\(key.rawValue.split(separator: ".").joined(separator: "-")) \(fault)."
            )
        }
        guard files.namesData else {
            throw ValidationError(
                "Say where the data lies, with --data DIR or in a configuration file."
            )
        }
    }

    private var files: ConfigurationFiles { ConfigurationFiles(path: config, options: options) }

    private var options: [ConfigurationKey: ConfigurationValue] {
        var options: [ConfigurationKey: ConfigurationValue] = [:]
        options[.data] = data.map { .text($0) }
        if !endpoints.isEmpty { options[.listen] = .list(endpoints) }
        if keyedSocket { options[.keyedSocket] = .flag(true) }
        options[.connectionsMax] = connectionsMax.map { .number($0) }
        options[.bulletin] = bulletin.map { .text($0) }
        options[.bodyMax] = bodyMax.map { .number($0) }
        options[.diskReserve] = diskReserve.map { .number($0) }
        options[.controlGroup] = controlGroup.map { .text($0) }
        options[.observeGroup] = observeGroup.map { .text($0) }
        options[.sockets] = sockets.map { .text($0) }
        return options
    }

    func run() throws {
        // A connection is a descriptor, and the usual soft limit of 1024 is for select(2).
        Descriptors.raiseLimit()
        // Twice as many as the bus takes connections; before there are other threads it costs nothing.
        Descriptors.makeRoom(for: 16_384)
        // A peer that goes away while it is written to must not end the daemon.
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
        let files = files
        let log = DaemonLog.ofThisProcess()
        let settings: Settings
        do throws(ConfigurationFaults) {
            settings = try files.read()
            if check { try DirectoryCheck(settings).run() }
        } catch {
            for fault in error.faults { tell(fault.description, log) }
            throw ExitCode(DaemonProcess.permanentFailure)
        }
        guard !check else { return print("The configuration is sound.") }
        do {
            try DaemonProcess(settings, from: files, log: log).run { endpoints in
                print("baridd \(DaemonConfiguration.version) is ready on")
                for endpoint in endpoints { print("  \(endpoint)") }
                fflush(nil)
            }
        } catch {
            tell(error.description, log)
            throw ExitCode(error.exitStatus)
        }
    }

    /// Says why there is no daemon: to the journal with its fields, or plainly to whoever started it.
    private func tell(_ text: String, _ log: DaemonLog) {
        if log.isJournal {
            log.say(.startFailed, [.fault: text])
        } else {
            writeStandardError("baridd: \(text)\n")
        }
    }
}
