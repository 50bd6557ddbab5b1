// SPDX-License-Identifier: Apache-2.0

internal import Dispatch
internal import Glibc
internal import Synchronization

/// The wish of a person or of the system that the program end: SIGINT or SIGTERM.
///
/// Once it is made, the first such signal no longer kills; the second does. Make it before the work
/// begins, so that no signal finds work under way that nobody would end.
final class StopSignals {
    fileprivate static let numbers = [SIGINT, SIGTERM]
    private let wish = Wish()
    private let sources: [any DispatchSourceSignal]

    /// Listens from its return on.
    init() {
        sources = Self.numbers.map { DispatchSource.makeSignalSource(signal: $0) }
        let registering = DispatchGroup()
        for source in sources {
            registering.enter()
            source.setRegistrationHandler { registering.leave() }
            source.setEventHandler { [wish] in wish.come() }
            source.resume()
        }
        // On Linux a source listens by a signal handler of its own, set when it is registered, some
        // time after `resume`. Ignoring the signal meanwhile would undo that handler or lose to it.
        registering.wait()
    }

    deinit { for source in sources { source.cancel() } }

    /// Calls `stop` at the first signal, on a queue of the system; at once if it has come already.
    func stopping(_ stop: @escaping @Sendable () -> Void) { wish.meet(by: stop) }
}

/// The wish that came with a signal, and what meets it.
private final class Wish: Sendable {
    private let state = Mutex<(hasCome: Bool, stop: (@Sendable () -> Void)?)>((false, nil))

    func come() {
        for number in StopSignals.numbers { signal(number, SIG_DFL) }
        let stop = state.withLock { state in
            state.hasCome = true
            return state.stop
        }
        stop?()
    }

    func meet(by stop: @escaping @Sendable () -> Void) {
        let hasCome = state.withLock { state in
            state.stop = stop
            return state.hasCome
        }
        if hasCome { stop() }
    }
}
