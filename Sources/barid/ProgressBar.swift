// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// One line on the terminal that says how far the work is; silent where nobody looks.
final class ProgressBar: Sendable {
    private let total: Int
    private let isShown = Outlet.error.isTerminal
    private let start = ContinuousClock.now
    private let last = Mutex(ContinuousClock.now)
    private static let columns = 30

    init(total: Int) { self.total = total }

    /// Redraws the line, at most ten times a second.
    func show(_ done: Int, _ visits: Int) {
        guard isShown else { return }
        let now = ContinuousClock.now
        let isDue = last.withLock { last in
            guard now - last >= .milliseconds(100) || done == total else { return false }
            last = now
            return true
        }
        guard isDue else { return }
        let filled = total > 0 ? done * Self.columns / total : Self.columns
        let seconds = max(0.001, (now - start) / .seconds(1))
        let bar =
            String(repeating: "█", count: filled)
            + String(repeating: "░", count: Self.columns - filled)
        writeText(
            "\r\(bar) \(done)/\(total) cases, \(Int(Double(visits) / seconds)) visits/s\u{1B}[K",
            to: .error
        )
    }

    /// Takes the line away.
    func clear() {
        if isShown { writeText("\r\u{1B}[K", to: .error) }
    }
}
