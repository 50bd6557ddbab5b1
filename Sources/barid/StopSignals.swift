// SPDX-License-Identifier: Apache-2.0

internal import Dispatch
internal import Glibc

/// The wish of a person or of the system that the program end: SIGINT or SIGTERM.
///
/// From its making on the first such signal no longer kills; the second does.
final class StopSignals {
    private let sources: [any DispatchSourceSignal]

    /// Calls `stop` at the first signal, on a queue of the system.
    init(_ stop: @escaping @Sendable () -> Void) {
        let numbers = [SIGINT, SIGTERM]
        sources = numbers.map { DispatchSource.makeSignalSource(signal: $0) }
        for source in sources {
            source.setEventHandler {
                for number in numbers { signal(number, SIG_DFL) }
                stop()
            }
            source.resume()
        }
        // After the sources, which otherwise would miss a signal that comes between.
        for number in numbers { signal(number, SIG_IGN) }
    }

    deinit { for source in sources { source.cancel() } }
}
