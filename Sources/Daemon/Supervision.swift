// SPDX-License-Identifier: Apache-2.0

internal import Control
internal import Courier
internal import Ledger
internal import Logs
internal import Platform

/// Tells the service manager how the daemon is while it waits for the signal to stop.
///
/// The watchdog is fed by proof, never by a free timer: a commit of its own reached the disk, and
/// the bus has turned since it was last asked. A frozen disk or a stuck thread leaves it hungry.
struct Supervision {
    /// Longest pause between looks at what is to be undone, in milliseconds.
    private static let glanceMilliseconds: Int64 = 1_000
    /// Pause between looks where no watchdog sets one, in milliseconds.
    private static let pauseMilliseconds: Int64 = 10_000

    let ledger: LedgerThread
    let bus: BusLoop
    let commands: LedgerCommands
    let log: DaemonLog

    /// Returns when a signal to stop has come; reloads the configuration at SIGHUP, and undoes a
    /// reload that was not confirmed in time.
    func wait(for signals: borrowing SignalReader) {
        var descriptor = SignalWait(signals.fileDescriptor)
        let manager = ServiceManager.fromEnvironment()
        manager?.tell(.ready, .status(summary))
        // Three looks in the time of the watchdog, so that one late look does not starve it; a
        // sweep of the bus takes up to a second.
        let patience = manager?.watchdogMilliseconds.map { $0 / 3 }
        let pause = max(patience ?? Self.pauseMilliseconds, 1_100)
        var nextLook = manager == nil ? Int64.max : Clock.monotonicMilliseconds()
        var sweeps: UInt64 = 0
        var file = MetricsFile()
        let metrics = Metrics(commands: commands, guards: commands.guards)
        while !isStopping(signals, manager) {
            undoIfDue(manager)
            log.tellSuppressed()
            let configuration = commands.live.settings.configuration
            commands.guards.look(configuration)
            file.writeIfDue(configuration, metrics, log)
            if let manager, Clock.monotonicMilliseconds() >= nextLook {
                let turned = bus.counters.sweeps
                if turned != sweeps, ledger.probe(withinMilliseconds: pause) {
                    manager.tell(.alive, .status(summary))
                } else {
                    log.say(.watchdogHungry)
                }
                sweeps = turned
                nextLook = Clock.monotonicMilliseconds() + pause
            }
            descriptor.wait(
                milliseconds: min(
                    Self.glanceMilliseconds,
                    max(0, nextLook - Clock.monotonicMilliseconds())
                )
            )
        }
        log.say(.draining)
        manager?.tell(.stopping, .status("Draining: what was taken is answered."))
    }

    /// Takes the signals that came; true once one of them says to stop.
    private func isStopping(
        _ signals: borrowing SignalReader,
        _ manager: ServiceManager?
    ) -> Bool {
        while let signal = signals.next() {
            guard signal.number == DaemonSignals.hangUp else { return true }
            let who = Operator(uid: signal.uid, pid: signal.pid, reason: "SIGHUP")
            do throws(LiveConfiguration.Fault) {
                try commands.live.reload(undoAfter: nil, by: who).tell(to: log, by: who)
            } catch {
                log.say(
                    .configurationRefused,
                    [.fault: error.description, .uid: "\(who.uid)", .pid: "\(who.pid)"]
                )
                manager?.tell(.status("The configuration was not reloaded: \(error)"))
            }
        }
        return false
    }

    private func undoIfDue(_ manager: ServiceManager?) {
        let who = Operator(
            uid: ThisProcess.uid,
            pid: ThisProcess.number,
            reason: "The reload was not confirmed in time."
        )
        do throws(LiveConfiguration.Fault) {
            guard let undone = try commands.live.undoIfDue(by: who) else { return }
            log.say(.configurationUndone, [.settings: undone.settings])
        } catch {
            log.say(.configurationRefused, [.fault: error.description])
        }
    }

    /// How things stand, in one line for people.
    private var summary: String {
        guard let status = try? commands.status() else { return "Serving." }
        let referrals = status.referrals
        return "Serving \(status.sessions) sessions and \(status.offices) offices; "
            + "\(referrals.waiting + referrals.delayed) referrals wait, "
            + "\(referrals.custody) in custody, \(referrals.dead) dead letters."
    }
}
