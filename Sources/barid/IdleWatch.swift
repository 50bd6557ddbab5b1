// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Notices when nothing new has come for so long.
final class IdleWatch: Sendable {
    private let limit: Duration
    private let clock = ContinuousClock()
    /// Since when somebody waits; nil while something is worked on.
    private let since = Mutex<ContinuousClock.Instant?>(nil)

    init(limit: Duration) { self.limit = limit }

    /// Now begins a wait; or one goes on that began earlier, if what came was not new.
    func rest(since begun: ContinuousClock.Instant? = nil) {
        since.withLock { $0 = begun ?? clock.now }
    }

    /// Something has come.
    ///
    /// - Returns: Since when it was waited for.
    @discardableResult
    func work() -> ContinuousClock.Instant? { since.withLock { $0.take() } }

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
