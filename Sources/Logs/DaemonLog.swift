// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import Platform
internal import Synchronization

/// The daemon's log: journald's own protocol where systemd connected standard error to the journal,
/// lines of JSON on standard error otherwise.
///
/// From any thread. Never on the way of a case: a message costs a system call.
package final class DaemonLog: Sendable {
    private let logger: Logger
    private let level = SharedLevel()
    /// Whether messages go to the journal with all their fields.
    package let isJournal: Bool
    private let limit = Mutex(RateLimit())
    private let now: @Sendable () -> Int64

    /// The log of this process.
    package static func ofThisProcess() -> DaemonLog {
        DaemonLog(
            to: JournalSocket.isStandardError
                ? JournalSocket().map { .journal($0) } ?? .lines : .lines
        )
    }

    /// Where messages go.
    package enum Target: Sendable {
        case journal(JournalSocket)
        /// Lines of JSON on standard error.
        case lines
        /// Lines of JSON to a reader of their own, for tests.
        case reader(@Sendable (String) -> Void)
    }

    /// A log to a target.
    ///
    /// - Parameters:
    ///   - target: Where messages go.
    ///   - now: Milliseconds that never go back, for the limit on repeated messages.
    package init(
        to target: Target,
        now: @escaping @Sendable () -> Int64 = Clock.monotonicMilliseconds
    ) {
        self.now = now
        isJournal = if case .journal = target { true } else { false }
        let level = level
        logger = Logger(label: "baridd") { _ in
            switch target {
            case .journal(let socket): MessageHandler(level) { socket.send($0) }
            case .lines: MessageHandler(level) { writeStandardError($0.line + "\n") }
            case .reader(let read): MessageHandler(level) { read($0.line) }
            }
        }
    }

    /// The levels, least first.
    package static let levels = Logger.Level.allCases.map(\.rawValue)

    /// Leaves out messages below a level from now on.
    ///
    /// - Parameter word: One of `levels`; any other changes nothing.
    package func setLevel(_ word: String) {
        if let level = Logger.Level(rawValue: word) { self.level.value = level }
    }

    /// Tells a message, unless too many of its kind were told a moment ago.
    package func say(_ message: LogMessage, _ fields: KeyValuePairs<LogField, String> = [:]) {
        guard message.level >= level.value else { return }
        let instant = now()
        guard let suppressed = limit.withLock({ $0.admit(message, now: instant) }) else { return }
        tell(message, fields.map { ($0.key, $0.value) }, suppressed)
    }

    /// Tells of messages that were left out and that no later one of their kind has told of yet.
    ///
    /// To be called once in a while.
    package func tellSuppressed() {
        let instant = now()
        for (message, count) in limit.withLock({ $0.takeSuppressed(now: instant) }) {
            tell(message, [], count)
        }
    }

    private func tell(_ message: LogMessage, _ fields: [(LogField, String)], _ suppressed: Int) {
        var metadata: Logger.Metadata = [MessageHandler.kindKey: .string(message.rawValue)]
        for (field, value) in fields { metadata[field.rawValue] = .string(value) }
        if suppressed > 0 {
            metadata[LogField.suppressed.rawValue] = .stringConvertible(suppressed)
        }
        logger.log(level: message.level, "\(message.text)", metadata: metadata)
    }
}

/// The level all copies of a handler share, so that a reload changes it for all.
final class SharedLevel: Sendable {
    private let place = Atomic(Logger.Level.allCases.firstIndex(of: .info) ?? 0)

    var value: Logger.Level {
        get { Logger.Level.allCases[place.load(ordering: .relaxed)] }
        set {
            place.store(Logger.Level.allCases.firstIndex(of: newValue) ?? 0, ordering: .relaxed)
        }
    }
}
