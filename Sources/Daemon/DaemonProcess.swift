// SPDX-License-Identifier: Apache-2.0

internal import Control
internal import Courier
internal import Declarations
internal import Keys
internal import Ledger
package import Logs
internal import Platform
internal import Rules
internal import Synchronization

/// The daemon: locks its directory, opens the ledger, opens the bus and the control socket, waits
/// for a signal, and takes it all down again in the opposite order.
package struct DaemonProcess {
    /// Exit status for a configuration that must be changed before a restart can help.
    package static let permanentFailure: Int32 = 100
    /// Exit status for a failure of the system that a restart may mend.
    package static let temporaryFailure: Int32 = 111

    /// Why a daemon did not start or had to stop.
    package struct Failure: Error, CustomStringConvertible {
        /// For the process.
        package let exitStatus: Int32
        package let description: String
    }

    private let files: ConfigurationFiles
    private let settings: Settings
    private let configuration: DaemonConfiguration
    private let log: DaemonLog

    /// A daemon that has not started.
    ///
    /// - Parameters:
    ///   - settings: As read from `files`.
    ///   - files: Read again at each reload.
    ///   - log: Told what happens from the start on.
    package init(_ settings: Settings, from files: ConfigurationFiles, log: DaemonLog) {
        self.files = files
        self.settings = settings
        configuration = settings.configuration
        self.log = log
        log.setLevel(configuration.logLevel)
    }

    /// Runs until SIGTERM or SIGINT, then drains: no new work, what was taken is answered, sessions
    /// are told, the ledger is closed.
    ///
    /// - Parameter ready: Called once the bus and the control socket answer, with the endpoints.
    /// - Throws: `Failure`.
    package func run(ready: @escaping @Sendable ([String]) -> Void) throws(Failure) {
        // Blocked before any thread starts, so that every thread inherits the mask.
        do {
            let signals = try SignalReader(DaemonSignals.all)
            let lock = try DirectoryLock(path: configuration.directory)
            let ledger = LedgerThread(signal: try EventSignal())
            try open(ledger)
            defer { ledger.stop() }
            try serve(ledger, signals, ready: ready)
            _ = lock.path
            log.say(.stopped)
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure(exitStatus: Self.permanentFailure, description: "\(error)")
        }
    }

    private func open(_ ledger: LedgerThread) throws(Failure) {
        do {
            try LedgerFiles.narrow(in: configuration.directory)
            var limits = LedgerLimits(
                bodyBytesMax: configuration.bodyBytesMax,
                daemon: "baridd/" + DaemonConfiguration.version,
                diskReserveBytes: configuration.diskReserveBytes
            )
            limits.diskWarnBytes = configuration.diskWarnBytes
            limits.diskStopBytes = configuration.diskStopBytes
            try ledger.start(
                directory: configuration.directory,
                limits: limits,
                reading: Self.read
            )
            let reader = try LedgerReader(
                directory: configuration.directory,
                reading: Self.read
            )
            try DefaultProcedure.publish(on: ledger, reader)
        } catch {
            ledger.stop()
            throw Failure(exitStatus: Self.exitStatus(of: error), description: "\(error)")
        }
    }

    /// What a restart would find unchanged is permanent.
    private static func exitStatus(of error: any Error) -> Int32 {
        switch error as? LedgerFault {
        case .foreign, .later, .setting, .damaged: permanentFailure
        case .storage, .undecided, nil: temporaryFailure
        }
    }

    private func serve(
        _ ledger: LedgerThread,
        _ signals: borrowing SignalReader,
        ready: @escaping @Sendable ([String]) -> Void
    ) throws(Failure) {
        let serverKey = try serverKey()
        let bus = BusLoop(
            configuration: configuration.bus(secretKey: serverKey?.secret),
            hand: { ledger.hand($0) },
            collect: { ledger.collect() },
            signal: ledger.signal,
            feed: { ledger.collectFeed() },
            listening: { ledger.setListening($0) },
            head: { ledger.head }
        )
        let bound = Mailbox<Result<[String], BusFault>>(capacity: 2)
        let courier: WorkerThread
        do throws(SystemFault) {
            courier = try WorkerThread(name: "courier", stackBytes: 4 << 20) {
                do throws(BusFault) {
                    try bus.run { _ = bound.put(.success($0)) }
                } catch {
                    _ = bound.put(.failure(error))
                    DaemonSignals.raise(DaemonSignals.terminate)
                }
                bound.close()
            }
        } catch {
            throw Failure(exitStatus: Self.temporaryFailure, description: error.description)
        }
        defer {
            bus.requestStop()
            courier.join()
        }
        let endpoints: [String]
        switch bound.take() {
        case .success(let value): endpoints = value
        case .failure(let fault):
            throw Failure(exitStatus: Self.permanentFailure, description: "\(fault)")
        case nil:
            throw Failure(
                exitStatus: Self.temporaryFailure,
                description: "The bus did not start."
            )
        }
        let commands = LedgerCommands(
            configuration: configuration,
            ledger: ledger,
            bus: bus,
            endpoints: endpoints,
            startedAt: Clock.wallMilliseconds(),
            serverKey: serverKey,
            live: liveConfiguration(on: ledger),
            log: log,
            guards: Guards(directory: configuration.directory, log: log),
            reading: Self.read
        )
        let servers = try ControlDoor.Kind.allCases.map { kind throws(Failure) in
            try controlServer(commands, kind)
        }
        defer { for server in servers { server.stop() } }
        ready(endpoints)
        log.say(
            .ready,
            [
                .version: DaemonConfiguration.version,
                .endpoints: endpoints.joined(separator: " "),
            ]
        )
        Supervision(ledger: ledger, bus: bus, commands: commands, log: log).wait(for: signals)
        if case .failure(let fault) = bound.tryTake() {
            throw Failure(exitStatus: Self.temporaryFailure, description: "\(fault)")
        }
    }

    private func liveConfiguration(on ledger: LedgerThread) -> LiveConfiguration {
        LiveConfiguration(settings, from: files, on: ledger) { [log] configuration in
            ledger.marks.value = configuration.diskMarks
            log.setLevel(configuration.logLevel)
        }
    }

    /// One of the sockets for operators, listening.
    private func controlServer(
        _ commands: LedgerCommands,
        _ kind: ControlDoor.Kind
    ) throws(Failure) -> ControlServer {
        do throws(SystemFault) {
            let name = configuration.group(kind)
            var group: UInt32?
            if let name { group = try SystemGroup.number(of: name) }
            let server = try ControlServer(
                commands: commands,
                door: ControlDoor(kind, group: group)
            )
            try server.start(path: configuration.socket(kind))
            return server
        } catch {
            throw Failure(exitStatus: Self.permanentFailure, description: error.description)
        }
    }

    /// The daemon's own key, or nil if it has none: then no endpoint can be keyed.
    private func serverKey() throws(Failure) -> KeyPair? {
        do throws(KeyFault) {
            return try ServerKey.read(directory: configuration.directory)
        } catch {
            throw Failure(
                exitStatus: Self.permanentFailure,
                description: "The daemon's key cannot be used: \(error.description)"
            )
        }
    }

    /// Reads a procedure's source as it is kept in the ledger.
    static let read: @Sendable (String) -> Procedure? = { source in
        try? ProcedureDeclaration.read(source)
    }
}
