// SPDX-License-Identifier: Apache-2.0

/// What the daemon does for operators about its own configuration.
///
/// As for `OperatorCommands`. Faults of all that read the files but `checkConfiguration`:
/// `configurationInvalid` with `badData`.
package protocol ConfigurationCommands: Sendable {
    /// Reads the files and says what is wrong with them; nothing is changed.
    func checkConfiguration() throws(OperatorFault) -> [ConfigurationFinding]

    /// Every setting in force.
    func settingRows() throws(OperatorFault) -> [SettingRow]

    /// Where the files differ from what is in force.
    func configurationChanges() throws(OperatorFault) -> [SettingChange]

    /// Puts in force what the files say.
    ///
    /// - Throws: `unconfirmed` with `failed` while an earlier reload waits to be confirmed.
    func reloadConfiguration(
        undoAfterSeconds: UInt32?,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> ConfigurationReload

    /// Lets the last reload stay.
    ///
    /// - Throws: `nothingToConfirm` with `failed`.
    func confirmConfiguration() throws(OperatorFault)

    /// Puts in force what was before the last reload.
    ///
    /// - Throws: `nothingToUndo` with `failed`.
    func undoConfiguration(
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> ConfigurationReload
}

/// Something wrong with the configuration.
package struct ConfigurationFinding: Equatable, Codable, Sendable {
    /// The file; nil for the command line and the defaults.
    package var file: String?
    /// From 1; 0 where no line is meant.
    package var line: Int
    /// From 1; 0 where no column is meant.
    package var column: Int
    /// What is wrong and what to do.
    package var text: String

    /// A finding.
    package init(file: String?, line: Int, column: Int, text: String) {
        self.file = file
        self.line = line
        self.column = column
        self.text = text
    }
}

/// A setting in force.
package struct SettingRow: Equatable, Codable, Sendable {
    /// Its place in the file, such as `disk.reserve`.
    package var key: String
    /// As one would write it there.
    package var value: String
    /// `default`, `command line`, or file and line.
    package var origin: String
    /// `now` if a reload changes it, otherwise `restart`.
    package var applies: String

    /// A row.
    package init(key: String, value: String, origin: String, applies: String) {
        self.key = key
        self.value = value
        self.origin = origin
        self.applies = applies
    }
}

/// A setting that differs.
package struct SettingChange: Equatable, Codable, Sendable {
    package var key: String
    /// What is, or was, in force.
    package var before: String
    /// What the files say.
    package var after: String
    /// Where they say it.
    package var origin: String
    /// `now` if a reload changes it, otherwise `restart`.
    package var applies: String

    /// A row.
    package init(key: String, before: String, after: String, origin: String, applies: String) {
        self.key = key
        self.before = before
        self.after = after
        self.origin = origin
        self.applies = applies
    }
}

/// What came of a reload or an undo.
package struct ConfigurationReload: Equatable, Codable, Sendable {
    /// Settings that are now in force, and those that wait for a restart.
    package var changes: [SettingChange]
    /// Of the journal record; nil if nothing was put in force.
    package var position: UInt64?
    /// When it is undone unless confirmed; nil if it stays.
    package var undoAt: Instant?

    /// What came of it.
    package init(changes: [SettingChange], position: UInt64? = nil, undoAt: Instant? = nil) {
        self.changes = changes
        self.position = position
        self.undoAt = undoAt
    }
}

/// Of `config.reload`.
package struct ReloadArguments: CommandArguments {
    package static let names: Set<String> = ["undoAfterSeconds"]
    /// Seconds in which the reload must be confirmed, 1 to 86 400; nil if it need not be.
    package var undoAfterSeconds: UInt32?

    /// These arguments.
    package init(undoAfterSeconds: UInt32? = nil) { self.undoAfterSeconds = undoAfterSeconds }
}

/// The commands about the configuration.
extension Dispatch {
    func runConfiguration(
        _ name: CommandName,
        _ call: inout Call,
        _ send: Sink
    ) throws(OperatorFault) -> [UInt8] {
        switch name {
        case .configReload:
            let given = try call.arguments(ReloadArguments.self)
            if let seconds = given.undoAfterSeconds, !(1...86_400).contains(seconds) {
                throw OperatorFault(
                    code: "badTime",
                    exit: .badData,
                    text: "A reload is confirmed within 1 to 86400 seconds."
                )
            }
            return try call.done(
                try commands.reloadConfiguration(
                    undoAfterSeconds: given.undoAfterSeconds,
                    by: identity,
                    reason: try call.neededReason()
                )
            )
        case .configUndo:
            try call.takesNothing()
            return try call.done(
                try commands.undoConfiguration(by: identity, reason: try call.neededReason())
            )
        case .configConfirm:
            try call.takesNothing()
            try commands.confirmConfiguration()
            return try call.done(NoArguments())
        case .configCheck:
            try call.takesNothing()
            return try call.list(try commands.checkConfiguration(), send)
        case .configDiff:
            try call.takesNothing()
            return try call.list(try commands.configurationChanges(), send)
        default:
            try call.takesNothing()
            return try call.list(try commands.settingRows(), send)
        }
    }
}
