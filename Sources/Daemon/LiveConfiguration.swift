// SPDX-License-Identifier: Apache-2.0

internal import Declarations
internal import Ledger
internal import Platform
internal import Synchronization

/// The settings in force, and the one way to change them while the daemon runs.
///
/// A reload reads all files, checks them, compares, journals what will change and by whom, and puts
/// it in force at once; a fault at any of these leaves everything as it was. What only a restart can
/// change is told, not changed.
final class LiveConfiguration: Sendable {
    /// What one setting is and would be.
    struct Change: Equatable, Sendable {
        var key: ConfigurationKey
        var before: String
        var after: String
        var origin: Settings.Origin

        /// One line for the journal.
        var line: String { "\(key.rawValue): \(before) -> \(after)" }
    }

    /// What came of a reload or an undo.
    struct Reload: Equatable, Sendable {
        /// Now in force, or waiting for a restart.
        var changes: [Change]
        /// Of the journal record; nil if nothing was put in force.
        var position: UInt64?
        /// When it is undone unless confirmed, ms since 1970; nil if it stays.
        var undoAt: Int64?
    }

    /// Why nothing was changed.
    enum Fault: Error, Equatable, Sendable, CustomStringConvertible {
        case invalid(ConfigurationFaults)
        /// An earlier reload waits to be confirmed.
        case unconfirmed
        case nothingToConfirm
        case nothingToUndo
        /// The journal could not be written.
        case ledger(String)

        var description: String {
            switch self {
            case .invalid(let faults): faults.description + "\nNothing was changed."
            case .unconfirmed:
                "An earlier reload waits to be confirmed: baridctl config confirm or undo."
            case .nothingToConfirm:
                "No reload waits to be confirmed; it may have been undone already."
            case .nothingToUndo: "Nothing was reloaded since the start or the last undo."
            case .ledger(let text): text
            }
        }
    }

    private struct State {
        var settings: Settings
        /// What was in force before the last reload.
        var previous: Settings?
        /// When the last reload is undone, on the monotonic clock in ms; nil if it stays.
        var deadline: Int64?
    }

    private let files: ConfigurationFiles
    private let ledger: LedgerThread
    private let apply: @Sendable (DaemonConfiguration) -> Void
    private let state: Mutex<State>
    private let manager = ServiceManager.fromEnvironment()

    /// The settings a daemon started with; `apply` is called with each that follow.
    init(
        _ settings: Settings,
        from files: ConfigurationFiles,
        on ledger: LedgerThread,
        apply: @escaping @Sendable (DaemonConfiguration) -> Void
    ) {
        self.files = files
        self.ledger = ledger
        self.apply = apply
        state = Mutex(State(settings: settings))
    }

    /// What is in force.
    var settings: Settings { state.withLock { $0.settings } }

    /// What a reload would be about, in order of the keys.
    ///
    /// - Throws: Everything wrong with the files.
    func diff() throws(ConfigurationFaults) -> [Change] {
        let read = try files.read()
        return Self.changes(from: settings, to: read)
    }

    /// Puts in force what the files say now.
    ///
    /// - Parameters:
    ///   - undoAfter: Milliseconds in which it must be confirmed; nil if it need not be.
    ///   - who: For the journal, as is the reason.
    /// - Returns: What it changed, and what waits for a restart.
    /// - Throws: Why nothing was changed.
    func reload(undoAfter: Int64?, by who: Operator) throws(Fault) -> Reload {
        manager?.tell(.reloading(since: Clock.monotonicNanoseconds() / 1_000))
        defer { manager?.tell(.ready) }
        return try state.withLock { state throws(Fault) in
            guard state.deadline == nil else { throw .unconfirmed }
            let read: Settings
            do throws(ConfigurationFaults) {
                read = try files.read()
            } catch {
                throw .invalid(error)
            }
            let changes = Self.changes(from: state.settings, to: read)
            let position = try putInForce(read, &state, who)
            guard position != nil, let undoAfter else {
                return Reload(changes: changes, position: position)
            }
            state.deadline = Clock.monotonicMilliseconds() + undoAfter
            return Reload(
                changes: changes,
                position: position,
                undoAt: Clock.wallMilliseconds() + undoAfter
            )
        }
    }

    /// Lets the last reload stay.
    func confirm() throws(Fault) {
        try state.withLock { state throws(Fault) in
            guard state.deadline != nil else { throw .nothingToConfirm }
            state.deadline = nil
        }
    }

    /// Puts in force again what was before the last reload; the files stay as they are.
    func undo(by who: Operator) throws(Fault) -> Reload {
        try state.withLock { state throws(Fault) in try Self.undo(&state, who, self) }
    }

    /// Undoes a reload whose time to be confirmed is over.
    ///
    /// - Returns: What was undone; nil if nothing was due.
    func undoIfDue(by who: Operator) throws(Fault) -> Reload? {
        try state.withLock { state throws(Fault) in
            guard let deadline = state.deadline, Clock.monotonicMilliseconds() >= deadline else {
                return nil
            }
            return try Self.undo(&state, who, self)
        }
    }

    /// When to look whether an undo is due, on the monotonic clock in ms; nil if none can be.
    var deadline: Int64? { state.withLock { $0.deadline } }

    private static func undo(
        _ state: inout State,
        _ who: Operator,
        _ live: LiveConfiguration
    ) throws(Fault) -> Reload {
        guard let previous = state.previous else { throw .nothingToUndo }
        let changes = Self.changes(from: state.settings, to: previous)
        let position = try live.putInForce(previous, &state, who)
        // Undoing twice would put in force again what was just taken back.
        state.previous = nil
        state.deadline = nil
        return Reload(changes: changes, position: position)
    }

    /// Journals the change of what a reload can change, and makes it.
    ///
    /// - Returns: The position of the record; nil if nothing changes.
    private func putInForce(
        _ wanted: Settings,
        _ state: inout State,
        _ who: Operator
    ) throws(Fault) -> UInt64? {
        let next = state.settings.reloaded(from: wanted)
        let changes = Self.changes(from: state.settings, to: next)
        guard !changes.isEmpty else {
            state.settings = next
            return nil
        }
        let outcome: OperatorOutcome
        do throws(LedgerFault) {
            outcome = try ledger.carryOut(
                .configured(changes.map(\.line).joined(separator: "\n")),
                by: who
            )
        } catch {
            throw .ledger(error.description)
        }
        guard case .done(let position) = outcome else {
            throw .ledger("The journal did not take the change.")
        }
        state.previous = state.settings
        state.settings = next
        apply(next.configuration)
        return position
    }

    private static func changes(from before: Settings, to after: Settings) -> [Change] {
        after.differing(from: before).map { key in
            Change(
                key: key,
                before: before.text(key),
                after: after.text(key),
                origin: after[key].origin
            )
        }
    }
}
