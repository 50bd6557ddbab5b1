// SPDX-License-Identifier: Apache-2.0

internal import Logging

/// Every kind of message the daemon can log: the catalogue.
///
/// `journalctl MESSAGE_ID=…` finds all of a kind. Names and identifiers are for programs and never
/// change; a new kind is given a new random identifier. What a message may tell besides its text is
/// a `LogField`: there is none for the content of a case or for the name of a person.
package enum LogMessage: String, CaseIterable, Sendable {
    case ready
    case draining
    case stopped
    case startFailed
    case watchdogHungry
    case configurationReloaded
    case configurationRefused
    case configurationUndone
    case diskEnough
    case diskWarn
    case diskReserve
    case diskStop
    case clockJumped
    case memoryHigh
    case memoryNormal
    case metricsFailed
    case backupMade
    case backupFailed
    case retentionRan

    /// The message identifier of the journal, 32 hexadecimal digits.
    package var id: String {
        switch self {
        case .ready: "49e7079175bd4d79bbc7b908a36b711c"
        case .draining: "03657acaa81d48f9a3d5182c22751205"
        case .stopped: "4d1688eee6f149ba8e55c5abbc0271ed"
        case .startFailed: "6c8c7e00fcae4f329f72f1641152409c"
        case .watchdogHungry: "0c24765d3d104395b9b91e5dd91f36de"
        case .configurationReloaded: "888648813b3a4ecb96c145d7657bcc04"
        case .configurationRefused: "965fa86a060646e29214aa4a1a5ab8ea"
        case .configurationUndone: "cb8337f7fa5a45b7a7692982b772861f"
        case .diskEnough: "a8ae246e0089429aa8ee2a51ceeac484"
        case .diskWarn: "1a995e2d36ed454291fe72d961a2c9fa"
        case .diskReserve: "fa0d74a0bb104b33a8071418b4c38d57"
        case .diskStop: "8067e58be6214488980f852cb9720d69"
        case .clockJumped: "4ae3a757081143e9a3c2dd9941813ea7"
        case .memoryHigh: "0679c2e7abcf4892a4ae901db103d390"
        case .memoryNormal: "cb5794c6286d426291cebf2e8afea91e"
        case .metricsFailed: "0cb5dd662eff414b9b160801d4b5d8c6"
        case .backupMade: "13a0736e6501437ea84d6db4fa4d76bc"
        case .retentionRan: "f352bcb73b4f4e77af0b08fd655f794a"
        case .backupFailed: "86fc1484e1ce4b26ba7f1fcd322cb481"
        }
    }

    /// How much it matters.
    var level: Logger.Level {
        switch self {
        case .ready, .draining, .stopped, .configurationReloaded, .diskEnough, .memoryNormal,
            .backupMade, .retentionRan:
            .notice
        case .configurationUndone, .diskWarn, .clockJumped, .memoryHigh, .metricsFailed: .warning
        case .configurationRefused, .watchdogHungry, .diskReserve, .backupFailed: .error
        case .startFailed, .diskStop: .critical
        }
    }

    /// What happened, in words; the fields have the particulars.
    package var text: String {
        switch self {
        case .ready: "The bus and the control socket answer."
        case .draining: "Draining: what was taken is answered, nothing new is taken."
        case .stopped: "Stopped; the ledger is closed."
        case .startFailed: "The daemon did not start, or could not go on."
        case .watchdogHungry:
            "No commit reached the disk in time, or the bus stands still; the watchdog was not fed."
        case .configurationReloaded: "The configuration was read again and is in force."
        case .configurationRefused: "The configuration was not reloaded; nothing was changed."
        case .configurationUndone: "A reload was undone, since nobody confirmed it in time."
        case .diskEnough: "The disk has enough free space again."
        case .diskWarn: "The disk has less free space than the mark warn."
        case .diskReserve:
            "The disk has less free space than the mark reserve: nothing new is taken, what was "
                + "taken can be settled."
        case .diskStop:
            "The disk has less free space than the mark stop: only what ends or moves something is "
                + "taken."
        case .clockJumped:
            "The wall clock jumped; what is due stays due at the instants that were promised."
        case .memoryHigh: "The daemon takes more memory than the mark warn."
        case .memoryNormal: "The daemon takes less memory than the mark warn again."
        case .metricsFailed: "The metrics could not be written to their file."
        case .backupMade: "The ledger was copied and the copy checked."
        case .retentionRan: "The content of closed cases was erased whose period is over."
        case .backupFailed: "No backup was made."
        }
    }
}

/// What a message may tell besides its text.
package enum LogField: String, Sendable {
    case version
    case endpoints
    /// What failed, in words of the system.
    case fault
    /// Journal position.
    case position
    /// Settings that changed, as `key: before -> after`.
    case settings
    /// Settings that wait for a restart.
    case waiting
    case uid
    case pid
    /// Free space, in bytes.
    case free
    /// How full the disk is, from 0 to 3.
    case stage
    /// By how much the clock jumped, back if below 0.
    case milliseconds
    /// Resident memory, in bytes.
    case resident
    /// How many.
    case count
    /// A directory.
    case path
    /// Messages of the kind that were left out before this one.
    case suppressed
}
