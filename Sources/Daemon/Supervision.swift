// SPDX-License-Identifier: Apache-2.0

internal import Control
internal import Courier
internal import Ledger
internal import Platform

/// Tells the service manager how the daemon is while it waits for the signal to stop.
///
/// The watchdog is fed by proof, never by a free timer: a commit of its own reached the disk, and
/// the bus has turned since it was last asked. A frozen disk or a stuck thread leaves it hungry.
struct Supervision {
    /// Pause between looks where no watchdog sets one, in milliseconds.
    private static let pauseMilliseconds: Int64 = 10_000

    let ledger: LedgerThread
    let bus: BusLoop
    let commands: LedgerCommands

    /// Returns when a signal has come; without a service manager it only waits for that.
    func wait(for signals: borrowing SignalReader) {
        var descriptor = SignalWait(signals.fileDescriptor)
        guard let manager = ServiceManager.fromEnvironment() else {
            while signals.next() == nil { descriptor.wait(milliseconds: nil) }
            return
        }
        manager.tell(.ready, .status(summary))
        // Three looks in the time of the watchdog, so that one late look does not starve it; a
        // sweep of the bus takes up to a second.
        let patience = manager.watchdogMilliseconds.map { $0 / 3 }
        let pause = max(patience ?? Self.pauseMilliseconds, 1_100)
        var sweeps: UInt64 = 0
        while signals.next() == nil {
            let now = bus.counters.sweeps
            if now != sweeps, ledger.probe(withinMilliseconds: pause) {
                manager.tell(.alive, .status(summary))
            }
            sweeps = now
            descriptor.wait(milliseconds: pause)
        }
        manager.tell(.stopping, .status("Draining: what was taken is answered."))
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
