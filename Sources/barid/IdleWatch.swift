// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Notices when nothing has come for so long.
final class IdleWatch: Sendable {
    private let limit: Duration
    private let clock = ContinuousClock()
    /// Since when somebody waits; nil while something is worked on.
    private let since = Mutex<ContinuousClock.Instant?>(nil)

    init(limit: Duration) { self.limit = limit }

    /// Now begins a wait.
    func rest() { since.withLock { $0 = clock.now } }

    /// Something has come.
    func work() { since.withLock { $0 = nil } }

    /// Returns once a wait has lasted as long as the limit; throws when cancelled.
    func waitUntilIdle() async throws(CancellationError) {
        while true {
            let begun = since.withLock { $0 }
            if let begun, clock.now - begun >= limit { return }
            do {
                try await clock.sleep(until: (begun ?? clock.now) + max(limit, .milliseconds(1)))
            } catch { throw CancellationError() }
        }
    }
}
