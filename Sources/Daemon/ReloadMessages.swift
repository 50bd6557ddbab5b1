// SPDX-License-Identifier: Apache-2.0

internal import Declarations
internal import Ledger
internal import Logs

extension LiveConfiguration.Reload {
    /// What is now in force, one setting after the other.
    var settings: String {
        changes.filter(\.key.isReloadable).map(\.line).joined(separator: "; ")
    }

    /// Tells the log what came of a reload.
    func tell(to log: DaemonLog, by who: Operator) {
        let waiting = changes.filter { !$0.key.isReloadable }.map(\.key.rawValue)
        log.say(
            .configurationReloaded,
            [
                .settings: settings,
                .waiting: waiting.joined(separator: " "),
                .position: position.map { String($0) } ?? "",
                .uid: String(who.uid),
                .pid: String(who.pid),
            ]
        )
    }
}
