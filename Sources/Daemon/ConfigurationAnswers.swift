// SPDX-License-Identifier: Apache-2.0

internal import Control
internal import Declarations
internal import Ledger

/// What operators ask about the configuration.
extension LedgerCommands {
    func checkConfiguration() throws(OperatorFault) -> [ConfigurationFinding] {
        do throws(ConfigurationFaults) {
            _ = try live.diff()
            return []
        } catch {
            return error.faults.map { fault in
                ConfigurationFinding(
                    file: fault.file,
                    line: fault.line,
                    column: fault.column,
                    text: fault.text
                )
            }
        }
    }

    func settingRows() throws(OperatorFault) -> [SettingRow] {
        let settings = live.settings
        return ConfigurationKey.allCases.map { key in
            SettingRow(
                key: key.rawValue,
                value: settings.text(key),
                origin: "\(settings[key].origin)",
                applies: key.application
            )
        }
    }

    func configurationChanges() throws(OperatorFault) -> [SettingChange] {
        do throws(ConfigurationFaults) {
            return try live.diff().map { SettingChange($0) }
        } catch {
            throw fault(.invalid(error))
        }
    }

    func reloadConfiguration(
        undoAfterSeconds: UInt32?,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> ConfigurationReload {
        let who = Operator(uid: identity.uid, pid: identity.pid, reason: reason)
        do throws(LiveConfiguration.Fault) {
            let reload = try live.reload(
                undoAfter: undoAfterSeconds.map { Int64($0) * 1_000 },
                by: who
            )
            reload.tell(to: log, by: who)
            return ConfigurationReload(reload)
        } catch {
            throw fault(error)
        }
    }

    func confirmConfiguration() throws(OperatorFault) {
        do throws(LiveConfiguration.Fault) { try live.confirm() } catch { throw fault(error) }
    }

    func undoConfiguration(
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> ConfigurationReload {
        do throws(LiveConfiguration.Fault) {
            return ConfigurationReload(
                try live.undo(
                    by: Operator(uid: identity.uid, pid: identity.pid, reason: reason)
                )
            )
        } catch {
            throw fault(error)
        }
    }

    private func fault(_ fault: LiveConfiguration.Fault) -> OperatorFault {
        let (code, exit): (String, ExitStatus) =
            switch fault {
            case .invalid: ("configurationInvalid", .badData)
            case .unconfirmed: ("unconfirmed", .failed)
            case .nothingToConfirm: ("nothingToConfirm", .failed)
            case .nothingToUndo: ("nothingToUndo", .failed)
            case .ledger: ("unavailable", .busy)
            }
        return OperatorFault(code: code, exit: exit, text: fault.description)
    }
}

extension ConfigurationKey {
    fileprivate var application: String { isReloadable ? "now" : "restart" }
}

extension SettingChange {
    fileprivate init(_ change: LiveConfiguration.Change) {
        self.init(
            key: change.key.rawValue,
            before: change.before,
            after: change.after,
            origin: "\(change.origin)",
            applies: change.key.application
        )
    }
}

extension ConfigurationReload {
    fileprivate init(_ reload: LiveConfiguration.Reload) {
        self.init(
            changes: reload.changes.map { SettingChange($0) },
            position: reload.position,
            undoAt: reload.undoAt.map { Instant(milliseconds: $0) }
        )
    }
}
