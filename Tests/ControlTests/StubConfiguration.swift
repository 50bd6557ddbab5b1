// SPDX-License-Identifier: Apache-2.0

import Control

/// The configuration of the stub: one setting that was changed, and one fault.
extension StubCommands {
    private static let change = SettingChange(
        key: "disk.reserve",
        before: "64MiB",
        after: "1GiB",
        origin: "/etc/barid/barid.yaml:7",
        applies: "now"
    )

    func metrics() throws(OperatorFault) -> MetricsText {
        MetricsText(
            text: "# HELP barid_sessions Service connections that are open.\n"
                + "# TYPE barid_sessions gauge\nbarid_sessions 2\n"
        )
    }

    func checkConfiguration() throws(OperatorFault) -> [ConfigurationFinding] {
        [
            ConfigurationFinding(
                file: "/etc/barid/barid.yaml",
                line: 7,
                column: 3,
                text: "'disk' has no key 'reserv'. Did you mean 'reserve'?"
            )
        ]
    }

    func settingRows() throws(OperatorFault) -> [SettingRow] {
        [SettingRow(key: "disk.reserve", value: "64MiB", origin: "default", applies: "now")]
    }

    func configurationChanges() throws(OperatorFault) -> [SettingChange] { [Self.change] }

    func reloadConfiguration(
        undoAfterSeconds: UInt32?,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> ConfigurationReload {
        note("reload \(undoAfterSeconds.map { String($0) } ?? "for good")", identity, reason)
        return ConfigurationReload(
            changes: [Self.change],
            position: 312,
            undoAt: undoAfterSeconds.map { _ in Self.later }
        )
    }

    func confirmConfiguration() throws(OperatorFault) {}

    func undoConfiguration(
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> ConfigurationReload {
        note("undo", identity, reason)
        throw OperatorFault(
            code: "nothingToUndo",
            exit: .failed,
            text: "Nothing was reloaded since the start or the last undo."
        )
    }
}
